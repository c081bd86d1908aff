"""A SunSpec device: its models are looked for on the device itself, then it is as any other.

A map begins with "SunS" at 40000, 0 or 50000 and is a chain: a model's id, its length L, L
registers, the next model, until the id is 0xFFFF. What the chain says is not believed further than
it goes: nothing is followed past the address space or after `_MODELS_MAX` models, a model that is
shorter than what is read of it is none, and of two of one id the first counts.

The image (boards/profile_sunspec.py) says which models each block may come from, and what lies
where in each. Blocks begin at a model's id, so every reply proves whose it is: a device that came
back with another layout is looked at anew before a value of it is taken or a setpoint is written.
"""

from edge.compat import TYPE_CHECKING, const
from edge.devices.sunspec_found import Found, found
from edge.ticks import ticks_add, ticks_diff
from edge.wire.modbus import (
    ACKNOWLEDGE,
    BUSY,
    PATH_UNAVAILABLE,
    READ_HOLDING_REGISTERS,
    TARGET_SILENT,
    put_read,
)

if TYPE_CHECKING:
    from typing import Any, Mapping, Sequence

_BASES = (40000, 0, 50000)
_SU = const(0x5375)
_NS = const(0x6E53)
_END = const(0xFFFF)
_LAST = const(65534)  # the last address at which a model could begin
_SPACE = const(65536)
_MODELS_MAX = const(100)
_HEAD = const(2)  # a model's id and length
_PROBE = const(3)  # registers of a read whose reply is as long as none of a chain's

_BACK_OFF_MAX_MS = const(30_000)
_STRANGER_MS = const(30_000)
_BUSY_MS = const(250)
_BUSY_MAX = const(8)
_FAILURES_MAX = const(8)


class Sunspec:
    """One device on a bus, with the words of edge/devices/driver.py; `image` is a compiled device,
    `roles` take its signals. ValueError when the image cannot be executed."""

    def __init__(self, image: "Mapping[str, Any]", roles: "Sequence[Any]"):
        self.name = image["name"]
        self.unit = image["unit"]
        self.lease: Any = None
        self.stranger = False  # no map, or not the models that the profile needs
        self.timeouts = 0  # while it was looked for, as the next
        self.exceptions = 0
        self.searches = 0  # how often its models were looked for
        self.driver: Found | None = None  # once they are found
        self._image = image
        self._roles = list(roles)
        self._wanted = _ids(image)
        self._quiet_ms = _STRANGER_MS  # so long that a timer which any request restarts can bite
        if image["control"] is not None:
            self._quiet_ms = max(_STRANGER_MS, image["control"].get("quiet_ms", 0))
        self._leaving = False
        self._next_ms = 0
        self._failures = 0
        self._doubt = False  # a late reply may be on its way
        self._rank = 0  # which way of commanding it is tried
        self._base = 0
        self._start()

    # What the bus asks.

    def watch(self, now_ms: int) -> None:
        """Follow the beat while the line is down."""
        if self.driver is not None:
            self.driver.watch(now_ms)

    def wants_write(self, now_ms: int) -> bool:
        """Whether a write should go out before anybody's reads."""
        return self.driver is not None and self.driver.wants_write(now_ms)

    def due_ms(self, now_ms: int) -> int:
        """How long until this device should be read, ms; not positive: now."""
        if self.driver is not None:
            return self.driver.due_ms(now_ms)
        return ticks_diff(self._next_ms, now_ms)

    def compose(self, tx: bytearray, at: int, now_ms: int) -> int:
        """Build the next request at index `at` of `tx`; return the index after it."""
        if self.driver is not None:
            return self.driver.compose(tx, at, now_ms)
        if self._doubt:
            return put_read(tx, at, READ_HOLDING_REGISTERS, _BASES[self._base], _PROBE)
        return put_read(tx, at, READ_HOLDING_REGISTERS, self._at, _HEAD)

    # What the bus reports.

    def opened(self, now_ms: int) -> None:
        """The line has been opened: whoever answers now has to prove who it is."""
        if self.driver is not None:
            self.driver.opened(now_ms)
        else:
            self._hold(now_ms, self._back_off_ms() if self._failures else 0)
            self._start()

    def answered(self, rx: bytearray, at: int, sent_ms: int, now_ms: int) -> None:
        """The reply to the request in flight came; its data begins at index `at` of `rx`."""
        if self.driver is not None:
            self.driver.answered(rx, at, sent_ms, now_ms)
            self._follow(now_ms)
            return
        self._failures = self._busy = 0
        self._next_ms = now_ms
        if self._doubt:
            self._doubt = False
        else:
            self._hear(rx[at] << 8 | rx[at + 1], rx[at + 2] << 8 | rx[at + 3], now_ms)

    def refused(self, code: int, now_ms: int) -> None:
        """The device answered with an exception; `code` as in the specification (7)."""
        if self.driver is not None:
            self.driver.refused(code, now_ms)
            self._follow(now_ms)
            return
        self.exceptions += 1
        if PATH_UNAVAILABLE <= code <= TARGET_SILENT:
            self.silent(now_ms)  # a gateway speaks for a device that does not
            return
        self._failures = 0
        self._next_ms = now_ms
        if self._doubt:
            self._doubt = False
        elif ACKNOWLEDGE <= code <= BUSY and self._busy < _BUSY_MAX:
            self._busy += 1
            self._hold(now_ms, _BUSY_MS)
        elif self._walked < 0:
            self._next_base(now_ms)
        else:
            self._end(now_ms)  # a map whose end is not marked

    def silent(self, now_ms: int) -> None:
        """No reply came in time: leave the device alone for 1, 2, 4 .. polls, 30 s at most. Some
        devices are silent where they have no registers, so the next base is tried then."""
        if self.driver is not None:
            self.driver.silent(now_ms)
            self._follow(now_ms)
            return
        self.timeouts += 1
        self._doubt = True
        if self._failures < _FAILURES_MAX:
            self._failures += 1
        self._hold(now_ms, self._back_off_ms())
        if self._walked < 0:
            self._next_base(now_ms)

    def leave(self) -> None:
        """Give the device back, whatever the beat says."""
        self._leaving = True
        if self.driver is not None:
            self.driver.leave()

    def has_left(self) -> bool:
        """Whether the device has confirmed that it was given back, or was never commanded."""
        if self.driver is not None:
            return self.driver.has_left()
        return self.lease is None

    # Looking for its models.

    def _start(self) -> None:
        self._at: int = _BASES[self._base]
        self._walked = -1  # models passed; -1: not even the beginning of the map
        self._busy = 0
        self._models: dict[int, tuple[int, int]] = {}  # id -> its address and L

    def _hold(self, now_ms: int, delay_ms: int) -> None:
        self._next_ms = ticks_add(now_ms, delay_ms)

    def _back_off_ms(self) -> int:
        poll_ms = self._image["poll_ms"]
        return min(poll_ms << self._failures - 1, max(poll_ms, _BACK_OFF_MAX_MS))

    def _next_base(self, now_ms: int) -> None:
        """No map here. After the last place it is not what it should be, or dead; what may still
        hold a setpoint is left alone for long enough to give it up."""
        self._base += 1
        self._rank = 0
        if self._base == len(_BASES):
            self._base = 0
            self.stranger = not self._failures
            if self.stranger or self.lease is not None:
                self._hold(now_ms, self._quiet_ms)
        self._start()

    def _hear(self, first: int, second: int, now_ms: int) -> None:
        """Two registers of the map: its mark, or a model's id and length."""
        if self._walked < 0:
            if first != _SU or second != _NS:
                self._next_base(now_ms)
                return
        elif first == _END:
            self._end(now_ms)
            return
        elif first in self._wanted and first not in self._models \
                and self._at + _HEAD + second <= _SPACE:
            self._models[first] = (self._at, second)
        self._at += _HEAD if self._walked < 0 else _HEAD + second
        self._walked += 1
        if self._at > _LAST or self._walked > _MODELS_MAX:
            self._end(now_ms)

    def _end(self, now_ms: int) -> None:
        """The chain has ended: is there what the profile needs?"""
        self.searches += 1
        driver = found(self._image, self._roles, self._models, self._rank)
        if driver is None:
            self._next_base(now_ms)
            return
        driver.opened(now_ms)
        self.stranger = False
        self.driver = driver
        self.lease = driver.lease
        if self._leaving:
            driver.leave()

    def _follow(self, now_ms: int) -> None:
        """Look for the models anew when something else stands where they stood, or for another
        way to command the device when it does not have the present one."""
        driver = self.driver
        if driver is None or not (driver.stranger or driver.has_moved()):
            return
        if driver.setpoint is not None and driver.setpoint.absent:
            self._rank += 1
            self.lease = None  # nothing was commanded
        else:
            self._rank = self._base = 0
        self.driver = None
        self._hold(now_ms, self._image["poll_ms"])
        self._start()


def _ids(image: "Mapping[str, Any]") -> "list[int]":
    """Every model that may be of use."""
    ids = [model for block in image["models"] for model in block]
    ids += [model for way in image["others"] for model in way[1]]
    if image["control"] is not None:
        for choice in image["control"]["choices"]:
            ids.append(choice["model"])
            ids += [base[0] for base in choice["of"]]
    return ids


def driver(image: "Mapping[str, Any]", roles: "Sequence[Any]") -> Sunspec:
    """What speaks with the device (edge/app.py)."""
    return Sunspec(image, roles)
