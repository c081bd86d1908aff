"""The planner in a closed loop: what it promises for any load, and what it earns on a plain one."""

from hypothesis import given, settings
from hypothesis import strategies as st

from edge.plan.planner import Planner
from edge.prices import Prices
from hil.optimum import Battery, lowest_peak_kw
from tests.plan.plant import PRICES, Run

FLAT = [1000] * 96
DAY = st.lists(st.integers(-400_000, 1_000_000), min_size=96, max_size=96)
DEMAND = st.sampled_from([0, 80_000, 400_000])


def run_of(prices, demand_price=400_000, power_w=250_000, capacity_wh=500_000, **more):
    planner = Planner(capacity_wh, power_w, power_w, 100, 900, 900, demand_price,
                      None if prices is None else Prices(prices), **more)
    return Run(planner, power_w, capacity_wh * 8 // 10)


def factory(day: int) -> list[int]:
    """Two shifts with a peak before noon, a weekend at rest; some days are worse than others."""
    if (day + 9000 + 5) % 7 > 4:
        return [150_000 + (slot * 37 + day * 11) % 20_000 for slot in range(96)]
    worse = (day * 7919) % 5 * 15_000
    return [200_000 + (slot * 7919 + day * 104_729) % 40_000
            + (350_000 if 28 <= slot < 84 else 0)
            + (250_000 + worse if 40 <= slot < 46 else 0) for slot in range(96)]


@settings(max_examples=25)
@given(st.lists(DAY, min_size=1, max_size=2), DEMAND, st.sampled_from([FLAT, PRICES]))
def test_whatever_the_load_the_results_are_valid(days, demand_price, prices):
    run = run_of(prices, demand_price)
    for day in days * 3:
        for load_w in day:
            run.days([load_w])
            planner = run.planner
            assert isinstance(planner.target_w, int)
            assert -250_000 <= planner.wish_w <= 250_000
            assert 0 <= planner.recharge_w <= 250_000
            assert planner.wish_w <= max(0, load_w) + planner.scale.quantum_w
            assert planner.wish_w == 0 or prices is PRICES
    highest = max(0, *days[0], *days[-1])
    if demand_price:
        assert min(run.targets_w) >= 0
        assert max(run.targets_w[1:]) <= highest + 2 * run.planner.scale.quantum_w


@settings(max_examples=25)
@given(st.lists(DAY, min_size=1, max_size=2), st.sampled_from([FLAT, PRICES]))
def test_the_target_never_falls_below_what_the_month_was_billed_for(days, prices):
    run = run_of(prices)
    for day in days * 3:
        for load_w in day:
            billed_w = run.peak_w
            run.days([load_w])
            assert run.targets_w[-1] >= billed_w


@given(st.integers(0, 8_000_000))
def test_what_is_billed_is_defended_to_the_watt(peak_w):
    """Rounded up, a target that is just held would rise a little with every quarter-hour."""
    planner = run_of(FLAT).planner
    planner.slot(9000, 0, 0, peak_w, 1)
    while planner.busy:
        planner.step(0, 0)
    assert planner.target_w == peak_w


def test_a_day_that_is_known_is_held_near_its_optimum():
    run = run_of(FLAT)
    run.days_a_month = 14
    load = factory(4)
    for day in range(28):
        run.days(load if (day + 9000 + 5) % 7 < 5 else factory(day))
    best_w = 1000 * lowest_peak_kw([w / 1000 for w in load], Battery(250.0, 400.0, 0.9**0.5))
    held_w = max(run.grid_w[14 * 96:])
    assert max(load) - held_w > 0.7 * (max(load) - best_w)


def test_a_month_costs_less_with_trade_and_the_peak_is_still_shaved():
    loads = [w for day in range(60) for w in factory(day)]
    trading = run_of(PRICES)
    trading.days(loads)
    second = slice(30 * 96, None)
    def energy(grid):
        pairs = zip(grid[second], PRICES * 30, strict=True)
        return sum(max(0, w) / 1000 * price / 1e4 / 4 for w, price in pairs)
    saved = energy(loads) - energy(trading.grid_w)
    # 400 kWh a day from 0.30 to about 1.00 CNY/kWh would be 30 * 250 CNY
    assert saved > 3000
    assert max(trading.grid_w[second]) < max(loads[second]) - 60_000


def test_until_a_day_is_known_the_contract_is_the_target():
    run = run_of(FLAT, contract_w=600_000)
    run.days([500_000] * 20 + [700_000] * 4)
    assert run.targets_w[23] >= 700_000  # nobody to ask: the store is not spent on a guess
    assert run.targets_w[5] == 600_000
    unknown = run_of(FLAT)
    unknown.days([500_000] * 20)
    assert unknown.targets_w[-1] >= 500_000


@given(st.lists(st.integers(100_000, 600_000), min_size=95, max_size=95))
def test_the_first_day_only_refills(day):
    """With nothing known there is no dear hour to wait for, and none to be short in."""
    run = run_of(PRICES, contract_w=1_000_000)
    run.store_wh = 100_000.0
    for load_w in day:
        run.days([load_w])
        assert run.planner.wish_w <= 0
    assert run.store_wh > 0.98 * run.full_wh


def test_without_a_rule_that_trades_the_store_is_refilled_at_any_price():
    run = run_of(None, contract_w=600_000)
    run.store_wh = 0.0
    run.days([300_000] * 20)
    assert run.planner.wish_w == 0
    assert run.store_wh > 0.98 * run.full_wh


def test_a_plan_that_is_interrupted_goes_on():
    """Slots may pass faster than a plan is made: it must not be forgotten half made."""
    run = run_of(PRICES)
    run.days([w for day in range(9) for w in factory(day)])
    planner, steps = run.planner, 0
    for slot in range(90):
        planner.slot(9009, slot, 300_000, 10_000_000, 1)
        for _ in range(20):
            steps += planner.trade.busy
            planner.step(300_000, 0)
    assert steps > 130
    assert not planner.trade.busy


def test_nothing_is_shaved_when_demand_costs_nothing():
    run = run_of(FLAT, demand_price=0)
    run.days([w for day in range(3) for w in factory(day)])
    assert run.grid_w == [w for day in range(3) for w in factory(day)]


def test_the_extremes_of_what_a_site_may_say():
    for power_w, capacity_wh, load_w in ((8_000_000, 30_000_000, 8_000_000),
                                         (1, 100, 500), (100_000, 30_000_000, 8_000_000),
                                         (5_000, 100, 8_000_000)):
        run = run_of(PRICES, 400_000, power_w, capacity_wh, load_max_w=8_000_000)
        run.days([load_w, -load_w, load_w // 2, 0] * 24 * 9)
        assert run.targets_w[-1] >= 0
        assert run.planner.scale.full < 1 << 29
