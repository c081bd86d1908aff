"""From a server's event to the battery and back as a report: simulated server, the command, a
broker with accounts, the bridge, and a gateway of either interpreter. The client is killed in
mid-event, and the server fails: the gateway goes on."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest

from hil.openadr3_vtn import Vtn
from tests.attacks.test_end_to_end import PATIENCE_S, gateway, served, until
from tests.conftest import ROOT
from tests.openadr3.events import event, period
from tests.response.bench import KEYS
from tests.response.test_end_to_end import told
from tests.shown.served import wait


@pytest.fixture
def world(tmp_path):
    with served(tmp_path) as made:
        yield made


@contextmanager
def client(world, vtn):
    """The command, which looks every second, until it is killed."""
    secret = world.folder / "vtn.secret"
    secret.write_text("ven\n")
    secret.chmod(0o600)
    process = subprocess.Popen(
        [sys.executable, "-m", "cloud_bridge", "dr", "openadr3", "p/g", "--vtn", vtn.url,
         "--client-id", "ven", "--secret-file", secret, "--program", "shed", "--poll", "1",
         "--state", world.folder / "vtn.json", "--store", world.folder / "park.db",
         "--keys", world.folder / "g" / "cloud", "--wait", str(PATIENCE_S)],
        cwd=ROOT, env={**os.environ, "PARKEDGE_BROKER": world.url("parkedge-command")})
    try:
        yield
        assert process.poll() is None
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


@pytest.mark.parametrize("python", ["cpython", "micropython"])
def test_from_the_server_to_the_battery_and_back(python, world, micropython):
    command = [sys.executable, "-u"] if python == "cpython" else [
        *micropython.command, "-X", "heapsize=512k"]
    with Vtn() as vtn, gateway(world, command, response=KEYS) as lines:
        program = vtn.create("programs", {"programName": "shed"})
        # The load is 300 kW: a limit of 250 is 50 kW of the battery.
        name = vtn.create("events", {**event(250), "programID": program,
                                     "intervalPeriod": period("0001-01-01", "PT2H")})
        until(lines, "up")
        with client(world, vtn):
            until(lines, "50000")
            wait(lambda: states(vtn) == ["NORMAL", "RUNNING_CURTAILED"], "nothing is reported")
        asked = len(vtn.state.asked)
        vtn.faults.fail = 1 << 30
        vtn.delete("events", name)
        with client(world, vtn):  # a new one, that gets no list
            wait(lambda: vtn.state.asked[asked:].count("GET /programs") >= 2, "it does not look")
        assert lines.empty(), "the gateway goes on"
        assert [one["phase"] for one in told(world)] == ["scheduled", "active"]
        vtn.faults.fail = 0
        with client(world, vtn):
            until(lines, "0")
            wait(lambda: len(told(world)) == 3, "the store has not heard of it")
    assert [(one["rev"], one["phase"]) for one in told(world)] == [
        (0, "scheduled"), (0, "active"), (1, "cancelled")]


def states(vtn):
    return [one["resources"][0]["intervals"][0]["payloads"][0]["values"][0]
            for one in vtn.listed("reports")]
