"""The three phases at the point of common coupling, as a three-phase meter shows them.

Loaded only where a site has the rule `phase` (edge/rules/phase.py).
"""

from array import array

from edge.compat import const
from edge.devices.roles import plausible_w
from edge.trail import Trail

_ALL = const(7)  # a bit for each phase
_FORGET_MS = const(100_000_000)  # as in edge/snapshot.py
_PAST = const(1 << 29)
_TICKS = const((1 << 30) - 1)


class Phases:
    """Import of each phase, and of each the load: what it would carry with the battery idle.

    `ways` is over how many phases the battery's power is spread: 3 (a third on each) or 1. Loads
    are kept times `ways`, so that a third is never rounded.
    """

    SIGNALS = ("l1_w", "l2_w", "l3_w")
    NEEDS = SIGNALS

    def __init__(self, now, ways: int):
        self.now = now
        self.ways = ways
        self.loads_w = array("i", [0] * 3)  # times `ways`
        self._known = 0  # bits: which were read since they were last forgotten
        self._ms = array("i", [0] * 3)
        self.trails = [Trail(), Trail(), Trail()]

    def take(self, signal: str, value: int, stamp_ms: int) -> bool:
        """Keep one reading; False when it is impossible or unknown."""
        if signal not in self.SIGNALS or not plausible_w(value):
            return False
        k = self.SIGNALS.index(signal)
        self.trails[k].push(stamp_ms, value)
        self._ms[k] = stamp_ms
        self._known |= 1 << k
        return True

    def age_ms(self, now_ms: int) -> int:
        """Age of the oldest of the three; one that was never read, or that is a day old and so
        forgotten, is as old as can be told."""
        if self._known != _ALL:
            return _FORGET_MS
        oldest_ms = 0
        for stamp_ms in self._ms:
            age_ms = now_ms - stamp_ms & _TICKS
            if oldest_ms < age_ms < _PAST:  # beyond: a stamp a little ahead of the beat
                oldest_ms = age_ms
        if oldest_ms >= _FORGET_MS:
            self._known = 0
        return oldest_ms

    def pair(self, k: int) -> int:
        """The load of phase k (0 .. 2) times `ways`, W: its reading and the battery's of one
        moment, as Snapshot.pair does for the sum. Between two readings there is only a range, and
        the load is taken to have changed no more than that range proves."""
        now, trail, ways = self.now, self.trails[k], self.ways
        late_ms = now.store_ms - self._ms[k] & _TICKS
        if late_ms == 0:
            low_w = high_w = ways * trail.w + now.store_w
        elif late_ms < _PAST:  # the battery was read later
            newer = now.store
            newer.look(self._ms[k])
            low_w = ways * trail.w + newer.low_w
            high_w = ways * trail.w + newer.high_w
        else:
            trail.look(now.store_ms)
            low_w = ways * trail.low_w + now.store_w
            high_w = ways * trail.high_w + now.store_w
        load_w = self.loads_w[k]
        if load_w < low_w:
            load_w = low_w
        elif load_w > high_w:
            load_w = high_w
        self.loads_w[k] = load_w
        return load_w
