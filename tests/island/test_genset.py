"""A generator's starts and stops: every time is held, for any engine and any wish."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from edge.island.genset import Genset
from tests.island.clinic import (
    COOLING,
    GENERATOR,
    LOADED,
    LOCKED,
    REST,
    STARTING,
    WARMING,
)

KEYS = {**GENERATOR, "start_s": 6, "pause_s": 7, "attempts": 3, "warm_s": 5, "run_s": 20,
        "low_s": 10, "cool_s": 8, "rest_s": 15}
# (wanted, the engine obeys its start contact, ready, too little load), for so many beats.
wishes = st.tuples(st.booleans(), st.integers(0, 9).map(bool), st.integers(0, 9).map(bool),
                   st.booleans())
histories = st.lists(st.tuples(wishes, st.integers(1, 40)), max_size=15)


def lived(history):
    """Every beat: the wish, whether the engine ran and had too little load, the state after."""
    machine = Genset(KEYS)
    runs_s, running = 0, False
    for (wanted, obeys, ready, low), beats in history:
        for _ in range(beats):
            runs_s = runs_s + 1 if REST < machine.state < LOCKED and obeys else 0
            running = runs_s > 3
            state = machine.follow(wanted, running, ready, low, 1)
            yield wanted, running, low, state, machine


def spells(history):
    """States in a row with how long each lasted, the last one left out."""
    found: list[list[int]] = []
    for *_, state, _ in lived(history):
        if found and found[-1][0] == state:
            found[-1][1] += 1
        else:
            found.append([state, 1])
    return found[:-1]


@settings(max_examples=120)
@given(histories)
def test_every_way_is_one_of_those_written_down(history):
    ways = {(REST, STARTING), (STARTING, WARMING), (STARTING, REST), (WARMING, LOADED),
            (WARMING, REST), (LOADED, COOLING), (LOADED, REST), (COOLING, REST), (COOLING, LOADED),
            (STARTING, LOCKED), (WARMING, LOCKED), (LOADED, LOCKED)}
    states = [spell[0] for spell in spells(history)]
    assert set(itertools.pairwise(states)) <= ways


@settings(max_examples=120)
@given(histories)
def test_it_rests_and_warms_up_as_long_as_it_must(history):
    found = spells(history)
    for place, (state, lasted_s) in enumerate(found):
        after = found[place + 1][0] if place + 1 < len(found) else None
        before = found[place - 1][0] if place else None
        if state == REST and after == STARTING and place:
            assert lasted_s >= (KEYS["rest_s"] if before == COOLING else KEYS["pause_s"])
        if state == WARMING and after == LOADED:
            assert lasted_s >= KEYS["warm_s"]
        if state == STARTING:
            assert lasted_s <= KEYS["start_s"]
        if state == COOLING and after == REST:
            assert lasted_s >= KEYS["cool_s"] or not _obeyed(history)


def _obeyed(history):
    return all(obeys for (_, obeys, _, _), _ in history)


@settings(max_examples=120)
@given(histories)
def test_it_is_never_too_long_below_its_least_load(history):
    low_s = 0
    for _, _, low, state, _ in lived(history):
        low_s = low_s + 1 if low and state == LOADED else 0
        assert low_s <= KEYS["low_s"]


@given(histories)
def test_a_good_run_lasts_its_least_time(history):
    loaded_s = low_s = 0
    last = REST
    for _, _, low, state, _ in lived(history):
        if last == LOADED:
            loaded_s += 1
            low_s = low_s + 1 if low else 0
            if state == COOLING:
                assert loaded_s >= KEYS["run_s"] or low_s >= KEYS["low_s"]
        if state == WARMING:
            loaded_s = 0
        if state != LOADED:
            low_s = 0
        last = state


@given(histories, histories)
def test_a_lockout_is_for_good(before, after):
    stalled = [*before, ((True, False, True, False), 500)]
    states = [state for *_, state, _ in lived([*stalled, *after])]
    at = sum(beats for _, beats in stalled)
    assert states[at - 1] == LOCKED
    assert set(states[at:]) <= {LOCKED}


def test_an_engine_that_never_runs_is_tried_so_often_and_no_more():
    states = [state for *_, state, _ in lived([((True, False, True, False), 300)])]
    starts = sum(a != STARTING and b == STARTING for a, b in zip([REST, *states], states,
                                                                   strict=False))
    assert starts == KEYS["attempts"]
    assert states[-1] == LOCKED


def test_who_is_not_ready_is_not_started():
    states = {state for *_, state, _ in lived([((True, True, False, False), 100)])}
    assert states == {REST}
