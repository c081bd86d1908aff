"""What every board that runs on CPython has in common: sockets, serial lines, a journal."""

import os
import signal
import sys
import time
from array import array
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from boards.can_port import CanPort
from boards.journal_file import Header
from boards.journal_folder import JournalFolder
from boards.pulse_source import Source
from boards.serial_port import SerialPort
from edge.blocks import FileBlocks, RamBlocks
from edge.port import TcpPort

if TYPE_CHECKING:
    from boards.host_tls import Context

_EPOCH_S = 946_684_800  # 2000-01-01 in Unix time
_DAY_S = 86_400
LOG_SECTORS = 256  # of 4 KiB for what waits for the cloud
STATE_SECTORS = 4
VITAL_SECTORS = 64  # for that of it which must not be lost
_RESOLVERS = Path("/etc/resolv.conf")


class HostBoard:
    """A board in a process; `folder` holds its journal and its outbox, None: nothing is kept."""

    name = ""

    def __init__(self, image: Mapping[str, Any], folder: Path | None) -> None:
        self._header = Header.of(image)  # now: `run` uses the image up
        self._folder = folder
        self._journal: JournalFolder | None = None
        self._needs_time = False
        self.key_file: Path | None = None  # of the broker's client certificate, PEM

    def open_port(self, bus: Mapping[str, Any]) -> TcpPort | SerialPort | CanPort:
        """The byte pipe of one bus of the image, not opened yet."""
        if "interface" in bus:
            return CanPort(bus)
        return TcpPort(bus["host"], bus["port"]) if "host" in bus else SerialPort(bus)

    def open_pulse(self, name: str, debounce_ms: int) -> Any:
        """What counts the pulses of an input: a stand-in, where a machine has none."""
        return Source()

    def wall(self) -> tuple[int, int, bool]:
        """UTC: days since 2000-01-01, second of the day, whether the clock was ever set."""
        day, second = divmod(int(time.time()) - _EPOCH_S, _DAY_S)
        return day, second, self._clock_set()

    def _clock_set(self) -> bool:
        return True

    def flash_device(self) -> FileBlocks | RamBlocks | None:
        """Where the outbox keeps its frames."""
        return self._waiting("outbox", LOG_SECTORS)

    def state(self, name: str) -> FileBlocks | RamBlocks:
        """Where a record that must survive a power cut is kept (edge/keep.py), and `vital`, the
        outbox of what must not be lost."""
        if name == "vital":
            return self._waiting(name, VITAL_SECTORS)
        if self._folder is None:
            return RamBlocks(sectors=STATE_SECTORS)
        self._folder.mkdir(parents=True, exist_ok=True)
        return FileBlocks(str(self._folder / f"{name}.bin"), sectors=STATE_SECTORS)

    def _waiting(self, name: str, sectors: int) -> FileBlocks | RamBlocks:
        """A place for what waits for the cloud; in memory when the disk has none, so that control
        and the way up go on."""
        if self._folder is None:
            return RamBlocks()
        path = self._folder / f"{name}.bin"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            return FileBlocks(str(path), sectors=sectors)
        except OSError as error:
            print(f"{path}: {error}: what waits for the cloud is in memory only, and gone with "
                  "this process", file=sys.stderr)
            return RamBlocks()

    def secret(self, name: str) -> bytes:
        """32 secret bytes of this gateway alone, made when they are first asked for."""
        if self._folder is None:
            return os.urandom(32)
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{name}.key"
        if not path.exists():
            fresh = path.with_suffix(".new")
            fresh.touch(0o600)
            with fresh.open("wb") as file:
                file.write(os.urandom(32))
                file.flush()
                os.fsync(file.fileno())
            fresh.rename(path)
        return path.read_bytes()

    def watchdog(self, feed: bool) -> None:
        """Start the watchdog, or tell it that a beat was completed."""

    def keep(self, row: "array[int]", rule_names: Sequence[str]) -> None:
        """Keep one journal row."""
        if self._folder is None:
            return
        if self._journal is None:
            header = replace(self._header, rules=tuple(rule_names))
            self._journal = JournalFolder(self._folder / "journal", header)
        self._journal.keep(row)

    def password(self) -> bytes:
        """The broker's password: a secret, so never in the site file, but in the environment."""
        return os.environ.get("PARKEDGE_BROKER_PASSWORD", "").encode()

    def tls_context(self, ca: bytes, certificate: bytes) -> "Context":
        """What TLS to the broker trusts and shows, of DER. OSError: the key cannot be used."""
        from boards.host_tls import Context

        self._needs_time = True
        return Context(ca, certificate, self.key_file)

    def name_server(self) -> str:
        """The first name server of this machine that has an IPv4 address."""
        with suppress(OSError):
            for line in _RESOLVERS.read_text(encoding="utf-8", errors="replace").splitlines():
                words = line.split()
                if words[:1] == ["nameserver"] and len(words) > 1 and "." in words[1]:
                    return words[1]
        return "127.0.0.1"

    def on_stop(self, stop: Callable[[], None]) -> None:
        """Call `stop` when this process is asked to end."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop())

    def network_up(self) -> bool:
        """Whether it is worth while to connect: here a refusal is quick, and tells by itself; but
        certificates are only valid for a time, so that has to be known."""
        return not self._needs_time or self._clock_set()
