"""A battery management system on CAN that says what its battery may do; it only limits.

It states currents, so a limit in watts is current times voltage, of frames that come apart: each
number has an age of its own, and where one of them is missing or too old, the limit is 0 W. The
same where the system does not enable that direction, and in both while one of the bits that stop
it is set. What an image says:

    blocks   [identifier, 0, bytes that such a frame must have, 1]
    points   [name, block, first byte, kind, least, greatest], raw; other values are refused
    signals  [signal, point, numerator, denominator]
    limits   [signal, point of the current, of the voltage, of the flags, mask, num, den]
    stops    points whose bits all have to be 0
    alive    [identifier, bytes, period in ms] of the frame that says the gateway is there
"""

from array import array

from edge.compat import TYPE_CHECKING, const
from edge.ticks import ticks_diff
from edge.wire.can import FRAME, length, number, put

if TYPE_CHECKING:
    from typing import Any, Mapping, Sequence

_NO_TICK = const(-1)


class CanBms:
    """One such system, with the words of a driver that CanBus knows; `image` is its compiled
    device, one of `roles` the battery that it feeds. ValueError when none of them is."""

    def __init__(self, image: "Mapping[str, Any]", roles: "Sequence[Any]"):
        self.name = image["name"]
        self.unit = image["unit"]
        self.lease = None
        self.refused = 0  # frames too short, and values that no such device can have
        self.ids = [block[0] for block in image["blocks"]]
        self._least = [block[2] for block in image["blocks"]]
        self._points = image["points"]
        self._signals = image["signals"]
        self._limits = image["limits"]
        self._stops = image["stops"]
        self._stale_ms = image["stale_ms"]
        self._role = _battery(roles)
        self._values = array("i", [0] * len(self._points))
        self._stamps = array("i", self._values)
        self._known = bytearray(len(self._points))
        ident, data, self._alive_ms = image["alive"]
        self.tx = bytearray(FRAME)
        put(self.tx, ident, data)
        self._told = False
        self._told_ms = 0
        self._dead_ms = self._role.setpoint_ms  # a stamp whose lease has run out, or never began
        for limit in self._limits:  # until it has said what it bears
            self._role.take(limit[0], 0, 0)

    def heard(self, ident: int, rx: bytearray, stamp_ms: int) -> None:
        """A frame with one of our identifiers came."""
        block = self.ids.index(ident)
        if length(rx) < self._least[block]:
            self.refused += 1
            return
        for n in range(len(self._points)):
            _, of, at, kind, low, high = self._points[n]
            if of == block:
                value = number(rx, at, kind)
                if low <= value <= high:
                    self._values[n] = value
                    self._stamps[n] = stamp_ms
                    self._known[n] = 1
                    self._tell(n)
                else:
                    self.refused += 1

    def watch(self, now_ms: int) -> None:
        """Forget what is too old, and hand on what the battery may do now."""
        known = self._known
        for n in range(len(known)):
            if known[n] and ticks_diff(now_ms, self._stamps[n]) >= self._stale_ms:
                known[n] = 0
        for limit in self._limits:
            self._role.take(limit[0], self._limit_w(limit), now_ms)

    def wants_write(self, now_ms: int) -> bool:
        """Whether the system should hear now that we are there: each period while the beat lives,
        so that it sees as soon as the converter does that nobody commands any more."""
        role = self._role
        if role.setpoint_ms == self._dead_ms:
            return False
        if not 0 <= ticks_diff(now_ms, role.setpoint_ms) <= role.lease_ms:
            self._dead_ms = role.setpoint_ms  # as edge/devices/lease.py: once dead, dead
            return False
        self._dead_ms = _NO_TICK
        if self._told and ticks_diff(now_ms, self._told_ms) < self._alive_ms:
            return False
        self._told = True
        self._told_ms = now_ms
        return True

    def _tell(self, point: int) -> None:
        for signal, of, num, den in self._signals:
            if of == point and not self._role.take(signal, self._values[of] * num // den,
                                                   self._stamps[of]):
                self.refused += 1

    def _limit_w(self, limit: "Sequence[Any]") -> int:
        _, amps, volts, flags, mask, num, den = limit
        known, values = self._known, self._values
        if not known[amps] or not known[volts] or not known[flags] or not values[flags] & mask:
            return 0
        for stop in self._stops:
            if not known[stop] or values[stop]:
                return 0
        return values[amps] * values[volts] * num // den


def _battery(roles: "Sequence[Any]") -> "Any":
    for role in roles:
        if hasattr(role, "setpoint_w") and "soc_pm" in role.SIGNALS:
            return role
    raise ValueError("no role is a battery")


def driver(image: "Mapping[str, Any]", roles: "Sequence[Any]") -> CanBms:
    """What edge/app.py makes of a device of the compiled site."""
    return CanBms(image, roles)
