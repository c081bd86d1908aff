"""Which broker a rig runs: mosquitto where there is one, its own where there is none."""

import json
import socket
from pathlib import Path

import pytest
from click.testing import CliRunner

from hil import mosquitto
from hil.mosquitto import Mosquitto
from hil.run import command


@pytest.mark.parametrize("part", ["broker_gone", "network_gone", "store_gone"])
def test_a_rig_works_without_mosquitto_and_says_so(part: str, tmp_path: Path,
                                                   monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mosquitto, "find", lambda: None)
    done = CliRunner().invoke(command, ["wire", part, "--out", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert "1 passed; broker amqtt;" in done.output
    assert "1 passed; broker amqtt\n" in (tmp_path / "report.md").read_text("utf-8")


@pytest.mark.usefixtures("mosquitto")  # skipped where there is none
def test_a_rig_takes_mosquitto_where_there_is_one(tmp_path: Path) -> None:
    done = CliRunner().invoke(command, ["wire", "broker_gone", "--json", "--out", str(tmp_path)])
    assert done.exit_code == 0, done.output
    (one,) = json.loads(done.output)["scenarios"]
    assert one["figures"]["broker"] == "mosquitto"


def test_it_is_found_in_the_tree_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(mosquitto, "_ELSEWHERE", (str(tmp_path),))
    assert mosquitto.find() is None
    with pytest.raises(OSError, match=r"^mosquitto is missing: make toolchain$"):
        Mosquitto(tmp_path).start()
    program = tmp_path / "mosquitto"
    program.touch(0o755)
    assert mosquitto.find() == str(program)


def test_what_hinders_it_is_said_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch
                                             ) -> None:
    program = tmp_path / "mosquitto"
    program.write_text("#!/bin/sh\necho one\necho no such option\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setattr(mosquitto, "find", lambda: str(program))
    with pytest.raises(OSError, match=r"^mosquitto did not start: no such option$"):
        Mosquitto(tmp_path).start()
    with socket.create_server((Mosquitto.host, 0)) as taken, \
            pytest.raises(OSError, match="in use"):
        Mosquitto(tmp_path, taken.getsockname()[1]).start()
