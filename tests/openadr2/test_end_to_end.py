"""From openleadr's server through the client and mosquitto to a battery, of a gateway on
MicroPython, and back; with the client killed in mid-event."""

import queue
import subprocess
import sys
from contextlib import contextmanager

import pytest

from cloud_bridge.response import announced
from tests.attacks.test_end_to_end import PATIENCE_S, gateway, served, until
from tests.conftest import ROOT
from tests.openadr2.vtn import serving
from tests.response.bench import KEYS
from tests.response.test_end_to_end import told
from tests.shown.served import wait

pytestmark = pytest.mark.filterwarnings("ignore:It is recommended to use web.AppKey:UserWarning")


@contextmanager
def client(world, vtn):
    """`python -m cloud_bridge dr openadr2`, killed at the end."""
    with (world.folder / "client.log").open("ab") as log, subprocess.Popen(
            [sys.executable, "-m", "cloud_bridge", "dr", "openadr2", "p/g", "--vtn", vtn.url,
             "--ven-name", "site-1", "--level", "1=50", "--state", world.folder / "vtn.state",
             "--keys", world.folder / "g" / "cloud", "--store", world.folder / "park.db",
             "--broker", world.url("parkedge-command"), "--wait", str(PATIENCE_S)],
            cwd=ROOT, stdout=log, stderr=log) as process:
        try:
            yield process
            assert process.poll() is None, (world.folder / "client.log").read_text()
        finally:
            process.kill()


def test_from_the_server_to_the_battery_and_back(tmp_path, micropython):
    command = [*micropython.command, "-X", "heapsize=512k"]
    with served(tmp_path) as world, serving() as vtn, \
            gateway(world, command, response=KEYS) as lines:
        until(lines, "up")
        with client(world, vtn):
            vtn.event("e-1", in_s=30, minutes=30)  # the gateway begins a minute early
            wait(lambda: vtn.answers == [("e-1", 0, "optIn")],
                 (vtn.answers, world.folder / "client.log"))
            until(lines, "50000")
        with pytest.raises(queue.Empty):  # nobody follows; the battery goes on
            lines.get(timeout=1)
        vtn.cancel("e-1")
        with client(world, vtn) as process:
            until(lines, "0")
            wait(lambda: vtn.answers[1:] == [("e-1", 1, "optIn")], vtn.answers)
            process.terminate()
            assert process.wait(PATIENCE_S) == 0
            process.poll = lambda: None
        wait(lambda: len(told(world)) >= 3, "the store has not heard of it")
    said = told(world)
    assert {one["number"] for one in said} == {announced.number("e-1")}
    assert [(one["rev"], one["phase"]) for one in said] == [
        (0, "scheduled"), (0, "active"), (1, "cancelled")]
