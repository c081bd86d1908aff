"""Trail: between which readings a power lay at a moment, on any tick."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from edge.ticks import ticks_add
from edge.trail import Trail

POWER = st.integers(-8_000_000, 8_000_000)
PERIOD = 1 << 30
KEPT = 16
starts = st.one_of(st.integers(0, PERIOD - 1), st.sampled_from([PERIOD - 1, PERIOD - 1500, 0]))
gaps = st.lists(st.one_of(st.integers(1, 20_000), st.integers(1, 3_600_000)), max_size=24)
histories = gaps.flatmap(lambda g: st.tuples(
    st.just(g), st.lists(POWER, min_size=len(g) + 1, max_size=len(g) + 1)))


def filled(start: int, gaps: list[int], powers: list[int]) -> tuple[Trail, list[int]]:
    """A trail, and the offset of each reading from `start`, ms."""
    trail, offsets = Trail(), [0]
    trail.push(start, powers[0])
    for gap, w in zip(gaps, powers[1:], strict=True):
        offsets.append(offsets[-1] + gap)
        trail.push(ticks_add(start, offsets[-1]), w)
    return trail, offsets


def seen(trail: Trail, start: int, moment: int) -> tuple[int, int]:
    trail.look(ticks_add(start, moment))
    return trail.low_w, trail.high_w


@settings(max_examples=300)
@given(starts, histories, st.data())
def test_the_range_is_that_of_the_two_readings_around_the_moment(start, history, data):
    gaps, powers = history
    trail, offsets = filled(start, gaps, powers)
    near = st.sampled_from(offsets).flatmap(lambda o: st.integers(o - 2, o + 2))
    moment = min(data.draw(st.one_of(st.integers(-5000, offsets[-1]), near)), offsets[-1] - 1)
    offsets, powers = offsets[-KEPT:], powers[-KEPT:]
    if moment <= offsets[0]:
        around = powers[:1]
    else:
        k = max(i for i, offset in enumerate(offsets) if offset <= moment)
        around = powers[k:k + 1] if offsets[k] == moment else powers[k:k + 2]
    assert seen(trail, start, moment) == (min(around), max(around))


@given(starts, histories)
def test_at_its_own_moment_a_reading_is_exact(start, history):
    gaps, powers = history
    trail, offsets = filled(start, gaps, powers)
    assert trail.w == powers[-1]
    for offset, w in list(zip(offsets, powers, strict=True))[-KEPT:-1]:
        assert seen(trail, start, offset) == (w, w)


@given(starts, st.lists(st.integers(1, 20_000), min_size=1, max_size=15), st.integers(-400, 400),
       st.integers(-100_000, 100_000), st.data())
def test_a_straight_line_lies_within(start, gaps, slope, w, data):
    """A power that rises evenly is never outside the range, and the range is one step high."""
    offsets = [sum(gaps[:k]) for k in range(len(gaps) + 1)]
    trail, _ = filled(start, gaps, [w + slope * offset for offset in offsets])
    moment = data.draw(st.integers(offsets[0], offsets[-1] - 1))
    low_w, high_w = seen(trail, start, moment)
    assert low_w <= w + Fraction(slope * moment) <= high_w
    assert high_w - low_w <= abs(slope) * max(gaps)


@given(starts, histories, POWER)
def test_a_stamp_already_known_replaces_nothing(start, history, w):
    gaps, powers = history
    trail, offsets = filled(start, gaps, powers)
    count = trail.count
    trail.push(ticks_add(start, offsets[-1]), w)
    assert trail.count == count
    assert trail.w == powers[-1]
