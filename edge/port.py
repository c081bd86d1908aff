"""A byte pipe over TCP that never waits; standard library only, on CPython and MicroPython.

Every port has the same five words: `open`, `is_open`, `send`, `recv`, `close`. None of them blocks,
and a pipe that is broken says so with OSError. Give the host as an address: a name is looked up by
a call that waits for its answer; edge/dns.py has the port that asks without waiting.
"""

import errno
import select
import socket

from edge.compat import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

_UNDER_WAY = (errno.EINPROGRESS, errno.EAGAIN, getattr(errno, "EALREADY", errno.EINPROGRESS))


class TcpPort:
    """The client's end of one connection."""

    def __init__(self, host: str, port: int):
        self.host = host
        self.port = port
        self._socket: Any = None
        self._read_into: Any = None
        self._poll: Any = None
        self._connected = False

    def open(self, now_ms: int) -> None:
        """Start to connect. OSError when that is refused at once."""
        self.close()
        family, kind, protocol, _, address = socket.getaddrinfo(
            self.host, self.port, 0, socket.SOCK_STREAM)[0]
        pipe: Any = socket.socket(family, kind, protocol)
        self._socket = pipe
        pipe.setblocking(False)
        # CPython has recv_into, MicroPython readinto: the same but for None when nothing came.
        self._read_into = getattr(pipe, "recv_into", None) or pipe.readinto
        self._poll = select.poll()
        self._poll.register(pipe, select.POLLOUT)
        try:
            pipe.connect(address)
        except OSError as error:
            if error.args[0] not in _UNDER_WAY:
                self.close()
                raise

    def is_open(self) -> bool:
        """Whether the connection stands. OSError when it could not be made."""
        if not self._connected and self._socket is not None:
            for _, event in self._poll.poll(0):
                if event & (select.POLLERR | select.POLLHUP):
                    self.close()
                    raise OSError(errno.ECONNREFUSED)
                self._connected = True
        return self._connected

    def send(self, buf: "bytearray | memoryview", n: int) -> int:
        """Send the first `n` bytes of `buf`; return how many were taken, perhaps none."""
        try:
            return self._socket.send(memoryview(buf)[:n])
        except OSError as error:
            return _none_yet(error)

    def recv(self, buf: bytearray, at: int) -> int:
        """Read into `buf` from index `at` on; return the number of bytes, 0 when there are none.

        OSError when the other end has closed.
        """
        try:
            n = self._read_into(memoryview(buf)[at:])
        except OSError as error:
            return _none_yet(error)
        if n is None:
            return 0
        if n == 0:
            raise OSError(errno.ECONNRESET)
        return n

    def close(self) -> None:
        """Close; a port that is not open stays so."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None
        self._connected = False


def _none_yet(error: OSError) -> int:
    if error.args[0] == errno.EAGAIN:
        return 0
    raise error
