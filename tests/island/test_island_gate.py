"""The island's gate: every promise of its docstring, for any command and any reading."""

from __future__ import annotations

from types import SimpleNamespace

from hypothesis import given, settings
from hypothesis import strategies as st

from edge.gate import Gate
from edge.island.gate import IslandGate
from edge.island.roles import Generator, GridSwitch
from tests.core.park import _IMAGE
from tests.island.clinic import GATE

MOST_W = 8_000_000
NOW_MS = 500_000
power = st.one_of(st.integers(-MOST_W, MOST_W), st.integers(-300_000, 300_000),
                  st.sampled_from([0, 1, -1]))
age = st.one_of(st.integers(0, 20_000), st.sampled_from([0, 8000, 8001]))
readings = st.fixed_dictionaries({
    "store_w": power, "gen_w": power, "running": st.integers(0, 3).map(bool),
    "soc_pm": st.one_of(st.integers(0, 1000), st.sampled_from([50, 51, 949, 950])),
    "ready": st.integers(0, 9).map(bool), "store_age_ms": age, "soc_age_ms": age, "gen_ms": age,
    "switch_ms": age, "grid_w": power, "grid_age_ms": age})


def gate():
    site = SimpleNamespace(roles=[])
    made = IslandGate(GATE, Gate(_IMAGE["gate"]), site)
    switch, generator = site.roles
    assert isinstance(switch, GridSwitch)
    assert isinstance(generator, Generator)
    return made, switch, generator


def show(switch, generator, seen, islanded=1):
    """A snapshot of these readings, with the roles filled."""
    switch.islanded.keep(islanded, NOW_MS - seen["switch_ms"])
    generator.power.keep(seen["gen_w"], NOW_MS - seen["gen_ms"])
    generator.running.keep(int(seen["running"]), NOW_MS - seen["gen_ms"])
    return SimpleNamespace(row=[0, 0, NOW_MS], verdict=0, **seen)


def safe(w, seen, last_w):
    """The docstring's promises, written down a second time."""
    if w == 0:
        return True
    if not seen["running"] or not seen["ready"] or seen["soc_age_ms"] > GATE["soc_age_max_ms"]:
        return False
    if max(seen["store_age_ms"], seen["gen_ms"]) > GATE["age_max_ms"]:
        return False
    if abs(w) - (abs(last_w) if w * last_w > 0 else 0) > GATE["step_max_w"]:
        return False
    gen_w = seen["gen_w"] + seen["store_w"] - w  # what the generator would carry
    if w > 0:
        return (w <= GATE["discharge_max_w"] and seen["soc_pm"] > GATE["soc_floor_pm"]
                and gen_w >= GATE["generator_min_w"])
    return (-w <= GATE["charge_max_w"] and seen["soc_pm"] < GATE["soc_ceiling_pm"]
            and gen_w <= GATE["generator_max_w"])


@settings(max_examples=200)
@given(st.lists(st.tuples(readings, power), min_size=1, max_size=4))
def test_with_the_switch_open_every_promise_holds(beats):
    made, switch, generator = gate()
    last_w = 0
    for seen, w in beats:
        seen = {**seen, "switch_ms": min(seen["switch_ms"], GATE["age_max_ms"])}
        now = show(switch, generator, seen)
        out_w = made.allow_w(w, now)
        assert 0 <= out_w <= w or w <= out_w <= 0
        assert safe(out_w, seen, last_w)
        if out_w != w:
            assert now.verdict
            assert not safe(out_w + (1 if w > 0 else -1), seen, last_w)
        last_w = out_w


@settings(max_examples=100)
@given(readings, power, st.booleans())
def test_with_the_switch_closed_or_unseen_the_grids_gate_decides(seen, w, unseen):
    made, switch, generator = gate()
    seen = {**seen, "switch_ms": 8001 if unseen else 0}
    now = show(switch, generator, seen, islanded=int(unseen))
    other = SimpleNamespace(**vars(now))
    assert made.allow_w(w, now) == Gate(_IMAGE["gate"]).allow_w(w, other)
    assert now.verdict == other.verdict


@given(readings, power)
def test_back_on_the_grid_it_begins_at_rest(seen, w):
    """A command from before the outage must not let the first one after it jump."""
    made, switch, generator = gate()
    calm = {**seen, "store_w": 0, "grid_w": 0, "soc_pm": 500, "ready": True, "store_age_ms": 0,
            "soc_age_ms": 0, "grid_age_ms": 0, "gen_ms": 0, "switch_ms": 0}
    for _ in range(4):
        made.allow_w(-200_000, show(switch, generator, calm, islanded=0))
    made.allow_w(0, show(switch, generator, calm))
    out_w = made.allow_w(-200_000, show(switch, generator, calm, islanded=0))
    assert -out_w <= _IMAGE["gate"]["step_max_w"]


@settings(max_examples=50)
@given(readings, power, st.integers(1, 2000))
def test_a_reading_stamped_a_little_ahead_is_as_good_as_one_of_now(seen, w, ahead_ms):
    """The grid's gate must not decide in an island because the switch was read a moment later."""
    answers = []
    for age_ms in (0, -ahead_ms):
        made, switch, generator = gate()
        now = show(switch, generator, {**seen, "switch_ms": age_ms, "gen_ms": age_ms})
        answers.append((made.allow_w(w, now), now.verdict))
    assert answers[0] == answers[1]
