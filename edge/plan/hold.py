"""The lowest demand target that a battery can hold, without a solver.

With a known load, "discharge above the target, charge up to it" is the best a battery can do
against the peak, and it either lasts or runs dry. The lower the target, the sooner it runs dry. So
the best target is found by halving an interval: walk the load once for each halving.
"""

from edge.compat import const

_SHORT = const(32)  # loads that may be walked again in the same step


class Hold:
    """One search at a time: `begin`, then `step` until it says True, then read `target`."""

    def __init__(self, scale, loads):
        self.loads = loads  # a ring of loads, quanta
        self.target = 0  # the answer, quanta
        self.scale = scale
        self._near = scale.discharge >> 7  # what does not matter any more, quanta
        self._first = self._at = self._slots = self._store = 0  # what was asked
        self._low = 0  # what is left of the interval, up to `target`

    def begin(self, first: int, at: int, slots: int, store: int):
        """Look for the lowest target (>= 0) that holds a slot of load `first` (> 0) and then the
        `slots` loads of the ring from place `at` on, beginning with `store` units of energy. The
        answer is at most `first`, and less than a hundredth of the power above the lowest."""
        self._first = self.target = first
        self._at = at
        self._slots = slots
        self._store = store
        self._low = max(0, first - self.scale.discharge)  # nothing lower can be held

    def step(self) -> bool:
        """Walk the load, a short one twice; True when `target` is the answer."""
        walked = 0
        while self.target - self._low > self._near:
            if walked > _SHORT:
                return False
            target = (self._low + self.target) // 2
            if self._holds(target):
                self.target = target
            else:
                self._low = target + 1
            walked += self._slots
        return True

    def _holds(self, target: int) -> bool:
        loads, load, store = self.loads, self._first, self._store
        place, left, size = self._at, self._slots, len(loads)
        scale = self.scale
        charge, discharge, full = -scale.charge, scale.discharge, scale.full
        into_pm, out_pm = scale.into_pm, scale.out_pm
        while True:
            over = load - target
            if over > 0:
                store -= over * out_pm
                if store < 0 or over > discharge:
                    return False
            else:
                store -= (over if over > charge else charge) * into_pm
                if store > full:
                    store = full
            if left == 0:
                return True
            left -= 1
            load = loads[place]
            place += 1
            if place == size:
                place = 0
