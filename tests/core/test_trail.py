"""Trail: a straight line between two readings, the nearest reading outside, on any tick."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from edge.compat import ticks_add
from edge.trail import Trail

POWER = st.integers(-8_000_000, 8_000_000)
PERIOD = 1 << 30
starts = st.one_of(st.integers(0, PERIOD - 1), st.sampled_from([PERIOD - 1, PERIOD - 1500, 0]))
gaps = st.lists(st.integers(1, 20_000), min_size=0, max_size=24)
KEPT = 16


def filled(start: int, gaps: list[int], powers: list[int]) -> tuple[Trail, list[int]]:
    """A trail, and the offset of each reading from `start`."""
    trail, offsets, offset = Trail(), [0], 0
    trail.push(start, powers[0])
    for gap, w in zip(gaps, powers[1:], strict=True):
        offset += gap
        offsets.append(offset)
        trail.push(ticks_add(start, offset), w)
    return trail, offsets


histories = gaps.flatmap(lambda g: st.tuples(
    st.just(g), st.lists(POWER, min_size=len(g) + 1, max_size=len(g) + 1)))


@settings(max_examples=300)
@given(starts, histories, st.integers(-5000, 400_000))
def test_it_follows_the_polygon_through_the_readings(start, history, moment):
    gaps, powers = history
    trail, offsets = filled(start, gaps, powers)
    at = trail.at(ticks_add(start, moment))
    offsets, powers = offsets[-KEPT:], powers[-KEPT:]
    if moment >= offsets[-1]:
        assert at == powers[-1]
    elif moment <= offsets[0]:
        assert at == powers[0]
    else:
        k = max(i for i, offset in enumerate(offsets) if offset <= moment)
        low, high = sorted(powers[k:k + 2])
        assert low <= at <= high, "never outside the two readings around it"
        rise = powers[k + 1] - powers[k]
        true_w = powers[k] + Fraction(rise * (moment - offsets[k]), offsets[k + 1] - offsets[k])
        assert abs(at - true_w) <= Fraction(abs(rise), 64) + 1


@given(starts, gaps, st.integers(-400, 400), st.integers(-100_000, 100_000), st.data())
def test_a_straight_line_is_followed_to_a_64th_of_a_step(start, gaps, slope, w, data):
    """Powers that rise by `slope` a millisecond: between two readings as good as on them."""
    offsets = [sum(gaps[:k]) for k in range(len(gaps) + 1)]
    trail, _ = filled(start, gaps, [w + slope * offset // 64 for offset in offsets])
    kept = offsets[-KEPT:]
    moment = data.draw(st.integers(kept[0], kept[-1]))
    step = max((b - a for a, b in zip(kept, kept[1:], strict=False)), default=0)
    error = trail.at(ticks_add(start, moment)) - (w + Fraction(slope * moment, 64))
    assert abs(error) <= Fraction(abs(slope) * step, 64 * 64) + 2


@given(starts, histories)
def test_readings_themselves_are_exact(start, history):
    gaps, powers = history
    trail, offsets = filled(start, gaps, powers)
    for offset, w in list(zip(offsets, powers, strict=True))[-KEPT:]:
        assert trail.at(ticks_add(start, offset)) == w


@given(starts, histories, POWER)
def test_a_stamp_already_known_replaces_nothing(start, history, w):
    gaps, powers = history
    trail, offsets = filled(start, gaps, powers)
    count = trail.count
    newest = ticks_add(start, offsets[-1])
    trail.push(newest, w)
    assert (trail.count, trail.at(newest)) == (count, powers[-1])
