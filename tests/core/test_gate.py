"""Gate: every promise of its docstring, for any command and any reading."""

from __future__ import annotations

from types import SimpleNamespace

from hypothesis import given, settings
from hypothesis import strategies as st

from edge.gate import PASSED, STALE, WORDS, Gate

MOST_W = 8_000_000
power = st.one_of(st.integers(-MOST_W, MOST_W), st.integers(-300, 300),
                  st.sampled_from([MOST_W, -MOST_W, 0]))
size = st.one_of(st.integers(0, MOST_W), st.integers(0, 300))
age = st.one_of(st.integers(0, 20_000), st.sampled_from([0, 5000, 5001, 10_000, 10_001, 1 << 28]))
per_mille = st.one_of(st.integers(0, 1000), st.sampled_from([99, 100, 101, 899, 900, 901]))
plates = st.fixed_dictionaries({
    "charge_max_w": size, "discharge_max_w": size, "soc_floor_pm": st.just(100),
    "soc_ceiling_pm": st.just(900), "import_max_w": size, "export_max_w": size,
    "step_max_w": st.one_of(st.integers(1, 300), st.integers(1, 2 * MOST_W)),
    "age_max_ms": st.just(5000), "soc_age_max_ms": st.just(10_000),
})
warm_ups = st.lists(power, max_size=3)  # earlier commands, for the gate to remember


def readings(**known):
    """What the gate may be shown; `known` in place of the wildest."""
    wild = {"grid_age_ms": age, "store_age_ms": age, "soc_age_ms": age, "soc_pm": per_mille,
            "grid_w": power, "store_w": power, "ready": st.sampled_from([True, True, True, False]),
            "flags": st.integers(0, 255), "verdict": st.just(PASSED), "command_w": st.just(0)}
    return st.builds(SimpleNamespace, **{**wild, **known})


GOOD = {"grid_age_ms": st.integers(0, 5000), "store_age_ms": st.integers(0, 5000),
        "soc_age_ms": st.integers(0, 10_000), "ready": st.just(True),
        "soc_pm": st.integers(90, 910)}
good_readings = readings(**GOOD)
any_readings = st.one_of(  # all of them wild, none, or just one thing wrong
    readings(), good_readings, readings(**{**GOOD, "ready": st.just(False)}),
    readings(**{**GOOD, "grid_age_ms": st.integers(5001, 5003)}),
    readings(**{**GOOD, "store_age_ms": st.integers(5001, 5003)}),
    readings(**{**GOOD, "soc_age_ms": st.integers(10_001, 10_003)}),
    readings(**{**GOOD, "soc_pm": st.sampled_from([100, 900])}))
CALM = SimpleNamespace(grid_age_ms=0, store_age_ms=0, soc_age_ms=0, ready=True, soc_pm=500, flags=0,
                       grid_w=0, store_w=0, verdict=PASSED, command_w=0)


def warmed(plate, commands) -> tuple[Gate, int]:
    """A gate that has let these commands through, as far as it would, and the last it let out."""
    made, last_w = Gate(plate), 0
    for w in commands:
        last_w = made.allow_w(w, CALM)
    return made, last_w


def safe(w: int, plate, now, last_w: int) -> bool:
    """The docstring's promises, written down a second time."""
    if w == 0:
        return True
    if now.grid_age_ms > plate["age_max_ms"] or now.store_age_ms > plate["age_max_ms"]:
        return False
    if now.soc_age_ms > plate["soc_age_max_ms"] or not now.ready:
        return False
    already_w = abs(last_w) if last_w * w > 0 else 0
    if abs(w) > already_w + plate["step_max_w"]:
        return False
    grid_w = now.grid_w + now.store_w - w  # what the connection would carry
    if w > 0:
        return (w <= plate["discharge_max_w"] and now.soc_pm > plate["soc_floor_pm"]
                and -grid_w <= plate["export_max_w"])
    return (-w <= plate["charge_max_w"] and now.soc_pm < plate["soc_ceiling_pm"]
            and grid_w <= plate["import_max_w"])


@settings(max_examples=400)
@given(plates, warm_ups, any_readings, power)
def test_what_goes_out_keeps_every_promise(plate, commands, now, w):
    made, last_w = warmed(plate, commands)
    assert safe(made.allow_w(w, now), plate, now, last_w)


@settings(max_examples=400)
@given(plates, warm_ups, good_readings, power)
def test_it_cuts_no_more_than_it_must(plate, commands, now, w):
    """The answer lies between 0 and the command, and one watt more would break a promise."""
    made, last_w = warmed(plate, commands)
    out_w = made.allow_w(w, now)
    assert 0 <= out_w <= w or w <= out_w <= 0
    if out_w != w:
        assert not safe(out_w + (1 if w > 0 else -1), plate, now, last_w)


@settings(max_examples=200)
@given(plates, warm_ups, good_readings, power, st.integers(0, 64))
def test_a_command_inside_all_limits_passes_unchanged(plate, commands, now, toward_w, part):
    """Smaller commands in the same direction keep the promises too: find the last one that does."""
    made, last_w = warmed(plate, commands)
    sign = 1 if toward_w > 0 else -1
    kept_w, broken_w = 0, abs(toward_w) + 1
    while broken_w - kept_w > 1:
        middle_w = (kept_w + broken_w) // 2
        if safe(sign * middle_w, plate, now, last_w):
            kept_w = middle_w
        else:
            broken_w = middle_w
    w = sign * (kept_w - kept_w * part // 64)
    assert made.allow_w(w, now) == w
    assert now.verdict == PASSED


@given(plates, warm_ups, any_readings, power)
def test_it_agrees_with_itself(plate, commands, now, w):
    """What it let out it lets out again, from the same past and in the next beat."""
    made, _ = warmed(plate, commands)
    out_w = made.allow_w(w, now)
    assert warmed(plate, commands)[0].allow_w(out_w, now) == out_w
    assert made.allow_w(out_w, now) == out_w


@given(plates, warm_ups, any_readings, power)
def test_the_verdict_says_whether_and_why(plate, commands, now, w):
    made, _ = warmed(plate, commands)
    out_w = made.allow_w(w, now)
    assert (now.verdict == PASSED) == (out_w == w)
    assert WORDS[now.verdict]
    stale = (now.grid_age_ms > 5000 or now.store_age_ms > 5000 or now.soc_age_ms > 10_000
             or not now.ready)
    assert (now.verdict == STALE) == (stale and w != 0)


@given(plates, good_readings, st.lists(power, min_size=2, max_size=10))
def test_the_magnitude_grows_by_a_step_a_beat_at_most(plate, now, commands):
    made = Gate(plate)
    last_w = 0
    for w in commands:
        out_w = made.allow_w(w, now)
        grown_w = abs(out_w) - (abs(last_w) if out_w * last_w > 0 else 0)
        assert grown_w <= plate["step_max_w"]
        last_w = out_w


@given(plates, warm_ups, any_readings)
def test_falling_back_to_rest_is_always_allowed(plate, commands, now):
    assert warmed(plate, commands)[0].allow_w(0, now) == 0


@given(plates, warm_ups, any_readings, power)
def test_it_believes_no_flag_computed_above_it(plate, commands, now, w):
    out_w = warmed(plate, commands)[0].allow_w(w, now)
    now.flags ^= 255
    assert warmed(plate, commands)[0].allow_w(w, now) == out_w
