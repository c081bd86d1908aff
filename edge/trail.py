"""The last readings of one power, so that two instruments can be compared at one moment."""

from array import array

from edge.compat import const

_LENGTH = const(16)  # a power of two
_LAST = const(15)
_TICKS = const((1 << 30) - 1)  # tick differences are folded here, calls cost too much
_PAST = const(1 << 29)  # a difference from here on is a negative one


class Trail:
    """Sixteen (stamp_ms, w) pairs, newest first to be asked for.

    A grid meter and a power converter are never read at the same instant. The load is the sum of
    two powers *of the same moment*; adding readings of different age makes the loop oscillate.
    """

    def __init__(self):
        self._ms = array("i", [0] * _LENGTH)
        self._w = array("i", [0] * _LENGTH)
        self._newest = 0
        self.count = 0
        self.w = 0  # the last reading
        self.low_w = self.high_w = 0  # what the last `look` found

    def push(self, stamp_ms: int, w: int):
        """Keep a reading; one with the newest stamp already known replaces nothing."""
        newest = self._newest
        if self.count:
            if self._ms[newest] == stamp_ms:
                return
            newest = newest + 1 & _LAST
        self._ms[newest] = stamp_ms
        self._w[newest] = self.w = w
        self._newest = newest
        if self.count < _LENGTH:
            self.count += 1

    def look(self, moment_ms: int):
        """Find between which two readings the power of moment_ms, a moment before the newest
        reading, lay: low_w and high_w. Before all readings it is the oldest one."""
        newer_w = older_w = self.w
        early_ms = 0
        newest = self._newest
        for k in range(newest - 1, newest - self.count, -1):  # below 0 it counts from the end
            older_w = self._w[k]
            early_ms = moment_ms - self._ms[k] & _TICKS
            if early_ms < _PAST:
                break
            newer_w = older_w
        if early_ms == 0:
            newer_w = older_w
        if older_w < newer_w:
            self.low_w = older_w
            self.high_w = newer_w
        else:
            self.low_w = newer_w
            self.high_w = older_w
