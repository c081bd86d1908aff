"""What the plan is expected to save today, told once a day: money and carbon against doing nothing.

The newest remembered day like this one is lived through in numbers, a slot a step, once with the
plan and once without a battery. What the store has lost or gained by then is bought or credited at
the cheapest slot, through the loss of charging. The demand charge is left out: it is the month's,
and only what the day's peak would be is told.
"""

from array import array

from edge.compat import const
from edge.ledger.account import Cost
from edge.plan.around import Around
from edge.plan.lived import after, power

_SLOTS = const(96)
_MINUTES = const(15)
_MOST = const(100_000)  # whole units of a difference, to stay inside 31 bits


class Tally(Around):
    """As Planner. Of the day begun last: `saved_e4` (1e-4 currency, demand charge not counted),
    `saved_g` (CO2; below 0: the plan costs carbon), `peak_less_w`; 0 until a day is remembered.
    `prices`: see edge/prices.py; `carbon_e4`: 1e-4 kg/kWh, of the 96 slots of a day."""

    def __init__(self, planner, prices, carbon_e4):
        Around.__init__(self, planner)
        self._prices = prices
        self._carbon = array("h", carbon_e4)
        self._day = self._cheapest = 0  # the day told of, and its cheapest slot
        self.saved_e4 = self.saved_g = self.peak_less_w = 0
        self._bare, self._held = (Cost(), Cost()), (Cost(), Cost())  # money and carbon
        self._costs = self._bare + self._held
        self._at = _SLOTS  # next slot to live through; after the last: done
        self._past = self._begun = self._store = 0
        self._bare_peak = self._held_peak = 0

    def slot(self, day: int, slot: int, load_w: int, month_peak_w: int, month: int):
        """As Planner.slot."""
        Around.slot(self, day, slot, load_w, month_peak_w, month)
        if slot == _SLOTS - 1:
            self._day = day + 1
            self._past = self.memory.like(day + 1, day + 1)
            self._at = 0 if self._past >= 0 else _SLOTS
            self._begun = -1

    def step(self, net_w: int, store_wh: int):
        """As Planner.step; when the plan is made, live through one slot of the day."""
        if self.planner.busy:
            Around.step(self, net_w, store_wh)
        elif self._at < _SLOTS:
            if self._begun < 0:
                self._begin(self.scale.energy(store_wh))
            self._live(self._at)
            self._at += 1
            if self._at == _SLOTS:
                self._tell()
        self.busy = self.planner.busy or self._at < _SLOTS

    def _begin(self, store: int):
        self._begun = self._store = store
        self._bare_peak = self._held_peak = 0
        for cost in self._costs:
            cost.units = cost.e4 = 0
        self._cheapest = 0
        for slot in range(_SLOTS):
            if (self._prices.price_e4(self._day, slot)
                    < self._prices.price_e4(self._day, self._cheapest)):
                self._cheapest = slot

    def _live(self, slot: int):
        scale, planner, store = self.scale, self.planner, self._store
        net = self.memory.loads[self.memory.at(self._past, slot)]
        goal = planner.target_w // scale.quantum_w
        wish = planner.trade.wish(slot, net, store, goal) if planner.trade else 0
        out = power(scale, store, net, goal, wish, planner.recharge_w // scale.quantum_w)
        self._store = after(scale, store, out)
        if net > self._bare_peak:
            self._bare_peak = net
        if net - out > self._held_peak:
            self._held_peak = net - out
        self._buy(self._bare, slot, net if net > 0 else 0)
        self._buy(self._held, slot, net - out if net > out else 0)

    def _buy(self, costs, slot: int, load: int):
        """Import a load for a slot, a minute at a time, as edge/ledger would."""
        wh, price_e4 = load * self.scale.quantum_w // 60, self._prices.price_e4(self._day, slot)
        for _ in range(_MINUTES):
            costs[0].post(wh, price_e4)
            costs[1].post(wh, self._carbon[slot])

    def _tell(self):
        self._buy(self._held, self._cheapest, (self._begun - self._store) // self.scale.into_pm)
        self.saved_e4 = _less(self._bare[0], self._held[0])
        self.saved_g = _less(self._bare[1], self._held[1]) // 10
        self.peak_less_w = (self._bare_peak - self._held_peak) * self.scale.quantum_w


def _less(one, other) -> int:
    """How much more one cost is than another, 1e-4."""
    units = one.units - other.units
    if units > _MOST:
        units = _MOST
    elif units < -_MOST:
        units = -_MOST
    return units * 10_000 + one.e4 - other.e4


def plan(planner, keys: dict, site):
    """The planner with a daily tally."""
    return Tally(planner, site.prices, keys["carbon_e4"])
