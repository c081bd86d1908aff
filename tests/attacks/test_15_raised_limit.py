"""No command raises a local limit: over any envelope, and through the whole controller."""

from types import SimpleNamespace

from hypothesis import given, settings
from hypothesis import strategies as st

from edge.envelope import Envelope
from edge.lease import CHARGE, DISCHARGE, EXPORT, FLOOR, IMPORT, SETPOINT, STOP
from edge.rules import command as rule
from tests.attacks.commanded import Gateway, command
from tests.core.park import Park, image

MOST_W = 8_000_000
power = st.one_of(st.integers(-MOST_W, MOST_W), st.integers(-300, 300))
size = st.one_of(st.integers(0, MOST_W), st.integers(0, 300))
leases = st.lists(st.one_of(
    st.tuples(st.sampled_from([IMPORT, EXPORT, CHARGE, DISCHARGE]), size, st.just(0)),
    st.tuples(st.just(FLOOR), st.integers(0, 1000), st.just(0)),
    st.tuples(st.just(SETPOINT), power, st.integers(0, 1)),
    st.tuples(st.just(STOP), st.just(0), st.just(0))), max_size=7)
TRADERS = ("self_use", "tariff", "refill", "bands")  # who speaks behind a command


def narrowed(lo_w, hi_w, taken, net_w, soc_pm):
    """What a command leaves of an envelope."""
    envelope = Envelope()
    envelope.open(lo_w, hi_w)
    site = SimpleNamespace(envelope=envelope, battery={"capacity_wh": 400_000}, beat_s=1,
                           now=SimpleNamespace(row=[0] * 35, net_w=net_w, soc_pm=soc_pm))
    narrow = rule.rule(7, {}, site)
    for kind, value, exact in taken:
        site.leases.take(kind, value, 60_000, 0, exact)
    narrow(site.now)
    return envelope


@settings(max_examples=500)
@given(power, power, leases, power, st.integers(0, 1000))
def test_any_envelope_only_shrinks(one_w, other_w, taken, net_w, soc_pm):
    lo_w, hi_w = min(one_w, other_w), max(one_w, other_w)
    left = narrowed(lo_w, hi_w, taken, net_w, soc_pm)
    assert lo_w <= left.lo_w <= left.hi_w <= hi_w
    assert (left.lo_by == 7) == (left.lo_w > lo_w)
    assert (left.hi_by == 7) == (left.hi_w < hi_w)
    if not taken:
        assert (left.lo_w, left.hi_w) == (lo_w, hi_w)


@given(leases, power, st.integers(0, 1000))
def test_what_is_asked_for_is_done_as_far_as_it_may_be(taken, net_w, soc_pm):
    """In an envelope that holds all, each wish is met, unless one before it forbade it."""
    left = narrowed(-MOST_W * 4, MOST_W * 4, taken, net_w, soc_pm)
    asked = {kind: (value, exact) for kind, value, exact in taken}
    if FLOOR in asked and soc_pm <= asked[FLOOR][0] and IMPORT not in asked:
        assert left.hi_w <= 0 or set(asked) - {FLOOR}
    if IMPORT in asked and FLOOR not in asked:
        assert left.lo_w >= net_w - asked[IMPORT][0]
    if set(asked) == {STOP}:
        assert (left.lo_w, left.hi_w) == (0, 0)
    if set(asked) == {SETPOINT}:
        w, exact = asked[SETPOINT]
        assert (left.lo_w, left.hi_w) == ((w, w) if exact else (min(w, 0), max(w, 0)))
    if set(asked) == {SETPOINT, CHARGE, DISCHARGE}:
        assert -asked[CHARGE][0] <= left.lo_w <= left.hi_w <= asked[DISCHARGE][0]


READINGS = st.fixed_dictionaries({
    "grid_w": st.integers(-600_000, 1_200_000), "store_w": st.integers(-200_000, 200_000),
    "soc_pm": st.integers(0, 1000), "pv_w": st.integers(0, 300_000),
    "charge_max_w": st.integers(0, 250_000), "discharge_max_w": st.integers(0, 250_000)})
FREE = {"ramp": {"ramp_w_per_s": 8_000_000}}  # which goes by the last command, not by a limit


@settings(max_examples=60)
@given(st.lists(st.tuples(READINGS, leases), min_size=1, max_size=15))
def test_with_commands_the_controller_stays_inside_what_it_leaves_without(story):
    """The same readings, beat by beat, to a park whose rules are all limits and to one with all
    rules that is commanded: the bounds of the second always lie inside those of the first."""
    bare = Park(image(without=("command", *TRADERS), rules=FREE))
    commanded = Park(image(without=("bands",), rules=FREE))
    for beat, (readings, taken) in enumerate(story):
        second = 36_000 + beat * 30 if beat else 35_900
        for kind, value, exact in taken:
            commanded.site.leases.take(kind, value, second * 1000 + 50_000, second * 1000, exact)
        for repeat in range(12 if not beat else 1):  # readings are trusted after ten seconds
            bare.fresh_beat(second + repeat, **readings)
            commanded.fresh_beat(second + repeat, **readings)
        assert commanded.site.fault is None
        assert bare.row["lo_w"] <= commanded.row["lo_w"]
        assert commanded.row["hi_w"] <= bare.row["hi_w"]


@given(st.lists(READINGS, min_size=2, max_size=10))
def test_a_limit_above_the_local_ones_changes_nothing_at_all(story):
    """Every verb at its loosest, and nobody to tell the difference from a park that cannot be
    commanded but the number by which later rules sign."""
    plain, loose = Park(image(without=("command",))), Gateway()
    loose.park.site.clock_set = True
    for counter, (verb, args) in enumerate([
            ("limit-import", (MOST_W,)), ("limit-export", (MOST_W,)), ("limit-charge", (MOST_W,)),
            ("limit-discharge", (MOST_W,)), ("floor", (0,))], 1):
        if verb != "floor":  # at 0 per mille the floor of an empty battery is the battery itself
            assert loose.hear(command(verb, *args, counter=counter)) == ""
    for beat, readings in enumerate(story):
        ours = plain.fresh_beat(36_000 + beat, **readings)
        assert loose.park.fresh_beat(36_000 + beat, **readings) == ours
