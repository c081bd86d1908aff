"""On the grid, on its own, on the way back: for any signals."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from edge.island.mode import Mode
from tests.island.clinic import DOUBT, GRID, ISLAND, RETURN

HEALTHY_S, SETTLE_S = 20, 5
signals = st.tuples(st.booleans(), st.integers(0, 1), st.integers(0, 1), st.booleans())
# Runs of the same signals, so that times are reached.
histories = st.lists(st.tuples(signals, st.integers(1, 30)), max_size=20)


def lived(history, holds=0):
    """Every beat of a history: its signals and the mode that came of it."""
    machine = Mode(HEALTHY_S, SETTLE_S, holds)
    for (fresh, islanded, grid_ok, odd), beats in history:
        for _ in range(beats):
            yield (fresh, islanded, grid_ok, odd), machine.follow(fresh, islanded, grid_ok, odd, 1)


def quiet(beats, islanded, grid_ok):
    return [((True, islanded, grid_ok, False), beats)]


@settings(max_examples=150)
@given(histories)
def test_the_rules_of_the_grid_never_come_back_before_their_time(history):
    ok_s = closed_s = 0
    was_away = False  # since the last time on the grid the site was on its own
    for (fresh, islanded, grid_ok, _), mode in lived(history):
        ok_s = ok_s + 1 if fresh and grid_ok else 0
        closed_s = closed_s + 1 if fresh and not islanded else 0
        if mode == GRID and was_away:
            assert ok_s >= HEALTHY_S
            assert closed_s >= SETTLE_S
        was_away = mode in (ISLAND, RETURN) or (was_away and mode != GRID)


@given(histories)
def test_what_is_not_known_is_doubted(history):
    for (fresh, _, _, odd), mode in lived(history):
        if not fresh or odd:
            assert mode == DOUBT


@given(histories)
def test_who_holds_a_stale_mode_doubts_only_a_contradiction(history):
    last = None
    for (fresh, _, _, odd), mode in lived(history, holds=1):
        if not fresh and not odd and last is not None:
            assert mode == last
        if odd:
            assert mode == DOUBT
        last = mode


@given(histories, st.integers(0, 1))
def test_signals_that_last_are_followed(history, islanded):
    """Whatever was before: an hour of an open switch on a dead grid is an island, an hour of a
    closed one on a healthy grid is not."""
    *_, (_, mode) = lived([*history, *quiet(HEALTHY_S + SETTLE_S + 2, islanded, 1 - islanded)])
    assert mode == (ISLAND if islanded else GRID)


def test_an_open_switch_is_an_island_at_once():
    modes = [mode for _, mode in lived([*quiet(10, 0, 1), *quiet(3, 1, 0)])]
    assert modes[SETTLE_S:10] == [GRID] * (10 - SETTLE_S)
    assert modes[10:] == [ISLAND] * 3


def test_the_whole_way():
    modes = [mode for _, mode in lived([
        *quiet(6, 0, 1), *quiet(5, 1, 0), *quiet(HEALTHY_S + 3, 1, 1), *quiet(9, 0, 1)])]
    told = [modes[0], *(b for a, b in itertools.pairwise(modes) if a != b)]
    assert told == [DOUBT, GRID, ISLAND, RETURN, GRID][-len(told):]
    assert modes.count(RETURN) == 3 + 1 + SETTLE_S - 1
