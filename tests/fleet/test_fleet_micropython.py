"""On a gateway: the same bytes for the same readings, and no heap on the beat."""

from __future__ import annotations

import json
import os
import random
import subprocess
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edge import journal
from hil import lockstep
from hil.dut import InProcess, MicroPythonProcess
from hil.inputs import PHASES, battery_places, names
from tests.conftest import ROOT
from tests.core.park import DAY, TICKS
from tests.fleet.fleet import one, several

BEATS = 2000
ROW = len(journal.FIELDS)
SCRIPT = ROOT / "tests" / "core" / "heap_beats.py"


def fleet(count: int):
    """Batteries of unlike size, health and limits; four of them with all that judges them."""
    more = {"phase": {"import_max_w": 150_000}, "soc_check": {}} if count == 4 else {}
    return several(*(one(f"b{k}", capacity_wh=60_000 + 40_000 * k, duty_pm=1000 - 150 * k,
                         discharge_max_w=40_000 + 20_000 * k, charge_max_w=50_000,
                         gate={"discharge_max_w": 160_000, "soc_floor_pm": 60 + k,
                               "step_max_w": 30_000 + 5000 * k}) for k in range(count)),
                   without=(), rules={"contract": {"import_max_w": 300_000}, **more})


LARGEST = several(*(one(f"b{k}", capacity_wh=3_700_000, charge_max_w=1_000_000,
                        discharge_max_w=1_000_000, gate={
                            "charge_max_w": 8_000_000, "discharge_max_w": 8_000_000,
                            "step_max_w": 16_000_000}) for k in range(8)),
                  without=(), site={"beat_s": 60}, gate={"import_max_w": 8_000_000},
                  rules={"contract": {"import_max_w": 2_000_000},
                         "ramp": {"ramp_w_per_s": 8_000_000}})


def inputs(made: dict[str, Any], top_w: int) -> Iterator[array[int]]:
    """Readings that wander and jump, converters and BMS that fall silent and come back."""
    known, count, beat_s = names(made), len(made["fleet"]), made["site"]["beat_s"]
    rng = random.Random(count)
    now_ms, clock_s = TICKS - 1_000_000 * beat_s % TICKS, DAY * 86_400 + 80_000
    load_w = top_w // 2
    stores, socs, silent = [0] * count, [500 + 30 * k for k in range(count)], [0] * (2 * count + 1)
    for _ in range(BEATS):
        now_ms, clock_s = (now_ms + 1000 * beat_s) % TICKS, clock_s + beat_s
        if rng.random() < 0.02:
            silent[rng.randrange(len(silent))] = rng.randrange(2, 90)
        silent = [max(0, left - 1) for left in silent]
        load_w = rng.choice((load_w,) * 50 + (top_w, 0, -top_w // 3))
        load_w = min(max(load_w + rng.randrange(-top_w // 40, top_w // 40), -top_w), top_w)
        row = array("i", bytes(4 * len(known)))
        row[:11] = array("i", [
            now_ms, clock_s // 86_400, clock_s % 86_400, load_w, -1 if silent[0] else now_ms,
            0, 0, 0, 0, rng.randrange(top_w // 4), now_ms])
        for k in range(count):
            stores[k] = rng.choice((stores[k],) * 3 + (rng.randrange(-40_000, 40_000),))
            socs[k] = min(max(socs[k] + rng.choice((-4, -1, 0, 0, 1, 4)), 0), 1000)
            if rng.random() < 0.001:
                socs[k] = rng.randrange(1001)
            said = (stores[k], -1 if silent[1 + k] else (now_ms - rng.choice((0, 300))) % TICKS,
                    socs[k], -1 if silent[1 + count + k] else now_ms,
                    rng.choice((10**6,) * 9 + (0,)), 10**6, int(rng.random() > 0.02))
            for place, value in zip(battery_places(known, k), said, strict=True):
                row[place] = value
        if PHASES[0] in known:
            at = known.index(PHASES[0])
            row[at:at + 4] = array("i", [
                row[3] // 3 + rng.randrange(-20_000, 20_000) for _ in range(3)] + [
                -1 if silent[0] else (now_ms - rng.choice((0, 300, 1900))) % TICKS])
        yield row


def on_micropython(micropython, folder: Path, made, rows: bytes) -> bytes:
    path = folder / "site.json"
    path.write_text(json.dumps(made))
    done = subprocess.run(
        [*micropython.command, "-X", "heapsize=1m", lockstep.__file__, str(path)], input=rows,
        capture_output=True, cwd=ROOT, env={**os.environ, "MICROPYPATH": f"{ROOT}:.frozen"},
        timeout=110, check=False)
    assert not done.returncode, done.stderr[-2000:]
    return done.stdout


@pytest.mark.parametrize(
    ("count", "micropython"), [(3, "i386"), (4, "armhf"), (4, "i386"), (8, "i386")],
    indirect=["micropython"])
def test_a_gateway_writes_the_same_rows_and_setpoints(count, micropython, tmp_path):
    made = fleet(count) if count < 8 else LARGEST
    rows = list(inputs(made, 900_000 if count < 8 else 8_000_000))
    if micropython.arch == "armhf":  # ten times slower
        rows = rows[:500]
    here, device = bytearray(), InProcess(made)
    for row in rows:
        setpoints = device.beat(row)
        assert device.site.fault is None, device.site.fault
        here += device.row.tobytes() + array("i", setpoints).tobytes()
    there = on_micropython(micropython, tmp_path, made, b"".join(row.tobytes() for row in rows))
    width = ROW + count
    for number in range(len(rows)):
        place = slice(4 * width * number, 4 * width * (number + 1))
        assert list(array("i", here[place])) == list(array("i", there[place])), f"beat {number}"
    assert len(there) == len(here)
    worked = [any(array("i", here[4 * (width * k + ROW):4 * width * (k + 1)]))
              for k in range(len(rows))]
    assert sum(worked) > len(rows) // 10, "too few beats had a command"


def test_a_device_under_test_tells_every_setpoint(micropython):
    made = fleet(2)
    there = MicroPythonProcess(made, micropython.command)
    try:
        here = InProcess(made)
        for row in list(inputs(made, 900_000))[:60]:
            assert there.beat(row) == here.beat(row)
            assert there.row == here.row
    finally:
        there.close()


@pytest.mark.parametrize("count", [4, 8])
def test_no_beat_touches_the_heap(count, micropython, tmp_path):
    made = fleet(count) if count < 8 else LARGEST
    image_path, inputs_path = tmp_path / "site.json", tmp_path / "inputs"
    image_path.write_text(json.dumps(made))
    inputs_path.write_bytes(b"".join(
        row.tobytes() for row in inputs(made, 900_000 if count < 8 else 8_000_000)))
    said = micropython.run(SCRIPT, image_path, inputs_path, heap="2m").stdout
    last = said.split("\n")[-2].split()
    assert last[:2] == ["beats", str(BEATS)], said
    assert last[3] == "0", "allocates:\n" + said
    assert int(last[5]) > BEATS // 10, "too few beats had a command"
