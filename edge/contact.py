"""A pulse contact (S0, EN 62053-31) and its bounce: what counts as a pulse.

A level counts once it has stood for `debounce_ms`; a pulse is one that was closed so long after it
had been open so long, and is counted when it ends. Every shorter change is bounce.
"""

from array import array

from edge.compat import const
from edge.ticks import ticks_diff

_COUNT = const(0)
_MS = const(1)  # of the last edge
_CLOSED = const(2)  # the level behind it
_ARMED = const(3)  # it has been open since the last pulse
_MASK = const((1 << 30) - 1)


class Contact:
    """One input. `edge` may be called from a hard interrupt: it takes no heap. `closed`: the level
    now, at `now_ms`."""

    def __init__(self, debounce_ms: int, closed, now_ms: int):
        self.debounce_ms = debounce_ms
        self.state = array("i", (0, now_ms, closed, 0))

    def edge(self, closed, now_ms: int):
        """The level has changed to `closed`; where it is what it was, it came back before it could
        be seen, and nothing has happened."""
        state = self.state
        if closed == state[_CLOSED]:
            return
        for_ms = ticks_diff(now_ms, state[_MS])
        if for_ms >= self.debounce_ms or for_ms < 0:  # below 0: days ago
            if not state[_CLOSED]:
                state[_ARMED] = 1
            elif state[_ARMED]:
                state[_ARMED] = 0
                state[_COUNT] = state[_COUNT] + 1 & _MASK
        state[_MS] = now_ms
        state[_CLOSED] = closed

    def count(self) -> int:
        """How many pulses there were, modulo 2^30."""
        return self.state[_COUNT]
