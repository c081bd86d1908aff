"""How often something may be done: so many times at once, and once more after each while."""

from edge.ticks import ticks_add, ticks_diff


class Quota:
    """`take` at a tick; at least one a week, or the wrapping ticks give one too few."""

    def __init__(self, most: int, every_ms: int):
        self._most = self._left = most
        self._every_ms = every_ms
        self._since_ms = -1

    def take(self, now_ms: int) -> bool:
        """Whether it may be done once more now."""
        if self._left == self._most:
            self._since_ms = now_ms
        gained = ticks_diff(now_ms, self._since_ms) // self._every_ms
        if gained < 0 or self._left + gained >= self._most:
            self._left, self._since_ms = self._most, now_ms
        elif gained > 0:
            self._left += gained
            self._since_ms = ticks_add(self._since_ms, gained * self._every_ms)
        if self._left == 0:
            return False
        self._left -= 1
        return True
