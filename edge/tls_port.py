"""TLS over any port, with the same five words: the broker proves who it is, or nothing is said.

Verification cannot be switched off. One CA is trusted, the one of the image, and the name is held
against the certificate. MicroPython's mbedTLS shakes hands inside `write`: each call goes on for as
long as there are records to read. So one record is let through a call, which makes a call one
message and at most a few products of the curve; and `free_ms()` tells whether the next beat is far
enough away for that. What TLS wants to send goes through a buffer of its own, because a `write`
that TLS could not finish may only be repeated with the very same bytes, which nobody here keeps.
"""

import errno
import io
from binascii import a2b_base64

from edge.compat import TYPE_CHECKING, const

if TYPE_CHECKING:
    from typing import Any

_OUT_BYTES = const(1024)
_MOST_BYTES = const(768)  # of ours in a record: with what TLS adds it fits the buffer
_HEAD = const(5)  # of a record, RFC 8446 5.1: kind, version, length
_STEP_MS = const(700)  # that a step of the handshake may take: see DESIGN


def part(app, keys: dict, port):
    """The port to the broker of a gateway; `keys`: name, ca and perhaps certificate, as base64.
    Without the key of its certificate the gateway never connects, and controls all the same."""
    ca, certificate = a2b_base64(keys["ca"]), a2b_base64(keys.get("certificate", ""))
    make = getattr(app.board, "tls_context", None)
    try:
        context = make(ca, certificate) if make else context_of(ca, certificate, app.board.key())
    except (OSError, ValueError, MemoryError):
        context = None
    return TlsPort(port, context, keys["name"], app.free_ms)


def context_of(ca: bytes, certificate: bytes, key: bytes):
    """MicroPython's TLS that trusts one CA; all in DER. ValueError: they are no certificates, or
    the key is missing."""
    tls: Any = __import__("tls")
    context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    context.verify_mode = tls.CERT_REQUIRED
    context.load_verify_locations(ca)
    if certificate:
        context.load_cert_chain(certificate, key)
    return context


class Wire(io.IOBase):
    """What TLS reads and writes: records of a port, one at a time."""

    def __init__(self, port: "Any") -> None:
        self.error: Any = None  # of the port; none is raised through TLS, which would not stand it
        self._port = port
        self._out = bytearray(_OUT_BYTES)
        self._view = memoryview(self._out)
        self._at = self._end = 0
        self._left = 0  # bytes of the record that is being read
        self._head = bytearray(_HEAD)
        self._seen = 0  # bytes of its head
        self._may_begin = False  # to read a record

    def let_one(self) -> None:
        """Let one record through, or what is still to come of one."""
        self._may_begin = self._left == 0

    def readinto(self, buf: "Any") -> "int | None":
        """Read what TLS asks for, never beyond one record; None: nothing now."""
        if self._left:
            n = self._take(buf, self._left)
            self._left -= n
            return n or None
        if not self._may_begin:
            return None
        n = self._take(buf, _HEAD - self._seen)
        self._head[self._seen:self._seen + n] = buf[:n]
        self._seen += n
        if self._seen == _HEAD:
            self._left = self._head[3] << 8 | self._head[4]
            self._seen = 0
            self._may_begin = False
        return n or None

    def _take(self, buf: "Any", most: int) -> int:
        try:
            return self._port.recv(memoryview(buf)[:most], 0)
        except OSError as error:
            self.error = error
            return 0

    def write(self, buf: "Any") -> "int | None":
        """Take what there is room for; None: none."""
        n = min(len(buf), len(self._out) - self._end)
        self._out[self._end:self._end + n] = buf[:n]
        self._end += n
        return n or None

    def ioctl(self, request: int, argument: int) -> int:
        """MicroPython's streams are asked to close, and whether they can be waited for."""
        return 0

    def flushed(self) -> bool:
        """Send what waits; whether all of it has gone."""
        if self._at < self._end:
            self._at += self._port.send(self._view[self._at:self._end], self._end - self._at)
        if self._at < self._end:
            return False
        self._at = self._end = 0
        return True


class TlsPort:
    """The client's end of one TLS connection over `port`. `free_ms()`: how long nothing else of
    the gateway is due."""

    def __init__(self, port: "Any", context: "Any", name: str, free_ms: "Any") -> None:
        self._port = port
        self._context = context
        self._name = name
        self._free_ms = free_ms
        self._wire: Any = None
        self._tls: Any = None
        self._has_met = False  # the handshake is over

    def open(self, now_ms: int) -> None:
        """Start to connect. OSError when that is refused at once."""
        self.close()
        if self._context is None:
            raise OSError("no usable certificate or key")
        self._port.open(now_ms)

    def is_open(self) -> bool:
        """Whether TCP stands; hands are shaken by what is sent first. OSError as for TCP."""
        if self._tls is None and self._port.is_open():
            try:
                self._wire = Wire(self._port)
                self._tls = self._context.wrap_socket(
                    self._wire, do_handshake_on_connect=False, server_hostname=self._name)
            except MemoryError:  # 20 KB for its records
                raise OSError(errno.ENOMEM) from None
        return self._tls is not None

    def send(self, buf: "bytearray | memoryview", n: int) -> int:
        """Send up to `n` bytes of `buf`; return how many were taken, none during the handshake.

        OSError when the connection is broken, or when the other end is not who it should be.
        """
        if not self._wire.flushed() or (not self._has_met and self._free_ms() < _STEP_MS):
            return 0
        self._wire.let_one()
        try:
            taken = self._tls.write(memoryview(buf)[:min(n, _MOST_BYTES)]) or 0
        except ValueError as error:
            raise OSError(str(error).strip()) from None  # MicroPython's word on a certificate
        self._wire.flushed()
        if taken:
            self._has_met = True
        elif self._wire.error:
            raise self._wire.error
        return taken

    def recv(self, buf: bytearray, at: int) -> int:
        """Read into `buf` from index `at` on; return the number of bytes, 0 when there are none.

        OSError when the other end has closed, or what came was altered on the way.
        """
        if not self._has_met:
            return 0
        self._wire.let_one()
        n = self._tls.readinto(memoryview(buf)[at:])
        self._wire.flushed()
        if n is None and self._wire.error:
            raise self._wire.error
        if n == 0:
            raise OSError(errno.ECONNRESET)
        return n or 0

    def close(self) -> None:
        """Close; a port that is not open stays so."""
        if self._tls is not None:
            try:
                self._tls.close()
                self._wire.flushed()
            except (OSError, ValueError):
                pass  # the other end may have gone first
        self._tls = self._wire = None
        self._has_met = False
        self._port.close()
