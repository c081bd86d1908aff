"""A PostgreSQL of one's own in a folder, on a socket, for the tests and the figures."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg

_HOMES = ("/usr/lib/postgresql",)  # Debian: a folder for each version
_BIN = Path(__file__).resolve().parent.parent / ".cache" / "bin"
_PATIENCE_S = 30.0
_STEP_S = 0.02


def find(program: str = "postgres") -> str | None:
    """The program, where there is one."""
    homes = [str(home) for place in _HOMES for home in sorted(Path(place).glob("*/bin"))]
    return shutil.which(program, path=os.pathsep.join(
        [os.environ.get("PATH", os.defpath), *reversed(homes), str(_BIN)]))


class Postgres:
    """A context manager. `kill()` is SIGKILL for all of its processes, `start()` brings it back.

    PostgreSQL refuses to run as root. For root it runs as `nobody`, in a folder of its own in the
    system's place for such; programs that lie where only root may look are copied there.
    """

    def __init__(self) -> None:
        self._folder = Path()
        self._made = 0
        self._program = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._user: dict[str, Any] = {}
        if os.geteuid() == 0:
            self._user = {"user": "nobody", "group": "nogroup", "extra_groups": ()}

    @property
    def url(self) -> str:
        """As `serve --store` wants it."""
        return f"postgresql:///postgres?host={self._folder}&user=postgres"

    @property
    def pid(self) -> int:
        """Of the process whose children are all others; 0 when there is none."""
        return self._process.pid if self._process else 0

    def fresh(self) -> str:
        """The address of a schema that is empty: a database takes 7 MB and its time."""
        self._made += 1
        with psycopg.connect(self.url, autocommit=True) as db:
            db.execute(f"CREATE SCHEMA park{self._made:d}")
        return f"{self.url}&options=-csearch_path%3Dpark{self._made}"

    def __enter__(self) -> Self:
        """OSError when there is none, or it does not start."""
        programs = [find("postgres"), find("initdb")]
        if None in programs:
            raise OSError("postgres is missing: make toolchain")
        self._folder = Path(tempfile.mkdtemp(prefix="parkedge-pg-"))
        try:
            if self._user:
                shutil.chown(self._folder, self._user["user"], self._user["group"])
            self._program, initdb = self._reachable(*map(str, programs))
            done = subprocess.run(
                [initdb, "-D", self._folder / "data", "-U", "postgres", "-A", "trust", "-E", "UTF8",
                 "--locale=C", "--no-sync"], cwd=self._folder, capture_output=True, text=True,
                timeout=120, check=False, **self._user)
            if done.returncode:
                raise OSError(f"initdb: {(done.stderr.strip().splitlines() or ['no word'])[-1]}")
            self.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._end(signal.SIGQUIT)  # at once: what is on disk is removed anyway
        shutil.rmtree(self._folder, ignore_errors=True)

    def start(self) -> None:
        """Start it, with what is in the folder, and come back when it takes connections."""
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._program, "-D", self._folder / "data", "-k", self._folder, "-c",
                 "listen_addresses=", "-c", "max_connections=40", "-c", "shared_buffers=64MB",
                 "-c", "recovery_init_sync_method=syncfs"],
                cwd=self._folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, **self._user)
        deadline_s = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline_s and self._process.poll() is None:
            try:
                psycopg.connect(self.url).close()
            except psycopg.OperationalError:
                time.sleep(_STEP_S)
            else:
                return
        said = (self._folder / "log").read_text(errors="replace").splitlines()
        raise OSError(f"postgres did not start: {(said or ['it said nothing'])[-1]}")

    def kill(self) -> None:
        """End it as a machine that fails does: nobody gets to say or write anything more."""
        self._end(signal.SIGKILL)

    def _reachable(self, *programs: str) -> list[str]:
        """Where whoever runs them finds them."""
        tree = _BIN.parent / "postgresql"
        try:
            subprocess.run([programs[0], "--version"], cwd=self._folder, capture_output=True,
                           check=True, **self._user)
        except (OSError, subprocess.CalledProcessError):
            if Path(programs[0]).parent != _BIN or not tree.is_dir():
                raise OSError(f"{programs[0]} does not run for {self._user or 'me'}") from None
            shutil.copytree(tree, self._folder / tree.name, symlinks=True)
            (self._folder / "bin").mkdir()
            return [shutil.copy(one, str(self._folder / "bin")) for one in programs]
        return list(programs)

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        children = _children(process.pid)
        process.send_signal(number)
        if number == signal.SIGKILL:
            for child in children:  # each has a process group of its own
                with suppress(ProcessLookupError):
                    os.kill(child, number)
        try:
            process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _children(parent: int) -> list[int]:
    """Linux alone tells, and only Linux is asked."""
    path = Path(f"/proc/{parent}/task/{parent}/children")
    return [int(child) for child in path.read_text().split()] if path.exists() else []
