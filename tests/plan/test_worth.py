"""The integer recursion against the float one of the score, and the levels read from it."""

from hypothesis import given
from hypothesis import strategies as st

from edge.plan.levels import LEVELS, Levels
from edge.plan.scale import Scale
from edge.plan.worth import Worth
from hil.optimum import Battery
from hil.optimum import Worth as Exact

PRICES = [3000] * 32 + [10000] * 12 + [6500] * 24 + [10000] * 8 + [12000] * 12 + [6500] * 8
MISSED = 1_600_000
STEPS = st.lists(st.tuples(st.integers(-1500, 5000), st.integers(1, 2)), min_size=1, max_size=60)


def scale_of(hours_tenth: int) -> Scale:
    return Scale(100_000 * hours_tenth, 1_000_000, 1_000_000, 900, 0)


def walk(steps, hours_tenth, target):
    scale = scale_of(hours_tenth)
    worth = Worth(scale, PRICES, MISSED)
    worth.begin(31)
    slot = 94
    for load, slots in steps:
        worth.back(load, slot, target, slots)
        slot = (slot - 2) % 96
    return worth


@given(STEPS, st.integers(1, 40), st.integers(0, 5000))
def test_lengths_always_fill_the_store_exactly(steps, hours_tenth, target):
    worth = walk(steps, hours_tenth, target)
    assert sum(worth.lengths) == worth.scale.full
    assert min(worth.lengths) >= 0
    assert list(worth.slopes) == sorted(worth.slopes, reverse=True)


@given(STEPS, st.integers(1, 40), st.integers(0, 5000))
def test_the_integers_agree_with_the_float_recursion(steps, hours_tenth, target):
    worth = walk(steps, hours_tenth, target)
    scale = worth.scale
    exact = Exact(sorted(set(PRICES)), Battery(scale.discharge, scale.full / 4000, 0.9**0.5))
    exact.lengths = [0.0] * len(exact.lengths)
    exact.lengths[exact.place[3000 / 0.9**0.5]] = scale.full / 4000
    slot = 94
    for load, slots in steps:
        exact.hours = 0.25 * slots
        exact.back(load, PRICES[slot], target)
        slot = (slot - 2) % 96
    assert len(exact.lengths) == len(worth.lengths)
    # Compare how much of the store is worth at least each slope; a step moves at most 2.2 million
    # units, and the losses are rounded to a thousandth of that.
    ours = theirs = 0.0
    for mine, true in zip(worth.lengths, exact.lengths, strict=True):
        ours += mine
        theirs += true * 4000
        assert abs(ours - theirs) <= 2500 * len(steps)


@given(st.lists(STEPS, min_size=1, max_size=4), st.integers(1, 40))
def test_levels_are_the_mean_of_the_days(days, hours_tenth):
    worths = [walk(steps, hours_tenth, 2500) for steps in days]
    levels = Levels()
    levels.clear()
    for worth in worths:
        for _ in range(len(worth.slopes)):
            if levels.add(worth):
                break
        else:
            raise AssertionError("a day is never all in")
    assert levels.days == len(days)
    assert list(levels.sums) == sorted(levels.sums, reverse=True)
    for value in (0, 3000, 9486, 10540, MISSED):
        assert levels.above(value) == sum(s > value * len(days) for s in levels.sums)
    full = worths[0].scale.full
    for i in range(LEVELS):
        # each day's slope at the middle of the level, or at a point a rounding away from it
        middle = (2 * i + 1) * full // (2 * LEVELS)
        below, above = (slopes_at(worths, middle + d) for d in (-LEVELS, LEVELS))
        assert above <= levels.sums[i] <= below


def slopes_at(worths, energy):
    total = 0
    for worth in worths:
        i, past = 0, worth.lengths[0]
        while past <= energy and i < len(worth.lengths) - 1:
            i += 1
            past += worth.lengths[i]
        total += worth.slopes[i]
    return total
