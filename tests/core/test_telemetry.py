"""Telemetry: every row that is due or news arrives once, in order, or is counted."""

from __future__ import annotations

from array import array

from hypothesis import given
from hypothesis import strategies as st

from cloud_bridge.batches import decode_batch
from edge.batching import Batching
from edge.telemetry import Telemetry

PERIOD_S = 15
FIELDS = 3


class Site:
    """Telemetry, what it should hold, and what its uplink has stored."""

    def __init__(self, batch_rows: int, linger_s: int) -> None:
        self.telemetry = Telemetry(FIELDS, PERIOD_S)
        self.batching = Batching(self.telemetry, {
            "batch_rows": batch_rows, "linger_s": linger_s, "flush_s": 60,
            "period_s": PERIOD_S})
        self.offered: list[list[int]] = []
        self.stored: list[list[int]] = []
        self.batches: list[int] = []

    def offer(self, state: int, span_s: int) -> None:
        lost = self.telemetry.lost
        row = array("i", [len(self.offered) + lost, state, -span_s])
        self.telemetry.offer(row, state, span_s)
        self.offered += [list(row)] if self.telemetry.lost == lost else []

    def store(self) -> bool:
        batch = self.batching.take()
        if batch is None:
            return False
        rows = decode_batch(bytes(batch.buffer[:batch.finish()])).rows
        self.stored += rows
        self.batches.append(len(rows))
        self.batching.done()
        return True


steps = st.lists(st.tuples(st.sampled_from(["beat", "beat", "beat", "store"]),
                           st.integers(0, 2)), max_size=120)


@given(steps, st.integers(1, 9), st.sampled_from([15, 60, 3600]))
def test_rows_arrive_once_in_order_or_are_counted(steps, batch_rows, linger_s):
    site = Site(batch_rows, linger_s)
    for what, state in steps:
        if what == "store":
            site.store()
        else:
            site.offer(state, PERIOD_S)  # every row is due
    beats = sum(what == "beat" for what, _ in steps)
    assert len(site.offered) + site.telemetry.lost == beats
    for _ in range(beats + 1):
        site.batching.flush()
        if not site.store():
            break
    assert site.stored == site.offered
    assert all(0 < rows <= batch_rows for rows in site.batches)


@given(st.integers(2, 50), st.lists(st.integers(0, 2), min_size=1, max_size=90))
def test_nothing_is_lost_while_the_uplink_keeps_up(batch_rows, states):
    site = Site(batch_rows, 60)
    for state in states:
        site.offer(state, 1)
        site.store()
    assert site.telemetry.lost == 0


@given(st.lists(st.integers(0, 2), min_size=1, max_size=90))
def test_a_row_is_kept_when_it_is_due_or_says_something_new(states):
    site = Site(60, 3600)
    expected, last, age_s = [], None, 0
    for number, state in enumerate(states):
        age_s += 1
        if state != last or age_s == PERIOD_S:
            expected.append([number, state])
            last, age_s = state, 0
        site.telemetry.offer(array("i", [number, state, 0]), state, 1)
        site.store()
    site.batching.flush()
    site.store()
    assert [row[:2] for row in site.stored] == expected


def test_a_batch_is_closed_when_it_is_old():
    site = Site(60, 60)
    for _ in range(10):
        site.offer(0, PERIOD_S)
        site.store()
    assert site.batches == [5, 5]
