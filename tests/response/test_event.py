"""Messages into records, and what an event asks at each minute."""

import msgpack as reference
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.response.event import (
    EXPORT_MAX,
    IMPORT_MAX,
    INTERVALS,
    LAST_ID,
    MOST_BYTES,
    NOTHING,
    RECORD_BYTES,
    SETPOINT,
    Event,
    read,
)
from edge.wire import msgpack
from tests.response.events import T0, event, message, record

READER = msgpack.Reader(MOST_BYTES)


def taken(data):
    READER.start(data, 0, len(data))
    found = read(READER)
    return found if READER.finish() == msgpack.OK else None


@given(st.lists(st.tuples(st.integers(1, 100), st.integers(0, 4), st.integers(0, 8_000_000)),
                min_size=1, max_size=INTERVALS))
def test_each_minute_asks_what_its_interval_says(intervals):
    found = event(intervals=intervals)
    expanded = [(kind, value) for minutes, kind, value in intervals for _ in range(minutes)]
    assert found.end - found.start == len(expanded)
    assert [found.asks(T0 + at) for at in range(len(expanded))] == expanded
    assert found.asks(T0 - 3) == expanded[0]
    assert found.asks(found.end + 3) == expanded[-1]


def test_96_intervals_are_within_ten_bytes_each_on_the_wire():
    # the dearest: four bytes of a power, two of its minutes
    intervals = [(105, SETPOINT, -8_000_000)] * INTERVALS
    packed = message(number=LAST_ID, rev=0xFFFF, issued=LAST_ID, start=LAST_ID, reply_w=8_000_000,
                     hush_min=1440, intervals=intervals)
    assert len(packed) <= 10 * INTERVALS
    assert len(packed) <= MOST_BYTES
    assert len(taken(packed)) == RECORD_BYTES


def test_nothing_left_is_a_cancellation():
    assert event(intervals=[]).count == 0


@pytest.mark.parametrize("change", [
    {"number": 0}, {"number": LAST_ID + 1}, {"rev": 0x10000}, {"rev": -1}, {"priority": 256},
    {"flags": 8}, {"start": -1}, {"start": LAST_ID + 1}, {"issued": -1}, {"reply_w": 8_000_001},
    {"reply_w": -1}, {"hush_min": 1441}, {"intervals": [(0, IMPORT_MAX, 1)]},
    {"intervals": [(10_081, IMPORT_MAX, 1)]},
    {"intervals": [(10_080, NOTHING, 0), (1, NOTHING, 0)]},
    {"intervals": [(5, IMPORT_MAX, -1)]}, {"intervals": [(5, EXPORT_MAX, -1)]},
    {"intervals": [(5, 5, 1)]}, {"intervals": [(5, -1, 1)]},
    {"intervals": [(5, SETPOINT, -8_000_001)]}, {"intervals": [(1, 1, 1)] * 97},
    {"intervals": [(1, 1)]}])
def test_what_is_no_event_is_refused_as_a_whole(change):
    assert taken(message()) is not None
    assert taken(message(**change)) is None


@given(st.binary(max_size=80))
def test_any_bytes(data):
    found = taken(data)
    if found is not None:
        check_same(data, found)


@given(st.integers(0, 200), st.integers(0, 255))
def test_a_message_with_one_wrong_byte(at, byte):
    data = bytearray(message(intervals=[(15, IMPORT_MAX, 250_000), (30, NOTHING, 0)]))
    data[at % len(data)] = byte
    found = taken(bytes(data))
    if found is not None:
        check_same(bytes(data), found)


def check_same(data, found):
    """Another reader finds the same in what was taken."""
    said = reference.unpackb(data)
    one = Event(found)
    assert said[1:9] == [one.id, one.rev, one.priority, one.flags, one.issued, one.start,
                         one.reply_w, one.hush_min]
    assert one.count == len(said[9]) // 3
    assert one.end - one.start == sum(said[9][::3])


def test_a_record_is_what_it_was_read_from():
    assert Event(record(number=7, rev=3)).record == record(number=7, rev=3)
