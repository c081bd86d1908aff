"""What every test may ask for: real MicroPython, a real broker.

Both come from `make toolchain`. On a developer's machine a test whose tool is missing is skipped
and says which; in CI (CI=true) it fails, for a green run must mean that it ran.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent
BIN = ROOT / ".cache" / "bin"
IN_CI = os.environ.get("CI") == "true"

# So that the wrappers find each other, and a test that looks a tool up by name finds it too.
os.environ["PATH"] = f"{BIN}{os.pathsep}{os.environ['PATH']}{os.pathsep}/usr/sbin"

# In CI a red run must be the change's doing: the same examples every time. At a desk new examples
# every time, and what was found is kept. No deadlines: the machine is shared.
settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True,
                          suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("desk", deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if IN_CI else "desk"))


def _missing(tool: str) -> NoReturn:
    reason = f"{tool} is missing: make toolchain"
    if IN_CI:
        pytest.fail(reason)
    pytest.skip(reason)


class Interpreter:
    """A real 32-bit MicroPython. `command` starts it, for whoever wants to talk to it."""

    def __init__(self, arch: str):
        self.arch = arch
        self.command = [str(BIN / f"micropython-{arch}")]

    def run(self, script: Path | str, *args: object, heap: str = "1m", cwd: Path = ROOT,
            timeout_s: float = 60, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a script on a heap of `heap` bytes ("96k", "1m") and return what it did.

        It imports the project from its root whatever `cwd` is. With `check`, a script that does
        not end with status 0 fails the test and shows what it printed.
        """
        command = [*self.command, "-X", f"heapsize={heap}", str(script), *map(str, args)]
        environment = {**os.environ, "MICROPYPATH": f"{ROOT}:.frozen"}
        done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True,
                              timeout=timeout_s, check=False)
        if check and done.returncode:
            pytest.fail(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done


@pytest.fixture
def micropython(request: pytest.FixtureRequest) -> Interpreter:
    """MicroPython for i386, or for what `parametrize("micropython", ["armhf"], indirect=True)`
    says. i386 is quick; armhf is for counting instructions."""
    interpreter = Interpreter(getattr(request, "param", "i386"))
    if not Path(interpreter.command[0]).exists():
        _missing(f"micropython-{interpreter.arch}")
    return interpreter


class Broker:
    """A mosquitto of its own on loopback: `host`, `port`, and the log it writes.

    `stop()` and `start()` make an outage: the port stays. With persistence, sessions and queued
    messages survive a stop; `kill()` is a power cut and loses what was not yet saved.
    """

    host = "127.0.0.1"

    def __init__(self, folder: Path, persistence: bool):
        self.port = 0
        self._persistence = persistence
        self._folder = folder
        self.log = folder / "mosquitto.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and come back when it takes connections. The first start chooses the port."""
        if self._process:
            return
        for _ in range(1 if self.port else 5):  # another program may snatch a port just found free
            port = self.port or _free_port()
            if self._listens(port):
                self.port = port
                return
        pytest.fail(f"mosquitto did not start:\n{self.log.read_text()}")

    def stop(self) -> None:
        """End it in good order."""
        self._end(kill=False)

    def kill(self) -> None:
        """End it as a power cut does."""
        self._end(kill=True)

    def _listens(self, port: int) -> bool:
        conf = self._folder / "mosquitto.conf"
        conf.write_text("\n".join([
            f"listener {port} {self.host}",
            "allow_anonymous true",
            f"persistence {'true' if self._persistence else 'false'}",
            f"persistence_location {self._folder}/",
            "user root",  # only root could change it, and then it could not write to the folder
            "log_type all",
            "",
        ]))
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(["mosquitto", "-c", conf], stdin=subprocess.DEVNULL,
                                             stdout=log, stderr=log)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection((self.host, port), 1):
                # Ours, not a stranger's on the same port: ours would have ended.
                return self._process.poll() is None
            time.sleep(0.01)
        self._end(kill=True)
        return False

    def _end(self, kill: bool) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        (process.kill if kill else process.terminate)()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def mosquitto(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Broker]:
    """A broker that is up; `parametrize("mosquitto", ["persistent"], indirect=True)` makes it
    remember over a `stop()`."""
    if not shutil.which("mosquitto"):
        _missing("mosquitto")
    folder = tmp_path / "mosquitto"
    folder.mkdir()
    broker = Broker(folder, getattr(request, "param", "") == "persistent")
    broker.start()
    yield broker
    broker.stop()
