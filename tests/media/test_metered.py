"""Meters in the indicators: in place of statements where they measured, and nowhere twice."""

from __future__ import annotations

import datetime
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud_bridge.carbon import carriers, page, standard
from cloud_bridge.carbon.indicators import MET, NOT_ENOUGH, Indicator, indicators
from cloud_bridge.carbon.measure import measure
from cloud_bridge.carbon.metered import Metered, meter
from cloud_bridge.carbon.quarters import utc_of
from cloud_bridge.carbon.stated import state
from cloud_bridge.media import Meter, Reading
from tests.carbon.papers import FIRST, quarter, shipped, stated
from tests.media.meters import GAS, HEAT, REUSED, STEAM, WATER, spread

RULES, CARRIERS, SET = standard.load("cn_park_standard"), carriers.load(), shipped()
DAYS = datetime.date(2026, 1, 1), datetime.date(2026, 1, 2)
N = 192  # quarter-hours of both
START = utc_of(FIRST)
END = START + 900 * N
Shown = dict[Meter, list[Reading]]


def steady(one: Meter, each: int, first: int = 0, n: int = N) -> Shown:
    """A reading at every quarter-hour's end of the period, and at its start."""
    return {one: spread(START, [first + each * place for place in range(n + 1)])}


def counted(shown: Shown, *papers: object) -> Metered:
    return meter(shown, papers, CARRIERS, RULES.method, (START, END), 480)  # type: ignore[arg-type]


def table(shown: Shown, *papers: object) -> dict[str, Indicator]:
    rows = [quarter(index, grid=10_000) for index in range(FIRST, FIRST + N)]
    own = counted(shown, *papers)
    extra = state(own.statements, CARRIERS, RULES.method, *DAYS)
    found = indicators(measure(rows, SET, FIRST, FIRST + N), extra, RULES, Fraction(250_000), own)
    return {one.name: one for one in found}


def paper(subject: str, account: str, first: str = "2026-01-01", last: str = "2026-01-02",
          **values: object) -> object:
    return stated(subject, account, first=first, last=last, **values)


def test_water_that_is_measured_needs_no_paper() -> None:
    found = table(steady(WATER, 100) | steady(REUSED, 900))["water_share"]
    assert found.values == (Fraction(9, 10), Fraction(9, 10), None)
    assert (found.verdict, found.complete) == (MET, 1)


def test_a_statement_gives_way_for_what_a_meter_measured() -> None:
    """Reused water stays stated: nobody measured it."""
    told = paper("water", "works", fresh_m3=5, reused_m3="76.8")
    own = counted(steady(WATER, 100), told)
    assert "5 stated, 19.2 measured by town-water, which counts" in own.replaced[0]
    found = table(steady(WATER, 100), told)["water_share"]
    assert found.values[1] == Fraction("76.8") / (Fraction("76.8") + Fraction("19.2"))
    assert found.values[0] == 0  # of what the meter alone says nothing is reused
    assert table({}, told)["water_share"].values[1] == Fraction("76.8") / (5 + Fraction("76.8"))


def test_a_statement_of_another_account_counts_beside() -> None:
    found = table(steady(WATER, 100), paper("water", "canteen", fresh_m3="19.2", reused_m3=0))
    assert found["water_share"].values[1] == 0
    both = counted(steady(WATER, 100), paper("water", "canteen", fresh_m3=1, reused_m3=0))
    assert both.replaced == ()
    assert both.statements[0].values["fresh_m3"] == 1


@pytest.mark.parametrize("hole", ["end", "exchange"])
def test_where_the_meter_did_not_measure_all_of_its_days_the_statement_stands(hole: str) -> None:
    shown = steady(WATER, 100, first=10**9)
    if hole == "end":
        shown[WATER] = shown[WATER][:-40]
    else:
        shown[WATER][100:] = [one._replace(value=one.value - 10**9) for one in shown[WATER][100:]]
    told = paper("water", "works", fresh_m3=5, reused_m3=0)
    own = counted(shown, told)
    assert "the statement stands" in own.replaced[0]
    assert own.statements == (told,)
    assert own.counted.whole["water"] == 0
    assert own.seen.whole["water"] > 15
    assert own.complete["water"] == 1  # measured or told of
    assert table(shown, told)["water_share"].complete == 1
    alone = counted(shown)
    assert alone.complete["water"] == alone.told[0].covered == (
        Fraction(N - 40, N) if hole == "end" else Fraction(N - 1, N))
    assert bool(alone.told[0].events) == (hole == "exchange")
    assert (table(shown)["water_share"].verdict == NOT_ENOUGH) == (hole == "end")


def test_a_day_without_a_statement_counts_by_its_meter() -> None:
    shown = steady(WATER, 100)
    shown[WATER] = shown[WATER][5:]  # nothing is known of the first hour and a quarter
    own = counted(shown, paper("water", "works", last="2026-01-01", fresh_m3=5, reused_m3=0))
    assert own.counted.whole["water"] == Fraction(9_600, 1000)
    assert own.complete["water"] == 1


def test_a_long_silence_costs_nothing_where_the_register_goes_on() -> None:
    shown = steady(WATER, 100)
    shown[WATER] = [shown[WATER][0], *shown[WATER][3:20], *shown[WATER][150:]]
    own = counted(shown)
    assert own.told[0].amount == Fraction(19_200, 1000)
    assert own.told[0].covered == 1
    assert [end - start for start, end in own.told[0].bridged] == [3 * 900, 131 * 900]
    assert own.told[0].unknown == ()


def test_an_auditor_is_told_what_was_found() -> None:
    shown = steady(WATER, 100, first=10**9)[WATER]
    shown[100:] = [one._replace(value=one.value - 10**9) for one in shown[100:]]
    shown[50] = shown[50]._replace(value=7, refused=3)
    del shown[20:24]
    lines = page._meter(page.meter(counted({WATER: shown[4:]}).told[0]))
    assert lines == [
        "meter town-water: 18.700 m3 of water, fresh of works; 97.39 % of the time measured; 3 "
        "readings or pulses refused; 2 gaps in its readings, the longest 1.25 h, bridged by its "
        "register",
        "  2026-01-01T04:30:00Z: a reading of 7 l cannot be: left out",
        "  2026-01-01T17:00:00Z: exchanged or set, from 1000009900 to 10000 l: what flowed in "
        "between is not counted",
        "  2025-12-31T16:00:00Z to 2025-12-31T17:00:00Z: not known",
        "  2026-01-01T16:45:00Z to 2026-01-01T17:00:00Z: not known"]


def test_a_meter_whose_limit_was_changed_is_one_meter() -> None:
    shown = steady(WATER, 100)
    own = counted({WATER: shown[WATER][:90], WATER._replace(most_per_h=9_000):
                   shown[WATER][90:]})
    assert own.told[0].amount == Fraction(19_200, 1000)
    assert own.complete["water"] == 1


def test_heat_and_gas_are_energy_in_every_column() -> None:
    """A year of gas of the shipped carriers: 2.162 kg a m3; heat by the older default."""
    own = counted(steady(GAS, 1_000) | steady(HEAT, 250_000))
    gas_m3, heat_gj = Fraction(192), Fraction(192 * 250_000 * 9, 2_500_000)
    assert own.seen.co2_t == gas_m3 * CARRIERS["natural_gas"].co2_t + heat_gj * Fraction("0.11")
    assert [float(one.amount) for one in own.told] == [192, 172.8]  # m3, GJ
    with_it, without = (table(shown)["carbon_per_tce"].values for shown in (
        steady(GAS, 1_000) | steady(HEAT, 250_000), {}))
    assert len({with_it[0], with_it[1], without[0]}) == 2
    told = paper("fuel", "boiler", carrier="natural_gas", amount=192, unit="m3")
    stated_alone = table({}, told)["carbon_per_tce"].values[1]
    assert table(steady(GAS, 1_000), told)["carbon_per_tce"].values[1] == stated_alone


def test_what_is_not_known_of_energy_keeps_the_verdict_back() -> None:
    shown = steady(GAS, 1_000, n=N // 2)
    found = table(shown)
    assert found["carbon_per_tce"].complete == Fraction(1, 2)
    assert found["carbon_per_tce"].verdict == found["clean_share"].verdict == NOT_ENOUGH
    assert found["direct_share"].complete == 1


def test_a_part_without_its_whole_is_no_share() -> None:
    found = table(steady(REUSED, 900))["water_share"]
    assert (found.verdict, found.complete) == (NOT_ENOUGH, 0)


def test_what_cannot_be_counted_says_why() -> None:
    shown: Shown = {}
    for one, why in ((GAS._replace(use="town_gas"), "no carrier town_gas in m3"),
                     (GAS._replace(use="generation"), "measured at the generator already"),
                     (GAS._replace(use="shown"), "shown only"),
                     (STEAM._replace(kj_per_kg=0), "kj_per_kg is not told"),
                     (WATER._replace(use="bought"), "no water is bought")):
        own = counted(steady(one, 1))
        assert why in own.told[0].why
        assert not own.complete
        shown |= steady(one, 1)
    assert table(shown) == table({})
    own = counted(steady(STEAM, 1_000))
    assert own.seen.co2_t == 192 * Fraction("2.763") * Fraction("0.11")


@settings(max_examples=25)
@given(st.lists(st.tuples(st.sampled_from(["water", "fuel", "heat"]), st.integers(0, 1),
                          st.integers(0, 1), st.integers(0, 10**4)), max_size=4,
                unique_by=lambda one: (one[0], one[1])), st.integers(0, N), st.integers(0, N))
def test_no_statement_moves_what_the_meters_say(drawn: list[tuple[str, int, int, int]], first: int,
                                                last: int) -> None:
    """Whatever part was measured: no paper moves the physical column, and nothing counts twice."""
    shown = {one: some[first:last] for one, some in (
        steady(WATER, 100) | steady(GAS, 900) | steady(HEAT, 7)).items()}
    values = {"water": lambda n: {"fresh_m3": n, "reused_m3": 1},
              "fuel": lambda n: {"carrier": "natural_gas", "amount": n, "unit": "m3"},
              "heat": lambda n: {"gj": n}}
    own = {"water": "works", "fuel": "boiler", "heat": "offices"}
    papers = [paper(subject, own[subject] if same else "x", first=f"2026-01-0{day + 1}",
                    last=f"2026-01-0{day + 1}", **values[subject](amount))
              for subject, day, same, amount in drawn]
    found, alone = table(shown, *papers), table(shown)
    for name, one in found.items():
        assert one.values[0] == alone[name].values[0]
    counts = counted(shown, *papers)
    assert counts.counted.co2_t <= counts.seen.co2_t
    assert counts.seen == counted(shown).seen
