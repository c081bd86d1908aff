"""Keep a day's imported carbon under a budget, as far as a battery can.

What is left of the budget is held against what is left of the local day. Falling behind raises the
shadow price of carbon by steps: at level i the plan trades by the i-th of the lists of prices that
the host has made (boards/plan.py), each with more carbon in it than the one before, and the last so
much that a loss is never worth its carbon. So the plan gives trade up by and by; the budget itself
may still not be held, for what the park needs is not the battery's to refuse: that is told.
"""

from edge.compat import const
from edge.plan.around import Around
from edge.plan.priced import trade_by

_SLOTS = const(96)


class Cap(Around):
    """As Planner. `level`: of the shadow price, 0 .. the last; `left_g` of the budget (below 0:
    exceeded); `days_missed`: days that ended over it."""

    def __init__(self, planner, trades, carbon, cap_g: int):
        Around.__init__(self, planner)
        self.trades = trades
        self._carbon, self._cap_g = carbon, cap_g
        self._begun_kg, self._begun_g = carbon.kg, carbon.g
        self.level = self.days_missed = 0
        self.left_g = cap_g

    def slot(self, day: int, slot: int, load_w: int, month_peak_w: int, month: int):
        """As Planner.slot; before it, choose the level for the slot that begins."""
        self._count()
        if slot == _SLOTS - 1:
            self.days_missed += self.left_g < 0
            self._begun_kg, self._begun_g = self._carbon.kg, self._carbon.g
            self.left_g = self._cap_g
        self.level = level(self.left_g, self._cap_g, (slot + 1) % _SLOTS, len(self.trades) - 1)
        self.trade = self.planner.trade = self.trades[self.level]
        Around.slot(self, day, slot, load_w, month_peak_w, month)

    def _count(self):
        """What is left of the budget, g; held inside 31 bits, where it is long exceeded."""
        kg = self._carbon.kg - self._begun_kg
        if kg > 1_000_000:
            kg = 1_000_000
        self.left_g = self._cap_g - kg * 1000 - self._carbon.g + self._begun_g


def level(left_g: int, cap_g: int, slot: int, last: int) -> int:
    """The level (0 .. last) for a slot (0 .. 95): 0 while as much is left of the budget as of the
    day, one more for each `last`-th part of that by which less is left. Less left is never a lower
    level."""
    due_g = cap_g // _SLOTS * (_SLOTS - slot)
    if left_g >= due_g or due_g == 0:
        return 0
    if left_g <= 0:
        return last
    return 1 + (due_g - left_g) * (last - 1) // due_g if last else 0


def plan(planner, keys: dict, site):
    """The planner under a cap of keys["cap_g"] a day (at most 500 million); `site` has the
    account."""
    trades = [trade_by(planner, prices_e4, keys["demand_e4"]) for prices_e4 in keys["prices_e4"]]
    planner.trade = trades[0]
    planner.refill_w = 0
    return Cap(planner, trades, site.account.carbon, keys["cap_g"])
