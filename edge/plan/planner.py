"""The slow thinking: what to hold the demand under, and what to do with the rest of the battery.

When a quarter-hour has ended its load is remembered, and at midnight the day is learnt from. Then
the next quarter-hour is planned: the demand target first, the trade within it second. The work is
cut in slices of some 100,000 instructions, and allocates nothing.
"""

from edge.compat import const
from edge.plan.memory import Memory
from edge.plan.scale import TOP, Scale
from edge.plan.target import Target
from edge.plan.trade import Trade

_SLOTS = const(96)  # as in edge/plan/memory.py
_IDLE = const(0)  # phases of the thinking
_NOTE = const(1)
_BEGIN = const(2)
_TARGET = const(3)
_AIM = const(4)
_TRADE = const(5)
_LEARN = const(6)


class Planner:
    """Results, always valid: `target_w` >= 0, `wish_w` (discharge +), `recharge_w` >= 0; `busy`
    while a plan is being made (the results are then those of the plan before)."""

    def __init__(self, battery_wh: int, charge_max_w: int, discharge_max_w: int,
                 soc_floor_pm: int, soc_ceiling_pm: int, efficiency_pm: int,
                 demand_price: int, prices, contract_w: int = 0, load_max_w: int = 0):
        """`demand_price`: 1e-4 currency a kW and month, 0 = demand costs nothing; `prices`: see
        edge/prices.py, None = nobody follows `wish_w`; `contract_w`: target until a day is known;
        `load_max_w`: highest load expected, if above 32 times the battery's power."""
        store_wh = battery_wh * (soc_ceiling_pm - soc_floor_pm) // 1000
        self.scale = Scale(store_wh, charge_max_w, discharge_max_w, efficiency_pm, load_max_w)
        self.memory = Memory()
        self.target = Target(self.scale, self.memory, self.scale.power(contract_w))
        self.trade = None
        self.refill_w = charge_max_w  # without trade: refill whenever there is room
        if prices and len(prices.levels) > 1:
            self.trade = Trade(self.scale, self.memory, prices, demand_price)
            self.refill_w = 0
        self.shaves = demand_price > 0
        self._day = self._slot = 0  # being planned
        self._net = self._store = 0  # load of the slot that ended, W; then of this one, quanta
        self._month_peak_w = 0
        self._phase = _IDLE
        self.busy = False
        # Until the first plan is made: nothing but the contract to hold, nothing to charge for.
        self.target_w = contract_w if contract_w > 0 else TOP * self.scale.quantum_w
        self.wish_w = 0
        self.recharge_w = 0

    def slot(self, day: int, slot: int, load_w: int, month_peak_w: int, month: int):
        """A slot (0 .. 95) of local `day` has ended with mean net load `load_w`. The month's
        billed peak and the month are those of the slot that begins now (peak 0 on the 1st)."""
        self._day = day
        self._slot = slot
        self._net = load_w
        self._month_peak_w = month_peak_w
        self._phase = _NOTE
        self.busy = True

    def step(self, net_w: int, store_wh: int):
        """Think for one beat: `net_w` is the best guess of this slot's mean net load, `store_wh`
        the energy above the floor. Both are read once a plan."""
        phase = self._phase
        if phase == _TRADE:
            if self.trade is None or self.trade.step():
                self._phase = _IDLE
        elif phase == _TARGET:
            if self.target.step():
                self._phase = _AIM
        elif phase == _AIM:
            self._aim()
        elif phase == _BEGIN:
            self._begin(net_w, store_wh)
        elif phase == _NOTE:
            self._note()
        elif phase == _LEARN and self.target.learn():
            self._phase = _BEGIN
        self.busy = self._phase != _IDLE

    def _note(self):
        """Remember the slot that has ended, and go on to the next."""
        day, slot = self._day, self._slot
        load = self.scale.power(self._net)
        self.memory.note(day, slot, load)
        self.target.note(slot, load)
        self._slot = slot + 1
        self._phase = _BEGIN
        if slot == _SLOTS - 1:
            self._day = day + 1
            self._slot = 0
            self.target.end_day(day)
            self._phase = _LEARN

    def _begin(self, net_w: int, store_wh: int):
        self._net = self.scale.power(net_w)
        self._store = self.scale.energy(store_wh)
        self._phase = _AIM
        if not self.shaves:
            self.target.goal = TOP
        elif not self.target.begin(self._day, self._slot, self._net, self._store,
                                   self._month_peak_w // self.scale.quantum_w):
            self._phase = _TARGET

    def _aim(self):
        """The target is known, and the wish with it; then plan the trade again if it is time."""
        goal, slot = self.target.goal, self._slot
        # To the watt: rounded up it would creep.
        self.target_w = max(goal * self.scale.quantum_w, self._month_peak_w)
        self.recharge_w = self.refill_w
        self._phase = _IDLE
        trade = self.trade
        if trade:
            self.wish_w = trade.wish(slot, self._net, self._store, goal) * self.scale.quantum_w
            if trade.due(slot, goal):
                trade.begin(self._day, slot, goal, self.target.likely)
            if trade.busy:  # or still, from the slot before
                self._phase = _TRADE
