"""A contact that bounces: what stands is counted, whatever lies between, on both interpreters."""

from __future__ import annotations

import json
import random
from itertools import pairwise
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from edge.contact import Contact
from edge.ticks import ticks_add
from tests.conftest import ROOT, Interpreter

SCRIPT = ROOT / "tests" / "media" / "contact_script.py"
PERIOD = 1 << 30
levels = st.lists(st.integers(1, 120), max_size=60)  # how long the contact stays as it is, ms
debounces = st.integers(1, 60)


def edges(start: int, now_ms: int, stays: list[int]) -> list[tuple[int, int]]:
    """The changes of a contact that is `start` first, each with its tick."""
    found, level = [], start
    for stay_ms in stays:
        now_ms = ticks_add(now_ms, stay_ms)
        level = 1 - level
        found.append((level, now_ms))
    return found


def expected(start: int, stays: list[int], debounce_ms: int) -> int:
    """Pulses: closed long enough after it was open long enough, by the definition."""
    stood = [(start + place) % 2 for place, stay_ms in enumerate(stays) if stay_ms >= debounce_ms]
    return sum(pair == (0, 1) for pair in pairwise(stood))


def counted(start: int, now_ms: int, stays: list[int], debounce_ms: int) -> int:
    contact = Contact(debounce_ms, start, now_ms)
    for edge in edges(start, now_ms, stays):
        contact.edge(*edge)
    return contact.count()


@given(st.integers(0, 1), st.integers(0, PERIOD - 1), levels, debounces)
def test_what_stands_is_counted(start: int, now_ms: int, stays: list[int], debounce_ms: int):
    assert counted(start, now_ms, stays, debounce_ms) == expected(start, stays, debounce_ms)


@given(st.lists(st.tuples(st.integers(30, 200), st.integers(30, 200)), max_size=30), st.data())
def test_bounce_adds_nothing(pulses: list[tuple[int, int]], data: st.DataObject):
    """Pulses of 30 ms and more (EN 62053-31), each change of them with an even number of bounces
    of less than 10 ms behind it."""
    stays = [100]
    for closed_ms, open_ms in pulses:
        for stay_ms in (closed_ms, open_ms):
            bounces = data.draw(st.lists(st.integers(1, 9), max_size=3))
            stays += [one for pair in zip(bounces, bounces, strict=True) for one in pair]
            stays.append(stay_ms)
    assert counted(0, 0, [*stays, 100, 100], 10) == len(pulses) + 1


@given(levels, st.lists(st.integers(0, 59), max_size=10))
def test_an_edge_that_cannot_be_seen_is_none(stays: list[int], places: list[int]):
    """An interrupt that finds the level as it was."""
    plain, contact = counted(0, 5, stays, 20), Contact(20, 0, 5)
    level, now_ms = 0, 5
    for place, stay_ms in enumerate(stays):
        if place in places:
            contact.edge(level, ticks_add(now_ms, stay_ms // 2))
        now_ms, level = ticks_add(now_ms, stay_ms), 1 - level
        contact.edge(level, now_ms)
    assert contact.count() == plain


def test_a_pulse_after_days_of_silence():
    contact = Contact(20, 0, 0)
    contact.edge(1, PERIOD // 2 + 7)  # six days: ticks have turned around
    contact.edge(0, PERIOD // 2 + 57)
    assert contact.count() == 1


def test_micropython_counts_the_same_and_takes_no_heap(micropython: Interpreter, tmp_path: Path):
    rnd, cases, right = random.Random(11), [], []
    for _ in range(200):
        stays = [rnd.choice([rnd.randint(1, 15), rnd.randint(16, 90)]) for _ in range(40)]
        start, now_ms, debounce_ms = rnd.randint(0, 1), rnd.randrange(PERIOD), rnd.randint(1, 40)
        cases.append([debounce_ms, start, now_ms, edges(start, now_ms, stays)])
        right.append(expected(start, stays, debounce_ms))
    path = tmp_path / "cases.json"
    path.write_text(json.dumps(cases))
    assert [int(line) for line in micropython.run(SCRIPT, path).stdout.split()] == right
    assert sum(right) > 1000
