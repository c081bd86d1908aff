"""Under a carbon cap the plan of a day is by the prices of that day's level, and no others."""

import pytest

from edge.ledger.account import Cost
from edge.plan import cap
from edge.plan.planner import Planner
from edge.plan.trade import Trade
from edge.prices import Prices
from tests.plan.plant import PRICES, Run
from tests.plan.test_planner import factory

DEMAND_E4 = 400_000
CAP_G = 1_000_000
BY_LEVEL = [PRICES, [price + 4000 * (slot < 48) for slot, price in enumerate(PRICES)],
            [8325 - 2000 * (30 <= slot < 62) for slot in range(96)]]


class Site:
    """What a cap asks of one."""

    def __init__(self) -> None:
        self.account = self
        self.carbon = Cost()


def told(trade) -> list[list[int]]:
    return [list(part) for part in (trade._keep, trade._fill, trade.reserve, trade.lift)]


def end_day(run: Run, site: Site, day: int, owed_g: int) -> None:
    """Live through a day that ends with such a debt."""
    run.days(factory(day)[:95])
    site.carbon.units = site.carbon.e4 = run.planner.debt_g = 0
    run.planner._begun, run.planner._begun_mg = -(CAP_G + owed_g) // 10, 0
    run.days(factory(day)[95:])


@pytest.mark.parametrize(("owed_g", "level"), [(0, 0), (CAP_G // 4, 1), (CAP_G, 2)])
def test_a_day_is_planned_anew_by_the_prices_of_its_level(owed_g, level) -> None:
    """Also when the same level has held some days before."""
    site = Site()
    planner = cap.plan(
        Planner(500_000, 250_000, 250_000, 100, 900, 900, DEMAND_E4, Prices(PRICES)),
        {"cap_g": CAP_G, "demand_e4": DEMAND_E4, "prices_e4": BY_LEVEL}, site)
    run = Run(planner, 250_000, 400_000)
    for day in range(8):
        run.days(factory(day))
    for day, owed in ((8, owed_g), (9, CAP_G - owed_g), (10, owed_g)):
        end_day(run, site, day, owed)
    assert planner.level == level
    run.days(factory(11)[:1])
    trade = planner.trade
    fresh = Trade(planner.scale, planner.memory, Prices(BY_LEVEL[level]), DEMAND_E4)
    fresh.begin(trade._day, trade._slot, trade._goal, planner.target.likely)
    while not fresh.step():
        pass
    planned = [slot % 96 for slot in range(trade._slot, fresh._refill - 31)]
    assert len(planned) > 1
    for ours, theirs in zip(told(trade), told(fresh), strict=True):
        assert [ours[slot] for slot in planned] == [theirs[slot] for slot in planned]
