"""Runs on MicroPython: a TLS handshake call by call, or a flood of messages step by step; what
`hil bench --only uplink` measures.

Before each call a byte is written twice to standard error, and once after it, between which an
emulator counts instructions.
"""

import gc
import sys

gc.threshold(4096)  # type: ignore[attr-defined]  # as main.py of a built tree does

from edge.mqtt_client import MqttClient, Options  # noqa: E402  loaded as on a gateway
from edge.port import TcpPort  # noqa: E402
from edge.ticks import ticks_ms  # noqa: E402
from edge.tls_port import TlsPort, context_of  # noqa: E402

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_MESSAGE = b"\x32\x06\x00\x01t\x00\x09x"  # the shortest that has to be answered: the most of them
_STEPS = 200


def _mark() -> None:
    sys.stderr.buffer.write(b".")


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def shake(port: int, folder: str) -> None:
    """Meet the server on a port of loopback."""
    context: Any = context_of(*[_read(folder + "/" + name) for name in ("ca", "own", "key")])
    pipe = TlsPort(TcpPort("127.0.0.1", port), context, "broker.example", lambda: 1000)
    pipe.open(0)
    while not pipe.is_open():
        pass
    taken = 0
    while not taken:
        gc.collect()
        _mark()
        _mark()
        taken = pipe.send(memoryview(b"hello"), 5)
        _mark()
    gc.collect()
    print("held", gc.mem_alloc())  # type: ignore[attr-defined]


class Flood:
    """A broker that has taken us, and then sends without end."""

    def __init__(self) -> None:
        self._at = 0
        self._said = b""

    def open(self, now_ms: int) -> None:
        """Nothing to do."""

    def is_open(self) -> bool:
        """It is."""
        return True

    def send(self, buf: "Any", n: int) -> int:
        """Answer the first two packets."""
        if buf[0] == 0x10:
            self._said = b"\x20\x02\x00\x00"
        elif buf[0] == 0x82:
            self._said = b"\x90\x03" + bytes(buf[2:4]) + b"\x01"
        return n

    def recv(self, buf: bytearray, at: int) -> int:
        """As much as fits."""
        said, self._said = self._said, b""
        if not said and self._at < 2:
            return 0
        self._at += 1
        n = len(said) or len(buf) - len(buf) % len(_MESSAGE)
        buf[:n] = said or _MESSAGE * (n // len(_MESSAGE))
        return n

    def close(self) -> None:
        """Nothing to do."""


class Inbox:
    """Counts."""

    got = 0

    def receive(self, buf: bytearray, start: int, end: int, now_ms: int) -> None:
        """One message."""
        self.got += 1


def flood() -> None:
    """Step a client that is sent more than it can take."""
    client = MqttClient(Flood(), Options(b"gw"))
    inbox = Inbox()
    client.subscribe(b"t", inbox)
    now_ms = ticks_ms()
    for _ in range(_STEPS):
        gc.collect()
        _mark()
        _mark()
        now_ms += client.step(now_ms)
        _mark()
    print("messages", inbox.got, "failures", client.failures)


if sys.argv[1] == "flood":
    flood()
else:
    shake(int(sys.argv[2]), sys.argv[3])
