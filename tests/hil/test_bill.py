"""The bill: by hand in every way demand is billed, and as a sum that loses no energy."""

from __future__ import annotations

import tomllib
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boards import tariff
from boards.shapes import Findings
from hil.bill import Bill, Feed, hours, month_bill, months, peaks_kw, prices, slot

HEAD = 'name = "hand"\ncurrency = "CNY"\nexport_price = 0.1\n'
PERIODS = ('periods = [["00:00", "08:00", 0.3], ["08:00", "12:00", 1.0], '
           '["12:00", "24:00", 0.3]]\n')
KWH = 3_600_000
START = datetime(2026, 6, 10, 7)


def read(text: str) -> tariff.Tariff:
    findings = Findings("t.toml")
    found = tariff.parse(tomllib.loads(HEAD + text, parse_float=Decimal), findings)
    assert findings.lines == []
    assert found is not None
    return found


def times(count: int, start: datetime = START) -> list[datetime]:
    return [start + timedelta(minutes=15 * at) for at in range(count)]


def minutes(quarters: list[int]) -> list[int]:
    return [ws // 15 for ws in quarters for _ in range(15)]


def bill(found: tariff.Tariff, quarters: list[int], before: tuple[float, int] = (0.0, 0),
         start: datetime = START) -> Bill:
    """The bill of quarter-hours with these net imports, W*s."""
    net = minutes(quarters)
    feed = Feed([max(ws, 0) for ws in net], net, found.demand, before=before)
    at = times(len(quarters), start)
    return month_bill("2026-06", [feed], at, prices(found, at), found)


def demand(found: Bill) -> list[tuple[str, float, str, float]]:
    return [(line.item, line.quantity, line.unit, round(line.amount, 6)) for line in found.lines
            if line.unit in ("kW", "kVA")]


def test_a_bill_by_hand() -> None:
    """Two hours around 08:00: 3 kWh cheap, 6 kWh dear, 1 kWh given away."""
    found = bill(read("demand_price = 40\n" + PERIODS),
                 [KWH, 2 * KWH, 0, 0, 6 * KWH, 0, 0, -KWH])
    assert [(line.item, line.quantity, line.amount) for line in found.lines] == [
        ("energy 08:00-12:00", 6.0, 6.0),
        ("energy 00:00-08:00, 12:00-24:00", 3.0, 0.9),
        ("demand, highest 15-minute mean", 24.0, 960.0),
        ("export", 1.0, -0.1)]
    assert (found.demand, round(found.energy, 9), round(found.total, 9)) == (960.0, 6.8, 966.8)


# A quarter-hour of 250 kWh is a demand of 1000 kW.
CONTRACT = '[demand]\nby = "contract"\nprice = 40\ncontract_kw = 1000\n'
RULE = '[demand]\nprice = 40\ncapacity_kva = 1\nuse_kwh_per_kva = 260\nuse_price_pm = 900\n'


@pytest.mark.parametrize(("kw", "amount"), [
    (900, 40_000), (1000, 40_000), (1050, 40_000), (1100, 44_000)])
def test_a_contract_and_what_exceeds_105_per_cent_of_it(kw: int, amount: float) -> None:
    found = bill(read(PERIODS + CONTRACT), [0, kw * 900_000])
    assert found.demand == amount
    assert [line.price for line in found.lines if line.unit == "kW"] == [40, 80][:1 + (kw > 1050)]


def test_a_capacity_costs_the_same_whatever_the_peak() -> None:
    found = read(PERIODS + '[demand]\nby = "capacity"\nprice = 23\ncapacity_kva = 1250\n')
    for kw in (0, 3000):
        assert demand(bill(found, [kw * 900_000])) == [("capacity", 1250, "kVA", 28_750)]


@pytest.mark.parametrize(("used", "amount"), [(259, 40 * 1036), (260, 36 * 1040)])
def test_260_kwh_a_kva_make_the_demand_cheaper(used: int, amount: float) -> None:
    found = bill(read(PERIODS + RULE), [used * KWH])
    assert found.demand == pytest.approx(amount)
    assert ("price at 90 % from 260 kWh a kVA on" in found.lines[-1].item) == (used >= 260)


def test_a_least_demand_is_billed() -> None:
    found = read(PERIODS + "[demand]\nprice = 40\ncapacity_kva = 1000\nleast_pm = 400\n")
    assert demand(bill(found, [300 * 900_000])) == [
        ("demand, highest 15-minute mean, the least billed", 400.0, "kW", 16_000)]
    assert demand(bill(found, [500 * 900_000])) == [
        ("demand, highest 15-minute mean", 500.0, "kW", 20_000)]


def test_a_year_bears_its_highest_demand_in_twelfths() -> None:
    """Three months with 100, 90 and 120 kW at 120 a kW and year: in the end three twelfths of
    120 kW."""
    found = read(PERIODS + "[demand]\nprice = 120\nmonths = 12\n")
    first = bill(found, [100 * 900_000])
    second = bill(found, [90 * 900_000], (100.0, 1))
    third = bill(found, [120 * 900_000], (100.0, 2))
    assert demand(first) == [("demand, the year's highest so far", 100.0, "kW", 1000.0)]
    assert demand(second) == [("demand, the year's highest so far", 100.0, "kW", 1000.0)]
    assert demand(third) == [("demand, the year's highest so far", 120.0, "kW", 1200.0),
                             ("demand, 2 months before billed again", 20.0, "kW", 400.0)]
    assert first.demand + second.demand + third.demand == 3 * 120 * 120 / 12


def test_a_charge_counts_in_its_own_hours() -> None:
    found = read('[days.d]\nperiods = [["00:00", "24:00", 1]]\ncharges = [["08:00", "09:00", "peak"'
                 ']]\n[[season]]\nname = "y"\nevery = "d"\n[demand]\nprice = 10\n[demand.charges]\n'
                 "peak = 5\n")
    assert demand(bill(found, [90 * 900_000] * 4 + [80 * 900_000])) == [
        ("demand, highest 15-minute mean", 90.0, "kW", 900.0),
        ("demand of peak hours", 80.0, "kW", 400.0)]
    # Without such an hour in the month there is no such line.
    assert len(demand(bill(found, [90 * 900_000] * 4))) == 1


def test_several_feeds_have_a_demand_each_and_one_bill() -> None:
    found, at = read(PERIODS + RULE), times(2)
    one, other = minutes([100 * KWH, 0]), minutes([0, 200 * KWH])
    feeds = [Feed(one, one, found.demand, "north"), Feed(other, other, found.demand, "south")]
    made = month_bill("2026-06", feeds, at, prices(found, at), found)
    assert [(line.item, line.quantity) for line in made.lines] == [
        ("energy 00:00-08:00, 12:00-24:00", 300.0),
        ("demand, highest 15-minute mean of north", 400.0),
        ("demand, highest 15-minute mean of south", 800.0)]  # together 300 kWh on 2 kVA
    assert made.demand == 40 * 1200


def test_prices_of_several_profiles_are_told_apart() -> None:
    found = read('demand_price = 1\n[days.work]\nperiods = [["00:00", "12:00", 1], ["12:00", '
                 '"24:00", 2]]\n[days.rest]\nperiods = [["00:00", "24:00", 1]]\n[[season]]\n'
                 'name = "y"\nworkday = "work"\nweekend = "rest"\n')
    made = bill(found, [KWH] * 192, start=datetime(2026, 6, 12))  # Friday and Saturday
    assert [(line.item, line.quantity) for line in made.lines[:2]] == [
        ("energy 12:00-24:00 work", 48.0), ("energy 00:00-12:00 work; rest", 144.0)]


@given(st.lists(st.integers(-10**7, 10**7), min_size=30, max_size=90).filter(
    lambda ws: len(ws) % 15 == 0), st.sampled_from([CONTRACT, RULE, "demand_price = 40\n"]))
def test_every_kilowatt_hour_is_on_one_line_and_lines_are_the_total(net: list[int], how: str
                                                                     ) -> None:
    text = how + PERIODS if how.startswith("demand_price") else PERIODS + how
    found, at = read(text), times(len(net) // 15)
    feed = Feed([max(ws, 0) for ws in net], net, found.demand)
    made = month_bill("m", [feed], at, prices(found, at), found)
    bought = sum(line.quantity for line in made.lines if line.item.startswith("energy"))
    sold = sum(line.quantity for line in made.lines if line.item.startswith("export"))
    assert abs(bought - sold - sum(net) / KWH) < 1e-9
    assert made.total == pytest.approx(sum(line.amount for line in made.lines))
    for line in made.lines:
        assert line.amount == pytest.approx(line.quantity * line.price)


@given(st.lists(st.integers(0, 10**7), min_size=60, max_size=60), st.booleans())
def test_a_sliding_window_is_never_lower_than_a_block(ws: list[int], sliding: bool) -> None:
    charges = ["", "peak", "", "peak"]
    blocks, slides = peaks_kw(ws, charges), peaks_kw(ws, charges, sliding=True)
    assert slides[""] >= blocks[""] == max(sum(ws[at:at + 15]) for at in range(0, 60, 15)) / 900_000
    assert blocks["peak"] == max(sum(ws[at:at + 15]) for at in (15, 45)) / 900_000
    assert slides["peak"] >= blocks["peak"]


def test_months_follow_the_local_calendar() -> None:
    at = times(4, datetime(2026, 1, 31, 23, 30))
    assert [tuple(month) for month in months(at)] == [("2026-01", 0, 2), ("2026-02", 2, 4)]
    assert [slot(time) for time in at] == [94, 95, 0, 1]


@given(st.integers(1, 28), st.datetimes(datetime(2024, 1, 1), datetime(2026, 1, 1)))
def test_a_billing_month_begins_on_its_day(day: int, start: datetime) -> None:
    at = [start.replace(hour=12, minute=0) + timedelta(days=number) for number in range(70)]
    found = months(at, day)
    assert [month.first for month in found] == [0, *(month.end for month in found[:-1])]
    assert found[-1].end == 70
    for before, month in pairwise(found):
        assert at[month.first].day == day
        assert before.name < month.name == f"{at[month.first]:%Y-%m}"


def test_a_price_that_always_holds_names_no_hours() -> None:
    assert hours(5, [5] * 96) == ""
    assert hours(5, [5] * 4 + [6] * 92) == " 00:00-01:00"
