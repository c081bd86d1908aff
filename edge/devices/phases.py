"""The three phases at the point of common coupling, as a three-phase meter shows them.

Loaded only where a site has the rule `phase` (edge/rules/phase.py).
"""

from array import array

from edge.compat import const
from edge.devices.roles import plausible_w
from edge.trail import Trail

_PAST = const(1 << 29)
_TICKS = const((1 << 30) - 1)


class Phases:
    """What the phases first .. last - 1 (0 .. 2) would carry with the battery idle: the highest and
    the lowest, and how old the oldest of all readings is. All is told when a reading comes; the
    beat only looks.

    `ways` is over how many phases the battery's power is spread: 3 (a third on each) or 1. Loads
    (`loads_w`, of each phase) are kept times `ways`, so that a third is never rounded.
    """

    SIGNALS = ("l1_w", "l2_w", "l3_w")
    NEEDS = SIGNALS

    def __init__(self, now, ways: int, first: int, last: int):
        self.known = 0  # bits: which were read since they were last forgotten
        self.oldest_ms = 0  # stamp
        self.high_w = self.low_w = 0  # times `ways`
        self.trails = [Trail(), Trail(), Trail()]
        self.ways = ways
        self.stamps_ms = array("i", [0] * 3)
        self.pair = self._pair  # several batteries put their own in its place
        self._now = now
        self._first, self._last = first, last
        self.loads_w = array("i", [0] * 3)

    def take(self, signal: str, value: int, stamp_ms: int) -> bool:
        """Keep one reading; False when it is impossible or unknown."""
        if signal not in self.SIGNALS or not plausible_w(value):
            return False
        k = self.SIGNALS.index(signal)
        self.trails[k].push(stamp_ms, value)
        self.stamps_ms[k] = stamp_ms
        self.known |= 1 << k
        self.pair(k)
        self.look()
        self._tell_age(stamp_ms)
        return True

    def _pair(self, k: int):
        """Tell the load of phase k from its reading and the battery's of one moment, as
        Snapshot.pair does for the sum. Between two readings there is only a range, and the load is
        taken to have changed no more than that range proves."""
        now, trail, ways = self._now, self.trails[k], self.ways
        late_ms = now.store_ms - self.stamps_ms[k] & _TICKS
        if late_ms == 0:
            low_w = high_w = ways * trail.w + now.store_w
        elif late_ms < _PAST:  # the battery was read later
            newer = now.store
            newer.look(self.stamps_ms[k])
            low_w = ways * trail.w + newer.low_w
            high_w = ways * trail.w + newer.high_w
        else:
            trail.look(now.store_ms)
            low_w = ways * trail.low_w + now.store_w
            high_w = ways * trail.high_w + now.store_w
        self.bound(k, low_w, high_w)

    def bound(self, k: int, low_w: int, high_w: int):
        """The load of phase k lies between these, times `ways`."""
        if self.loads_w[k] < low_w:
            self.loads_w[k] = low_w
        elif self.loads_w[k] > high_w:
            self.loads_w[k] = high_w

    def look(self):
        """Find the highest and the lowest load."""
        self.high_w = self.low_w = self.loads_w[self._first]
        for k in range(self._first + 1, self._last):
            w = self.loads_w[k]
            if w > self.high_w:
                self.high_w = w
            if w < self.low_w:
                self.low_w = w

    def _tell_age(self, newest_ms: int):
        most_ms = 0
        self.oldest_ms = newest_ms
        for k in range(3):
            age_ms = newest_ms - self.stamps_ms[k] & _TICKS
            if self.known >> k & 1 and most_ms < age_ms < _PAST:
                most_ms = age_ms
                self.oldest_ms = self.stamps_ms[k]
