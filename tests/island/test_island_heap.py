"""No beat of such a site touches the heap, and both interpreters give the same rows."""

from __future__ import annotations

import json
import random
from array import array
from pathlib import Path

from hil import dut
from tests.conftest import Interpreter
from tests.core.test_heap import SCRIPT, inputs
from tests.island.clinic import GENERATOR, clinic

BEATS = 1500


def wild(seed: int) -> list[array[int]]:
    """Readings that wander, and a switch and a generator that flap, lie and fall silent."""
    rng = random.Random(seed)
    islanded, grid_ok, running, gen_w = 0, 1, 0, 0
    rows = []
    for row in inputs(1, 300_000, seed):
        if rng.random() < 0.02:
            islanded = rng.choice((0, 1))
            grid_ok = rng.choice((1 - islanded, 0, 1))
        if rng.random() < 0.02:
            running = rng.choice((0, 1))
            gen_w = rng.choice((0, 20_000, 170_000)) * running
        if islanded and rng.random() < 0.7:
            row[3] = 0
        stamps = [row[0] if rng.random() > 0.01 else -1 for _ in range(2)]
        rows.append(array("i", [*row[:14], islanded, grid_ok, stamps[0], gen_w, running,
                                int(rng.random() > 0.05), stamps[1],
                                *(row[3] // 3 + rng.randrange(-9000, 9000) for _ in range(3)),
                                row[0] if rng.random() > 0.05 else -1]))
    return rows[-BEATS:]


def made() -> dict:
    """With every rule there is, and short times."""
    short = {**GENERATOR, "start_s": 5, "warm_s": 3, "run_s": 10, "cool_s": 5, "rest_s": 5,
             "peak_w": 100_000, "attempts": 10}
    image = clinic(generator=short, island={"healthy_s": 5, "settle_s": 3},
                   shed={"import_max_w": 200_000, "restore_s": 5})
    image["rules"].insert(8, ["phase", {"import_max_w": 90_000, "export_max_w": 8_000_000,
                                        "store_phase": 0, "age_max_ms": 5000,
                                        "unbalance_max_w": 0}])
    image["rules"].insert(6, ["min_import", {"import_min_w": 10_000, "while_running": 1}])
    return image


def test_no_beat_touches_the_heap(micropython: Interpreter, tmp_path: Path) -> None:
    image_path, inputs_path = tmp_path / "site.json", tmp_path / "inputs"
    image_path.write_text(json.dumps(made()))
    inputs_path.write_bytes(b"".join(row.tobytes() for row in wild(1)))
    said = micropython.run(SCRIPT, image_path, inputs_path, heap="2m").stdout
    last = said.split("\n")[-2].split()
    assert last[:2] == ["beats", str(BEATS)], said
    assert last[3] == "0", "allocates:\n" + said
    assert int(last[5]) > BEATS // 20, "too few beats had a command"


def test_both_interpreters_give_the_same_rows_and_relays(micropython: Interpreter) -> None:
    image = made()
    one, other = dut.InProcess(image), dut.MicroPythonProcess(image, micropython.command)
    modes, coils = set(), set()
    try:
        for number, row in enumerate(wild(2)):
            assert one.beat(row) == other.beat(row), number
            assert bytes(one.row) == bytes(other.row), number
            assert one.coils == other.coils, number
            modes.add(one.row[3] >> 8 & 3)
            coils.add(one.coils)
    finally:
        other.close()
    assert one.site.fault is None
    assert modes == {0, 1, 2, 3}
    assert len(coils) > 8
