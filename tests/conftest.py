"""What every test may ask for: real MicroPython, a real broker, a real database server.

All come from `make toolchain`. On a developer's machine a test whose tool is missing is skipped
and says which; in CI (CI=true) it fails, for a green run must mean that it ran.
"""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import HealthCheck, settings

from hil import nats_cluster, postgres
from hil.mosquitto import Mosquitto, find

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


@pytest.fixture
def mosquitto(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Mosquitto]:
    """A broker that is up; `parametrize("mosquitto", ["persistent"], indirect=True)` makes it
    remember over a `stop()`."""
    if not find():
        _missing("mosquitto")
    persistent = getattr(request, "param", "") == "persistent"
    with Mosquitto(tmp_path / "mosquitto", persistent=persistent) as broker:
        yield broker


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Postgres]:
    """A PostgreSQL that is up, one for all tests; who kills it starts it again."""
    if not postgres.find():
        _missing("postgres")
    with postgres.Postgres() as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: postgres.Postgres) -> str:
    """A database of that server, empty."""
    return postgres_server.fresh()


@pytest.fixture
def nats(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[nats_cluster.NatsCluster]:
    """NATS with JetStream and MQTT; `parametrize("nats", [3], indirect=True)` for a cluster."""
    if not nats_cluster.find():
        _missing("nats-server")
    with nats_cluster.NatsCluster(tmp_path / "nats", getattr(request, "param", 1)) as cluster:
        yield cluster
