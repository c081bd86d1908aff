"""The last readings of one power, so that two instruments can be compared at one moment."""

from array import array

from edge.compat import const

_LENGTH = const(16)  # a power of two
_LAST = const(15)
_TICKS = const((1 << 30) - 1)  # tick differences are folded here, calls cost too much
_PAST = const(1 << 29)  # a difference from here on is a negative one
_FINE = const(64)  # interpolation in 64ths keeps 8 MW steps inside 31 bits


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

    def at(self, moment_ms: int) -> int:
        """Power at moment_ms, W: between two readings a straight line, outside them the nearest."""
        k = self._newest
        stamps_ms = self._ms
        late_ms = stamps_ms[k] - moment_ms & _TICKS
        if late_ms == 0 or late_ms >= _PAST:
            return self._w[k]
        for _ in range(self.count - 1):
            older = k - 1 & _LAST
            early_ms = moment_ms - stamps_ms[older] & _TICKS
            if early_ms < _PAST:
                older_w = self._w[older]
                part = early_ms * _FINE // (early_ms + late_ms)
                return older_w + (self._w[k] - older_w) * part // _FINE
            k = older
            late_ms = -early_ms & _TICKS
        return self._w[k]
