"""A TCP port that others connect to, on one of this machine's addresses; it never waits."""

import select
import socket

from edge.compat import TYPE_CHECKING, const
from edge.ticks import ticks_add, ticks_diff

if TYPE_CHECKING:
    from typing import Any

_RETRY_MS = const(10_000)  # until a port that could not be had is tried again


class Listener:
    """`accept` gives one connection after the other; at most `most` wait for it meanwhile."""

    def __init__(self, address: str, port: int, most: int):
        self.failures = 0  # times the port could not be had, or was lost
        self._address = address
        self._port = port
        self._most = most
        self._socket: Any = None
        self._poll: Any = None
        self._due_ms = -1

    def accept(self, now_ms: int):
        """The next one who waits, a socket and where it comes from; None when nobody does."""
        if self._socket is None and not self._open(now_ms):
            return None
        door: Any = self._socket
        if not self._poll.poll(0):
            return None
        try:
            return door.accept()
        except OSError:
            self.lose()
            return None

    def _open(self, now_ms: int) -> bool:
        if self._due_ms >= 0 and 0 < ticks_diff(self._due_ms, now_ms) <= _RETRY_MS:
            return False
        self._due_ms = ticks_add(now_ms, _RETRY_MS)
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(
                self._address, self._port, 0, socket.SOCK_STREAM)[0]
            self._socket = socket.socket(family, kind, protocol)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._socket.bind(address)
            self._socket.listen(self._most)
            self._socket.setblocking(False)
            self._poll = select.poll()
            self._poll.register(self._socket, select.POLLIN)
        except OSError:
            self.lose()
            return False
        return True

    def lose(self) -> None:
        """Let go of the port; it is opened anew after a while."""
        self.failures += 1
        if self._socket is not None:
            self._socket.close()
        self._socket = None
