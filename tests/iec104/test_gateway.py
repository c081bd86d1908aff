"""A whole gateway between simulated devices and a controlling station that is not ours (c104), in
processes of their own: `parkedge run --board pi`, and the same files on MicroPython."""

from __future__ import annotations

import importlib.util
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from boards.image import compile_site
from boards.journal_file import JournalReader, files
from edge.journal import FIELDS
from edge.snapshot import FAULT
from hil import amend
from hil.emulate import plant_of
from hil.park import Park
from hil.plants import Plant
from tests.boards.sites import FOUNDRY
from tests.conftest import ROOT, Interpreter, _missing
from tests.iec104.master import STARTDT, interrogation, setpoint
from tests.shown.served import free_port, wait

PATIENCE_S = 30
_FLAGS = FIELDS.index("flags")
KEYS = {
    "site.beat_s": 1, "battery.charge_max_w": 300_000, "battery.discharge_max_w": 300_000,
    "gate.charge_max_w": 310_000, "gate.discharge_max_w": 310_000, "gate.step_max_w": 400_000,
    "gate.import_max_w": 2_000_000, "rules.contract.import_max_w": 1_900_000,
    "rules.ramp.ramp_w_per_s": 200_000, "ages.release_s": 1, "battery.lease_ms": 10_000,
    "rules.demand.target_w": 1_800_000}
# Only 1010 changes: c104 passes over a whole frame whose first object it knows by another type.
TABLE = {"ca": 7, "setpoint_ioa": 5001, "control_ioa": 5002, "lease_s": 2, "while_connected": 1,
         "points": [[1, "trusted", "M_SP_NA_1"],
                    [1001, "grid_w", "M_ME_NC_1", 1000, 8_000_000],
                    [1002, "soc_pm", "M_ME_NC_1", 10, 1000],
                    [1003, "dispatch_w", "M_ME_NB_1", 1000],
                    [1005, "grid_w", "M_ME_NB_1", 100], [1010, "store_w", "M_ME_NC_1", 1000],
                    [2001, "import_kwh", "M_IT_NA_1"]]}


class World:
    """The devices' plant lives as long as somebody waits; `rows` are the gateway's own."""

    def __init__(self, park: Park, plant: Plant, port: int) -> None:
        self.port = port
        self._park, self._plant = park, plant
        self._now_ms = 0
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._thread.start()

    def _live(self) -> None:
        while not self._ends.wait(0.1):
            self._now_ms += 100
            self._plant.load_w = 400_000
            if self._now_ms % 1000 == 0:
                self._plant.run(self._park.setpoint, 1)
            self._park.show(self._now_ms)

    def close(self) -> None:
        self._ends.set()
        self._thread.join(PATIENCE_S)

    @property
    def battery_w(self) -> int:
        """What the battery really does."""
        return self._plant.battery.power_w


@contextmanager
def gateway(kind: str, folder: Path, board: str = "pi") -> Iterator[World]:
    """The foundry with larger limits, and with a dispatch centre."""
    port = free_port()
    raw = amend.change(amend.read(FOUNDRY), KEYS)
    raw["iec104"] = {**TABLE, "port": port}
    raw.pop("telemetry", None)
    made = amend.site(raw, FOUNDRY)
    plant = plant_of(compile_site(made))
    plant.battery.stored_uj //= 2
    park = Park(made, plant)
    with park.served() as places, (folder / "log").open("wb") as log:
        raw = amend.place(raw, places, {"host": ""})
        path = folder / "site.toml"
        path.write_text(amend.text(raw))
        (folder / "cn_two_part_four.toml").touch()
        if kind == "cpython":
            command = [sys.executable, "-m", "boards", "run", str(path), "--board", board,
                       "--journal", str(folder / "run")]
        else:
            image = compile_site(amend.site(raw, FOUNDRY))
            (folder / "image.json").write_text(json.dumps(image))
            command = [*Interpreter("i386").command, "-X", "heapsize=1m",
                       str(ROOT / "hil" / "unix_gateway.py"), str(folder / "image.json"),
                       str(folder / "rows"), str(folder / "outbox"), "1000000"]
            if not Path(command[0]).exists():
                _missing("micropython-i386")
        paths = {**os.environ, "MICROPYPATH": f"{ROOT}:.frozen", "PYTHONPATH": str(ROOT)}
        process = subprocess.Popen(command, cwd=ROOT if kind == "cpython" else folder, env=paths,
                                   stdout=log, stderr=log)
        world = World(park, plant, port)
        try:
            wait(lambda: _listens(port) or process.poll() is not None, "nobody listens")
            assert process.poll() is None, (folder / "log").read_text()
            yield world
            assert process.poll() is None, (folder / "log").read_text()
        finally:
            process.terminate()
            process.wait(PATIENCE_S)
            world.close()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


class Centre:
    """c104 in its process; `ask` waits for its answer."""

    def __init__(self, port: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("c104_station.py")), str(port), "7"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def ask(self, *words: object) -> Any:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(" ".join(map(str, words)) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


def until(done: Callable[[], bool], trouble: str) -> None:
    end_s = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < end_s, trouble
        time.sleep(0.1)


@pytest.fixture(params=["cpython", "micropython"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    if importlib.util.find_spec("c104") is None:
        _missing("c104 (pip install c104==2.2.1)")
    with gateway(request.param, tmp_path) as running:
        yield running


def test_the_battery_follows_the_dispatch_centre(world: World) -> None:
    centre = Centre(world.port)
    try:
        assert centre.ask("connect") is True, "STARTDT, and an interrogation confirmed"
        until(lambda: centre.ask("interrogate") and centre.ask("value", 1)[0], "never trusted")
        value, good, _ = centre.ask("value", 1001)
        assert (value, good) == (pytest.approx(400.0 - world.battery_w / 1000, abs=60), True)
        assert centre.ask("setpoint", 5001, -250) is False, "control is not theirs yet"
        assert centre.ask("control", 5002, 1) is True
        assert centre.ask("setpoint", 5001, -301) is False, "out of range"
        before_ms = time.time() * 1000
        assert centre.ask("setpoint", 5001, -250) is True
        until(lambda: abs(centre.ask("value", 1010)[0] + 250) < 5, "the battery does not follow")
        value, good, at_ms = centre.ask("value", 1010)
        assert good
        assert before_ms - 2000 < at_ms < time.time() * 1000 + 2000
        assert world.battery_w == pytest.approx(-250_000, abs=5000)
        assert centre.ask("interrogate") is True
        assert centre.ask("value", 1001)[0] == pytest.approx(650, abs=20)
        assert centre.ask("value", 1005)[0] == pytest.approx(6500, abs=200)
        assert centre.ask("value", 1003)[0] == -250
        assert centre.ask("counters") is True
        assert centre.ask("value", 2001)[0] >= 0
        assert centre.ask("test") is True
        assert centre.ask("clock") is False, "it is not theirs to set"
    finally:
        centre.close()
    until(lambda: world.battery_w > -50_000, "it holds on to a centre that is gone")


def test_strangers_bytes_do_not_stop_the_beat(tmp_path: Path) -> None:
    """Rubbish, half frames and floods by an address that may come in; then all is as before."""
    with gateway("cpython", tmp_path, "emulator") as world:
        pipes = [socket.create_connection(("127.0.0.1", world.port), PATIENCE_S)
                 for _ in range(10)]
        for number, pipe in enumerate(pipes):
            data = (b"GET / HTTP/1.1\r\n\r\n", b"\x68", STARTDT + b"\x68\xfd" + bytes(100),
                    STARTDT + 200 * (b"\x68\x0e\0\0\0\0" + interrogation()),
                    setpoint(-250.0) * 100)[number % 5]
            try:
                pipe.sendall(data)
            except OSError:  # hung up on already
                continue
        until(lambda: _is_answered(world.port), "nobody comes in any more")
        enough = len(_flags(tmp_path)) + 2
        until(lambda: len(_flags(tmp_path)) >= enough, "the beat stands still")
        for pipe in pipes:
            pipe.close()
    assert not any(one & FAULT for one in _flags(tmp_path))
    log = (tmp_path / "log").read_text()
    assert "Traceback" not in log
    assert "parkedge:" not in log, "an internal fault beside the beat"


def _flags(folder: Path) -> list[int]:
    """Of every beat that the journal holds."""
    (path,) = files(folder / "run" / "journal")
    with JournalReader(path) as journal:
        return [row[_FLAGS] for row in journal]


def _is_answered(port: int) -> bool:
    with socket.create_connection(("127.0.0.1", port), PATIENCE_S) as pipe:
        pipe.settimeout(2)
        try:
            pipe.sendall(STARTDT)
            return pipe.recv(6) == b"\x68\4\x0b\0\0\0"
        except OSError:
            return False
