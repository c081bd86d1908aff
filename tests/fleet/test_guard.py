"""Guard: every promise of its docstring, for each battery, any wish and any reading."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from edge.fleet.guard import Guard
from edge.gate import PASSED, WORDS

MOST_W = 8_000_000
power = st.one_of(st.integers(-MOST_W, MOST_W), st.integers(-300, 300), st.just(0))
size = st.one_of(st.integers(0, MOST_W), st.integers(0, 300))
step = st.one_of(st.integers(1, 300), st.integers(1, 2 * MOST_W))
gates = st.fixed_dictionaries(
    {"age_max_ms": st.just(5000), "soc_age_max_ms": st.just(10_000), "step_max_w": step})
plates = st.fixed_dictionaries({
    "charge_max_w": size, "discharge_max_w": size, "soc_floor_pm": st.just(100),
    "soc_ceiling_pm": st.just(900), "step_max_w": step})
NOW_MS = 123_456


def a_unit(**known):
    """A battery as the guard sees it, with what was wished of it."""
    wild = {"wish_w": power, "store_age_ms": st.integers(0, 5000),
            "soc_age_ms": st.integers(0, 10_000), "ready": st.just(True),
            "soc_pm": st.sampled_from([0, 99, 100, 101, 500, 899, 900, 901, 1000]),
            "setpoint_w": st.just(0), "setpoint_ms": st.just(0), "usable": st.booleans(),
            "lo_w": power, "hi_w": power}
    return st.builds(SimpleNamespace, **{**wild, **known})


any_unit = st.one_of(
    a_unit(), a_unit(ready=st.just(False)), a_unit(store_age_ms=st.sampled_from([5001, 1 << 28])),
    a_unit(soc_age_ms=st.sampled_from([10_001, 1 << 28])))
fleets = st.lists(st.tuples(any_unit, plates), min_size=1, max_size=8)
good_fleets = st.lists(st.tuples(a_unit(soc_pm=st.just(500)), plates), min_size=1, max_size=8)


class Warmed:
    """A guard that has let earlier wishes through, as far as it would."""

    def __init__(self, fleet, gate, earlier) -> None:
        self.units: list[Any] = [SimpleNamespace(**vars(unit)) for unit, _ in fleet]
        self.now = SimpleNamespace(verdict=PASSED)
        self.units[0].now = self.now
        self.plates = [plate for _, plate in fleet]
        self.gate = gate
        self.allow_w = Guard(self.units, [{"gate": plate} for plate in self.plates], gate).allow_w
        wishes = [vars(unit).copy() for unit in self.units]
        for unit in self.units:
            unit.store_age_ms = unit.soc_age_ms = 0
            unit.ready, unit.soc_pm = True, 500
        for w in earlier:
            for unit in self.units:
                unit.wish_w = w
            self.allow_w(w * len(self.units), 0)
        self.before = [unit.setpoint_w for unit in self.units] if earlier else [0] * len(fleet)
        for unit, wish in zip(self.units, wishes, strict=True):
            vars(unit).update(wish)
        self.now.verdict = PASSED

    def out(self, site_w: int | None) -> list[int]:
        if site_w is None:
            site_w = sum(unit.wish_w for unit in self.units)
        total_w = self.allow_w(site_w, NOW_MS)
        found = [unit.setpoint_w for unit in self.units]
        assert total_w == sum(found)
        assert {unit.setpoint_ms for unit in self.units} == {NOW_MS}
        return found


def grown(w: int, before_w: int) -> int:
    return abs(w) - (abs(before_w) if w * before_w > 0 else 0)


def safe(w: int, unit, plate, gate, before_w: int) -> bool:
    """The docstring's promises for one battery, written down a second time."""
    if w == 0:
        return True
    if unit.store_age_ms > gate["age_max_ms"] or unit.soc_age_ms > gate["soc_age_max_ms"]:
        return False
    if not unit.ready or grown(w, before_w) > plate["step_max_w"]:
        return False
    if w > 0:
        return w <= plate["discharge_max_w"] and unit.soc_pm > plate["soc_floor_pm"]
    return -w <= plate["charge_max_w"] and unit.soc_pm < plate["soc_ceiling_pm"]


warm_ups = st.lists(power, max_size=3)
allowed = st.one_of(st.none(), power, st.integers(-8 * MOST_W, 8 * MOST_W))


@settings(max_examples=150)
@given(fleets, gates, warm_ups, allowed)
def test_what_goes_out_keeps_every_promise(fleet, gate, earlier, site_w):
    warmed = Warmed(fleet, gate, earlier)
    found = warmed.out(site_w)
    site_w = sum(unit.wish_w for unit in warmed.units) if site_w is None else site_w
    for w, (unit, plate), before_w in zip(found, fleet, warmed.before, strict=True):
        assert safe(w, unit, plate, gate, before_w)
        assert 0 <= w <= unit.wish_w or unit.wish_w <= w <= 0, "only ever nearer to 0"
    total_w = sum(found)
    assert all(w * site_w >= 0 for w in found)
    assert 0 <= total_w <= site_w or site_w <= total_w <= 0
    assert grown(total_w, sum(warmed.before)) <= gate["step_max_w"]


@settings(max_examples=100)
@given(good_fleets, warm_ups, st.booleans())
def test_wishes_inside_all_limits_pass_unchanged(fleet, earlier, charging):
    gate = {"age_max_ms": 5000, "soc_age_max_ms": 10_000, "step_max_w": 2 * MOST_W * len(fleet)}
    warmed = Warmed(fleet, gate, earlier)
    for unit, plate, before_w in zip(warmed.units, warmed.plates, warmed.before, strict=True):
        w = abs(unit.wish_w) * (-1 if charging else 1)
        while not safe(w, unit, plate, gate, before_w):
            w = int(w / 2)
        unit.wish_w = w
    wished = [unit.wish_w for unit in warmed.units]
    assert warmed.out(sum(wished)) == wished
    assert warmed.now.verdict == PASSED


@settings(max_examples=100)
@given(fleets, gates, warm_ups, allowed)
def test_the_verdict_says_whether_and_why(fleet, gate, earlier, site_w):
    warmed = Warmed(fleet, gate, earlier)
    cut = warmed.out(site_w) != [unit.wish_w for unit, _ in fleet]
    assert (warmed.now.verdict != PASSED) == cut
    assert WORDS[warmed.now.verdict]


def test_the_sum_grows_from_what_left_not_from_what_was_allowed():
    """The gate allowed 90 W while the one battery was empty; now it is not."""
    unit = SimpleNamespace(wish_w=90, store_age_ms=0, soc_age_ms=0, ready=True, soc_pm=100,
                           setpoint_w=0, setpoint_ms=0)
    plate = {"charge_max_w": 500, "discharge_max_w": 500, "soc_floor_pm": 100,
             "soc_ceiling_pm": 900, "step_max_w": 500}
    warmed = Warmed([(unit, plate)], {"age_max_ms": 1, "soc_age_max_ms": 1, "step_max_w": 90}, [])
    assert warmed.out(90) == [0]
    warmed.units[0].soc_pm, warmed.units[0].wish_w = 500, 180
    assert warmed.out(180) == [90]
    assert warmed.out(180) == [180]


@given(fleets, gates, warm_ups)
def test_falling_back_to_rest_is_always_allowed(fleet, gate, earlier):
    warmed = Warmed(fleet, gate, earlier)
    for unit in warmed.units:
        unit.wish_w = 0
    assert warmed.out(0) == [0] * len(fleet)


@given(fleets, gates, warm_ups, allowed)
def test_it_believes_nothing_computed_above_it(fleet, gate, earlier, site_w):
    one, other = Warmed(fleet, gate, earlier), Warmed(fleet, gate, earlier)
    for unit in other.units:
        unit.usable, unit.lo_w, unit.hi_w = not unit.usable, unit.hi_w, unit.lo_w
    assert one.out(site_w) == other.out(site_w)
