"""The accounts lose nothing: every register equals the exact sum of what was posted."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.ledger.account import Account, Cost, Register
from edge.ledger.flows import Flows
from edge.snapshot import GRID_FRESH, PV_FRESH, STORE_FRESH
from tests.core.park import Park, image, snapshot

FRESH = GRID_FRESH | STORE_FRESH | PV_FRESH

power = st.one_of(st.integers(-8_000_000, 8_000_000), st.integers(-5000, 5000), st.just(0))
energy = st.one_of(st.integers(0, 3), st.integers(0, 140_000))
price = st.one_of(st.integers(-20_000, 30_000), st.sampled_from([0, 1, -1, 12_000]))


@given(st.lists(st.integers(0, 8_000_000 * 60), max_size=60))
def test_a_register_is_the_whole_wh_of_all_watt_seconds(posts):
    register, steps_wh = Register(), 0
    for ws in posts:
        steps_wh += register.post(ws)
        assert 0 <= register.wh < 1000
    assert register.kwh * 1000 + register.wh == steps_wh == sum(posts) // 3600


@given(st.integers(1, 5000), st.integers(3600, 7200))
def test_small_powers_are_carried_until_they_count(w, seconds):
    register = Register()
    for _ in range(seconds):
        register.post(w)
    assert register.kwh * 1000 + register.wh == w * seconds // 3600


@given(st.integers(0, 2_000_000), st.lists(energy, max_size=60))
def test_carbon_is_exact_to_the_microgram(factor, energies):
    carbon = Cost()
    for wh in energies:
        carbon.post(wh, factor)
    assert ug(carbon) == sum(energies) * factor


def ug(carbon: Cost) -> int:
    """Micrograms of CO2: `units` are 10 g, `e4` mg."""
    return (carbon.units * 10_000 + carbon.e4) * 1000 + carbon._e7


@given(st.lists(st.tuples(st.integers(0, 266_667), st.integers(-4_000_000, 4_000_000)),
                max_size=20))
def test_the_dearest_minute_stays_inside_31_bits(posts):
    """A minute of 16 MW at the highest price a tariff may have: no number on the way is larger."""
    cost, units, e4, e7 = Cost(), Small(0), Small(0), Small(0)
    cost.units, cost.e4, cost._e7 = units, e4, e7
    for wh, price_e4 in [*posts, (266_667, 4_000_000), (266_667, -4_000_000)]:
        cost.post(Small(wh), Small(price_e4))
        assert {type(cost.units), type(cost.e4), type(cost._e7)} == {Small}, "no sum got around it"


class Small(int):
    """An integer that must fit a gateway's small int."""

    def __new__(cls, value: int) -> Small:
        assert -(1 << 30) <= value < 1 << 30, value
        return super().__new__(cls, value)


def _kept_small(name: str):
    def operate(self: int, other: int) -> Small:
        return Small(getattr(int, name)(self, other))

    return operate


for _name in ("__add__", "__radd__", "__mul__", "__rmul__", "__mod__", "__floordiv__", "__sub__"):
    setattr(Small, _name, _kept_small(_name))


@given(st.lists(st.tuples(energy, price), max_size=60))
def test_cost_is_exact_also_when_it_falls_below_zero(posts):
    cost = Cost()
    for wh, price_e4 in posts:
        cost.post(wh, price_e4)
        assert 0 <= cost.e4 < 10_000
    total_e7 = sum(wh * price_e4 for wh, price_e4 in posts)
    assert cost.units * 10_000 + cost.e4 == total_e7 // 1000


minutes = st.lists(st.lists(st.tuples(power, power, power, st.integers(0, 9).map(bool)),
                            max_size=6), max_size=8)


def posted(minutes, span_s: int, factor: int, price_e4: int, export_price: int):
    """The account after these minutes of beats, and the sums it must hold, W*s."""
    now = snapshot()
    account, flows = Account(factor), Flows(now)
    sums = dict.fromkeys(("import", "export", "pv", "charge", "discharge", "gap"), 0)
    for beats in minutes:
        for flow_w, store_w, pv_w, known in beats:
            # A beat's load is that of its start, its battery power that of its end.
            now.flags = FRESH
            now.net_w, now.pv_w = flow_w + store_w, max(pv_w, 0)
            flows.post(0)
            now.store_w = store_w
            now.flags = FRESH if known else 0
            flows.post(span_s)
            if known:
                sums["import"] += max(flow_w, 0) * span_s
                sums["export"] += max(-flow_w, 0) * span_s
                sums["discharge"] += max(store_w, 0) * span_s
                sums["charge"] += max(-store_w, 0) * span_s
                sums["pv"] += max(pv_w, 0) * span_s
            else:
                sums["gap"] += span_s
        account.post(flows, price_e4, export_price)
        flows.clear()
    return account, sums


def wh(register) -> int:
    return register.kwh * 1000 + register.wh


@settings(max_examples=150)
@given(minutes, st.integers(1, 10), st.integers(0, 2_000_000))
def test_every_flow_has_its_own_gross_register(minutes, span_s, factor):
    account, sums = posted(minutes, span_s, factor, 0, 0)
    assert wh(account.imported) == sums["import"] // 3600
    assert wh(account.exported) == sums["export"] // 3600
    assert wh(account.generated) == sums["pv"] // 3600
    assert wh(account.charged) == sums["charge"] // 3600
    assert wh(account.discharged) == sums["discharge"] // 3600
    assert ug(account.carbon) == sums["import"] // 3600 * factor
    assert account.gap_s == sums["gap"]


@given(minutes, st.integers(-3000, 30_000), st.integers(-3000, 30_000))
def test_money_is_import_at_its_price_less_export_at_its_own(minutes, price_e4, export_price):
    account, _ = posted(minutes, 10, 0, price_e4, export_price)
    total_e7 = wh(account.imported) * price_e4 - wh(account.exported) * export_price
    assert account.cost.units * 10_000 + account.cost.e4 == total_e7 // 1000


@pytest.mark.parametrize("beat_s", [1, 60])
def test_a_kilowatt_hour_is_billed_at_the_price_of_the_moment_it_was_used(beat_s):
    """1 kWh a minute, the price steps up tenfold at each quarter-hour: fifteen minutes are billed
    at each price, and none at the price of the slot that follows it."""
    prices = [1000, 10_000, 100_000, 1_000_000] * 24
    park = Park(image(site={"beat_s": beat_s}, tariff={"prices_e4": prices}, offsets=[[0, 0, 0]]))
    for second in range(0, 3601, beat_s):
        park.fresh_beat(second, grid_w=60_000, store_w=0, soc_pm=500, pv_w=0)
    account = park.site.account
    assert account.gap_s <= beat_s, "only the first beat has nothing before it"
    total_e7 = 15_000 * sum(prices[:4])
    missing_e7 = total_e7 - 1000 * (account.cost.units * 10_000 + account.cost.e4)
    assert 0 <= missing_e7 <= (60_000 - wh(account.imported)) * prices[0] + 1000
