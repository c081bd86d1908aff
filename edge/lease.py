"""What the cloud has asked for, each wish a lease that ends by itself.

A lease runs on the monotonic clock: nothing that becomes of the wall clock makes it longer or
shorter, and a gateway that starts anew has none.
"""

from array import array

from edge.compat import const
from edge.ticks import ticks_diff

IMPORT = const(0)  # what a lease is on; a new one takes the place of the former of its kind
EXPORT = const(1)
FLOOR = const(2)
CHARGE = const(3)
DISCHARGE = const(4)
SETPOINT = const(5)
STOP = const(6)
_KINDS = const(7)

# What `bounds` holds, the cloud's own order applied: all of them are free while none is in force.
_COUNT = const(0)  # leases in force
_SOONEST = const(1)  # the tick at which the first of them ends
_LO = const(2)  # battery power, W: at least,
_HI = const(3)  # and at most
_IMPORT_W = const(4)
_EXPORT_W = const(5)
_FLOOR_PM = const(6)
_FREE_W = const(16_000_000)
_FREE_PM = const(-1000)


class Leases:
    """`bounds` is what the beat reads (edge/rules/command.py); powers W, ends in ticks."""

    def __init__(self):
        self.bounds = array("i", [0, 0, -_FREE_W, _FREE_W, _FREE_W, _FREE_W, _FREE_PM])
        self._on = bytearray(_KINDS)
        self._values = array("i", [0] * _KINDS)
        self._ends_ms = array("i", [0] * _KINDS)
        self._exact = 0  # of the setpoint: 1 = exactly, 0 = between 0 and it

    def take(self, kind: int, value: int, end_ms: int, now_ms: int, exact: int = 0):
        """Hold `value` until the tick end_ms: at most 2^29 ms ahead."""
        self._on[kind] = 1
        self._values[kind] = value
        self._ends_ms[kind] = end_ms
        if kind == SETPOINT:
            self._exact = exact
        self.settle(now_ms)

    def release(self, now_ms: int):
        """End all of them."""
        for kind in range(_KINDS):
            self._on[kind] = 0
        self.settle(now_ms)

    def settle(self, now_ms: int):
        """Leave out what has ended by now_ms, and say what the others come to together."""
        bounds, values = self.bounds, self._values
        count = 0
        for kind in range(_KINDS):
            if self._on[kind]:
                if ticks_diff(self._ends_ms[kind], now_ms) <= 0:
                    self._on[kind] = 0
                else:
                    if not count or ticks_diff(self._ends_ms[kind], bounds[_SOONEST]) < 0:
                        bounds[_SOONEST] = self._ends_ms[kind]
                    count += 1
        on = self._on
        bounds[_IMPORT_W] = values[IMPORT] if on[IMPORT] else _FREE_W
        bounds[_EXPORT_W] = values[EXPORT] if on[EXPORT] else _FREE_W
        bounds[_FLOOR_PM] = values[FLOOR] if on[FLOOR] else _FREE_PM
        bounds[_LO], bounds[_HI] = -_FREE_W, _FREE_W
        if on[STOP]:
            bounds[_LO] = bounds[_HI] = 0
        else:
            if on[CHARGE]:
                bounds[_LO] = -values[CHARGE]
            if on[DISCHARGE]:
                bounds[_HI] = values[DISCHARGE]
            if on[SETPOINT]:
                self._point(values[SETPOINT])
        bounds[_COUNT] = count

    def _point(self, w: int):
        """A setpoint, inside the cloud's own limits."""
        bounds = self.bounds
        if w < bounds[_LO]:
            w = bounds[_LO]
        elif w > bounds[_HI]:
            w = bounds[_HI]
        bounds[_LO] = w if self._exact or w < 0 else 0
        bounds[_HI] = w if self._exact or w > 0 else 0
