"""A port whose time is virtual: the gateway's end of a real socket or line waits for what is under
way.

Virtual time must never overtake a reply on its way through a real socket, or a slow machine would
look like a slow device. So the port waits (in real time) until whatever it was told of has come,
and hands a reply over when its virtual time has come. Runs on both Pythons.
"""

import time

from edge.compat import TYPE_CHECKING
from edge.ticks import ticks_add, ticks_diff

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

PATIENCE_S = 20  # for the simulators' threads, real time
_PAUSE_S = 0.0001
_CHUNK = 600  # more than the longest Modbus frame
_CHARACTER_BITS = 11
_FAST_BAUD = 19200  # above it the silence between two frames is 1.75 ms (V1.02, 2.5.1.1)


class RigError(RuntimeError):
    """The rig itself does not work, in one line."""


class Clock:
    """Virtual time, ms; wraps as the gateway's ticks do."""

    def __init__(self) -> None:
        self.now_ms = 0


class Patient:
    """A port around the port of a bus. `line` knows what is under way: hil/line.py Line, or whoever
    speaks for it. `hasty` counts requests that came before the line had rested."""

    def __init__(self, bus: "Mapping[str, Any]", port: "Any", line: "Any", clock: Clock) -> None:
        self.hasty = 0
        self._port, self._line, self._clock = port, line, clock
        self._held: list[tuple[int, bytes]] = []  # virtual time of delivery, reply
        self._asked_ms = self._heard_ms = 0
        self._silence_ms = _silence_ms(bus["baud"]) if "baud" in bus else 0
        self._gap_ms: int = max(bus["gap_ms"], self._silence_ms)
        self._timeout_ms: int = bus["timeout_ms"]
        self._settle_ms: int = bus.get("settle_ms", 0)
        self._quiet_ms = 0  # what has to pass before a request

    def open(self, now_ms: int) -> None:
        """Begin anew: what was under way on the old connection is lost."""
        self._line.reset()
        self._held.clear()
        self._port.open(now_ms)
        self._heard_ms = self._clock.now_ms
        self._quiet_ms = self._settle_ms

    def is_open(self) -> bool:
        """Whether the connection stands; it is waited for."""
        return bool(self._wait(self._port.is_open))

    def send(self, buf: "bytearray | memoryview", n: int) -> int:
        """Send, and know that something is under way."""
        sent: int = self._port.send(buf, n)
        self._asked_ms = self._clock.now_ms
        if ticks_diff(self._asked_ms, self._heard_ms) < self._quiet_ms:
            self.hasty += 1
        if sent == n:
            self._line.asked()
        return sent

    def recv(self, buf: bytearray, at: int) -> int:
        """Hand over the first reply whose time has come."""
        self._fetch()
        if not self._held or ticks_diff(self._held[0][0], self._clock.now_ms) > 0:
            return 0
        due_ms, reply = self._held.pop(0)
        n = min(len(reply), len(buf) - at)
        buf[at:at + n] = reply[:n]
        if n < len(reply):
            self._held.insert(0, (due_ms, reply[n:]))
        self._heard_ms = now_ms = self._clock.now_ms
        late = ticks_diff(now_ms, self._asked_ms) > self._timeout_ms
        self._quiet_ms = self._silence_ms if late else self._gap_ms  # what is late, nobody awaits
        return n

    def close(self) -> None:
        """Close the port."""
        self._port.close()

    def _fetch(self) -> None:
        """Read the replies that are there or under way, and see the connection end."""
        pieces = self._line.coming()
        unread = sum([n for n, _ in pieces])
        reply = bytearray()
        part = bytearray(_CHUNK)
        while len(reply) < unread or self._line.hung_up:
            n = self._wait(lambda: self._port.recv(part, 0))  # OSError where it ends
            if not n:
                raise RigError(f"{unread - len(reply)} bytes of a reply never came")
            reply += part[:n]
        for n, delay_ms in pieces:
            self._held.append((ticks_add(self._asked_ms, delay_ms), bytes(reply[:n])))
            reply = reply[n:]

    def _wait(self, until: "Any") -> "Any":
        """Try until something is so, or patience ends."""
        for _ in range(int(PATIENCE_S / _PAUSE_S)):
            found = until()
            if found:
                return found
            time.sleep(_PAUSE_S)
        return until()


def _silence_ms(baud: int) -> int:
    return 2 if baud > _FAST_BAUD else -(-7 * _CHARACTER_BITS * 500 // baud)
