"""The mean worth of stored energy over several remembered days, at 32 levels of the store."""

from array import array

from edge.compat import const

LEVELS = const(32)


class Levels:
    """`sums[i]`: the slopes of `days` days added up at the middle of level i; it falls with i."""

    def __init__(self):
        self.sums = array("i", bytes(4 * LEVELS))
        self.days = 0
        self._level = self._slope = self._past = 0  # of a day half added

    def clear(self):
        """Forget all days."""
        self.days = self._level = self._slope = self._past = 0

    def add(self, worth) -> bool:
        """Add one more slope of a day's worth; True when all levels have theirs."""
        sums, value = self.sums, worth.slopes[self._slope]
        self._past += worth.lengths[self._slope]
        height = worth.scale.full // LEVELS
        level, end = self._level, (self._past + height // 2) // height
        if end > LEVELS or self._slope == len(worth.slopes) - 1:
            end = LEVELS
        while level < end:
            sums[level] = value if self.days == 0 else sums[level] + value
            level += 1
        self._level = level
        self._slope += 1
        if level < LEVELS:
            return False
        self._level = self._slope = self._past = 0
        self.days += 1
        return True

    def above(self, value: int) -> int:
        """How many levels, from the bottom, are worth more than `value` in the mean."""
        low, high = 0, LEVELS
        value *= self.days
        while low < high:
            middle = (low + high) // 2
            if self.sums[middle] > value:
                low = middle + 1
            else:
                high = middle
        return low
