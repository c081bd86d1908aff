"""TLS on a host: OpenSSL behind the calls that MicroPython's has (edge/tls_port.py)."""

import ssl
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.tls_port import Wire

_CHUNK = 1024


class Context:
    """Trusts one CA. `certificate` (DER, b"": none) is shown with the key in `key_file` (PEM).
    ssl.SSLError, OSError: they cannot be used."""

    def __init__(self, ca: bytes, certificate: bytes, key_file: Path | None) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # demands certificate and name
        self._context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._context.load_verify_locations(cadata=ca)
        if certificate:
            if key_file is None:
                raise OSError("no key for the certificate")
            with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
                file.write(ssl.DER_cert_to_PEM_cert(certificate))
                file.flush()
                self._context.load_cert_chain(file.name, key_file)

    def wrap_socket(self, wire: "Wire", do_handshake_on_connect: bool,
                    server_hostname: str) -> "Session":
        """The client's end over a wire; hands are shaken by the first `write`."""
        assert not do_handshake_on_connect, "the handshake never waits"
        return Session(self._context, wire, server_hostname)


class Session:
    """One connection. OSError when it is broken, or the certificate is not to be believed."""

    def __init__(self, context: ssl.SSLContext, wire: "Wire", name: str) -> None:
        self._wire = wire
        self._from, self._to = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._from, self._to, server_hostname=name)
        self._has_met = False  # the handshake is over
        self._pending = b""  # for the wire, which takes little at a time

    def write(self, view: memoryview) -> int | None:
        """Encrypt all of it; None: not now."""
        if not self._flushed():
            return None
        if not self._has_met:
            self._feed()
        try:
            n = self._tls.write(view)
        except ssl.SSLWantReadError:
            return None
        finally:
            self._flushed()
        self._has_met = True
        return n

    def readinto(self, view: memoryview) -> int | None:
        """Decrypt into `view`; None: nothing now, 0: the other end has closed."""
        if not self._tls.pending():  # else it would be hoarded
            self._feed()
        try:
            got = self._tls.read(len(view))
        except ssl.SSLWantReadError:
            return None
        except ssl.SSLZeroReturnError:
            return 0
        finally:
            self._flushed()
        view[:len(got)] = got
        return len(got)

    def close(self) -> None:
        """Say goodbye, as far as the wire takes it."""
        with suppress(ssl.SSLError):  # the other end has not said it yet, and nobody waits for it
            self._tls.unwrap()
        self._flushed()

    def _feed(self) -> None:
        chunk = bytearray(_CHUNK)
        while n := self._wire.readinto(chunk):
            self._from.write(memoryview(chunk)[:n])

    def _flushed(self) -> bool:
        """Hand over what the wire takes now; whether that was all."""
        self._pending += self._to.read()
        while self._pending and (n := self._wire.write(self._pending)):
            self._pending = self._pending[n:]
            self._wire.flushed()
        return not self._pending
