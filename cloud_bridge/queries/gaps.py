"""What is not there: messages that never came, and time that no row speaks for."""

import time
from collections.abc import Iterable, Iterator
from typing import Any

from cloud_bridge.queries.archive import Archive
from cloud_bridge.queries.bridges import Piece, pieces
from cloud_bridge.queries.holes import Hole, holes
from cloud_bridge.queries.intervals import QUARTER_S
from cloud_bridge.queries.messages import Hole as Missing
from cloud_bridge.queries.spans import Span, text
from cloud_bridge.store import Stream

MOST = 1_000  # of each kind in one answer


def gaps(archive: Archive, park: str, gateway: str, asked: Span, now: int,
         until_s: float | None = None) -> dict[str, Any]:
    """Both, as data for JSON. What is to come is no gap. `next`: from which second on there is
    more, because there were many or the monotonic time until_s was over."""
    end = min(asked.end, max(now, asked.start))
    told: list[dict[str, Any]] = []
    following = None
    for hole in _uncovered(archive, park, gateway, asked.start, end):
        first, last = max(hole.start, asked.start), min(hole.end, end)
        if len(told) >= MOST or (told and until_s and time.monotonic() > until_s):
            following = first
            break
        known_s, moved = _known(pieces(archive, park, gateway, hole, first, last), first, last)
        told.append({"start": text(first, asked.zone), "end": text(last, asked.zone),
                     "s": last - first, "energies_s": known_s, "moved": moved})
    messages = [{"epoch": stream.epoch, **hole._asdict()}
                for stream in archive.messages.streams(park, gateway)
                for hole in missing(archive, stream)]
    return {"messages": messages[:MOST], "more_messages": max(0, len(messages) - MOST),
            "uncovered": told, "uncovered_s": sum(one["s"] for one in told),
            "energies_s": sum(one["energies_s"] for one in told),
            "unreadable": archive.index.unreadable(archive.gateway(park, gateway)),
            "next": following}


def _known(known: Iterable[Piece], start: int, end: int) -> tuple[int, dict[str, int]]:
    """For how much of start <= t < end registers are known, and what they moved by in that."""
    known_s, moved = 0, dict[str, int]()
    for piece in known:
        if start <= piece.start and piece.end <= end:
            known_s += piece.end - piece.start
            for name, value in piece.moved.items():
                moved[name] = moved.get(name, 0) + value
    return known_s, moved


def missing(archive: Archive, stream: Stream) -> Iterator[Missing]:
    """Numbers of a stream that are not here, each told once: given up by the gateway, or still
    missing below its newest. Those may be on their way."""
    newest = archive.messages.newest(stream)
    cursor = archive.messages.cursor(stream)
    asked = archive.messages.gaps(stream)
    if newest and cursor < newest.seq:
        asked.append(Missing(cursor + 1, newest.seq, "missing"))
    told = 0  # up to this number
    for hole in sorted(asked):
        first = max(hole.first, told + 1)
        if first <= hole.last:
            here = archive.messages.numbers(stream, first, hole.last)
            yield from _between(first, hole.last, here, hole.reason)
            told = hole.last


def _between(first: int, last: int, here: Iterable[int], reason: str) -> Iterator[Missing]:
    for seq in [*here, last + 1]:
        if first < seq:
            yield Missing(first, seq - 1, reason)
        first = seq + 1


def _uncovered(archive: Archive, park: str, gateway: str, start: int, end: int) -> Iterator[Hole]:
    """In order of time. Only quarter-hours that are not fully covered are looked into."""
    suspect = start  # all from here to where we are is not fully covered
    for one in archive.quarters(park, gateway, start // QUARTER_S * QUARTER_S,
                                -(-end // QUARTER_S) * QUARTER_S):
        if one.covered_s == QUARTER_S:
            if suspect < one.start:
                yield from holes(archive, park, gateway, suspect, min(one.start, end))
            suspect = max(start, one.start + QUARTER_S)
    if suspect < end:
        yield from holes(archive, park, gateway, suspect, end)
