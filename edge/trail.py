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
    The newest and the one before it are kept at hand: they are nearly always what is asked for.
    """

    def __init__(self):
        self._ms = array("i", [0] * _LENGTH)
        self._w = array("i", [0] * _LENGTH)
        self._newest = 0
        self.count = 0
        self.before_ms = self.before_w = self.w = 0  # the last reading but one; the last
        self.low_w = self.high_w = 0  # what the last `look` found

    def push(self, stamp_ms: int, w: int):
        """Keep a reading; one with the newest stamp already known replaces nothing."""
        newest = self._newest
        if self.count:
            if self._ms[newest] == stamp_ms:
                return
            self.before_ms = self._ms[newest]
            self.before_w = self.w
            newest = newest + 1 & _LAST
        else:
            self.before_ms = stamp_ms
            self.before_w = w
        self._ms[newest] = stamp_ms
        self._w[newest] = self.w = w
        self._newest = newest
        if self.count < _LENGTH:
            self.count += 1

    def look(self, moment_ms: int):
        """Find between which two readings the power of moment_ms, a moment before the newest
        reading, lay: low_w and high_w. Before all readings it is the oldest one."""
        newer_w = self.w
        older_w = self.before_w
        early_ms = moment_ms - self.before_ms & _TICKS
        if early_ms >= _PAST:  # further back
            k = self._newest - 1
            for _ in range(self.count - 2):
                k = k - 1 & _LAST
                newer_w = older_w
                older_w = self._w[k]
                early_ms = moment_ms - self._ms[k] & _TICKS
                if early_ms < _PAST:
                    break
        if early_ms == 0 or early_ms >= _PAST:
            newer_w = older_w
        if older_w < newer_w:
            self.low_w = older_w
            self.high_w = newer_w
        else:
            self.low_w = newer_w
            self.high_w = older_w
