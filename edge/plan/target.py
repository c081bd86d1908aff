"""The demand target: as low as the remembered days say that the battery can hold.

No day can be held below its highest load less the battery's power; the second highest of two weeks
of these is the prior. What the month was already billed for is never defended. When the load rises
above both, each remembered day of the same type is taken for what may come in the next eight hours,
and tells how much of the load could be shaved now, from the energy in store, if it came again. A
day counts the more, the newer it is and the nearer its last four hours were to today's. Half of
what is shaved is the least of their answers, and half their mean less one standard deviation: the
least alone follows one odd day, the mean alone runs dry. And no slot is given more than two thirds
of the store, for what no day foresees. The loads are taken as they were: a pessimist here would
lock a high peak in for the rest of the month.
"""

from array import array

from edge.compat import const
from edge.plan.hold import Hold

_SLOTS = const(96)  # as in edge/plan/memory.py
_TOPS = const(14)  # days
_STORE_PM = const(900)  # of the energy in store that may be counted upon
_DAYS = const(20)  # that may answer
_AHEAD = const(31)  # slots after the present one that are looked at,
_BEHIND = const(16)  # and before it, to tell how alike two days are
_LIKE = const(7)  # the square of it is the weight of a day quite like today
_AGE = const(32)  # answers that it would take to forget one
_PARTS = const(500)  # of the battery's power, to count what is shaved in


class Target:
    """`goal`: the demand target in quanta, valid when `step` says True."""

    def __init__(self, scale, memory, contract: int):
        self.scale = scale
        self.memory = memory
        self.hold = Hold(scale, memory.loads)
        self.goal = 0
        self.prior = contract  # until a day is known: the contract, or the highest load so far
        self._tops = array("h", bytes(2 * _TOPS))  # highest load of each of the last days
        self._known = False  # whether one has passed
        self._power = max(1, scale.discharge)
        self._top = 0  # highest load of this day
        self._day = self._slot = self._net = self._store = 0
        self._past = self._answers = self._weight = 0
        self._least = self._weights = self._sum = self._squares = 0  # of the answers
        self._searching = False

    def note(self, slot: int, load: int):
        """A slot of the day has ended with this mean load."""
        if slot == 0:
            self._top = 0
        if load > self._top:
            self._top = load
        if load > self.prior and not self._known:
            self.prior = load

    def end_day(self, day: int):
        """The day has ended: learn from it."""
        self._tops[day % _TOPS] = self._top
        self._known = True
        highest = second = 0
        for top in self._tops:
            if top > highest:
                second = highest
                highest = top
            elif top > second:
                second = top
        prior = (second if second > 0 else highest) - self._power
        self.prior = prior if prior > 0 else 0

    def begin(self, day: int, slot: int, net: int, store: int, month_peak: int) -> bool:
        """Choose the goal for a slot that begins with load `net`; True when there is no need to
        think: the load is below what is defended."""
        self.goal = self.prior if self.prior > month_peak else month_peak
        self._day, self._slot = day, slot
        self._net, self._store = net, store
        self._past, self._answers, self._searching = day, 0, False
        self._least = _PARTS
        self._weights = self._sum = self._squares = 0
        return net <= self.goal

    def step(self) -> bool:
        """Ask the remembered days for one beat; True when the goal is chosen."""
        if self._searching:
            if self.hold.step():
                self._searching = False
                self._count((self._net - self.hold.target) * _PARTS // self._power)
            return False
        if self._answers < _DAYS:
            self._past = self.memory.like(self._day, self._past)
            if self._past >= 0:
                self._ask()
                return False
        shaved = 0  # nobody to ask: do not spend the store on a guess
        if self._answers:
            shaved = self._shaved()
        if self.goal < self._net - shaved:
            self.goal = self._net - shaved
        return True

    def _ask(self):
        """Begin to search with the day `past`, and weigh it."""
        loads, size = self.memory.loads, len(self.memory.loads)
        here, there = self.memory.at(self._day, self._slot), self.memory.at(self._past, self._slot)
        self._searching = True
        self.hold.begin(self._net, (there + 1) % size, _AHEAD, self._store // 1000 * _STORE_PM)
        apart = 0
        for i in range(-_BEHIND, 0):  # below 0 counts from the ring's end
            off = loads[here + i] - loads[there + i]
            apart += off if off > 0 else -off
        like = _LIKE * self._power // (self._power + 4 * apart // _BEHIND)
        self._weight = (like * like * (_AGE - self._answers) // _AGE) + 1

    def _count(self, shaved: int):
        weight = self._weight
        self._answers += 1
        self._weights += weight
        self._sum += weight * shaved
        self._squares += weight * shaved * shaved
        if shaved < self._least:
            self._least = shaved

    def _shaved(self) -> int:
        """What to shave of the load now, quanta."""
        mean = self._sum // self._weights
        variance, root, bit = self._squares // self._weights - mean * mean, 0, 256
        while bit:
            if (root + bit) * (root + bit) <= variance:
                root += bit
            bit //= 2
        shaved = (mean - root + self._least) * self._power // (2 * _PARTS)
        most = self._store // 3 * 2 // self.scale.out_pm
        if shaved > most:
            return most
        return shaved if shaved > 0 else 0
