"""The command line of the bridge: its help, and what it says to wrong use."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from cloud_bridge.__main__ import main
from cloud_bridge.mqtt import Broker

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(("broker", "expected"), [
    ("mqtt://host", ("host", 1883, False, "", "")),
    ("mqtts://host", ("host", 8883, True, "", "")),
    ("mqtt://u%40x:p%3Aw@[::1]:99/", ("::1", 99, False, "u@x", "p:w"))])
def test_broker_address(broker, expected):
    assert Broker.parse(broker) == expected


@pytest.mark.parametrize("args", [
    ["--broker", "http://host"], ["--broker", "host:1883"], ["--broker", "mqtt://host:x"],
    ["--broker", "mqtt://"], ["--broker", "mqtt://host/path"], ["--store", "/no/such/folder/a.db"],
    ["--ca", "/no/such/file"], ["--nonsense"]])
def test_wrong_use_is_status_2(args):
    done = CliRunner().invoke(main, ["serve", *args])
    assert done.exit_code == 2
    assert done.output.count("Error:") == 1


def test_not_a_store_is_status_1(tmp_path):
    (tmp_path / "park.db").write_text("something else " * 100)
    done = CliRunner().invoke(main, ["serve", "--store", str(tmp_path / "park.db")])
    assert done.exit_code == 1
    assert done.output.splitlines() == [f"Error: {tmp_path / 'park.db'}: file is not a database"]


def test_help_has_an_example_and_loads_nothing():
    code = "import sys; from cloud_bridge.__main__ import main; main(['--help'], 'cloud_bridge'," \
           " standalone_mode=False); sys.exit('paho' in ' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "python -m cloud_bridge serve --broker mqtt://127.0.0.1:1883" in done.stdout
    assert "python -m cloud_bridge serve" in CliRunner().invoke(main, ["serve", "--help"]).output
    assert CliRunner().invoke(main, ["nonsense"]).exit_code == 2
