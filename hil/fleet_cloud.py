"""What a fleet sends to, all of it real processes: a broker or a cluster, bridges, a database.

Each kind of thing that can be killed is a `Victim`: `kill(which)` is SIGKILL, `revive(which)`
brings it back at the same place.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from hil.mosquitto import Mosquitto
from hil.nats_cluster import NatsCluster
from hil.postgres import Postgres

ROOT = Path(__file__).resolve().parent.parent
BROKERS = ("mosquitto", "nats")
STORES = ("postgres", "sqlite")
NODES = 3
_STOP_S = 30.0
# mosquitto by itself hands a client 20 messages at a time; the other is what docs/bridge.md says
_SETTINGS = ("max_inflight_messages 1000",)
_ALL = ("max_queued_messages 0", *_SETTINGS)


class Victim(NamedTuple):
    """Of one kind, `n` that can be killed; `is_whole` tells whether one more may be, `silence` is
    another way to fail."""

    n: int
    kill: Callable[[int], None]
    revive: Callable[[int], None]
    is_whole: Callable[[], bool] = lambda: True
    silence: Callable[[int], None] | None = None


class Worker:
    """`python -m cloud_bridge serve` as a process; what it says goes to a file."""

    def __init__(self, log: Path, options: list[str]) -> None:
        self._log = log
        self._command = [sys.executable, "-m", "cloud_bridge", "serve", "--json", *options]
        self._process: subprocess.Popen[bytes] | None = None
        self.starts = 0

    @property
    def pid(self) -> int:
        """Of the process; 0 when there is none."""
        return self._process.pid if self._process else 0

    def start(self) -> None:
        """Another life."""
        self.starts += 1
        with self._life(self.starts).open("wb") as log:
            self._process = subprocess.Popen(self._command, cwd=ROOT, stdin=subprocess.DEVNULL,
                                             stdout=log, stderr=log)

    def end(self, number: signal.Signals) -> None:
        """Send it that signal and wait."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(number)
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def has_ended(self) -> bool:
        """By itself, which it must not."""
        return self._process is not None and self._process.poll() is not None

    def said(self) -> list[dict[str, Any]]:
        """The last status, or word, of each life."""
        return [said[-1] for said in map(self._events, range(1, self.starts + 1)) if said]

    def is_ready(self) -> bool:
        """Whether this life has said so."""
        return any(event["event"] == "ready" for event in self._events(self.starts, all_of_it=True))

    def last_words(self) -> str:
        """Of the last life."""
        lines = self._life(self.starts).read_text(errors="replace").splitlines()
        return lines[-1] if lines else "it said nothing"

    def _life(self, number: int) -> Path:
        return self._log.with_suffix(f".{number}")

    def _events(self, life: int, all_of_it: bool = False) -> list[dict[str, Any]]:
        found = []
        for line in self._life(life).read_text(errors="replace").splitlines():
            if line.startswith("{") and line.endswith("}"):
                event = json.loads(line)
                if all_of_it or event["event"] in ("status", "stopped"):
                    found.append(event)
        return found


class Cloud:
    """A context manager: all of it runs inside."""

    def __init__(self, folder: Path, broker: str, store: str, workers: int,
                 is_unbounded: bool = False) -> None:
        """`is_unbounded`: mosquitto keeps what it can't hand on, however much."""
        self.broker, self.store = broker, store
        self.victims: dict[str, Victim] = {}
        self.places: list[tuple[str, int]] = []  # for gateways
        self.workers: list[Worker] = []
        self.url = ""  # of the store
        self.pids: dict[str, Callable[[], list[int]]] = {}  # whose processor time counts as whose
        self._folder = folder
        self._n = workers
        self._settings = _ALL if is_unbounded else _SETTINGS
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            options = self._mosquitto(stack) if self.broker == "mosquitto" else self._nats(stack)
            self.url = self._postgres(stack) if self.store == "postgres" else str(
                self._folder / "park.db")
            for number in range(self._n):
                worker = Worker(self._folder / f"worker{number}", [
                    *options, "--store", self.url, "--per-gateway", "1000"])
                stack.callback(worker.end, signal.SIGKILL)
                worker.start()
                self.workers.append(worker)
            self.victims["worker"] = Victim(
                self._n, lambda which: self.workers[which].end(signal.SIGKILL),
                lambda which: self.workers[which].start())
            self.pids["bridges"] = lambda: [worker.pid for worker in self.workers]
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._stack.__exit__(kind, value, trace)

    def ended(self) -> list[str]:
        """Bridges that have ended by themselves, and their last words."""
        return [f"bridge {number} has ended by itself: {worker.last_words()}"
                for number, worker in enumerate(self.workers) if worker.has_ended()]

    def is_ready(self) -> bool:
        """Whether every bridge takes messages."""
        return all(worker.is_ready() for worker in self.workers)

    def tally(self) -> Counter[str]:
        """What the bridges have counted; of those that were killed all but the last ten seconds."""
        total: Counter[str] = Counter()
        for worker in self.workers:
            for said in worker.said():
                total.update({name: n for name, n in said.items()
                              if name not in ("utc", "event")})
        return total

    def close_workers(self) -> None:
        """In good order, so that their counts are whole."""
        for worker in self.workers:
            worker.end(signal.SIGTERM)

    def _mosquitto(self, stack: ExitStack) -> list[str]:
        """One that forgets and one that remembers, at the same place: they take turns."""
        folder = self._folder / "mosquitto"
        forgets = stack.enter_context(Mosquitto(folder, settings=self._settings,
                                                log_type="notice"))
        remembers = Mosquitto(folder, forgets.port, True, self._settings, "notice")
        stack.callback(remembers.kill)
        runs = [forgets, remembers]

        def kill(_: int) -> None:
            runs[0].kill()
            runs.reverse()

        self.places = [(forgets.host, forgets.port)]
        self.victims["broker"] = Victim(1, kill, lambda _: runs[0].start())
        self.pids["broker"] = lambda: [runs[0].pid]
        return ["--broker", forgets.url, "--share", "fleet"]

    def _nats(self, stack: ExitStack) -> list[str]:
        cluster = stack.enter_context(NatsCluster(self._folder / "nats", NODES))
        self.places = [(server.host, server.port) for server in cluster.servers]
        self.victims["node"] = Victim(NODES, lambda which: cluster.servers[which].kill(),
                                      lambda which: cluster.servers[which].start(),
                                      cluster.is_whole)
        self.pids["broker"] = lambda: [server.pid for server in cluster.servers]
        return ["--nats", cluster.url, "--replicas", str(NODES)]

    def _postgres(self, stack: ExitStack) -> str:
        server = stack.enter_context(Postgres())
        self.victims["database"] = Victim(1, lambda _: server.kill(), lambda _: server.start())
        self.pids["database"] = lambda: [server.pid]
        return server.url


def processor_s(pids: list[int]) -> float:
    """User and system time of these processes, of their children, and of those that ended."""
    ticks = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        except OSError:
            continue
        ticks += sum(map(int, fields[11:15]))
        for child in children:
            ticks += round(processor_s([int(child)]) * os.sysconf("SC_CLK_TCK"))
    return ticks / os.sysconf("SC_CLK_TCK")
