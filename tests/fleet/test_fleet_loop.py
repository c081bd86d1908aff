"""Several batteries in closed loop: they meet, they take turns, and one that fails is left out."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from edge.snapshot import FAULT
from hil import series
from tests.core.park import DAY
from tests.fleet.fleet import LIMIT, OVER_W, SUNNY, A, B, C, FleetLoop, one, several, three, working


def test_the_sum_is_what_the_site_needs_and_the_journal_tells_it():
    loop = working([500, 500, 500])
    row = loop.row
    assert row["command_w"] == sum(loop.log[-1]) == 60_000
    assert row["store_w"] == loop.bank.power_w
    assert (row["charge_max_w"], row["discharge_max_w"]) == (200_000, 200_000)
    assert row["soc_pm"] == 500 - (loop.socs != [500, 500, 500])


def test_the_fuller_discharge_more_and_all_end_alike():
    loop = working([800, 600, 400], load_w=OVER_W + 110_000)
    first = loop.log[-1]
    assert first[A] > first[B] > first[C] // 2, "by capacity: c holds twice as much"
    for _ in range(3600):
        loop.step(OVER_W + 110_000)
    assert max(loop.socs) - min(loop.socs) < 30


def test_the_emptier_charge_more_and_all_end_alike():
    loop = FleetLoop(three(without=SUNNY), [300, 150, 500])
    loop.run([30_000] * 3600, pv_w=130_000)
    charged = [battery.charged_ws for battery in loop.bank.batteries]
    assert charged[B] > charged[A]
    assert max(loop.socs) - min(loop.socs) < 30


@settings(max_examples=4)
@given(st.lists(st.integers(200, 900), min_size=3, max_size=3),
       st.lists(st.sampled_from([-80, -30, -5, 5, 20, 60, 110]), min_size=3, max_size=3))
def test_states_of_charge_come_nearer_whatever_the_load(socs, kilowatts):
    """Ten minutes each, of charge and of discharge: they part no more than turns need."""
    loop = FleetLoop(three(without=SUNNY), socs)
    spread = max(loop.socs) - min(loop.socs)
    for kw in kilowatts:
        loop.run([OVER_W] * 600, pv_w=OVER_W - 1000 * kw if kw < 0 else 0)
        loop.run([OVER_W + 1000 * kw] * 600)
    assert max(loop.socs) - min(loop.socs) <= max(spread, 80)
    for setpoints in loop.log:
        assert min(setpoints) >= 0 or max(setpoints) <= 0, "one charges while another discharges"
    assert loop.plant.imbalance_uj(sum(
        battery.soc_pm * battery.capacity_wh * 3_600_000 // 1000 * 1000
        for battery in loop.bank.batteries)) == 0


def running(log):
    """Which converters run, beat by beat, where any does."""
    return [tuple(w != 0 for w in setpoints) for setpoints in log if any(setpoints)]


def test_a_small_power_is_left_to_one_converter_and_a_large_one_to_all():
    loop = FleetLoop(three(), [500, 500, 500])
    loop.run([OVER_W + 20_000] * 400)
    assert sum(running(loop.log)[-1]) == 1
    loop.run([OVER_W + 190_000] * 400)
    assert sum(running(loop.log)[-1]) == 3
    assert sum(loop.log[-1]) == 190_000


def test_a_day_needs_few_changes_of_who_runs():
    """A foundry's day at a second a beat: a converter is started or stopped a few dozen times."""
    made = three(without=("self_use", "tariff", "export"))
    made["site"]["beat_s"] = 5
    loop = FleetLoop(made, [600, 600, 600], second=0)
    load = series.factory_day()
    loop.run([load.watts[second] for second in range(0, 86_400, 5)])
    changes = sum(a != b for before, after in pairwise(running(loop.log))
                  for a, b in zip(before, after, strict=True))
    assert loop.bank.discharged_ws > 100 * 3_600_000, "the batteries were at work"
    assert changes <= 3 * 50, f"{changes} changes"
    assert max(loop.socs) - min(loop.socs) < 60


def test_noise_around_nothing_makes_no_roles_change():
    loop = FleetLoop(three(without=("self_use", "tariff", "export")), [500, 500, 500])
    loop.run([OVER_W + (2000 if k % 2 else -2000) for k in range(1200)])
    ran = running(loop.log)
    assert sum(a != b for a, b in pairwise(ran)) <= 4


def test_an_internal_error_rests_every_battery():
    loop = working([600, 600, 600], load_w=OVER_W + 120_000)

    def broken(now):
        raise ZeroDivisionError

    loop.site.rules[0] = broken
    now_ms = loop.second * 1000
    assert loop.controller.beat(now_ms, DAY, loop.second) == 0
    assert [(unit.setpoint_w, unit.setpoint_ms) for unit in loop.site.fleet] == [(0, now_ms)] * 3
    assert loop.row["flags"] & FAULT


def test_another_joins_no_faster_than_the_ramp_and_the_sum_stays():
    made = several(one("a"), one("b"), rules={**LIMIT, "ramp": {"ramp_w_per_s": 8000}})
    loop = FleetLoop(made, [560, 600])
    loop.run([OVER_W + min(1000 * k, 15_000) for k in range(3600)])
    settled = loop.log[60:]
    assert all(sum(setpoints) == 15_000 for setpoints in settled)
    assert settled[-1][A] > 0, "it has joined"
    for before, after in pairwise(loop.log):
        assert all(w - old <= 8000 for old, w in zip(before, after, strict=True))
