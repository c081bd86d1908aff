"""When the period of another clock turns, as far as it is known: somewhere between two ticks.

Each observation says that one turn lay between two moments. Those of one clock have a moment in
common, counted on a circle of one period; what they have in common is what is known, a little more
uncertain with every second that has passed since. An observation that has nothing in common with
those before takes trust away; when none is left, the new ones are believed from the beginning.
"""

from edge.compat import const
from edge.ticks import ticks_add, ticks_diff

_DRIFT = const(5000)  # one ms in so many: 200 ppm, of two crystals
_TRUST_MAX = const(8)
_OLD_MS = const(86_400_000)


class Turns:
    """Of a clock whose period is `period_ms`. `trust` counts observations that agree; a turn was
    at the tick `at_ms`, give or take `off_ms`."""

    def __init__(self, period_ms: int):
        self.period_ms = period_ms
        self.trust = 0
        self.at_ms = 0
        self.off_ms = 0

    def hear(self, low_ms: int, high_ms: int):
        """A turn lay between these two ticks; what is wider than a quarter of the period tells too
        little and is left."""
        span_ms = ticks_diff(high_ms, low_ms)
        if not 0 <= span_ms <= self.period_ms // 4:
            return
        off_ms = span_ms // 2
        at_ms = ticks_add(low_ms, off_ms)
        off_ms += span_ms % 2
        if self.trust == 0:
            self._believe(at_ms, off_ms)
            return
        known_ms = self.off_at(at_ms)
        apart_ms = self.apart(at_ms)  # of the new one from where it was expected
        if known_ms < 0:
            self._believe(at_ms, off_ms)
            return
        low, high = apart_ms - off_ms, apart_ms + off_ms
        low = low if low > -known_ms else -known_ms
        high = high if high < known_ms else known_ms
        if low > high:
            self.trust -= 1
            if self.trust == 0:
                self._believe(at_ms, off_ms)
            return
        self.at_ms = ticks_add(at_ms, (low + high) // 2 - apart_ms)
        self.off_ms = (high - low + 1) // 2
        if self.trust < _TRUST_MAX:
            self.trust += 1

    def apart(self, at_ms: int) -> int:
        """How far a tick is from the turn nearest to it, ms: behind it when positive."""
        period_ms = self.period_ms
        late_ms = ticks_diff(at_ms, self.at_ms) % period_ms
        return late_ms - period_ms if late_ms > period_ms // 2 else late_ms

    def off_at(self, now_ms: int) -> int:
        """How uncertain it is now, ms; -1: what was known is too old."""
        age_ms = ticks_diff(now_ms, self.at_ms)
        if age_ms < 0:
            age_ms = -age_ms
        return -1 if age_ms > _OLD_MS else self.off_ms + age_ms // _DRIFT + 1

    def _believe(self, at_ms: int, off_ms: int):
        self.trust = 1
        self.at_ms = at_ms
        self.off_ms = off_ms
