"""One reading with its stamp, for roles whose signals the beat's snapshot does not know."""

from edge.compat import const

_TICKS = const((1 << 30) - 1)
_FUTURE = const(1 << 29)  # an age beyond half the period is a stamp a little ahead of the beat
_FORGET_MS = const(100_000_000)  # well before a stamp could look new again


class Signal:
    """The newest `value`, read at `ms`; it may be `max_ms` old to be believed."""

    def __init__(self):
        self.value = 0
        self.ms = 0
        self.known = False
        self.max_ms = 0

    def keep(self, value: int, stamp_ms: int):
        """Keep a reading."""
        self.value = value
        self.ms = stamp_ms
        self.known = True

    def fresh(self, now_ms: int) -> bool:
        """Whether it was read lately enough."""
        if not self.known:
            return False
        age_ms = now_ms - self.ms & _TICKS
        if age_ms > _FUTURE:
            return True
        if age_ms > _FORGET_MS:
            self.known = False
        return age_ms <= self.max_ms
