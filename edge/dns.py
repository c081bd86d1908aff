"""The address of a name, asked for without ever waiting (RFC 1035, A records over UDP).

MicroPython's own look-up stands still until there is an answer, for half a minute where the server
is away. Here a question is one datagram and the answer is looked for at each step. It counts only
from the server that was asked, with the number and the very question of the asking. There is one
question for each connection that is tried. Where one led to no address, the deadline of the
connection ends it, and the address that was last told is tried before the name is asked again.
"""

import errno
import os
import socket

from edge.compat import TYPE_CHECKING, const

if TYPE_CHECKING:
    from typing import Any

_PORT = const(53)
_BYTES = const(512)  # the longest answer, 4.2.1
_HEAD = const(12)
_A_IN = b"\x00\x01\x00\x01"  # type A, class IN
_POINTER = const(0xC0)


def question(name: str, number: bytes) -> bytes:
    """The datagram that asks for the address of a host name; `number`: two bytes."""
    asked = number + b"\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"  # recursion desired, one question
    for label in name.rstrip(".").split("."):
        asked += bytes([len(label)]) + label.encode()
    return asked + b"\x00" + _A_IN


def answer(asked: bytes, reply: bytes) -> "str | None":
    """The address in a reply to the question; None: it is no reply to it. OSError: it says that
    there is none. A chain of aliases is the server's to follow: the first address counts."""
    at = len(asked)
    if (len(reply) < at or reply[:2] != asked[:2] or reply[2] & 0xF8 != 0x80
            or reply[4:6] != b"\x00\x01" or reply[_HEAD:at].lower() != asked[_HEAD:].lower()):
        return None
    for _ in range(reply[6] << 8 | reply[7]):
        at = _behind_name(reply, at)
        if at + 10 > len(reply):
            break
        size = reply[at + 8] << 8 | reply[at + 9]
        if reply[at:at + 4] == _A_IN and size == 4 and at + 14 <= len(reply):
            return ".".join([str(byte) for byte in reply[at + 10:at + 14]])
        at += 10 + size
    raise OSError(errno.ENOENT)


def _behind_name(reply: bytes, at: int) -> int:
    """Index behind the name that begins at `at`, 4.1.4; behind the reply when it does not end."""
    while at < len(reply):
        size = reply[at]
        if size >= _POINTER:
            return at + 2
        at += 1 + size
        if size == 0:
            break
    return at


class NamedPort:
    """A TCP port whose host is a name. `server()`: the address of a name server, as of now."""

    def __init__(self, port: "Any", server: "Any", server_port: int = _PORT) -> None:
        self._port = port
        self._server = server
        self._server_port = server_port
        self._name: str = port.host
        self._address = ""  # the last one that was told
        self._asked = b""
        self._in_doubt = False  # the last question led to no address
        self._socket: Any = None

    def open(self, now_ms: int) -> None:
        """Ask for the address, or take the last one where the last question had no answer."""
        self.close()
        if self._name == "localhost":  # RFC 6761, 6.3
            self._in_doubt, self._address = True, "127.0.0.1"
        if self._in_doubt and self._address:
            self._in_doubt = False
            self._connect(now_ms)
            return
        self._in_doubt = True
        self._asked = question(self._name, os.urandom(2))
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.connect(socket.getaddrinfo(self._server(), self._server_port)[0][-1])
        self._socket.send(self._asked)

    def is_open(self) -> bool:
        """Whether the connection stands. OSError when it could not be made."""
        if self._socket is not None:
            try:
                reply = self._socket.recv(_BYTES)
            except OSError as error:
                if error.args[0] == errno.EAGAIN:
                    return False
                raise
            found = answer(self._asked, reply)
            if found is None:
                return False
            self._forget()
            self._in_doubt = False
            self._address = found
            self._connect(0)
        return self._port.is_open()

    def _connect(self, now_ms: int) -> None:
        self._port.host = self._address
        self._port.open(now_ms)

    def send(self, buf: "bytearray | memoryview", n: int) -> int:
        """Send the first `n` bytes of `buf`; return how many were taken, perhaps none."""
        return self._port.send(buf, n)

    def recv(self, buf: bytearray, at: int) -> int:
        """Read into `buf` from index `at` on; return the number of bytes, 0 when there are none."""
        return self._port.recv(buf, at)

    def close(self) -> None:
        """Close; what was being asked is not waited for any more."""
        self._forget()
        self._port.close()

    def _forget(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket = None
