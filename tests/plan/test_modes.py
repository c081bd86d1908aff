"""Plans by carbon, under a cap, and what a plan is expected to save."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from edge.ledger.account import Cost
from edge.plan import cap, priced, tally
from edge.plan.planner import Planner
from edge.prices import Prices
from tests.plan.plant import PRICES, Run
from tests.plan.test_planner import factory

POWER_W, CAPACITY_WH = 250_000, 500_000
STORE_WH = 400_000
CONSTANT = [8325] * 96
DAYS = [w for day in range(14) for w in factory(day)]


def planner(prices: Any = PRICES) -> Planner:
    return Planner(CAPACITY_WH, POWER_W, POWER_W, 100, 900, 900, 400_000, Prices(prices))


def lived(made: Any, loads_w: list[int]) -> Run:
    run = Run(made, POWER_W, STORE_WH)
    run.days(loads_w)
    return run


def by(prices: list[int], demand_e4: int) -> Any:
    return priced.plan(planner(), {"prices_e4": prices, "demand_e4": demand_e4}, None)


def test_at_one_factor_carbon_never_trades() -> None:
    run = lived(by(CONSTANT, 0), DAYS)
    assert run.grid_w[96:] == DAYS[96:]  # nothing charged, nothing discharged, once days are known


def test_at_factors_that_differ_enough_it_does() -> None:
    noon = [8000 if not 44 <= slot < 60 else 3000 for slot in range(96)]
    run = lived(by(noon, 0), DAYS)
    kg = [sum(max(0, w) / 4000 * noon[slot % 96] / 1e4 for slot, w in enumerate(grid[9 * 96:]))
          for grid in (DAYS, run.grid_w)]
    assert kg[1] < kg[0]


def sunny(day: int) -> list[int]:
    """A small load under a large roof."""
    return [100_000 - (260_000 if 32 <= slot < 64 else 0) + day % 3 * 1000 for slot in range(96)]


def test_green_first_uses_the_sun_and_buys_nothing() -> None:
    loads = [w for day in range(14) for w in sunny(day)]
    for demand_e4 in (0, 400_000):
        made = by([6000] * 96, demand_e4)
        run = lived(made, loads)
        bought = sum(max(0, grid - max(0, load)) for grid, load in
                     zip(run.grid_w[9 * 96:], loads[9 * 96:], strict=True))
        assert bought == 0 or demand_e4
        used = sum(max(0, load - max(0, grid)) for grid, load in
                   zip(run.grid_w[9 * 96:], loads[9 * 96:], strict=True) if load > 0)
        # kWh in five days: each night the store is emptied, or down to what a peak may need
        assert used / 4000 > 5 * (225 if demand_e4 else 350)


@given(st.integers(0, 500_000_000), st.integers(0, 500_000_000), st.integers(1, 500_000_000),
       st.integers(1, 3))
def test_more_debt_is_never_a_lower_level(one: int, other: int, cap_g: int, last: int) -> None:
    low, high = sorted((min(one, cap_g), min(other, cap_g)))
    assert 0 <= cap.level(low, cap_g, last) <= cap.level(high, cap_g, last) <= last
    assert cap.level(0, cap_g, last) == 0
    assert cap.level(cap_g, cap_g, last) == last


class Site:
    """What a cap asks of one."""

    def __init__(self) -> None:
        self.account = self
        self.carbon = Cost()


def capped(cap_kg: int, loads_w: list[int]) -> tuple[Any, Run, list[int]]:
    """A run whose ledger counts; the level of each day."""
    site = Site()
    lists = [PRICES, [price + 8000 for price in PRICES], CONSTANT]
    made = cap.plan(planner(), {"cap_g": cap_kg * 1000, "demand_e4": 400_000,
                                "prices_e4": lists}, site)
    run, levels = Run(made, POWER_W, STORE_WH), []
    for number, load_w in enumerate(loads_w):
        if number % 96 == 0:
            levels.append(made.level)
        run.days([load_w])
        site.carbon.post(int(max(0, run.grid_w[-1])) // 4, 832_500)
    return made, run, levels


def test_a_budget_that_is_held_changes_nothing() -> None:
    made, run, levels = capped(100_000, DAYS)
    assert set(levels) == {0}
    assert made.days_missed == 0
    assert run.grid_w == lived(planner(), DAYS).grid_w


def test_a_budget_that_cannot_be_held_ends_trade_and_is_told() -> None:
    made, run, levels = capped(1000, DAYS)
    assert levels == sorted(levels)
    assert levels[-1] == 2
    assert made.days_missed >= 12
    trading = lived(planner(), DAYS)
    lost = [sum(one.grid_w[7 * 96:]) - sum(DAYS[7 * 96:]) for one in (run, trading)]
    assert lost[0] < lost[1] / 2  # losses are what a battery can spare
    assert max(run.grid_w[9 * 96:]) <= max(trading.grid_w[9 * 96:]) + 10_000  # and the peak is kept


def test_what_is_owed_is_told_to_the_gram() -> None:
    made, run, _ = capped(1000, DAYS[:96 * 2])
    wh = [int(max(0, w)) // 4 for w in run.grid_w]
    day_g = sum(wh[:95]) * 8325 // 10_000  # the ledger has the last slot after the day has turned
    assert abs(made.debt_g - min(1_000_000, max(0, sum(wh[95:191]) * 8325 // 10_000 + min(
        1_000_000, max(0, day_g - 1_000_000)) - 1_000_000))) <= 2


def told(prices: list[int], carbon_e4: list[int], loads_w: list[int], inner: Any = None) -> Any:
    made = tally.Tally(inner or planner(prices), Prices(prices), carbon_e4)
    lived(made, loads_w)
    return made


def test_the_tally_shows_what_trade_costs_in_carbon() -> None:
    made = told(PRICES, CONSTANT, DAYS[:96 * 13 + 4])  # a working day has begun
    assert made.saved_e4 > 100 * 10_000
    assert made.saved_g < 0
    # 400 kWh and more through the battery, each at 0.8325 * (1 / 0.9 - 1) = 92.5 g
    assert -2 * 400 * 95 < made.saved_g < -300 * 90


def test_the_tally_of_a_plan_by_carbon_saves_nothing_at_one_factor() -> None:
    made = told(PRICES, CONSTANT, DAYS[:96 * 13 + 4], by(CONSTANT, 0))
    assert (made.saved_e4, made.saved_g, made.peak_less_w) == (0, 0, 0)


def test_without_a_remembered_day_nothing_is_told() -> None:
    made = told(PRICES, CONSTANT, DAYS[:90])
    assert (made.saved_e4, made.saved_g, made.peak_less_w) == (0, 0, 0)


@settings(max_examples=15)
@given(st.lists(st.integers(-400_000, 1_000_000), min_size=96, max_size=96),
       st.sampled_from([PRICES, [10_000_000] * 48 + [0] * 48, [-5000] * 48 + [12_000] * 48]))
def test_a_tally_stays_in_31_bits_and_changes_no_plan(day: list[int], prices: list[int]) -> None:
    made = told(prices, CONSTANT, day * 3)
    plain = lived(planner(prices), day * 3)
    assert (made.target_w, made.wish_w) == (plain.planner.target_w, plain.planner.wish_w)
    for found in (made.saved_e4, made.saved_g, made.peak_less_w):
        assert -(1 << 30) <= found < 1 << 30
