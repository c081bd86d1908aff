"""The demand target: as low as the remembered days say that the battery can hold.

Every midnight the day that ended tells the target it should have had; the second highest of two
weeks of these, a little lowered, is the prior. What the month was already billed for is never
defended. When the load rises above both, each remembered day of the same type is taken for what
may come, from the energy now in store, and the target rises to the highest of their answers: too
low a target runs dry at the peak, and then the peak is the whole load. The loads are taken as they
were: a pessimist here would lock a high peak in for the rest of the month.
"""

from array import array

from edge.compat import const
from edge.plan.hold import Hold

_SLOTS = const(96)  # as in edge/plan/memory.py
_OPTIMA = const(14)  # days
_PRIOR_PM = const(970)
_STORE_PM = const(900)  # of the energy in store that may be counted upon
_DAYS = const(10)  # that may answer
_WALK = const(12)  # slots walked in one step


class Target:
    """`goal`: the demand target in quanta, valid when `step` says True."""

    def __init__(self, scale, memory, contract: int):
        self.scale = scale
        self.memory = memory
        self.hold = Hold(scale, memory.loads)
        self.goal = 0
        self.prior = 0
        self._optima = array("h", bytes(2 * _OPTIMA))
        self._learnt = 0  # days, counted up to _OPTIMA
        self._newest = 0
        self._contract = contract
        self._top = 0  # highest load seen, and of this day
        self._day_top = 0
        self._day = self._slot = self._net = self._store = 0
        self._past = self._answers = 0
        self._searching = False

    def note(self, slot: int, load: int):
        """A slot of the day has ended with this mean load."""
        if slot == 0:
            self._day_top = 0
        if load > self._day_top:
            self._day_top = load
        if load > self._top:
            self._top = load

    def begin_day(self, day: int):
        """The day has ended: find the target it should have had; `step_day` until True."""
        at = self.memory.at(day, 0)
        self.hold.begin(self.memory.loads[at], at + 1, _SLOTS - 1, self.scale.full,
                        0, self._day_top)

    def step_day(self) -> bool:
        """Work on it for one beat."""
        if not self.hold.step(_WALK):
            return False
        self._optima[self._newest] = self.hold.target
        self._newest = (self._newest + 1) % _OPTIMA
        if self._learnt < _OPTIMA:
            self._learnt += 1
        self.prior = self._second_highest() * _PRIOR_PM // 1000
        return True

    def _second_highest(self) -> int:
        highest = second = 0
        for i in range(self._learnt):
            optimum = self._optima[i]
            if optimum > highest:
                second = highest
                highest = optimum
            elif optimum > second:
                second = optimum
        return second if second > 0 else highest

    def begin(self, day: int, slot: int, net: int, store: int, month_peak: int) -> bool:
        """Choose the goal for a slot that begins with load `net`; True when there is no need to
        think: the load is below what is defended."""
        goal = self.prior
        if self._learnt == 0:  # no day is known yet: defend the contract, or the highest so far
            goal = self._contract if self._contract > 0 else self._top
        self.goal = goal if goal > month_peak else month_peak
        self._day, self._slot = day, slot
        self._net, self._store = net, store
        self._past, self._answers, self._searching = day, 0, False
        return net <= self.goal

    def step(self) -> bool:
        """Ask the remembered days for one beat; True when the goal is chosen."""
        if self._searching:
            if self.hold.step(_WALK):
                self.goal = self.hold.target
                self._searching = False
            return False
        if self.goal >= self._net or self._answers == _DAYS:
            return True
        self._past = self.memory.like(self._day, self._past)
        if self._past < 0:
            if self._answers == 0:  # nobody to ask: do not spend the store on a guess
                self.goal = self._net
            return True
        self._answers += 1
        self._searching = True
        self.hold.begin(self._net, self.memory.at(self._past, self._slot + 1), _SLOTS - 1,
                        self._store // 1000 * _STORE_PM, self.goal, self._net)
        return False
