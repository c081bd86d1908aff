"""Whole gateways between simulated devices, `parkedge serve ocpp` and charge points, each in a
process of its own: with `parkedge run --board pi`, and with the same files on MicroPython.

One gateway and one central system are killed. Each charge point is alone then, and falls back."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

from boards.image import compile_site
from hil import amend
from hil.emulate import plant_of
from hil.park import Park
from tests.boards.sites import FOUNDRY
from tests.conftest import ROOT, Interpreter, _missing
from tests.ocpp.bench import NAME, PASSWORD, box, until
from tests.shown.served import free_port, wait

PATIENCE_S = 40
SAFE_A, MOST_A = 6, 16
KEYS = {
    "gate.import_max_w": 2_000_000, "rules.contract.import_max_w": 1_900_000,
    "rules.demand.target_w": 1_800_000, "rules.charging.settle_s": 2, "rules.charging.idle_s": 10,
    "rules.charging.ramp_ma_per_s": 32_000}


@contextmanager
def killed_at_the_end(process):
    try:
        yield process
    finally:
        process.kill()
        process.wait(PATIENCE_S)


@contextmanager
def central(folder):
    """`parkedge serve ocpp`; yields its process and ports."""
    port, modbus_port = free_port(), free_port()
    (folder / "password").write_text(PASSWORD)
    (folder / "password").chmod(0o600)
    (folder / "ocpp.toml").write_text(f"""
[server]
port = {port}
modbus_port = {modbus_port}
id_tags = "any"
sample_s = 1
fallback_s = 20
[[charge_point]]
id = "{NAME}"
password_file = "password"
units = [3]
max_a = {MOST_A}
failsafe_a = {SAFE_A}
""")
    with (folder / "central.log").open("wb") as log, killed_at_the_end(subprocess.Popen(
            [sys.executable, "-m", "boards", "serve", "ocpp", str(folder / "ocpp.toml")],
            cwd=ROOT, stdout=log, stderr=log)) as process:
        wait(lambda: b"expected at" in (folder / "central.log").read_bytes(), "it does not serve")
        yield process, port, modbus_port


@contextmanager
def gateway(kind, folder, modbus_port):
    """The foundry with a charger; yields its process."""
    raw = amend.change(amend.read(FOUNDRY), KEYS)
    raw.pop("telemetry", None)
    del raw["rules"]["charging"]
    made = amend.site(raw, FOUNDRY)
    plant = plant_of(compile_site(made))
    park = Park(made, plant)
    ends = threading.Event()

    def live():
        now_ms = 0
        while not ends.wait(0.1):
            now_ms += 100
            plant.load_w = 400_000
            if now_ms % 1000 == 0:
                plant.run(park.setpoint, 1)
            park.show(now_ms)

    with park.served() as places, (folder / "log").open("wb") as log:
        raw = amend.place(amend.change(raw, KEYS), places, {"host": ""})
        raw["bus"].append({"name": "chargers", "link": "tcp", "host": "127.0.0.1",
                           "port": modbus_port})
        raw["device"].append({"name": "box", "profile": "ocpp_charger", "bus": "chargers",
                              "unit": 3})
        raw["charger"] = [{"name": "yard", "device": "box", "priority": 1, "max_a": MOST_A,
                           "failsafe_a": SAFE_A}]
        (folder / "cn_two_part_four.toml").touch()
        path = folder / "site.toml"
        path.write_text(amend.text(raw))
        if kind == "cpython":
            command = [sys.executable, "-m", "boards", "run", str(path), "--board", "pi",
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
        thread = threading.Thread(target=live, daemon=True)
        thread.start()
        try:
            with killed_at_the_end(subprocess.Popen(
                    command, cwd=ROOT if kind == "cpython" else folder, env=paths, stdout=log,
                    stderr=log)) as process:
                yield process
        finally:
            ends.set()
            thread.join(PATIENCE_S)


async def scene(kind, folder, dies):
    """Charging begins, one of two dies, and the charge point falls back."""
    car = box()
    with central(folder) as (server, port, modbus_port), \
            gateway(kind, folder, modbus_port) as control:
        async with car.connected(f"ws://127.0.0.1:{port}"):
            outlet = car.outlets[1]
            car.plug(1, 32)
            try:
                await until(lambda: outlet.amps == MOST_A, PATIENCE_S)
            except TimeoutError:
                raise AssertionError((folder / "log").read_text() + (
                    folder / "central.log").read_text()) from None
            assert outlet.profiles["TxProfile", 8]["charging_schedule"]["duration"] <= 80
            (control if dies == "gateway" else server).kill()
            if dies == "central":  # its link goes with it, the box lives on
                async def alone():
                    while outlet.amps != SAFE_A:
                        await asyncio.sleep(0.2)
                        car.move()
                await asyncio.wait_for(alone(), PATIENCE_S)
                assert control.poll() is None, "the gateway goes on"
            else:
                await until(lambda: outlet.amps == SAFE_A, PATIENCE_S)
                assert server.poll() is None


@pytest.mark.timeout(180)
def test_whoever_dies_the_charge_point_falls_back(tmp_path):
    async def play():
        scenes = []
        for kind, dies in (("cpython", "gateway"), ("micropython", "central")):
            folder = tmp_path / kind
            folder.mkdir()
            scenes.append(asyncio.to_thread(asyncio.run, scene(kind, folder, dies)))
        await asyncio.gather(*scenes)

    asyncio.run(play())
