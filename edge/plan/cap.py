"""Keep a day's imported carbon under a budget, as far as a battery can.

A day that ends over the budget leaves the next one so much less, down to nothing, and what the next
one lacks at its beginning raises its shadow price of carbon by steps: at level i the plan trades by
the i-th of the lists of prices that the host has made (boards/plan.py), each with more carbon in it
than the one before, the last with nothing else. So the plan gives trade up by and by, and keeps the
peak. Within a day the level stays: half a trade is worse than either. The budget itself may still
not be held, for what the park needs is not the battery's to refuse: that is told.
"""

from edge.compat import const
from edge.plan.around import Around
from edge.plan.priced import prices_of
from edge.plan.trade import Trade

_SLOTS = const(96)
_MOST = const(50_000_000)  # 10 g, of a day


class Cap(Around):
    """As Planner. `level`: of the shadow price, 0 .. the last; `left_g` of the budget (below 0:
    exceeded), of which `debt_g` was owed by the day before; `days_missed`: that ended over it."""

    def __init__(self, planner, prices, carbon, cap_g: int):
        Around.__init__(self, planner)
        self._prices = prices  # of each level, as many price levels in all
        self._carbon, self._cap_g = carbon, cap_g
        self._begun, self._begun_mg = carbon.units, carbon.e4
        self.level = self.days_missed = self.debt_g = 0
        self.left_g = cap_g

    def slot(self, day: int, slot: int, load_w: int, month_peak_w: int, month: int):
        """As Planner.slot; before it, count, and choose the level of a day that begins."""
        self._count()
        if slot == _SLOTS - 1:
            self._turn()
        self.trade.prices = self._prices[self.level]
        Around.slot(self, day, slot, load_w, month_peak_w, month)

    def _turn(self):
        """A local day ends."""
        self.debt_g = 0
        if self.left_g < 0:
            self.days_missed += 1
            self.debt_g = -self.left_g if -self.left_g < self._cap_g else self._cap_g
        self.level = level(self.debt_g, self._cap_g, len(self._prices) - 1)
        self._begun, self._begun_mg = self._carbon.units, self._carbon.e4
        self.left_g = self._cap_g - self.debt_g

    def _count(self):
        """What is left of the budget, g; held inside 31 bits, where it is long exceeded."""
        units = self._carbon.units - self._begun  # of 10 g
        if units > _MOST:
            units = _MOST
        mg = self._carbon.e4 - self._begun_mg
        self.left_g = self._cap_g - self.debt_g - units * 10 - mg // 1000


def level(debt_g: int, cap_g: int, last: int) -> int:
    """The level (0 .. last >= 1) of a day that begins with such a debt (0 .. cap_g)."""
    return 1 + debt_g * (last - 1) // cap_g if debt_g > 0 else 0


def plan(planner, keys: dict, site):
    """The planner under a cap of keys["cap_g"] a day (at most 500 million); `site` has the
    account."""
    prices = [prices_of(prices_e4, keys) for prices_e4 in keys["prices_e4"]]
    most = max(len(one.levels) for one in prices)
    for i, one in enumerate(prices):
        one.version = i  # another level is news to the trade
        one.levels += one.levels[-1:] * (most - len(one.levels))
    planner.trade = Trade(planner.scale, planner.memory, prices[0], keys["demand_e4"])
    planner.refill_w = 0
    return Cap(planner, prices, site.account.carbon, keys["cap_g"])
