"""No phase is charged beyond its limit, whatever the load's balance and the readings' age."""

from __future__ import annotations

import json
import random
from array import array
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.devices.phases import Phases
from edge.ticks import ticks_add
from hil.inputs import PHASES
from tests.core.park import DAY, TICKS, Park, image, snapshot

SCRIPT = Path(__file__).with_name("heap_beats.py")
LIMIT_W = 60_000
FREE = {"ramp": {"ramp_w_per_s": 8_000_000}, "contract": {"import_max_w": 8_000_000},
        "export": {"export_max_w": 8_000_000}, "self_use": {"discharge": 0}}
GATE = {"step_max_w": 16_000_000, "import_max_w": 8_000_000, "export_max_w": 8_000_000}
WISHES = ("demand", "tariff", "self_use")  # what is left wishes to charge all the time: refill

loads = st.tuples(*[st.integers(-40_000, 90_000)] * 3)


def park(store_phase: int = 0, **keys: int) -> Park:
    """A park whose battery would charge at 200 kW whatever the phases carry."""
    phase = {"import_max_w": LIMIT_W, "unbalance_max_w": 0, "store_phase": store_phase, **keys}
    made = Park(image(without=WISHES, gate=GATE, rules={**FREE, "phase": phase}))
    made.site.planner.recharge_w = 200_000
    made.site.planner.slot = lambda *_: None  # it goes on wishing so
    return made


def share_w(store_w: int, store_phase: int) -> tuple[int, ...]:
    """What a battery puts on each phase, exact where the power divides by three."""
    if store_phase:
        return tuple(store_w * (k + 1 == store_phase) for k in range(3))
    return (store_w // 3,) * 3


def show(park: Park, second: int, load: tuple[int, ...], store_w: int, store_phase: int = 0,
         fresh: bool = True) -> int:
    """One beat of readings that were all made now; returns the command."""
    parts = share_w(store_w, store_phase)
    l_w = [w - part for w, part in zip(load, parts, strict=True)]
    now_ms = second * 1000
    phases = dict(zip(PHASES, (*l_w, now_ms if fresh else -1), strict=True))
    return park.fresh_beat(second, grid_w=sum(load) - store_w, store_w=store_w, soc_pm=500,
                           pv_w=0, **phases)


@settings(max_examples=150, deadline=None)
@given(loads, st.integers(0, 3), st.integers(-60_000, 60_000))
def test_no_phase_is_charged_beyond_its_limit_and_the_worst_is_helped(load, store_phase, third_w):
    """The battery stands still or works beforehand; what it puts on a phase is told from the sum
    of all three, so the power divides by three."""
    made, store_w = park(store_phase), 3 * third_w
    w = 0
    for second in range(1, 15):
        w = show(made, second, load, store_w, store_phase)
    assert made.site.fault is None
    mine = [load[store_phase - 1]] if store_phase else load
    ways = 1 if store_phase else 3
    need_w = ways * (max(mine) - LIMIT_W)  # exactly what the worst phase leaves, or asks
    assert w == max(min(need_w, 200_000), -200_000)
    after = [l_w - w / ways for l_w in mine]
    assert max(after) <= LIMIT_W or w == 200_000


@settings(max_examples=100, deadline=None)
@given(loads, st.integers(0, 3), st.integers(0, 30_000))
def test_export_of_each_phase_has_a_limit_too(load, store_phase, export_w):
    made = park(store_phase, export_max_w=export_w, import_max_w=8_000_000)
    made.site.planner.recharge_w = 0
    made.site.planner.wish_w = 0
    made.site.rules.insert(-1, lambda now: made.site.envelope.at_least(200_000, 15))
    w = 0
    for second in range(1, 15):
        w = show(made, second, load, 0, store_phase)
    mine = [load[store_phase - 1]] if store_phase else load
    ways = 1 if store_phase else 3
    assert w == max(min(ways * (min(mine) + export_w), 200_000), -200_000)


@pytest.mark.parametrize("load", [(20_000, 20_000, 20_000), (-30_000, 80_000, 10_000)])
def test_stale_phases_stop_charging_and_nothing_else(load):
    made = park(age_max_ms=5000)
    for second in range(1, 15):
        show(made, second, load, 0)
    known_w = max(min(3 * (max(load) - LIMIT_W), 200_000), -200_000)
    for second in range(15, 20):
        assert show(made, second, load, 0, fresh=False) == known_w, "five seconds are allowed"
    for second in range(20, 25):
        assert show(made, second, load, 0, fresh=False) == 0
    assert made.site.envelope.lo_w == made.site.envelope.hi_w == 0
    assert show(made, 25, load, 0) == known_w, "and one reading is enough to go on"


def test_stale_phases_with_an_export_limit_stop_discharging_too():
    made = park(export_max_w=10_000)
    made.site.planner.recharge_w = 0
    made.site.rules.insert(-1, lambda now: made.site.envelope.at_least(90_000, 15))
    for second in range(1, 15):
        w = show(made, second, (20_000, 20_000, 20_000), 0)
    assert w == 90_000
    for second in range(15, 25):
        w = show(made, second, (20_000, 20_000, 20_000), 0, fresh=False)
    assert w == 0


@settings(max_examples=150, deadline=None)
@given(loads, st.integers(0, 3))
def test_a_declared_unbalance_stands_in_for_stale_phases(load, store_phase):
    """If the declaration is true, the worst phase stays inside its limit on the sum alone."""
    mean_w = sum(load) / 3
    unbalance_w = int(max(load) - mean_w) + 1
    made = park(store_phase, unbalance_max_w=unbalance_w)
    w = 0
    for second in range(1, 15):
        w = show(made, second, load, 0, store_phase, fresh=False)
    mine = [load[store_phase - 1]] if store_phase else load
    ways = 1 if store_phase else 3
    assert max(mine) - w / ways <= LIMIT_W or w == 200_000
    if w < 0:
        assert ways * (mean_w + unbalance_w + 2 - LIMIT_W) > w - 10 or w == -200_000, "no idler"


@settings(max_examples=60, deadline=None)
@given(loads, st.integers(0, 3), st.integers(0, 3000), st.integers(0, 3000), st.integers(0, 3))
def test_in_closed_loop_with_old_readings_it_settles_without_a_limit_cycle(
        load, store_phase, phase_age_ms, store_age_ms, lag_s):
    """Meter, phases and converter are each read at their own time, and the converter lags."""
    made = park(store_phase)
    history = [0] * 8  # the battery's power at past seconds, the newest first
    commands = [0] * 8
    powers: list[int] = []
    for second in range(10, 70):
        w = commands[lag_s]
        history = [w - w % 3, *history[:-1]]
        now_ms = second * 1000
        old_p, old_s = history[-(-phase_age_ms // 1000)], history[-(-store_age_ms // 1000)]
        parts = share_w(old_p, store_phase)
        l_w = [a - part for a, part in zip(load, parts, strict=True)]
        phase_ms = now_ms - -(-phase_age_ms // 1000) * 1000
        store_ms = now_ms - -(-store_age_ms // 1000) * 1000
        phases = dict(zip(PHASES, (*l_w, phase_ms), strict=True))
        w = made.fresh_beat(second, grid_w=sum(load) - old_p, grid_ms=phase_ms, store_w=old_s,
                            store_ms=store_ms, soc_pm=500, pv_w=0, **phases)
        commands = [w, *commands[:-1]]
        powers.append(w)
    mine = [load[store_phase - 1]] if store_phase else load
    ways = 1 if store_phase else 3
    aim_w = max(min(ways * (max(mine) - LIMIT_W), 200_000), -200_000)
    assert max(powers[-20:]) - min(powers[-20:]) <= 6, powers
    assert abs(powers[-1] - aim_w) <= 6, (aim_w, powers)
    assert min(powers) >= min(aim_w, 0) - 6, "not even on the way"


def test_stale_phases_are_forgotten_before_the_ticks_come_round():
    """Twelve days later an old stamp would look new."""
    made = park()
    for second in range(1, 15):
        show(made, second, (20_000,) * 3, 0)
    assert made.row["command_w"] < 0
    now_ms = 15_000
    for _ in range(30):  # twelve days in long beats: sum and battery are read, the phases are not
        now_ms = ticks_add(now_ms, 36_000_000)
        for _ in range(12):
            now_ms = ticks_add(now_ms, 1000)
            stamps = dict.fromkeys(("grid_ms", "store_ms", "soc_ms", "pv_ms"), now_ms)
            assert made.beat(now_ms=now_ms, phase_ms=-1, **stamps) == 0
    phases = next(role for role in made.site.roles if isinstance(role, Phases))
    for signal in Phases.SIGNALS[:2]:
        assert phases.take(signal, 5000, now_ms)
    assert made.beat(phase_ms=-1) == 0, "two of three are no picture"
    assert phases.take("l3_w", 5000, now_ms)
    assert made.beat(phase_ms=-1) < 0


def test_a_reading_no_phase_can_have_is_refused():
    phases = Phases(snapshot(), 3, 0, 3)
    assert not phases.take("l3_w", 8_000_001, 6000)
    assert not phases.take("grid_w", 1, 6000)
    assert phases.known == 0
    assert phases.take("l3_w", -8_000_000, 6000)
    assert phases.known == 4


def rows(beats: int, seed: int) -> bytes:
    """Inputs that wander, jump and fall silent."""
    rng = random.Random(seed)
    now_ms, clock_s, load = TICKS - 500_000, DAY * 86_400, [20_000, 30_000, 10_000]
    store_w, silent, out = 0, 0, bytearray()
    for _ in range(beats):
        now_ms, clock_s = (now_ms + 1000) % TICKS, clock_s + 1
        load = [min(max(w + rng.randrange(-4000, 4001), -60_000), 100_000) for w in load]
        if rng.random() < 0.01:
            load[rng.randrange(3)] = rng.choice((8_000_000, -8_000_000, 50_000))
        if rng.random() < 0.01:
            silent = rng.randrange(3, 12)
        silent -= 1
        store_w = rng.choice((store_w, rng.randrange(-200_000, 200_000)))
        grid_w = min(max(sum(load) - store_w, -8_000_000), 8_000_000)
        out += array("i", [
            now_ms, clock_s // 86_400, clock_s % 86_400, grid_w, now_ms, store_w,
            (now_ms - rng.choice((0, 700, 2100))) % TICKS, 500, now_ms, 0, now_ms, 200_000, 200_000,
            1, *(w - store_w // 3 for w in load),
            -1 if silent > 0 else (now_ms - rng.choice((0, 300, 1900))) % TICKS]).tobytes()
    return bytes(out)


def test_no_heap_and_the_same_commands_on_a_gateway(micropython, tmp_path):
    made = image(rules={**FREE, "phase": {"import_max_w": LIMIT_W, "unbalance_max_w": 0}},
                 gate=GATE)
    image_path, inputs_path = tmp_path / "site.json", tmp_path / "inputs"
    image_path.write_text(json.dumps(made))
    inputs = rows(2000, 7)
    inputs_path.write_bytes(inputs)
    said = micropython.run(SCRIPT, image_path, inputs_path, heap="2m").stdout
    last = said.split("\n")[-2].split()
    park, commands = Park(made), 0
    width = 4 * len(park.names)
    for at in range(0, len(inputs), width):
        row = array("i", inputs[at:at + width])
        park.inputs = row
        commands += park.beat() != 0
        if park.site.telemetry.oldest():
            park.site.telemetry.taken()
    assert last == ["beats", "2000", "violations", "0", "commands", str(commands)], said
    assert commands > 500
