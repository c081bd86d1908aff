"""The index's table of what meters of water, heat ... showed (edge/media.py), and what it says.

Readings are told with what the gateway's last birth before them said that they are of.
"""

import sqlite3
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import msgpack

from cloud_bridge import media
from cloud_bridge.batches import BadMessage, decode_batch, listed
from cloud_bridge.media import Meter, Piece, Reading
from cloud_bridge.queries.intervals import utcs_of
from cloud_bridge.queries.spans import RAW, Span, text
from cloud_bridge.store import Stream
from edge.media import MEDIA

if TYPE_CHECKING:
    from cloud_bridge.queries.archive import Archive

SCHEMA = """
CREATE TABLE media(
    stream INTEGER, seq INTEGER, row INTEGER, gateway INTEGER, utc INTEGER, shown BLOB,
    PRIMARY KEY(stream, seq, row)) WITHOUT ROWID;
CREATE INDEX media_by_time ON media(gateway, utc, stream, seq, row)"""
_SELECT = """
SELECT utc, epoch,
    coalesce((SELECT max(seq) FROM births b WHERE b.stream = m.stream AND b.seq < m.seq), 0), shown
FROM media m JOIN streams s ON s.id = m.stream WHERE m.gateway = ?"""
_AROUND_S = 120  # a row right behind an interval's end is of its end


class Shown(NamedTuple):
    """A row: values as it came, and the number of the birth before it."""

    utc: int
    epoch: int
    birth_seq: int
    values: list[int]


class MediaRows:
    """Those of an index."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def add(self, gateway: int, stream: int, seq: int, rows: Any) -> None:
        """The rows of a message."""
        self._db.executemany(
            "INSERT INTO media VALUES(?, ?, ?, ?, ?, ?)",
            [(stream, seq, at, gateway, int(utc), msgpack.packb(values))
             for at, (utc, values) in enumerate(zip(utcs_of(rows), listed(rows), strict=True))])

    def around(self, gateway: int, start_utc: int, end_utc: int) -> list[Shown]:
        """Those of start <= t < end, the last one before and the first one behind."""
        up, down = (f" ORDER BY utc {way}, m.stream {way}, seq {way}, row {way}"
                    for way in ("ASC", "DESC"))
        return [*self._some(" AND utc < ?" + down + " LIMIT 1", gateway, start_utc),
                *self._some(" AND utc >= ? AND utc < ?" + up, gateway, start_utc, end_utc),
                *self._some(" AND utc >= ?" + up + " LIMIT 1", gateway, end_utc)]

    def _some(self, which: str, *values: int) -> list[Shown]:
        return [Shown(utc, epoch, birth_seq, msgpack.unpackb(shown))
                for utc, epoch, birth_seq, shown in self._db.execute(_SELECT + which, values)]


def readings(archive: "Archive", park: str, gateway: str, start: int,
             end: int) -> dict[Meter, list[Reading]]:
    """What each meter showed in start <= t < end, and once before and behind, in order of time; as
    far as it was read in."""
    found: dict[Meter, list[Reading]] = {}
    for one in archive.index.media.around(archive.gateway(park, gateway), start, end):
        birth = archive.birth(Stream(park, gateway, one.epoch), one.birth_seq)
        for meter, reading in media.read(one.values, birth.media):
            found.setdefault(meter, []).append(reading)
    return found


def last(archive: "Archive", park: str, gateway: str, now: int) -> dict[str, Any]:
    """The newest reading of each meter that the gateway has now, by its name."""
    found: dict[str, tuple[int, Meter, Reading]] = {}
    for stream in archive.messages.streams(park, gateway):
        newest = archive.messages.newest(stream)
        if newest is None:
            continue
        birth = archive.birth(stream, archive.messages.birth_before(stream, newest.seq + 1))
        message = archive.messages.newest_of(stream, MEDIA) if birth.media else None
        try:
            rows = decode_batch(message.body).rows if message else []
        except BadMessage:
            continue
        for row in rows:
            for meter, reading in media.read(row, birth.media):
                if reading.utc >= found.get(meter.name, (0,))[0]:
                    found[meter.name] = reading.utc, meter, reading
    return {name: {"medium": meter.medium, "use": meter.use, "unit": meter.fine,
                   "reading": reading.value, "time": text(utc - reading.age_s),
                   "age_s": now - utc + reading.age_s}
            for name, (utc, meter, reading) in sorted(found.items())}


def columns(meters: Iterable[Meter], resolution: str) -> list[str]:
    """What intervals tell of meters."""
    if resolution in (RAW, "1min"):
        return []
    names = dict.fromkeys(_column(meter) for meter in meters)
    return [f"{name}.{part}" for name in names for part in ("moved", "last")]


def teller(archive: "Archive", park: str, gateway: str,
           asked: Span) -> Callable[[int, int], dict[str, int]]:
    """A function that says, of an interval of the range, what flowed between readings that lie
    inside of it, and what each meter showed last; nothing of what nobody knows."""
    if asked.resolution in (RAW, "1min"):
        return lambda start, end: {}
    found = media.joined(readings(archive, park, gateway, asked.start, asked.end + _AROUND_S))
    judged = [(_column(meter), _Flow(media.judge(meter, shown).pieces, shown))
              for meter, shown in found.items()]

    def tell(start: int, end: int) -> dict[str, int]:
        told: dict[str, int] = {}
        for name, flow in judged:
            moved, last = flow.within(start, end)
            if moved is not None:
                told[f"{name}.moved"] = moved
            if last is not None:
                told[f"{name}.last"] = last
        return told

    return tell


class _Flow:
    """Pieces and readings of one meter, looked up by time."""

    def __init__(self, pieces: list[Piece], shown: list[Reading]) -> None:
        self._pieces = pieces
        self._starts = [piece.start for piece in pieces]
        self._shown = sorted((media.told_at(one), one.value) for one in shown)

    def within(self, start: int, end: int) -> tuple[int | None, int | None]:
        """What flowed between readings that lie inside, and the last of those behind its start."""
        first, last = bisect_left(self._starts, start), bisect_left(self._starts, end)
        inside = [one.amount for one in self._pieces[first:last] if one.end <= end]
        at = bisect_right(self._shown, end, key=itemgetter(0)) - 1
        known = at >= 0 and self._shown[at][0] > start
        return sum(inside) if inside else None, self._shown[at][1] if known else None


def _column(meter: Meter) -> str:
    return f"{meter.name}_{meter.fine}"
