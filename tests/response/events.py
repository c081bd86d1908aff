"""Events as messages, packed by another MessagePack than the gateway's own."""

import msgpack as reference
from hypothesis import strategies as st

from edge.response import event as _event
from edge.wire import msgpack

T0 = 14_000_000  # a minute in 2026


def message(number=1, rev=0, priority=5, flags=0, issued=T0 - 1000, start=T0, reply_w=100_000,
            hush_min=0, intervals=((60, _event.IMPORT_MAX, 300_000),)):
    return reference.packb([1, number, rev, priority, flags, issued, start, reply_w, hush_min,
                            [item for one in intervals for item in one]])


def record(*args, **keys):
    packed = message(*args, **keys)
    reader = msgpack.Reader(_event.MOST_BYTES)
    reader.start(packed, 0, len(packed))
    found = _event.read(reader)
    assert reader.finish() == msgpack.OK
    assert found is not None
    return found


def event(*args, **keys):
    return _event.Event(record(*args, **keys))


INTERVALS = st.lists(st.tuples(st.integers(1, 60), st.integers(0, 3), st.integers(0, 8_000_000)),
                     min_size=1, max_size=12)
RECORDS = st.builds(record, number=st.integers(1, 4), rev=st.integers(0, 3),
                    priority=st.integers(0, 2), issued=st.integers(T0 - 50, T0 - 40),
                    start=st.integers(T0, T0 + 90), hush_min=st.sampled_from([0, 15]),
                    intervals=st.one_of(INTERVALS, INTERVALS, INTERVALS, st.just([])))
