"""A mosquitto of one's own on loopback, for the rigs and the tests."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

# Debian installs it where only root's PATH leads; `make toolchain` unpacks it into the tree.
_ELSEWHERE = ("/usr/sbin", str(Path(__file__).resolve().parent.parent / ".cache" / "bin"))
_TRIES = 5  # another program may snatch a port that was just found free
_PATIENCE_S = 10.0  # for a start, and for an orderly stop
_STEP_S = 0.01


def find() -> str | None:
    """The program, where there is one."""
    return shutil.which("mosquitto", path=os.pathsep.join(
        [os.environ.get("PATH", os.defpath), *_ELSEWHERE]))


class Mosquitto:
    """A context manager: inside, clients of this machine connect to `host`, `port` without a name.

    `stop()` and `start()` make an outage: the port stays. With `persistent`, sessions and queued
    messages survive a stop; `kill()` is a power cut and loses what was not yet saved.
    """

    name = "mosquitto"
    host = "127.0.0.1"
    user = ""

    def __init__(self, folder: Path, port: int = 0, persistent: bool = False,
                 settings: Sequence[str] = (), log_type: str = "all") -> None:
        """`folder` is for it alone; `port` 0 lets the first start choose a free one. `settings`:
        more lines of its configuration, of the listener. Telling all takes it a quarter of its
        time."""
        self.port = port
        self._folder = folder
        self._persistent = persistent
        self._settings = settings
        self._log_type = log_type
        self._log = folder / "mosquitto.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """As `serve --broker` wants it."""
        return f"mqtt://{self.host}:{self.port}"

    @property
    def pid(self) -> int:
        """Of its process; 0 when there is none."""
        return self._process.pid if self._process else 0

    @property
    def log(self) -> str:
        """What it has said so far."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.stop()

    def start(self) -> None:
        """Start it and come back when it takes connections. OSError when it does not start."""
        program = find()
        if program is None:
            raise OSError("mosquitto is missing: make toolchain")
        if self._process is not None:
            return
        self._folder.mkdir(exist_ok=True)
        for _ in range(1 if self.port else _TRIES):
            port = _free_port(self.port)
            if self._listens(program, port):
                self.port = port
                return
        said = self.log.splitlines()
        raise OSError(f"mosquitto did not start: {(said or ['it said nothing'])[-1]}")

    def stop(self) -> None:
        """End it in good order."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def kill(self) -> None:
        """End it as a power cut does."""
        if self._process is not None:
            self._process.kill()
        self.stop()

    def _listens(self, program: str, port: int) -> bool:
        conf = self._folder / "mosquitto.conf"
        conf.write_text("\n".join([
            f"listener {port} {self.host}",
            "allow_anonymous true",
            *self._settings,
            f"persistence {'true' if self._persistent else 'false'}",
            f"persistence_location {self._folder.resolve()}/",
            "user root",  # only root could change it, and then it could not write to the folder
            f"log_type {self._log_type}",
            "",
        ]), encoding="utf-8")
        with self._log.open("ab") as log:
            self._process = subprocess.Popen([program, "-c", conf], stdin=subprocess.DEVNULL,
                                             stdout=log, stderr=log)
        deadline_s = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline_s and self._process.poll() is None:
            with suppress(OSError), socket.create_connection((self.host, port), 1):
                # Ours, not a stranger's on the same port: ours would have ended.
                if self._process.poll() is None:
                    return True
            time.sleep(_STEP_S)
        self.kill()
        return False


def _free_port(wanted: int) -> int:
    """This port, or any for 0. OSError when somebody listens there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # after a stop it still lingers
        probe.bind((Mosquitto.host, wanted))
        port: int = probe.getsockname()[1]
        return port
