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
        self.low_w = self.high_w = 0  # what the last `look` found

    def push(self, stamp_ms: int, w: int):
        """Keep a reading; one with the newest stamp already known replaces nothing."""
        newest = self._newest
        if self.count:
            if self._ms[newest] == stamp_ms:
                return
            newest = newest + 1 & _LAST
        self._ms[newest] = stamp_ms
        self._w[newest] = w
        self._newest = newest
        if self.count < _LENGTH:
            self.count += 1

    def look(self, moment_ms: int):
        """Find between which two readings the power of moment_ms lay: low_w and high_w. Outside
        all readings it is the nearest one."""
        stamps_ms = self._ms
        k = self._newest
        newer_w = older_w = self._w[k]
        early_ms = moment_ms - stamps_ms[k] & _TICKS
        for _ in range(self.count - 1):
            if early_ms < _PAST:
                break  # reading k is the last one not after the moment
            newer_w = older_w
            k = k - 1 & _LAST
            older_w = self._w[k]
            early_ms = moment_ms - stamps_ms[k] & _TICKS
        if early_ms == 0 or early_ms >= _PAST:
            newer_w = older_w
        if older_w < newer_w:
            self.low_w = older_w
            self.high_w = newer_w
        else:
            self.low_w = newer_w
            self.high_w = older_w
