"""The demand window on the meter's time: for any offset and drift it ends when the meter's does,
the month's peak is what is billed, and no lying meter moves either into harm."""

from __future__ import annotations

import json
import random
import subprocess
import sys

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from edge.ledger.turns import Turns
from edge.ticks import ticks_add
from hil.dlt645_meter import Demand
from tests.conftest import ROOT
from tests.core.park import TICKS, image
from tests.core.test_demand_window import Billing, beats, run, starts, stretches
from tests.dlt645.follow import Follow

OFFSETS = st.integers(0, 899_999)
BIT_S = 1  # the meter tells its clock in whole seconds


def noisy(seed: int, high_w: int = 400_000):
    """A load that changes every ten seconds."""
    rnd = random.Random(seed)
    steps = [rnd.randrange(high_w) for _ in range(997)]
    return lambda s: steps[s // 10 % 997]


def bound_w(highest_w: float, apart_s: float) -> float:
    """What a window that lies `apart_s` from the meter's can miss of a load up to `highest_w`."""
    return highest_w * apart_s / 900 + 2


@settings(max_examples=12)
@example(0, 0, 1, 5, True, 7)
@example(899_999, 100, 10, 20, True, 1_073_741)  # ticks wrap within
@example(450_000, -100, 1, 5, False, 0)
@given(OFFSETS, st.integers(-100, 100), st.sampled_from([1, 5, 10]), st.sampled_from([5, 10, 20]),
       st.booleans(), st.integers(0, TICKS // 1000))
def test_a_block_ends_with_the_meter_s(offset_ms, ppm, beat_s, poll_s, clock, tick_s):
    """By its clock after a few readings, by its present demand after four periods."""
    follow = Follow(Demand(offset_ms=offset_ms, ppm=ppm), beat_s=beat_s, poll_s=poll_s, clock=clock,
                    register=not clock, maximum=False, tick_s=tick_s)
    load = noisy(offset_ms)
    follow.run(1200 if clock else 4800, load)
    assert follow.told()["demand_window"] == ("clock" if clock else "register")
    allowed_s = beat_s + poll_s + BIT_S
    for _ in range(8):
        follow.run(450, load)
        assert abs(follow.apart_s()) <= allowed_s
        window = follow.site.window
        if window.known >= 30 and len(follow.demand.ended_w) > 1:
            demand_w = window.demand_w
            follow.run(20, load)  # ours may have ended a little before the meter's
            assert min(abs(demand_w - w) for w in follow.demand.ended_w[-3:]) \
                <= bound_w(400_000, allowed_s)
    # What was billed since it is known does not exceed what is believed by more than that.
    billed = max(follow.demand.ended_w[-3:])
    assert billed <= follow.site.window.peak_w + bound_w(400_000, allowed_s)


@settings(max_examples=8)
@given(st.integers(0, 59_999), st.integers(-100, 100), st.booleans(), st.integers(0, TICKS // 1000))
def test_a_sliding_window_ends_its_minutes_with_the_meter_s(offset_ms, ppm, clock, tick_s):
    """A slip of a minute, as the meters of China have; the register changes with each."""
    follow = Follow(Demand(slip_min=1, offset_ms=offset_ms, ppm=ppm), sliding=1, clock=clock,
                    register=not clock, maximum=False, tick_s=tick_s)
    load = noisy(offset_ms)
    follow.run(1800, load)
    for _ in range(4):
        follow.run(450, load)
        assert follow.told()["demand_window"] == ("clock" if clock else "register")
        assert abs(follow.apart_s(60)) <= 7
        if follow.site.window.known >= 30:
            demand_w = follow.site.window.demand_w
            follow.run(10, load)  # ours may have ended a little before the meter's
            assert min(abs(demand_w - w) for w in follow.demand.ended_w[-3:]) <= bound_w(400_000, 7)


@pytest.mark.parametrize("grows", [True, False])
def test_the_register_is_right_where_the_clock_says_otherwise(grows):
    """A meter whose window began when it was switched on, and not at its quarter-hours."""
    follow = Follow(Demand(offset_ms=200_000, grows=grows))
    shown = follow.demand.clock_ms
    follow.meter.SIGNALS = tuple(name for name in follow.meter.SIGNALS)
    real = follow.meter.take

    def take(signal, value, stamp_ms):
        if signal == "meter_clock_s":
            value = (value + 300) % 86_400
        return real(signal, value, stamp_ms)

    follow.meter.take = take
    load = noisy(3)
    follow.run(600, load)
    assert follow.told()["demand_window"] == "clock"
    assert abs(abs(follow.apart_s()) - 300) < 3
    follow.run(9000, load)
    assert follow.told()["demand_window"] == "register"
    assert abs(follow.apart_s()) <= 7
    assert shown(0) == 200_000


def test_the_meter_s_maximum_is_the_month_s_peak():
    """It was billed before the gateway was switched on."""
    demand = Demand()
    demand.highest_w, demand.highest_at = 333_000.0, 1
    follow = Follow(demand)
    follow.run(200, lambda s: 50_000)
    assert follow.site.window.peak_w == 333_000
    follow.run(2000, lambda s: 400_000)
    assert follow.site.window.peak_w >= follow.demand.highest_w - 2 >= 399_000


@pytest.mark.parametrize("meter_first", [True, False])
def test_the_peak_begins_anew_with_the_month_whoever_is_first(meter_first):
    """The meter's clock is four minutes off; its register is reset at its own midnight."""
    offset_ms = 240_000 if meter_first else -240_000
    follow = Follow(Demand(offset_ms=offset_ms))
    last_of_june = 9677  # 2026-06-30
    follow.wall_s += (last_of_june - 9657) * 86_400
    follow.run(3600, lambda s: 300_000)
    assert follow.site.window.peak_w == pytest.approx(300_000, abs=2)
    midnight_s = 57_600 + (last_of_june - 9657) * 86_400 - follow.wall_s  # of the site, in UTC
    follow.wall_s += midnight_s - 1800  # a clock that is set; nothing else is told of it
    follow.run(1801 - offset_ms // 1000, lambda s: 300_000)
    follow.demand.reset()
    follow.run(5400, lambda s: 100_000)
    assert follow.site.window.peak_w < 301_000 * 240 / 900 + 100_000
    follow.run(3600, lambda s: 200_000)
    assert follow.site.window.peak_w == pytest.approx(200_000, abs=1500)


def test_a_month_that_was_to_end_with_a_window_ends_when_the_window_is_moved():
    """The beat stands still over the meter's midnight."""
    follow = Follow(Demand(offset_ms=-240_000), maximum=False)
    follow.wall_s += (9677 - 9657) * 86_400
    follow.run(3600, lambda s: 300_000)
    follow.wall_s += 57_600 + (9677 - 9657) * 86_400 - follow.wall_s - 1800
    follow.run(1805, lambda s: 300_000)
    assert follow.site.window.peak_w == pytest.approx(300_000, abs=2), "not yet"
    follow.at_s += 400
    follow.wall_s += 400
    follow.run(5, lambda s: 100_000)
    assert follow.site.window.peak_w == 0


def test_a_wrong_register_raises_the_peak_no_higher_than_what_was_measured_allows():
    follow = Follow(Demand(), maximum=False)
    load = noisy(5, 100_000)
    follow.meter.maximum_w, follow.meter.maximum_at = 10_000, 1
    follow.run(3600, load)
    most_w = max(follow.demand.ended_w) * 9 / 8 + 15_000
    for step in range(20):
        follow.meter.maximum_w, follow.meter.maximum_at = 700_000, 2 + step
        follow.run(60, load)
    assert follow.site.window.peak_w <= most_w
    before = follow.site.window.peak_w
    blind = Follow(Demand(), maximum=False)
    blind.meter.maximum_w, blind.meter.maximum_at = 5_000_000, 1
    blind.run(300, load)
    assert blind.site.window.peak_w == 0, "more than the connection carries is not believed"
    assert before > 0


@settings(max_examples=10)
@given(st.lists(st.tuples(st.integers(0, 86_399), st.integers(20, 2000)), min_size=1, max_size=6),
       st.lists(st.integers(0, 5_000_000), min_size=1, max_size=9), st.integers(0, 2))
def test_a_lying_meter_moves_the_window_once_an_hour_at_most(jumps, shown, kind):
    """Whatever clock and register say, demand stays between the loads, the window is moved no more
    than once an hour, and by more than seconds only then."""
    follow = Follow(Demand(), clock=False, register=False, maximum=False)
    moved_s, seen = [-10_000], [0]
    load = noisy(len(jumps), 300_000)
    restart = follow.site.window.restart
    assert restart
    last_s = None
    for jump_s, lasts_s in jumps:
        for step in range(lasts_s // 20):
            follow.meter.heard_ms = follow.now_ms
            stamp_ms = ticks_add(follow.now_ms, -300)
            if kind != 1:
                follow.meter.take("meter_clock_s", (jump_s + follow.at_s) % 86_400, stamp_ms)
            if kind != 0:
                follow.meter.take("present_demand_w", shown[step % len(shown)], stamp_ms)
            follow.run(20, load)
            seen.append(max(load(follow.at_s - k) for k in range(1, 21)))
            end_s = (follow.at_s + follow.left_s()) % 900
            if last_s is not None:
                step_s = min((end_s - last_s) % 900, (last_s - end_s) % 900)
                if step_s > 5:
                    assert follow.at_s - moved_s[-1] >= 3500 or len(moved_s) == 1
                    moved_s.append(follow.at_s)
            last_s = end_s
            assert 0 <= follow.site.window.demand_w <= max(seen)
            assert 0 <= follow.site.window.peak_w <= max(seen)
    assert len(moved_s) - 1 <= 1 + follow.at_s // 3500


def test_a_meter_that_falls_silent_is_followed_for_hours_and_then_no_more():
    follow = Follow(Demand(offset_ms=437_000, ppm=60), beat_s=10, poll_s=20)
    load = noisy(1)
    follow.run(3600, load)
    assert follow.told()["demand_window"] == "clock"
    follow.reads = dict.fromkeys(follow.reads, False)
    follow.run(3 * 3600, load)
    assert abs(follow.apart_s()) <= 12
    follow.run(22 * 3600, load)
    assert follow.told()["demand_window"] == "wall"
    assert (follow.left_s() + follow.wall_s - 10) % 900 == 0


def test_a_step_of_the_gateway_s_clock_does_not_move_it():
    follow = Follow(Demand(offset_ms=123_000))
    load = noisy(2)
    follow.run(1800, load)
    for step_s in (-400, 3600, -61, 7):
        follow.wall_s += step_s
        follow.run(1000, load)
        assert abs(follow.apart_s()) <= 2
    assert follow.site.window.known >= 30, "nothing of the past was lost"


@pytest.mark.parametrize(("sliding", "slip_min"), [(0, 1), (1, 15), (0, 5)])
def test_a_window_unlike_the_site_s_is_told_and_left(sliding, slip_min):
    follow = Follow(Demand(offset_ms=123_000, slip_min=slip_min), sliding=sliding)
    follow.meter.take("demand_slip_min", slip_min, 0)
    follow.run(1800, noisy(2))
    assert follow.told()["demand_window"] == "unlike"
    assert (follow.left_s() + follow.wall_s - 1) % 60 == 0


def test_a_meter_with_another_period_is_left():
    follow = Follow(Demand())
    follow.meter.take("demand_period_min", 30, 0)
    follow.run(1800, noisy(2))
    assert follow.told()["demand_window"] == "unlike"


@pytest.mark.parametrize("sliding", [False, True])
@settings(max_examples=10)
@given(beats, starts, stretches)
def test_without_readings_all_is_as_without_the_rule(sliding, beat_s, start_s, stretches):
    billing = Billing(beat_s, sliding, start_s // beat_s * beat_s)
    billing.park = Follow(Demand(), sliding=int(sliding), beat_s=beat_s).park
    run(billing, stretches)


# What is known of another clock.


@given(st.integers(0, TICKS - 1), st.integers(0, 899_999), st.integers(-150, 150),
       st.lists(st.tuples(st.integers(1_000, 2_000_000), st.integers(0, 20_000), st.integers(0, 9)),
                min_size=3, max_size=40))
def test_a_turn_is_never_known_better_than_it_is(start_ms, phase_ms, ppm, steps):
    """True intervals, whatever their width: the turn lies within what is said."""
    turns = Turns(900_000)
    at_ms = 0
    for step_ms, width_ms, share in steps:
        at_ms += step_ms
        number = (at_ms - phase_ms) // 900_000
        turn_ms = phase_ms + number * 900_000
        turn_ms += turn_ms * ppm // 1_000_000
        low_ms = turn_ms - width_ms * share // 9
        turns.hear(ticks_add(start_ms, low_ms % TICKS) if low_ms >= 0
                   else ticks_add(start_ms, low_ms), ticks_add(start_ms, low_ms + width_ms))
        apart_ms = turns.apart(ticks_add(start_ms, turn_ms))
        assert abs(apart_ms) <= turns.off_at(ticks_add(start_ms, turn_ms)) + 1
    assert turns.trust >= 3


def test_the_beat_takes_no_heap_and_says_the_same_on_a_gateway(micropython, tmp_path):
    """Three hours with a lock, a jump of the meter's clock and the end of a month."""
    made = tmp_path / "image.json"
    made.write_text(json.dumps(image(rules={"billing_meter": {}, "demand": {"target_w": 250_000}})))
    script = ROOT / "tests" / "dlt645" / "beat.py"
    here = subprocess.run([sys.executable, script, made], cwd=ROOT, capture_output=True, text=True,
                          env={"PYTHONPATH": str(ROOT)}, check=True).stdout
    assert len(here.splitlines()) == 181
    assert here.splitlines()[-1].startswith("clock ")
    assert micropython.run(script, made, heap="256k").stdout == here
