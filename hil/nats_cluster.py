"""A NATS cluster of one's own on loopback, with JetStream and MQTT, for the rigs and the tests."""

import json
import shutil
import socket
import subprocess
import time
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_BIN = Path(__file__).resolve().parent.parent / ".cache" / "bin"
_HOST = "127.0.0.1"
_PATIENCE_S = 30.0
_STEP_S = 0.05
_JOIN_S = 6.0  # to begin with; it takes half a second
# Another program may snatch a port that was just found free; and now and then two of the servers
# make up the group that places JetStream's copies before the third is there, and leave it out.
_TRIES = 8


def find() -> str | None:
    """The program, where there is one: what `make toolchain` brings, others may be too old."""
    return shutil.which("nats-server", path=str(_BIN))


class Server:
    """One of the cluster; `kill()` and `start()` make an outage, the ports stay."""

    host = _HOST
    user = ""

    def __init__(self, folder: Path, name: str, ports: dict[str, int]) -> None:
        self.port = ports["mqtt"]  # for gateways
        self.url = f"nats://{_HOST}:{ports['client']}"
        self.ports = ports
        self._folder = folder / name
        self._name = name
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Of its process; 0 when there is none."""
        return self._process.pid if self._process else 0

    def configure(self, routes: list[int]) -> None:
        """Every write of JetStream is synced before it is acknowledged; by itself the server
        would sync every two minutes. It would also keep as many copies of what MQTT needs as it
        knows servers when the first gateway comes: two in a young cluster, and no majority when
        one of them fails."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with_routes = ", ".join(f"nats://{_HOST}:{port}" for port in routes)
        cluster = (f"cluster {{ name: parkedge, listen: {_HOST}:{self.ports['cluster']},"
                   f" routes: [{with_routes}] }}" if routes else "")
        (self._folder / "nats.conf").write_text("\n".join([
            f"server_name: {self._name}", f"listen: {_HOST}:{self.ports['client']}",
            f"http: {_HOST}:{self.ports['http']}",
            f'jetstream {{ store_dir: "{self._folder}", sync_interval: always }}',
            f"mqtt {{ listen: {_HOST}:{self.port}, ack_wait: 5s,"
            f" stream_replicas: {len(routes) + 1} }}", cluster, ""]))

    def start(self) -> None:
        """Start it; it may not be ready yet. OSError when there is none."""
        program = find()
        if program is None:
            raise OSError("nats-server is missing: make toolchain")
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [program, "-c", self._folder / "nats.conf"], stdin=subprocess.DEVNULL, stdout=log,
                stderr=log)

    def is_ready(self) -> bool:
        """Whether it and, in a cluster, its JetStream take part. OSError when it has ended."""
        if self._process is None or self._process.poll() is not None:
            said = (self._folder / "log").read_text(errors="replace").splitlines()
            raise OSError(f"nats-server did not start: {(said or ['it said nothing'])[-1]}")
        return self._ask("/healthz").get("status") == "ok"

    def leads(self, n: int) -> bool:
        """Whether it leads a group of n that are all up to date."""
        group = self._ask("/jsz").get("meta_cluster", {})
        others = group.get("replicas", [])
        return len(others) == n - 1 and all(other.get("current") for other in others)

    def _ask(self, path: str) -> dict[str, Any]:
        """What it tells of itself; nothing as long as it does not."""
        try:
            with urllib.request.urlopen(f"http://{_HOST}:{self.ports['http']}{path}",
                                        timeout=2) as got:
                found: dict[str, Any] = json.load(got)
        except OSError:
            return {}
        return found

    def kill(self) -> None:
        """End it as a machine that fails does."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()


class NatsCluster:
    """A context manager: `servers` that know each other, `url` for the bridge."""

    def __init__(self, folder: Path, n: int = 3) -> None:
        self._folder = folder
        self._n = n
        self.servers: list[Server] = []

    @property
    def url(self) -> str:
        """As `serve --nats` wants it."""
        return ",".join(server.url for server in self.servers)

    def __enter__(self) -> Self:
        for attempt in range(1, _TRIES + 1):
            try:
                self._start(self._folder / str(attempt))
            except OSError:
                self.__exit__(None, None, None)
                if attempt == _TRIES or not find():
                    raise
            else:
                break
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        for server in self.servers:
            server.kill()

    def wait(self, patience_s: float = _PATIENCE_S) -> None:
        """Until all run, and all are in the group that places JetStream's copies."""
        deadline_s = time.monotonic() + patience_s
        while not self.is_whole():
            if time.monotonic() > deadline_s:
                raise OSError("the NATS cluster does not become ready")
            time.sleep(_STEP_S)

    def is_whole(self) -> bool:
        """Whether it is so now. OSError when one has ended by itself."""
        return (all(server.is_ready() for server in self.servers)
                and (self._n == 1 or any(server.leads(self._n) for server in self.servers)))

    def _start(self, folder: Path) -> None:
        ports = _free_ports(4 * self._n)
        kinds = ("client", "cluster", "http", "mqtt")
        self.servers = [Server(folder, f"n{i}", dict(zip(kinds, ports[4 * i:4 * i + 4],
                                                         strict=True))) for i in range(self._n)]
        for server in self.servers:
            server.configure([one.ports["cluster"] for one in self.servers if one is not server])
            server.start()
        self.wait(_JOIN_S)


def _free_ports(n: int) -> list[int]:
    probes = [socket.socket() for _ in range(n)]
    try:
        for probe in probes:
            probe.bind((_HOST, 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()
