"""Shedding by priority: the order, the least times, no chatter, for any need."""

from __future__ import annotations

from types import SimpleNamespace

from hypothesis import given, settings
from hypothesis import strategies as st

from edge.island.roles import Outputs
from edge.island.shedder import Shedder
from tests.island.clinic import SHED

RESTORE_S = 20
KEYS = {**SHED, "restore_s": RESTORE_S, "settle_s": 3}


def outputs():
    return Outputs(SimpleNamespace(storage=SimpleNamespace(lease_ms=5000)))


@st.composite
def loads(draw):
    count = draw(st.integers(1, 5))
    thresholds = sorted(draw(st.lists(st.integers(0, 900), min_size=count, max_size=count)))
    return [[draw(st.integers(1, 300_000)), coil + 1, draw(st.integers(0, 1)),
             draw(st.integers(0, 30)), draw(st.integers(0, 30)), thresholds[coil]]
            for coil in range(count)]


power = st.one_of(st.integers(0, 400_000), st.sampled_from([0, 0, 1, 8_000_000]))
needs = st.lists(st.tuples(st.booleans(), power, st.integers(0, 1000), st.integers(1, 40)),
                 max_size=12)


def lived(listed, history):
    """Every beat: need, spare and state of charge, how many are connected, the relays' bits."""
    relays = outputs()
    made = Shedder(listed, KEYS, relays)
    for short, w, soc_pm, beats in history:
        for _ in range(beats):
            need_w, spare_w = (w, 0) if short else (0, w)
            made.follow(need_w, spare_w, soc_pm, 1)
            yield (need_w, spare_w, soc_pm), made.count, relays.setpoint_w


def connected(listed, bits):
    """Which loads the relays connect."""
    return [bool(bits >> coil - 1 & 1) != bool(on_without) for _, coil, on_without, *_ in listed]


@settings(max_examples=100)
@given(loads(), needs)
def test_what_is_connected_is_always_the_most_important(listed, history):
    for _, count, bits in lived(listed, history):
        assert connected(listed, bits) == [place < count for place in range(len(listed))]


@settings(max_examples=100)
@given(loads(), needs)
def test_least_times_hold_and_nothing_chatters(listed, history):
    since = {}  # when each load was last switched
    last_restored = None
    before = None
    for beat, (_, count, bits) in enumerate(lived(listed, history)):
        now = connected(listed, bits)
        for place, load in enumerate(listed):
            if before is None or now[place] == before[place]:
                continue
            if place in since:
                assert beat - since[place] >= (load[4] if now[place] else load[3])
            since[place] = beat
            if now[place]:
                assert last_restored is None or beat - last_restored >= RESTORE_S
                last_restored = beat
        before = now
        assert sum(now) == count


@settings(max_examples=100)
@given(loads(), needs)
def test_it_sheds_what_is_needed_as_soon_as_it_may(listed, history):
    """With no least times what is missing is shed within the beat, and no load too many."""
    listed = [[*load[:3], 0, *load[4:]] for load in listed]
    wait_s = 0
    before = next((place for place, load in enumerate(listed) if not load[2]), len(listed))
    for (need_w, _, soc_pm), count, _ in lived(listed, history):
        wait_s -= 1
        low = sum(soc_pm < load[5] for load in listed)
        assert count <= len(listed) - low
        if wait_s <= 0 and need_w > 0:
            shed = [load[0] for load in listed[count:before]]
            assert count == 0 or sum(shed) >= need_w
            by_power = [load[0] for load in listed[count:min(before, len(listed) - low)]]
            if by_power:  # without the last one it would not have been enough
                assert sum(by_power[1:]) < need_w
            if shed:
                wait_s = KEYS["settle_s"]
        before = count


@given(loads(), needs, st.integers(0, 1000))
def test_a_load_comes_back_only_where_it_fits(listed, history, soc_pm):
    before = None
    for (need_w, spare_w, soc_pm), count, _ in lived(listed, history):
        if before is not None and count > before:
            rated_w, threshold = listed[before][0], listed[before][5]
            assert need_w == 0
            assert spare_w >= rated_w * KEYS["margin_pm"] // 1000 - 3
            assert soc_pm >= 1000 or soc_pm >= threshold + KEYS["back_pm"]
        before = count


@given(loads())
def test_plenty_brings_all_back(listed):
    *_, (_, count, _) = lived(listed, [(True, 8_000_000, 0, 100), (False, 8_000_000, 1000, 400)])
    assert count == len(listed)


def test_it_starts_from_what_the_coils_do_without_power():
    listed = [[10_000, 1, 1, 0, 0, 0], [10_000, 2, 0, 0, 0, 0], [10_000, 3, 1, 0, 0, 0]]
    relays = outputs()
    made = Shedder(listed, KEYS, relays)
    assert made.count == 1  # the third follows the second, whatever its coil does
    assert connected(listed, relays.setpoint_w) == [True, False, False]
