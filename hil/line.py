"""Real sockets and lines in virtual time: the gateway's end waits for what is under way.

Virtual time must never overtake a reply on its way through a real socket, or a slow machine would
look like a slow device. So each bus counts the requests and bytes that are under way, and the
gateway's port waits (in real time) until all of them have come, then lets virtual time go on. A
reply that is to be late is held back here until its virtual time has come.
"""

import select
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from boards.serial_port import SerialPort
from edge.port import TcpPort
from edge.ticks import ticks_add, ticks_diff

PATIENCE_S = 20.0  # for the simulators' threads, real time
_CHUNK = 600  # more than the longest Modbus frame


class RigError(RuntimeError):
    """The rig itself does not work, in one line."""


class Clock:
    """Virtual time, ms; wraps as the gateway's ticks do."""

    def __init__(self) -> None:
        self.now_ms = 0


class Line:
    """What is under way on one bus: the gateway's thread asks and takes, the other answers."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._under_way = 0  # requests that no simulator has dealt with yet
        self._coming: deque[tuple[int, int]] = deque()  # bytes of each piece, its delay in ms
        self.hung_up = False  # the other end has closed the connection, behind all pieces

    def asked(self) -> None:
        """The gateway has sent a request."""
        with self._changed:
            self._under_way += 1

    def answered(self, pieces: Sequence[tuple[int, int]], hung_up: bool = False) -> None:
        """A simulator has dealt with a request; pieces of so many bytes follow, each with its
        delay in ms, perhaps none, and perhaps the end of the connection."""
        with self._changed:
            self._under_way -= 1
            self._coming.extend(piece for piece in pieces if piece[0])
            self.hung_up = self.hung_up or hung_up
            self._changed.notify()

    def coming(self) -> list[tuple[int, int]]:
        """Wait until every request is dealt with; the pieces to read next. Raises RigError."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._under_way <= 0, PATIENCE_S):
                raise RigError(f"no simulator has dealt with a request for {PATIENCE_S:.0f} s")
            pieces = list(self._coming)
            self._coming.clear()
            return pieces

    def reset(self) -> None:
        """A new connection: what was under way on the old one is lost."""
        with self._changed:
            self._under_way = 0
            self._coming.clear()
            self.hung_up = False


class _Patience:
    """What both kinds of port have in common."""

    def __init__(self, line: Line, clock: Clock) -> None:
        self._line = line
        self._clock = clock
        self._held: deque[tuple[int, bytes]] = deque()  # virtual time of delivery, reply
        self._asked_ms = 0

    def anew(self) -> None:
        self._line.reset()
        self._held.clear()

    def send(self, sent: int, n: int) -> int:
        if sent == n:
            self._asked_ms = self._clock.now_ms
            self._line.asked()
        return sent

    def fetch(self, recv: Callable[[bytearray, int], int], file: Any) -> None:
        """Read the replies that are there or under way, and see the connection end."""
        pieces = self._line.coming()
        unread = sum(n for n, _ in pieces)
        reply = bytearray()
        part = bytearray(_CHUNK)
        while len(reply) < unread or self._line.hung_up:
            if not select.select([file], [], [], PATIENCE_S)[0]:
                raise RigError(f"{unread - len(reply)} bytes of a reply never came")
            reply += part[:recv(part, 0)]  # OSError where it ends
        for n, delay_ms in pieces:
            self._held.append((ticks_add(self._asked_ms, delay_ms), bytes(reply[:n])))
            del reply[:n]

    def deliver(self, buf: bytearray, at: int) -> int:
        """Hand over the first reply whose time has come."""
        if not self._held or ticks_diff(self._held[0][0], self._clock.now_ms) > 0:
            return 0
        due_ms, reply = self._held.popleft()
        n = min(len(reply), len(buf) - at)
        buf[at:at + n] = reply[:n]
        if n < len(reply):
            self._held.appendleft((due_ms, reply[n:]))
        return n


class TcpLine(TcpPort):
    """A TCP port whose time is virtual."""

    def __init__(self, bus: Mapping[str, Any], line: Line, clock: Clock) -> None:
        super().__init__(bus["host"], bus["port"])
        self._patience = _Patience(line, clock)

    def open(self, now_ms: int) -> None:
        self._patience.anew()
        super().open(now_ms)

    def is_open(self) -> bool:
        if self._socket is not None and not self._connected:
            self._poll.poll(PATIENCE_S * 1000)
        return super().is_open()

    def send(self, buf: bytearray | memoryview, n: int) -> int:
        return self._patience.send(super().send(buf, n), n)

    def recv(self, buf: bytearray, at: int) -> int:
        self._patience.fetch(super().recv, self._socket)
        return self._patience.deliver(buf, at)


class SerialLine(SerialPort):
    """A serial port whose time is virtual."""

    def __init__(self, bus: Mapping[str, Any], line: Line, clock: Clock) -> None:
        super().__init__(bus)
        self._patience = _Patience(line, clock)

    def open(self, now_ms: int) -> None:
        self._patience.anew()
        super().open(now_ms)

    def send(self, buf: bytearray | memoryview, n: int) -> int:
        return self._patience.send(super().send(buf, n), n)

    def recv(self, buf: bytearray, at: int) -> int:
        self._patience.fetch(super().recv, self._fd)
        return self._patience.deliver(buf, at)
