"""The demand target: as low as the remembered days say that the battery can hold.

At midnight the day that ended is asked what it could have been held at, with a full store four
hours before its highest load. The highest answer of four weeks is what the month will likely come
to: the trade plans by it, the target does not, for that would lock it in. Below their mean nothing
is defended, nor what the month was already billed for. When the load rises above both, each
remembered day of the same type is taken for what may come in the next eight hours, and tells how
much of the load could be shaved now, from the energy in store, if it came again. A day counts the
more, the newer it is and the nearer its last four hours were to today's; for a short battery a day
that was higher than today is the less alike. Half of what is shaved is the least of their answers,
and half their mean less one standard deviation: the least alone follows one odd day, the mean alone
runs dry. And no slot is given more than two thirds of the store, for what no day foresees. The
loads are taken as they were: a pessimist here would lock a high peak in for the rest of the month.
"""

from array import array

from edge.compat import const
from edge.plan.hold import Hold
from edge.plan.memory import DAYS

_STORE_PM = const(900)  # of the energy in store that may be counted upon
_DAYS = const(20)  # that may answer
_AHEAD = const(31)  # slots after the present one that are looked at,
_BEHIND = const(16)  # and before it, to tell how alike two days are
_LIKE = const(7)  # the square of it is the weight of a day quite like today
_AGE = const(32)  # answers that it would take to forget one
_PARTS = const(500)  # of the battery's power, to count what is shaved in


class Target:
    """`goal`: the demand target in quanta, valid when `step` says True; `likely`: what the month
    will likely be held at, quanta."""

    def __init__(self, scale, memory, contract: int):
        self.scale = scale
        self.memory = memory
        self.hold = Hold(scale, memory.loads)
        self.goal = 0
        self.prior = contract  # until a day is known: the contract, or the highest load so far
        self._held = array("h", bytes(2 * DAYS))  # what each of the last days could be held at
        self.likely = 0
        self._power = max(1, scale.discharge)
        self._top = self._top_at = 0  # highest load of this day, and its slot
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
            self._top_at = slot
        if load > self.prior and not self.likely:
            self.prior = load

    def end_day(self, day: int):
        """The day has ended: learn from it, with `learn` to go on."""
        self._day = day
        self.hold.begin(self._top, self.memory.at(day, self._top_at - _BEHIND), _AHEAD,
                        self.scale.full)

    def learn(self) -> bool:
        """Search for one beat for what the day could have been held at; True when it is known."""
        if not self.hold.step():
            return False
        held = self._held
        for i in range(1 if self.likely else DAYS):  # the first day stands for all not yet known
            held[(self._day + i) % DAYS] = self.hold.target
        self.likely = max(held)
        self.prior = sum(held) // DAYS
        return True

    def begin(self, day: int, slot: int, net: int, store: int, month_peak: int) -> bool:
        """Choose the goal for a slot that begins with load `net`; True when there is no need to
        think: the load is below what is defended."""
        self.goal = max(self.prior, month_peak)
        self._day = self._past = day
        self._slot = slot
        self._net = net
        self._store = store
        self._searching = False
        self._least = _PARTS
        self._answers = self._weights = self._sum = self._squares = 0
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
        # With nobody to ask, the store is not spent on a guess.
        self.goal = max(self.goal, self._net - (self._shaved() if self._answers else 0))
        return True

    def _ask(self):
        """Begin to search with the day `past`, and weigh it."""
        loads, size = self.memory.loads, len(self.memory.loads)
        here, there = self.memory.at(self._day, self._slot), self.memory.at(self._past, self._slot)
        self._searching = True
        self.hold.begin(self._net, (there + 1) % size, _AHEAD, self._store // 1000 * _STORE_PM)
        # Eighths; those of a 2-hour battery count alike.
        apart, below = 0, min(8, self.scale.full // (790 * self._power))
        above = below - 16
        for i in range(-_BEHIND, 0):  # below 0 counts from the ring's end
            off = loads[here + i] - loads[there + i]
            apart += off * below if off > 0 else off * above
        like = _LIKE * self._power // (self._power + apart // (2 * _BEHIND))
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
        return max(0, min(shaved, self._store // 3 * 2 // self.scale.out_pm))
