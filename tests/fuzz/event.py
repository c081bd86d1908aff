"""Any bytes as a demand response's event, offered to an agenda: nothing but an event is taken, as
another maker's MessagePack reads it, and whatever is taken leaves the agenda in order."""

import msgpack as reference

from edge.response.agenda import DONE, PHASES, Agenda
from edge.response.event import INTERVALS, MOST_BYTES, RECORD_BYTES, Event, read
from edge.wire import msgpack
from tests.response.events import T0, message

SEEDS = [message(), message(intervals=[]), message(number=2, priority=0, start=T0 + 30),
         message(rev=7, intervals=[(15, 1, 300_000), (30, 0, 0), (45, 4, -8_000_000)]),
         message(intervals=[(15, 1, 750_000 + at) for at in range(INTERVALS)])]
_READER = msgpack.Reader(MOST_BYTES)


def one(data: bytes) -> None:
    """A message, and again behind one that is known."""
    _READER.start(data, 0, len(data))
    record = read(_READER)
    if _READER.finish() != msgpack.OK:
        return
    if record is None:
        return
    _check(data, record)
    agenda = Agenda(2, 60, 60, 3600, 3600)
    agenda.offer(_known(), T0 - 600)
    agenda.offer(record, T0 - 600)
    for minute in (T0 - 600, T0, T0 + 30, T0 + 20_000):
        agenda.turn(minute, 0, 2)
        called = agenda.called()
        assert called is None or called.phase < DONE
        assert len(agenda.entries) <= 2
        assert all(0 < agenda.phase(entry) < len(PHASES) for entry in agenda.entries)


def _check(data: bytes, record: bytes) -> None:
    assert len(record) <= RECORD_BYTES
    said, event = reference.unpackb(data), Event(record)
    assert said[1:9] == [event.id, event.rev, event.priority, event.flags, event.issued,
                         event.start, event.reply_w, event.hush_min]
    asked = [list(said[9][at:at + 3]) for at in range(0, len(said[9]), 3)]
    assert [list(part) for part in event.parts(event.start)] == asked


def _known() -> bytes:
    packed = message()
    _READER.start(packed, 0, len(packed))
    found = read(_READER)
    assert found is not None
    return found
