"""Datagrams to one address, and nothing back: there is no word here that would receive one."""

import errno
import socket

from edge.compat import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any


class UdpPort:
    """`host` is an address: a name would have to be asked for, and the answer would come back."""

    def __init__(self, host: str, port: int):
        self._target = (host, port)
        self._socket: Any = None
        self._address: Any = None

    def send(self, buf: "bytearray | memoryview", n: int) -> bool:
        """Send buf[:n] as one datagram, without waiting; False when the network takes none just
        now. OSError when there is no way out."""
        try:
            pipe = self._socket or self._open()
            pipe.sendto(memoryview(buf)[:n], self._address)
        except OSError as error:
            if error.args[0] == errno.EAGAIN:
                return False
            self.close()
            raise
        return True

    def close(self) -> None:
        """Let go of the socket; the next `send` makes another."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None

    def _open(self) -> "Any":
        host, port = self._target
        family, kind, protocol, _, self._address = socket.getaddrinfo(
            host, port, 0, socket.SOCK_DGRAM)[0]
        pipe = self._socket = socket.socket(family, kind, protocol)
        pipe.setblocking(False)
        return pipe
