"""One announced response as bytes, and what it asks when.

What comes is MessagePack [1, id, rev, priority, flags, issued, start, reply_w, hush_min, [minutes,
kind, value, ...]]. `issued` and `start` are minutes since 2000-01-01 UTC, so that they fit 31 bits
until the year 4041; a lower priority number is more important; an interval takes at most nine
bytes. No intervals: the event is cancelled. `hush_min`: before the start the load must not be
raised, as a baseline is taken from it.

What is kept is a record: a head, and seven bytes for each interval.
"""

import struct

from edge.compat import const
from edge.wire import msgpack

ALL_OR_NOTHING = const(1)  # flags: less than it asks is worth nothing, so it is left out instead
LIMIT = const(2)  # it bounds import or export, and nothing is delivered for it
LOCKED = const(4)  # the site cannot leave it once it is committed

NOTHING = const(0)  # kinds: what an interval asks; W at the point of common coupling,
IMPORT_MAX = const(1)
IMPORT_MIN = const(2)
EXPORT_MAX = const(3)
SETPOINT = const(4)  # or of the battery, discharge positive

INTERVALS = const(96)
LAST_ID = const((1 << 30) - 1)
MOST_BYTES = const(960)  # of a message
RECORD_BYTES = const(28 + 96 * 7)
_VERSION = const(1)
_ITEMS = const(10)
_POWER_MAX_W = const(8_000_000)  # what the beat's arithmetic is proven for
_LONGEST_MIN = const(10_080)  # a week
_HEAD = ">IHBBIIiHHI"  # id, rev, priority, flags, issued, start, reply_w, hush_min, count, minutes
_HEAD_BYTES = const(28)
_INTERVAL = ">HBi"
_INTERVAL_BYTES = const(7)


class Event:
    """A record, read. `start` and `end` are minutes, `end` is not part of it."""

    def __init__(self, record: bytes):
        (self.id, self.rev, self.priority, self.flags, self.issued, self.start, self.reply_w,
         self.hush_min, self.count, minutes) = struct.unpack(_HEAD, record[:_HEAD_BYTES])
        self.end = self.start + minutes
        self.record = record

    def parts(self, minute: int):
        """(minutes, kind, value) of all that is left from a minute on."""
        passed = self.start
        for at in range(_HEAD_BYTES, len(self.record), _INTERVAL_BYTES):
            minutes, kind, value = struct.unpack_from(_INTERVAL, self.record, at)
            passed += minutes
            if passed > minute:
                yield passed - minute if passed - minute < minutes else minutes, kind, value

    def asks(self, minute: int) -> "tuple[int, int]":
        """(kind, value) at a minute: the first interval's before the start, the last one's after
        the end, so that who is early or late by his clock does what is judged."""
        passed = self.start
        kind, value = NOTHING, 0
        for at in range(_HEAD_BYTES, len(self.record), _INTERVAL_BYTES):
            minutes, kind, value = struct.unpack_from(_INTERVAL, self.record, at)
            passed += minutes
            if minute < passed:
                break
        return kind, value


def read(reader: msgpack.Reader) -> "bytes | None":
    """The record of the event that comes next, whatever the bytes are; None when it is none."""
    fits = reader.array() == _ITEMS and reader.integer() == _VERSION
    number, rev, priority, flags = (reader.integer(), reader.integer(), reader.integer(),
                                    reader.integer())
    issued, first, reply_w, hush_min = (reader.integer(), reader.integer(), reader.integer(),
                                        reader.integer())
    count = reader.array()
    fits = (fits and 0 < number <= LAST_ID and 0 <= rev <= 0xFFFF and 0 <= priority <= 0xFF
            and 0 <= flags <= 7 and 0 <= issued <= LAST_ID and 0 <= first <= LAST_ID
            and 0 <= reply_w <= _POWER_MAX_W and 0 <= hush_min <= 1440
            and count % 3 == 0 and count <= 3 * INTERVALS)
    intervals: list[bytes] = []
    total = 0
    while fits and len(intervals) < count // 3:
        minutes, kind, value = reader.integer(), reader.integer(), reader.integer()
        total += minutes
        fits = (0 < minutes <= _LONGEST_MIN and total <= _LONGEST_MIN
                and _is_asked(kind, value))
        if fits:
            intervals.append(struct.pack(_INTERVAL, minutes, kind, value))
    if not fits or reader.error != msgpack.OK:
        return None
    head = struct.pack(_HEAD, number, rev, priority, flags, issued, first, reply_w, hush_min,
                       len(intervals), total)
    return head + b"".join(intervals)


def _is_asked(kind: int, value: int) -> bool:
    """Whether a kind is known, and its value may be: a limit of import or export is not below 0."""
    if kind == SETPOINT:
        return -_POWER_MAX_W <= value <= _POWER_MAX_W
    return NOTHING <= kind < SETPOINT and 0 <= value <= _POWER_MAX_W
