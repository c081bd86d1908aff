"""A beat allocates nothing: thousands of changing ones with MicroPython's heap locked."""

from __future__ import annotations

import json
import random
from array import array
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.core.park import DAY, TICKS, image
from tests.core.tariffs import image_of

BEATS = 5000
SCRIPT = Path(__file__).with_name("heap_beats.py")
BIG = {"capacity_wh": 30_000_000, "charge_max_w": 8_000_000, "discharge_max_w": 8_000_000}
BIG_GATE = {"charge_max_w": 8_000_000, "discharge_max_w": 8_000_000, "import_max_w": 8_000_000,
            "export_max_w": 8_000_000, "step_max_w": 16_000_000}
_DAY = [3000] * 32 + [12_000] * 64
_TALLY = ["tally", {"carbon_e4": [8325, 2000] * 48}]
_TOLD = ["foresight", {"schedule": [[127, 0, 60, 0, 400_000, 900], [31, 60, 96, 1, 90_000, 500]],
                       "raise_w": 50_000, "topic": 0}]
PARKS = {
    "charges by the hour": image_of("us_california", demand={"sliding": 1}),
    "a contract": image_of("cn_jiangsu", site={"beat_s": 60}, telemetry={"period_s": 60}),
    "block": image(),
    "a battery that is watched": image(battery=BIG, gate=BIG_GATE, rules={
        "soc_check": {"tolerance_pm": 500, "settle_pm_per_h": 1000}, "balance": {"step_w": 1}}),
    "sliding": image(demand={"sliding": 1}, rules={"demand": {"target_w": 150_000}}),
    "a beat a minute": image(site={"beat_s": 60}, telemetry={"period_s": 60}),
    "sliding, no demand rule": image(without=("demand",), demand={"sliding": 1}),
    "the largest": image(battery=BIG, gate=BIG_GATE, tariff={"prices_e4": [12_000, -500] * 48},
                         rules={"contract": {"import_max_w": 8_000_000},
                                "ramp": {"ramp_w_per_s": 8_000_000}}),
    "announced, by carbon": image(
        site={"beat_s": 60},
        plan=[["priced", {"prices_e4": [8325, 2000] * 48, "demand_e4": 0}], _TOLD, _TALLY]),
    "announced, under a cap": image(
        site={"beat_s": 60}, battery=BIG, gate=BIG_GATE,
        plan=[["cap", {"cap_g": 20_000_000, "demand_e4": 400_000, "prices_e4": [
            _DAY, [p + 9000 for p in _DAY], [90_000] * 96]}], _TOLD, _TALLY]),
    "the largest, a beat a minute": image(
        site={"beat_s": 60}, battery=BIG, gate=BIG_GATE, demand={"sliding": 1},
        rules={"contract": {"import_max_w": 8_000_000}, "ramp": {"ramp_w_per_s": 8_000_000},
               "reserve": {"floor_pm": 0, "ceiling_pm": 1000}}),
}


def inputs(beat_s: int, top_w: int, seed: int) -> Iterator[list[int]]:
    """Readings that wander, jump, fall silent and come back; ticks wrap, a day ends, the clock is
    set back and forth."""
    rng = random.Random(seed)
    now_ms = TICKS - 1_500_000 * beat_s % TICKS
    clock_s = DAY * 86_400 + 86_400 - 1200 * beat_s % 86_400
    load_w, store_w, soc_pm = top_w // 3, 0, 500
    silent = 0
    for k in range(BEATS):
        now_ms = (now_ms + beat_s * 1000) % TICKS
        clock_s += beat_s
        if k == 4700:  # late, so that the planner has had whole days before
            clock_s += rng.choice((100_000, -3_600, 86_400 * 400))
        if rng.random() < 0.004:
            silent = rng.randrange(2, 30)
        silent -= 1
        jump = rng.random()
        if jump < 0.01:
            load_w = rng.choice((top_w, -top_w, 0))
        load_w = min(max(load_w + rng.randrange(-top_w // 50, top_w // 50 + 1), -top_w), top_w)
        soc_pm = min(max(soc_pm + rng.choice((-3, 0, 0, 3)), 0), 1000)
        store_w = rng.choice((store_w, store_w, rng.randrange(-top_w, top_w)))
        grid_age, store_age = rng.choice(((0, 0), (0, 0), (900, 250), (250, 2900)))
        stamps = [(now_ms - age) % TICKS for age in (grid_age, store_age, 0, 0)]
        if silent > 0:
            stamps[rng.randrange(4)] = -1
        limit_w = rng.choice((top_w, top_w, top_w // 2, 0))
        yield [now_ms, clock_s // 86_400, clock_s % 86_400, load_w, stamps[0], store_w, stamps[1],
               soc_pm, stamps[2], rng.randrange(0, top_w // 3), stamps[3], limit_w, limit_w,
               int(rng.random() > 0.02), load_w // 3, load_w // 2, load_w // 6, stamps[0]]


def _write(folder: Path, made: dict, seed: int) -> tuple[Path, Path]:
    top_w = 8_000_000 if made["battery"] == {**made["battery"], **BIG} else 900_000
    image_path, inputs_path = folder / "site.json", folder / "inputs"
    image_path.write_text(json.dumps(made))
    rows = inputs(made["site"]["beat_s"], top_w, seed)
    inputs_path.write_bytes(b"".join(array("i", row).tobytes() for row in rows))
    return image_path, inputs_path


CASES = [(name, "i386") for name in PARKS]
CASES += [(name, "armhf") for name in ("block", "a beat a minute", "the largest")]  # slower


@pytest.mark.parametrize(("name", "micropython"), CASES, indirect=["micropython"])
def test_no_beat_touches_the_heap(name, micropython, tmp_path):
    made = PARKS[name]
    image_path, inputs_path = _write(tmp_path, made, seed=len(made["rules"]))
    said = micropython.run(SCRIPT, image_path, inputs_path, "leased", heap="2m").stdout
    last = said.split("\n")[-2].split()
    assert last[:2] == ["beats", str(BEATS)], said
    assert last[3] == "0", "allocates:\n" + said
    assert int(last[5]) > BEATS // 20, "too few beats had a command: the rules were not exercised"


def test_the_trap_catches_an_allocation(micropython, tmp_path):
    """The test above must be able to fail: a rule that makes a list is named."""
    image_path, inputs_path = _write(tmp_path, image(), seed=1)
    script = tmp_path / "trapped.py"
    script.write_text(
        "import edge.rules.export as export\n"
        "def rule(by, keys, site):\n"
        "    def narrow(now):\n"
        "        site.envelope.at_most([now.net_w][0] + keys['export_max_w'], by)\n"
        "    return narrow\n"
        "export.rule = rule\n"
        f"exec(open({str(SCRIPT)!r}).read())\n")
    said = micropython.run(script, image_path, inputs_path, heap="2m").stdout
    assert "MemoryError" in said
    assert "in narrow" in said


def test_the_controller_locks_the_heap_itself(micropython, tmp_path):
    """On a gateway nobody else does: a beat that asks for heap rests the battery, and what comes
    after the beat has its heap again."""
    image_path, _ = _write(tmp_path, image(), seed=1)
    script = tmp_path / "alone.py"
    script.write_text(
        "import sys\n"
        "from edge.controller import Controller\n"
        "from edge.image import load\n"
        "from edge.site import Site\n"
        "site = Site(load(sys.argv[1]))\n"
        "asked = [0]\n"
        "def greedy(now):\n"
        "    asked[0] = len([now.net_w] * asked[0])\n"
        "site.rules.append(greedy)\n"
        "beat = Controller(site).beat\n"
        "print(beat(1000, 9657, 1), type(site.fault).__name__, site.storage.setpoint_ms)\n"
        "print(len(bytearray(5000)), beat(2000, 9657, 2), site.storage.setpoint_ms)\n")
    said = micropython.run(script, image_path, heap="2m").stdout.splitlines()
    assert said == ["0 MemoryError 1000", "5000 0 2000"]
