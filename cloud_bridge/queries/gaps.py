"""What is not there: messages that never came, and time that no row speaks for."""

import time
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from cloud_bridge.queries.archive import Archive
from cloud_bridge.queries.births import LONGEST_S
from cloud_bridge.queries.intervals import QUARTER_S, Row, moved, speaks_until
from cloud_bridge.queries.messages import Hole
from cloud_bridge.queries.spans import Span, text
from cloud_bridge.store import Stream

MOST = 1_000  # of each kind in one answer


class Uncovered(NamedTuple):
    """start <= t < end, and what registers moved by meanwhile, where that is known."""

    start: int
    end: int
    moved: dict[str, int]


def gaps(archive: Archive, park: str, gateway: str, asked: Span, now: int,
         until_s: float | None = None) -> dict[str, Any]:
    """Both, as data for JSON. What is to come is no gap. `next`: from which second on there is
    more, because there were many or the monotonic time until_s was over."""
    end = min(asked.end, max(now, asked.start))
    told: list[dict[str, Any]] = []
    following = None
    for one in _uncovered(archive, park, gateway, asked.start, end):
        if len(told) >= MOST or (told and until_s and time.monotonic() > until_s):
            following = one.start
            break
        told.append({"start": text(one.start, asked.zone), "end": text(one.end, asked.zone),
                     "s": one.end - one.start, "moved": one.moved})
    messages = [{"epoch": stream.epoch, **hole._asdict()}
                for stream in archive.messages.streams(park, gateway)
                for hole in missing(archive, stream)]
    return {"messages": messages[:MOST], "more_messages": max(0, len(messages) - MOST),
            "uncovered": told, "uncovered_s": sum(one["s"] for one in told),
            "unreadable": archive.index.unreadable(archive.gateway(park, gateway)),
            "next": following}


def missing(archive: Archive, stream: Stream) -> Iterator[Hole]:
    """Numbers of a stream that are not here, each told once: given up by the gateway, or still
    missing below its newest. Those may be on their way."""
    newest = archive.messages.newest(stream)
    cursor = archive.messages.cursor(stream)
    asked = archive.messages.gaps(stream)
    if newest and cursor < newest.seq:
        asked.append(Hole(cursor + 1, newest.seq, "missing"))
    told = 0  # up to this number
    for hole in sorted(asked):
        first = max(hole.first, told + 1)
        if first <= hole.last:
            here = archive.messages.numbers(stream, first, hole.last)
            yield from _between(first, hole.last, here, hole.reason)
            told = hole.last


def _between(first: int, last: int, here: Iterable[int], reason: str) -> Iterator[Hole]:
    for seq in [*here, last + 1]:
        if first < seq:
            yield Hole(first, seq - 1, reason)
        first = seq + 1


def _uncovered(archive: Archive, park: str, gateway: str, start: int,
               end: int) -> Iterator[Uncovered]:
    """In order of time. Only quarter-hours that are not fully covered are looked into."""
    suspect = start  # all from here to where we are is not fully covered
    for one in archive.quarters(park, gateway, start // QUARTER_S * QUARTER_S,
                                -(-end // QUARTER_S) * QUARTER_S):
        if one.covered_s == QUARTER_S:
            if suspect < one.start:
                yield from _inside(archive, park, gateway, suspect, min(one.start, end))
            suspect = max(start, one.start + QUARTER_S)
    if suspect < end:
        yield from _inside(archive, park, gateway, suspect, end)


def _inside(archive: Archive, park: str, gateway: str, start: int,
            end: int) -> Iterator[Uncovered]:
    last: Row | None = None
    until = start
    rows: Iterator[Row | None] = archive.rows(park, gateway, start - LONGEST_S, end + LONGEST_S)
    for row in _and_none(rows):
        spoken = speaks_until(last, row) if last else start - 1
        until = max(until, spoken)
        if until < end and (row is None or until < row.utc):
            whole = last and row and start <= spoken and row.utc <= end
            yield Uncovered(until, min(row.utc, end) if row else end,
                            (moved(last, row) or {}) if whole and last and row else {})
        last = row


def _and_none(rows: Iterator[Row | None]) -> Iterator[Row | None]:
    yield from rows
    yield None
