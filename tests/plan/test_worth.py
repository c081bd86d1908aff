"""The integer recursion against the float one of the score."""

from hypothesis import given
from hypothesis import strategies as st

from edge.plan.scale import Scale
from edge.plan.worth import Worth
from hil.optimum import Battery
from hil.optimum import Worth as Exact

PRICES = [3000] * 32 + [10000] * 12 + [6500] * 24 + [10000] * 8 + [12000] * 12 + [6500] * 8
LEVELS = sorted(set(PRICES))
MISSED = 1_600_000
STEPS = st.lists(st.integers(-1500, 5000), min_size=1, max_size=90)


def scale_of(hours_tenth: int) -> Scale:
    return Scale(100_000 * hours_tenth, 1_000_000, 1_000_000, 900, 0)


def walk(steps, hours_tenth, target):
    scale = scale_of(hours_tenth)
    worth = Worth(scale, len(LEVELS))
    worth.tell(LEVELS, MISSED)
    worth.begin(0)
    slot = 95
    for load in steps:
        worth.back(load, LEVELS.index(PRICES[slot]), target)
        slot = (slot - 1) % 96
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
    slot = 95
    for load in steps:
        exact.back(load, PRICES[slot], target)
        slot = (slot - 1) % 96
    assert len(exact.lengths) == len(worth.lengths)
    # Compare how much of the store is worth at least each slope; a step moves at most 1.1 million
    # units, and the losses are rounded to a thousandth of that.
    ours = theirs = 0.0
    for mine, true in zip(worth.lengths, exact.lengths, strict=True):
        ours += mine
        theirs += true * 4000
        assert abs(ours - theirs) <= 1250 * len(steps)


@given(st.lists(st.integers(-5000, 30_000), min_size=1, max_size=16, unique=True),
       st.lists(st.tuples(st.integers(-1500, 5000), st.integers(0, 15)), max_size=60))
def test_any_prices_can_be_told_anew(levels, steps):
    """Slopes fall, each price finds both of its own, and below nothing there is none."""
    levels.sort()
    worth = Worth(scale_of(20), len(levels))
    worth.tell(list(range(1, len(levels) + 1)), MISSED)
    worth.tell(levels, MISSED)
    assert list(worth.slopes) == sorted(worth.slopes, reverse=True)
    assert worth.slopes[-1] == 0
    for i, price in enumerate(levels):
        assert worth.slopes[worth.buy[i]] == max(0, price * worth.scale.out_pm // 1000)
        assert worth.slopes[worth.use[i]] == max(0, price * worth.scale.into_pm // 1000)
    worth.begin(0)
    for load, level in steps:
        worth.back(load, level % len(levels), 2000)
    assert sum(worth.lengths) == worth.scale.full
    assert min(worth.lengths) >= 0
