"""The lowest demand target that a battery can hold, without a solver.

With a known load, "discharge above the target, charge up to it" is the best a battery can do
against the peak, and it either lasts or runs dry. The lower the target, the sooner it runs dry. So
the best target is found by halving an interval: walk the load once for each halving. All of it is
done a few slots at a time, because a beat has no time for more.
"""


class Hold:
    """One search at a time: `begin`, then `step` until it says True, then read `target`."""

    def __init__(self, scale, loads):
        self.scale = scale
        self.loads = loads  # a ring of loads, quanta
        self.target = 0  # being tried, and in the end the answer, quanta
        self._at = self._slots = self._full_at_first = 0  # as begun
        self._low = self._high = 0  # what is left of the interval
        self._place = self._left = self._store = 0  # how far this walk came
        self._first = 0

    def begin(self, first: int, at: int, slots: int, store: int, low: int, high: int):
        """Look for the lowest target in low .. high that holds a slot of load `first` and the
        `slots` loads of the ring from place `at` on, beginning with `store` units of energy.

        `high` is taken to hold: it is the answer when nothing lower does.
        """
        self._first, self._at, self._slots, self._full_at_first = first, at, slots, store
        self._low, self._high = low, high
        self._try(low)

    def step(self, slots: int) -> bool:
        """Walk at most `slots` slots on; True when `target` is the answer."""
        if self._low >= self._high:
            self.target = self._high
            return True
        loads, target, place, store = self.loads, self.target, self._place, self._store
        scale = self.scale
        charge, discharge, full = -scale.charge, scale.discharge, scale.full
        into_pm, out_pm = scale.into_pm, scale.out_pm
        if slots > self._left:
            slots = self._left
        if slots > len(loads) - place:
            slots = len(loads) - place
        self._left -= slots
        while slots > 0 and store >= 0:
            over = loads[place] - target
            if over > 0:
                store -= over * out_pm if over <= discharge else full + out_pm
            else:
                store -= (over if over > charge else charge) * into_pm
                if store > full:
                    store = full
            place += 1
            slots -= 1
        self._place = place if place < len(loads) else 0
        self._store = store
        if store < 0:
            self._low = target + 1
        elif self._left == 0:
            self._high = target
        else:
            return False
        self._try((self._low + self._high) // 2)
        return False

    def _try(self, target: int):
        """Begin a walk: its first slot, which is not in the ring, is taken here."""
        scale = self.scale
        self.target, self._place, self._left = target, self._at, self._slots
        over, store = self._first - target, self._full_at_first
        if over > scale.discharge:
            store = -1
        elif over > 0:
            store -= over * scale.out_pm
        else:
            store -= (over if over > -scale.charge else -scale.charge) * scale.into_pm
        self._store = store if store < scale.full else scale.full
