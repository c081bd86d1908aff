"""Envelope: it only shrinks, never empties, and names whoever moved a bound."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge.envelope import Envelope

MOST_W = 8_000_000
powers = st.one_of(st.integers(-MOST_W, MOST_W), st.integers(-20, 20),
                   st.integers(-3 * MOST_W, 3 * MOST_W))
words = st.tuples(st.sampled_from(["at_least", "at_most", "exactly"]), powers)
plates = st.tuples(st.integers(-MOST_W, 0), st.integers(0, MOST_W))
small_plates = st.tuples(st.integers(-12, 0), st.integers(0, 12))


def said(plate, spoken) -> Envelope:
    envelope = Envelope()
    envelope.open(*plate)
    for by, (verb, w) in enumerate(spoken, start=1):
        getattr(envelope, verb)(w, by)
    return envelope


@given(plates, st.lists(words, max_size=12), words)
def test_a_word_shrinks_and_never_empties(plate, spoken, word):
    before, after = said(plate, spoken), said(plate, [*spoken, word])
    assert before.lo_w <= after.lo_w <= after.hi_w <= before.hi_w
    assert plate[0] <= after.lo_w
    assert after.hi_w <= plate[1]


@given(plates, st.lists(words, max_size=12), words)
def test_a_speaker_is_named_exactly_when_it_moved_a_bound(plate, spoken, word):
    before, after = said(plate, spoken), said(plate, [*spoken, word])
    by = len(spoken) + 1
    assert (after.lo_by == by) == (after.lo_w != before.lo_w)
    assert (after.hi_by == by) == (after.hi_w != before.hi_w)
    assert after.lo_by in (by, before.lo_by)
    assert after.hi_by in (by, before.hi_by)


@given(small_plates, st.lists(st.tuples(words.map(lambda w: w[0]), st.integers(-20, 20)),
                              min_size=1, max_size=6))
def test_exactly_the_points_that_agree_with_each_speaker_are_left(plate, spoken):
    """Point by point: a word keeps the points that obey it; if none does, the nearest stays."""
    obeys = {"at_least": lambda p, w: p >= w, "at_most": lambda p, w: p <= w,
             "exactly": lambda p, w: p == w}
    left = list(range(plate[0], plate[1] + 1))
    for verb, w in spoken:
        kept = [p for p in left if obeys[verb](p, w)]
        left = kept or [min(left, key=lambda p: abs(p - w))]
    envelope = said(plate, spoken)
    assert (envelope.lo_w, envelope.hi_w) == (left[0], left[-1])


@given(plates, st.lists(words, max_size=8), st.lists(powers, min_size=2, max_size=2).map(sorted))
def test_within_is_at_least_and_then_at_most(plate, spoken, bounds):
    one, two = said(plate, spoken), said(plate, spoken)
    one.within(*bounds, 99)
    two.at_least(bounds[0], 99)
    two.at_most(bounds[1], 99)
    assert vars(one) == vars(two)


@given(plates, st.lists(words, max_size=8), st.integers(-MOST_W, MOST_W), st.lists(words))
def test_the_first_speaker_wins(plate, before, w, later):
    """Once `exactly` was heard, nobody later changes anything."""
    settled = said(plate, [*before, ("exactly", w)])
    after = said(plate, [*before, ("exactly", w), *later])
    assert settled.lo_w == settled.hi_w == after.lo_w == after.hi_w
    assert (settled.lo_by, settled.hi_by) == (after.lo_by, after.hi_by)


@given(plates, st.lists(words, max_size=12))
def test_the_choice_is_allowed_and_nearest_to_zero(plate, spoken):
    envelope = said(plate, spoken)
    w = envelope.choose_w()
    assert envelope.lo_w <= w <= envelope.hi_w
    nearer = w - 1 if w > 0 else w + 1
    assert w == 0 or not envelope.lo_w <= nearer <= envelope.hi_w


@given(plates, st.lists(words, max_size=5), plates)
def test_opening_forgets_the_beat_before(plate, spoken, fresh):
    envelope = said(plate, spoken)
    envelope.open(*fresh)
    assert (envelope.lo_w, envelope.hi_w, envelope.lo_by, envelope.hi_by) == (*fresh, 0, 0)
