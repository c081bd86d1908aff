"""The lowest demand target that a battery can hold, without a solver.

With a known load, "discharge above the target, charge up to it" is the best a battery can do
against the peak, and it either lasts or runs dry. The lower the target, the sooner it runs dry. So
the best target is found by halving an interval: walk the load once for each halving. All of it is
done a few slots at a time, because a beat has no time for more.
"""


class Hold:
    """One search at a time: `begin`, then `step` until it says True, then read `target`."""

    def __init__(self, scale, loads):
        self.loads = loads  # a ring of loads, quanta
        self.target = 0  # being tried, and in the end the answer, quanta
        self._size = len(loads)
        self._charge, self._discharge = -scale.charge, scale.discharge
        self._full, self._into_pm, self._out_pm = scale.full, scale.into_pm, scale.out_pm
        self._first = self._at = self._slots = self._begun = 0  # what was asked
        self._low = self._high = 0  # what is left of the interval
        self._place = self._left = self._store = 0  # how far this walk has come

    def begin(self, first: int, at: int, slots: int, store: int, low: int, high: int):
        """Look for the lowest target in low .. high that holds a slot of load `first` and then the
        `slots` loads of the ring from place `at` on, beginning with `store` units of energy.

        `high` is taken to hold: it is the answer when nothing lower does.
        """
        self._first, self._at, self._slots = first, at, slots
        self._begun = store
        if low < first - self._discharge:  # nothing lower can be held
            low = first - self._discharge
        self._low, self._high = low, high
        self._try(low)

    def step(self, slots: int) -> bool:
        """Walk at most `slots` (>= 1) slots on; True when `target` is the answer."""
        if self._low >= self._high:
            self.target = self._high
            return True
        loads, size, target = self.loads, self._size, self.target
        place, left, store = self._place, self._left, self._store
        charge, discharge, full = self._charge, self._discharge, self._full
        into_pm, out_pm = self._into_pm, self._out_pm
        while left > 0 and slots > 0:
            over = loads[place] - target
            if over > 0:
                store -= over * out_pm
                if store < 0 or over > discharge:
                    self._low = target + 1
                    self._try((self._low + self._high) // 2)
                    return False
            else:
                store -= (over if over > charge else charge) * into_pm
                if store > full:
                    store = full
            place += 1
            if place == size:
                place = 0
            left -= 1
            slots -= 1
        if left == 0:
            self._high = target
            self._try((self._low + target) // 2)
        else:
            self._place, self._left, self._store = place, left, store
        return False

    def _try(self, target: int):
        """Begin a walk, with the slot that is not in the ring; halve on while that one fails."""
        while self._low < self._high:
            self.target, self._place, self._left = target, self._at, self._slots
            over, store = self._first - target, self._begun
            if over > 0:
                store -= over * self._out_pm
            else:
                store -= (over if over > self._charge else self._charge) * self._into_pm
            self._store = store if store < self._full else self._full
            if store >= 0 and over <= self._discharge:
                return
            self._low = target + 1
            target = (self._low + self._high) // 2
