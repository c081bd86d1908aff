"""What flowed between readings: all of it where they are of one register, and nothing else."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from cloud_bridge.media import Meter, Reading, judge, merged, meters, read
from tests.media.meters import GAS, WATER, spread

START = 1_767_196_800  # 2026-01-01 00:00 in Shanghai
TURNS = WATER._replace(turns_at=1_000_000)
QUARTER = WATER.most_per_h // 4  # what can flow
flows = st.lists(st.integers(0, QUARTER), max_size=40)


def shown(flowed: list[int], first: int = 0, turns_at: int = 0) -> list[int]:
    values = [first]
    for one in flowed:
        values.append((values[-1] + one) % turns_at if turns_at else values[-1] + one)
    return values


def amount(meter: Meter, readings: list[Reading]) -> int:
    return sum(piece.amount for piece in judge(meter, readings).pieces)


@given(flows, st.integers(0, 10**12), st.data())
def test_all_that_flowed_is_counted_whichever_readings_came(flowed: list[int], first: int,
                                                            data: st.DataObject) -> None:
    every = spread(START, shown(flowed, first))
    kept = [one for one in every[1:-1] if data.draw(st.booleans())]
    found = judge(WATER, [*every[:1], *kept, *every[1:][-1:]])
    assert sum(piece.amount for piece in found.pieces) == sum(flowed)
    assert found.told == []


@given(flows, st.integers(0, 999_999))
def test_a_register_that_turns_is_counted_on(flowed: list[int], first: int) -> None:
    readings = spread(START, shown(flowed, first, TURNS.turns_at))
    found = judge(TURNS, readings)
    assert sum(piece.amount for piece in found.pieces) == sum(flowed)
    turned = sum(after.value < before.value for before, after in pairwise(readings))
    assert len(found.told) == turned
    assert all("turned" in what for _, what in found.told)


@given(flows, flows, st.integers(0, QUARTER // 2))
def test_an_exchanged_meter_is_told_and_what_flowed_meanwhile_is_not_counted(
        before: list[int], after: list[int], new: int) -> None:
    """The old one stood at far more than the new one begins at."""
    first = spread(START, shown(before, 10**9))
    behind = spread(first[-1].utc + 900, shown([*after, 1], new))
    found = judge(WATER, [*first, *behind])
    assert sum(piece.amount for piece in found.pieces) == sum(before) + sum(after) + 1
    assert [what.partition(",")[0] for _, what in found.told] == ["exchanged or set"]
    spans = merged((piece.start, piece.end) for piece in found.pieces)
    assert sum(end - start for start, end in spans) == 900 * (len(before) + len(after) + 1)


@given(st.lists(st.integers(0, QUARTER), min_size=3, max_size=20), st.data())
def test_a_reading_that_cannot_be_is_left_out(flowed: list[int], data: st.DataObject) -> None:
    readings = spread(START, shown(flowed, 10**9))
    place = data.draw(st.integers(1, len(readings) - 2))
    wrong = data.draw(st.sampled_from([0, 10**9 - 1, 10**9 + 10**7, 10**15]))
    readings[place] = readings[place]._replace(value=wrong)
    found = judge(WATER, readings)
    assert sum(piece.amount for piece in found.pieces) == sum(flowed)
    assert [what.rpartition(" ")[0] for _, what in found.told] == [
        f"a reading of {wrong} l cannot be: left"]


def test_a_leap_at_the_end_is_not_counted_yet() -> None:
    readings = spread(START, [0, 10, 20, 10**8])
    found = judge(WATER, readings)
    assert sum(piece.amount for piece in found.pieces) == 20
    assert "not counted yet" in found.told[0][1]


@given(st.lists(st.builds(Reading, st.integers(START, START + 10**6), st.integers(0, 10**13),
                          st.integers(0, 3599)), max_size=30), st.sampled_from([WATER, TURNS, GAS]))
def test_whatever_is_told_no_more_flows_than_can(readings: list[Reading], meter: Meter) -> None:
    pieces = judge(meter, readings).pieces
    for piece in pieces:
        assert 0 <= piece.amount <= meter.most_per_h * (piece.end - piece.start + 4_800) // 3600
    for one, other in pairwise(pieces):
        assert one.end <= other.start
    assert amount(meter, readings * 2) == amount(meter, readings)  # told twice, counted once


def test_rows_of_other_meters_say_nothing() -> None:
    row = [9_500, 0, 1, 5, 0, 0]
    assert [reading.value for _, reading in read(row, [WATER])] == [1005]
    assert read(row, [WATER, GAS]) == []
    for place, value in ((0, 0), (1, 86_400), (2, -1), (3, 1000), (4, -1), (4, 3600), (5, -1)):
        assert read([*row[:place], value, *row[place + 1:]], [WATER]) == []


def test_a_birth_that_says_anything_else_tells_of_no_meter() -> None:
    good = [list(WATER), list(GAS)]
    assert meters(good) == (WATER, GAS)
    for wrong in (None, {}, [[]], [list(WATER)] * 2, good * 7, [[*WATER[:6], 1.5, 0, 0]],
                  [["=x", *WATER[1:]]], [[*WATER[:3], "m3", *WATER[4:]]],
                  [[*WATER[:6], 0, 0, 0]], [[*WATER[:6], True, 0, 0]]):
        assert meters(wrong) == ()
