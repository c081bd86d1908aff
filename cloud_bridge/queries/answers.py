"""The questions people ask of a store, and their answers as plain data for JSON and tables.

Times are RFC 3339 texts, figures whole numbers with the unit last in the name; null is what nobody
knows.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from operator import itemgetter
from typing import Any, Generic, NamedTuple, TypeVar

from cloud_bridge.batches import BadMessage
from cloud_bridge.queries import media, spans
from cloud_bridge.queries.archive import Archive
from cloud_bridge.queries.births import Birth
from cloud_bridge.queries.filled import filled
from cloud_bridge.queries.intervals import QUARTER_S, Interval, Row, mean, named
from cloud_bridge.queries.measures import PARTS, RULE, RULES, STAMPS, Measure, measures
from cloud_bridge.queries.messages import Message, NotFoundError
from cloud_bridge.queries.spans import RAW, Span, text
from cloud_bridge.store import Stream
from edge.snapshot import NEVER_MS

_AHEAD_S = 86_400  # a row dated so far after it came has a clock that is wrong
LATE_S = 1_800  # without a new row this long a gateway is late: twice the longest it lingers
Told = dict[str, Any]
T = TypeVar("T")


class Page(NamedTuple, Generic[T]):
    """Some of an answer; `next`: from which second on there is more."""

    found: list[T]
    next: int | None


def last(archive: Archive, park: str, gateway: str, now: int) -> Told:
    """The newest row: every figure, how old it is, and what was not fresh then as null."""
    archive.gateway(park, gateway)
    newest = _newest(archive, park, gateway)
    if newest is None:
        raise NotFoundError(f"{park}/{gateway} has sent no row with a time yet")
    row, received_utc = newest
    values = {one.name: _value(one, row) for one in measures(row.birth.fields)}
    return {"park": park, "gateway": gateway, "time": text(row.utc), "age_s": now - row.utc,
            "received": text(received_utc), "values": values,
            "media": media.last(archive, park, gateway, now)}


def lag(archive: Archive, park: str, gateway: str, now: int, late_s: int = LATE_S) -> Told:
    """How far behind a gateway is: its newest row against now, and against when it came."""
    streams = archive.messages.streams(park, gateway)
    if not streams:
        raise NotFoundError(f"the store has no gateway {park}/{gateway}")
    came = [one.received_utc for stream in streams if (one := archive.messages.newest(stream))]
    newest = _newest(archive, park, gateway)
    row_utc = newest[0].utc if newest else None
    return {"park": park, "gateway": gateway,
            "state": "silent" if row_utc is None else "late" if now - row_utc > late_s else "ok",
            "row": None if row_utc is None else text(row_utc),
            "row_age_s": None if row_utc is None else now - row_utc,
            "message": text(max(came)), "message_age_s": now - max(came),
            "transit_s": newest[1] - newest[0].utc if newest else None}


def page(archive: Archive, park: str, gateway: str, asked: Span, most: int,
         until_s: float | None = None) -> Page[Told]:
    """Rows or intervals from asked.start on, at most about so many, and no more once the monotonic
    time until_s is over. Intervals leave nothing of the range out: a stretch of which nothing is
    known is told by one empty interval at its beginning."""
    make = _rows if asked.resolution == RAW else _intervals
    return _some(make(archive, park, gateway, asked), most, until_s)


def table(archive: Archive, park: str, gateway: str, asked: Span, names: Sequence[str], most: int,
          until_s: float | None = None) -> Page[list[Any]]:
    """The same as lines of a table with these columns."""
    if asked.resolution == RAW:
        return _some(_lines(archive, park, gateway, asked, names), most, until_s)
    lines = ((begin, [one.get(name) for name in names])
             for begin, one in _intervals(archive, park, gateway, asked))
    return _some(lines, most, until_s)


def _some(entries: Iterator[tuple[int, T]], most: int, until_s: float | None) -> Page[T]:
    found: list[T] = []
    last = None
    for begin, one in entries:
        if begin != last and found and (  # rows of one second stay together
                len(found) >= most or (until_s and time.monotonic() > until_s)):
            return Page(found, begin)
        found.append(one)
        last = begin
    return Page(found, None)


def columns(archive: Archive, park: str, gateway: str, resolution: str) -> list[str]:
    """What `page` may tell, in the order of tables: the time first."""
    births = archive.births(park, gateway)
    newest = _newest(archive, park, gateway)
    if newest:
        births.append(newest[0].birth)
    if resolution == RAW:
        names = [name for birth in births for name in birth.fields if name not in STAMPS]
        return ["time", *dict.fromkeys(names)]
    parts = [f"{one.name}.{part}" for birth in births for one in measures(birth.fields)
             for part in PARTS[one.kind]]
    parts += media.columns((meter for birth in births for meter in birth.media), resolution)
    return ["time", "covered_s", "energies_s", "rows", *dict.fromkeys(parts)]


def _newest(archive: Archive, park: str, gateway: str) -> tuple[Row, int] | None:
    """The newest row, and when it came. A row from tomorrow has lost its clock: it is the newest
    only where there is no other."""
    found: list[tuple[bool, int, Row, int]] = []
    for stream in archive.messages.streams(park, gateway):
        message = archive.messages.newest_batch(stream)
        row = _last_row(archive, stream, message) if message else None
        if row and message and spans.is_told(row.utc):
            sane = row.utc <= message.received_utc + _AHEAD_S
            found.append((sane, row.utc, row, message.received_utc))
    if not found:
        return None
    _, _, row, received_utc = max(found, key=lambda one: one[:2])
    return row, received_utc


def _last_row(archive: Archive, stream: Stream, message: Message) -> Row | None:
    try:
        return archive.rows_of(stream, message)[-1]
    except BadMessage:
        return None


def _value(one: Measure, row: Row) -> int | str | None:
    value = one.value(row.values)
    if one.kind == RULE:
        return named(row.birth, value)
    flags = row.values[row.birth.fields.index("flags")] if one.fresh else 0
    if flags & one.fresh != one.fresh or (one.name.endswith("_age_ms") and value >= NEVER_MS):
        return None
    return value


def _rows(archive: Archive, park: str, gateway: str, asked: Span) -> Iterator[tuple[int, Told]]:
    for row in archive.rows(park, gateway, asked.start, asked.end):
        told: Told = {"time": text(row.utc, asked.zone)}
        for name, value in zip(row.birth.fields, row.values, strict=True):
            if name not in STAMPS:
                told[name] = named(row.birth, value) if name in RULES else value
        yield row.utc, told


def _lines(archive: Archive, park: str, gateway: str, asked: Span,
           names: Sequence[str]) -> Iterator[tuple[int, list[Any]]]:
    """What _rows tells, as lists: a year has millions."""
    birth: Birth | None = None
    for row in archive.rows(park, gateway, asked.start, asked.end):
        if row.birth is not birth:
            birth, fields = row.birth, (*row.birth.fields, *names)
            chosen = itemgetter(*(fields.index(name) for name in names[1:]), 0, 0)
            rules = [at for at, name in enumerate(names) if name in RULES and name in birth.fields]
            nothing = [None] * len(names)
        line = [text(row.utc, asked.zone), *chosen([*row.values, *nothing])[:-2]]
        for at in rules:
            line[at] = named(birth, line[at])
        yield row.utc, line


def _intervals(archive: Archive, park: str, gateway: str,
               asked: Span) -> Iterator[tuple[int, Told]]:
    pieces = filled(archive, park, gateway, asked) if asked.size_s == QUARTER_S \
        else archive.minutes(park, gateway, asked.start, asked.end)
    flowed = media.teller(archive, park, gateway, asked)
    after = asked.start  # where the last one ended
    for begin, one in _summed(pieces, asked.begin):
        if begin > after:
            yield after, _told(Interval(after, 0, 0, {}), asked) | flowed(after, begin)
        after = asked.next(begin)
        yield begin, _told(one._replace(start=begin), asked) | flowed(begin, after)
    if after < asked.end:
        yield after, _told(Interval(after, 0, 0, {}), asked) | flowed(after, asked.end)


def _summed(pieces: Iterator[Interval],
            begin_of: Callable[[int], int]) -> Iterator[tuple[int, Interval]]:
    """Add up what is of one interval."""
    begin, total = 0, None
    for one in pieces:
        if total is not None and begin_of(one.start) == begin:
            total = total.plus(one)
            continue
        if total is not None:
            yield begin, total
        begin, total = begin_of(one.start), one
    if total is not None:
        yield begin, total


def _told(one: Interval, asked: Span) -> Told:
    told: Told = {"time": text(one.start, asked.zone), "covered_s": one.covered_s,
                  "energies_s": one.energies_s, "rows": one.rows}
    for name, cell in one.cells.items():
        if len(cell) == 4:
            told[f"{name}.mean"], told[f"{name}.min"], told[f"{name}.max"] = mean(cell), *cell[2:]
        elif len(cell) == 2:
            told[f"{name}.moved"], told[f"{name}.last"] = cell
        else:
            told[f"{name}.last"] = cell[0]
    return told
