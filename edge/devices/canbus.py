"""A CAN bus: nobody is asked, every device sends its frames when it likes.

`step` takes what has come, a bounded number of frames at a time, and never waits. A frame does not
say when it came, and it may have lain in the port's queue: it is stamped with the last moment at
which that queue was known to be empty, which is before it came. Age is never flattered, and a flood
that never lets the queue run dry ends as silence does. What a device wants to hear is sent when it
is due, and left out, not made up for, while the controller takes nothing.
"""

from edge.compat import TYPE_CHECKING, const
from edge.ticks import ticks_add, ticks_diff
from edge.wire.can import FRAME, identifier

if TYPE_CHECKING:
    from typing import Any, Mapping

_DOWN = const(0)
_OPENING = const(1)
_UP = const(2)

_CONNECT_MS = const(5000)
_RECONNECT_MS = const(1000)  # doubles with every attempt in vain
_DOUBLINGS_MAX = const(5)  # to 32 s
_STEP_MS = const(50)  # what it costs in age to look no more often
_FRAMES = const(32)  # in one step: a babbling device must not keep the processor


class CanBus:
    """One CAN bus, with the words of Bus; `port` hands over and takes whole frames of 16 bytes, and
    its `open` is told which identifiers are of use."""

    def __init__(self, image: "Mapping[str, Any]", port: "Any"):
        self.drivers: list[Any] = []
        self._port = port
        self._rx = bytearray(FRAME)
        # Health, for people.
        self.requests = 0  # frames sent
        self.timeouts = 0  # frames that the controller did not take
        self.exceptions = 0  # nobody is asked, so nobody refuses
        self.breaks = 0  # times that the port could not be opened, or failed
        self._foreign = 0
        # The port.
        self._state = _DOWN
        self._retry_ms = 0
        self._attempts = 0
        self._deadline_ms = 0
        self._empty_ms = 0  # when the queue was last known to be empty

    def add(self, driver: "Any") -> None:
        """Put a device on the bus."""
        self.drivers.append(driver)

    def crc_errors(self) -> int:
        """How many frames were spoiled: the controller drops them, and tells nobody."""
        return 0

    def foreign(self) -> int:
        """How many frames came that no device here reads."""
        return self._foreign

    def leave(self) -> None:
        """Nothing here holds a setpoint; what keeps a device alive ends with the beat."""

    def has_left(self) -> bool:
        """Whether every device was given back."""
        return True

    def close(self) -> None:
        """Close the port; the next step opens it again."""
        self._port.close()
        self._state = _DOWN

    def mend(self, now_ms: int) -> None:
        """After an internal fault: the port counts as broken."""
        self._break(now_ms)

    def step(self, now_ms: int) -> int:
        """Do what can be done now; return in how many ms to come back."""
        wait_ms = _STEP_MS
        try:
            if self._state == _UP or self._open(now_ms):
                wait_ms = self._listen(now_ms)
                self._speak(now_ms)
        except OSError:
            self._break(now_ms)
        for driver in self.drivers:
            driver.watch(now_ms)
        return wait_ms

    def _open(self, now_ms: int) -> bool:
        if self._state == _DOWN:
            if self._attempts and ticks_diff(self._retry_ms, now_ms) > 0:
                return False
            ids = []
            for driver in self.drivers:
                ids += driver.ids
            self._state = _OPENING
            self._deadline_ms = ticks_add(now_ms, _CONNECT_MS)
            self._port.open(now_ms, ids)
        if not self._port.is_open():
            if ticks_diff(now_ms, self._deadline_ms) >= 0:
                self._break(now_ms)
            return False
        self._state = _UP
        self._empty_ms = now_ms
        return True

    def _break(self, now_ms: int) -> None:
        """The port failed: close it, and try again after 1, 2, 4 .. 32 s."""
        self.breaks += 1
        self.close()
        self._retry_ms = ticks_add(now_ms, _RECONNECT_MS << self._attempts)
        if self._attempts < _DOUBLINGS_MAX:
            self._attempts += 1

    def _listen(self, now_ms: int) -> int:
        """Take what has come; return in how many ms to come back."""
        rx = self._rx
        for _ in range(_FRAMES):
            n = self._port.recv(rx, 0)
            if not n:
                self._empty_ms = now_ms
                return _STEP_MS
            self._attempts = 0
            ident = identifier(rx) if n == FRAME else -1
            read = False
            for driver in self.drivers:
                if ident in driver.ids:
                    driver.heard(ident, rx, self._empty_ms)
                    read = True
            if not read:
                self._foreign += 1
        return 1

    def _speak(self, now_ms: int) -> None:
        for driver in self.drivers:
            if driver.wants_write(now_ms):
                if self._port.send(driver.tx, FRAME) == FRAME:
                    self.requests += 1
                else:
                    self.timeouts += 1


def bus(image: "Mapping[str, Any]", port: "Any") -> CanBus:
    """What edge/app.py makes of a bus of the compiled site."""
    return CanBus(image, port)
