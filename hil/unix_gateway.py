"""A gateway on MicroPython's Unix port, for a rig: real sockets and lines, an outbox in files.

Runs beside a built tree: unix_gateway.py IMAGE JOURNAL OUTBOX BEATS. Rows are appended to JOURNAL.
"""

import json
import select
import sys
import time

from boards.sector_files import SectorFiles
from edge import app
from edge.compat import TYPE_CHECKING
from edge.port import TcpPort

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_EPOCH_S = 946_684_800  # 2000-01-01 in Unix time
_DAY_S = 86_400


class SerialPort:
    """A pseudo-terminal, raw already; read a byte at a time, since a longer read would wait."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._file: Any = None
        self._poll: Any = None

    def open(self, now_ms: int) -> None:
        self.close()
        self._file = open(self._path, "r+b")  # noqa: SIM115
        self._poll = select.poll()
        self._poll.register(self._file, select.POLLIN)

    def is_open(self) -> bool:
        return self._file is not None

    def send(self, buf: "bytearray | memoryview", n: int) -> int:
        sent: int = self._file.write(memoryview(buf)[:n])
        return sent

    def recv(self, buf: bytearray, at: int) -> int:
        view = memoryview(buf)
        n = 0
        while at + n < len(buf) and self._poll.poll(0):
            n += self._file.readinto(view[at + n:at + n + 1])
        return n

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file = None


class FramePort:
    """An open socket that keeps frames whole, as a CAN interface does; its number is its name."""

    def __init__(self, interface: str) -> None:
        self._number = int(interface)
        self._file: Any = None
        self._poll: Any = None

    def open(self, now_ms: int, ids: "Any") -> None:
        if self._file is None:
            self._file = open(self._number, "r+b")  # noqa: SIM115
            self._poll = select.poll()
            self._poll.register(self._file, select.POLLIN)

    def is_open(self) -> bool:
        return self._file is not None

    def send(self, buf: "bytearray | memoryview", n: int) -> int:
        sent: int = self._file.write(memoryview(buf)[:n])
        return sent

    def recv(self, buf: bytearray, at: int) -> int:
        taken: int = self._file.readinto(memoryview(buf)[at:]) if self._poll.poll(0) else 0
        return taken

    def close(self) -> None:
        """Nothing: closed once it could not be opened again."""


class Board:
    """Ends after so many beats, as nobody can ask it to."""

    def __init__(self, journal: str, outbox: str, beats: int) -> None:
        self._journal = open(journal, "ab")  # noqa: SIM115
        self._outbox = outbox
        self._beats = beats
        self._stop: Callable[[], None] | None = None

    def open_port(self, bus: "dict[str, Any]") -> "TcpPort | SerialPort | FramePort":
        if "interface" in bus:
            return FramePort(bus["interface"])
        if "host" in bus:
            return TcpPort(bus["host"], bus["port"])
        return SerialPort(bus["path"])

    def wall(self) -> "tuple[int, int, bool]":
        day, second = divmod(int(time.time()) - _EPOCH_S, _DAY_S)
        return day, second, True

    def flash_device(self) -> SectorFiles:
        return SectorFiles(self._outbox)

    def state(self, name: str) -> SectorFiles:
        return SectorFiles(self._outbox + "." + name, 4096, 16 if name == "vital" else 4)

    def secret(self, name: str) -> bytes:
        return bytes(range(32))  # a rig's: the same every time

    def watchdog(self, feed: bool) -> None:
        pass

    def keep(self, row: "Any", rule_names: "Any") -> None:
        self._journal.write(bytes(row))
        self._journal.flush()
        self._beats -= 1
        if self._beats <= 0 and self._stop is not None:
            self._stop()

    def password(self) -> bytes:
        return b""

    def name_server(self) -> str:
        return "127.0.0.1"

    def key(self) -> bytes:
        with open(self._outbox + ".key", "rb") as file:
            return file.read()

    def on_stop(self, stop: "Callable[[], None]") -> None:
        self._stop = stop

    def network_up(self) -> bool:
        return True


if __name__ == "__main__":
    with open(sys.argv[1]) as source:
        app.run(json.load(source), Board(sys.argv[2], sys.argv[3], int(sys.argv[4])))
