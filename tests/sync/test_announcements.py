"""Announced loads from the broker: what is taken, and that no bytes of a stranger do harm."""

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.announcements import Announcements
from edge.plan.announced import OK, PAST, Announced
from edge.plan.scale import Scale

DAY = 9000
GOOD = [1, DAY, 41, 0, 800, DAY, 60, [600, 700, -20]]


def made():
    announced = Announced(Scale(2_000_000, 1_000_000, 1_000_000, 900, 0))
    announced.passed(DAY, 39, 500, 500)
    return announced, Announcements(announced.announce)


def hear(receiver, data: bytes, before: int = 3) -> None:
    """A message somewhere in the client's buffer."""
    buf = bytearray(before) + data + b"\x01\x02"
    receiver.receive(buf, before, before + len(data), 0)


def test_a_message_is_an_announcement():
    announced, receiver = made()
    hear(receiver, msgpack.packb(GOOD))
    assert (receiver.taken, receiver.strange, receiver.reason) == (1, 0, OK)
    announced.passed(DAY, 40, 500, 500)
    assert [announced.load(DAY, slot, 0) for slot in (41, 42, 43, 44)] == [480, 560, -16, 0]


def test_its_reason_is_kept():
    _, receiver = made()
    hear(receiver, msgpack.packb([*GOOD[:2], 10, *GOOD[3:]]))
    assert (receiver.taken, receiver.reason) == (1, PAST)


def test_a_day_of_loads_fits():
    _, receiver = made()
    data = msgpack.packb([*GOOD[:5], DAY + 9, 95, [8000] * 96])
    assert len(data) <= 512
    hear(receiver, data)
    assert receiver.strange == 0


STRANGE = [
    [2, *GOOD[1:]], GOOD[:7], [*GOOD, 1], [*GOOD[:7], 5], [*GOOD[:7], ["x"]], [*GOOD[:7], [8001]],
    [*GOOD[:7], [1] * 97], [1, -1, *GOOD[2:]], [1, 1 << 40, *GOOD[2:]], [1, DAY, 96, *GOOD[3:]],
    [*GOOD[:6], -1, GOOD[7]], [*GOOD[:4], 2.5, *GOOD[5:]], {"a": 1}, "text",
]


@pytest.mark.parametrize("message", STRANGE)
def test_what_is_malformed_is_counted_and_changes_nothing(message):
    announced, receiver = made()
    hear(receiver, msgpack.packb(message))
    assert (receiver.taken, receiver.strange, receiver.reason) == (0, 1, -1)
    assert sum(announced.counts) == 0


@given(st.binary(max_size=80), st.integers(0, 40))
def test_no_bytes_do_harm(noise, at):
    announced, receiver = made()
    whole = msgpack.packb(GOOD)
    hear(receiver, whole[:at] + noise)
    hear(receiver, noise)
    assert receiver.taken + receiver.strange == 2
    assert sum(announced.counts) == receiver.taken


@given(st.lists(st.integers(-(1 << 63), (1 << 63) - 1), min_size=7, max_size=7),
       st.lists(st.integers(-9000, 9000), max_size=100))
def test_no_numbers_do_harm(numbers, loads):
    announced, receiver = made()
    hear(receiver, msgpack.packb([1, *numbers[1:], loads]))
    assert receiver.taken + receiver.strange == 1
    assert all(-8000 <= announced.load(DAY, slot, 0) <= 8000 for slot in range(40, 140))
