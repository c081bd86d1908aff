"""What queries have worked out: which time each batch covers, and every quarter-hour's sums.

It stands in a file of its own beside the store, so that no reader ever makes the intake wait, and
may be deleted at any time: it is made anew, and the answers are the same. SQLite and not Parquet
or DuckDB, because several processes read and write it at once, one quarter-hour at a time.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgpack

from cloud_bridge.queries import energies, index_shape, media
from cloud_bridge.queries.births import LONGEST_S
from cloud_bridge.queries.intervals import QUARTER_S, Interval
from cloud_bridge.queries.messages import TroubleError
from cloud_bridge.store import Stream

# How far the rows of a batch can reach: whom the row before spoke for, and where its own last row
# is heard. Whole quarter-hours.
STRETCH_S = 86_400
AROUND_S = -(-(LONGEST_S + 60) // QUARTER_S) * QUARTER_S


class Place(NamedTuple):
    """Where a batch is, and which time it covers."""

    epoch: int
    seq: int
    first_utc: int
    last_utc: int


class Known(NamedTuple):
    """A stream as far as it is known."""

    id: int
    epoch: int
    upto: int
    seen: int
    seen_utc: int


class Index:
    """One file, or ":memory:". TroubleError when it is something else, or is busy for 5 s."""

    def __init__(self, path: Path | str) -> None:
        self._path = path
        try:
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        except sqlite3.Error as error:
            raise TroubleError(f"{path}: {error}") from None
        try:
            index_shape.prepare(self._db)
        except (sqlite3.Error, TroubleError) as error:
            self._db.close()
            raise TroubleError(f"{path}: {error}; it may be deleted") from None
        self.energies = energies.Energies(self._db)
        self.media = media.MediaRows(self._db)

    def close(self) -> None:
        """Give the file back."""
        self._db.close()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """All or nothing of what is written inside."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            raise TroubleError(f"{self._path}: {error}") from None
        finally:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")

    @property
    def id(self) -> str:
        """Another in every file."""
        return str(self._db.execute("SELECT id FROM about").fetchone()[0])

    def gateway(self, park: str, gateway: str) -> int:
        """Its row; it is made where it is not."""
        query = "SELECT id FROM gateways WHERE park = ? AND gateway = ?"
        row = self._db.execute(query, (park, gateway)).fetchone()
        if not row:
            with self.writing():
                self._db.execute("INSERT OR IGNORE INTO gateways(park, gateway, revision)"
                                 " VALUES(?, ?, 0)", (park, gateway))
            row = self._db.execute(query, (park, gateway)).fetchone()
        return int(row[0])

    def revision(self, gateway: int) -> int:
        """It grows with everything that becomes known of a gateway."""
        return int(self._db.execute("SELECT revision FROM gateways WHERE id = ?",
                                    (gateway,)).fetchone()[0])

    def stream(self, gateway: int, stream: Stream) -> Known:
        """As far as it is known; it is made where it is not."""
        query = ("SELECT id, epoch, upto, seen, seen_utc FROM streams"
                 " WHERE gateway = ? AND epoch = ?")
        row = self._db.execute(query, (gateway, stream.epoch)).fetchone()
        if not row:
            with self.writing():
                self._db.execute("INSERT OR IGNORE INTO streams(gateway, epoch, upto, seen,"
                                 " seen_utc) VALUES(?, ?, 0, 0, 0)", (gateway, stream.epoch))
            row = self._db.execute(query, (gateway, stream.epoch)).fetchone()
        return Known(*row)

    def has(self, stream: int, seq: int) -> bool:
        """Is the message of that number known, of whatever kind is looked into?"""
        return any(self._db.execute(
            f"SELECT 1 FROM {table} WHERE stream = ? AND seq = ?", (stream, seq)).fetchone()
            for table in ("batches", "births", "energies", "media"))

    def add_batch(self, gateway: int, stream: int, seq: int,
                  stretches: list[tuple[int, int]]) -> None:
        """A batch and the stretches of time that it covers (none: nobody can read it)."""
        insert = "INSERT INTO batches VALUES(?, ?, ?, ?, ?)"
        for one in stretches:
            self._db.execute(insert, (stream, seq, gateway, *one))
            self._stale(gateway, *one)
        if not stretches:
            self._db.execute(insert, (stream, seq, gateway, None, None))

    def add_birth(self, gateway: int, stream: int, seq: int) -> None:
        """A birth: batches behind it, which may be known already, are of another life now."""
        self._db.execute("INSERT INTO births VALUES(?, ?)", (stream, seq))
        (following,) = self._db.execute("SELECT min(seq) FROM births WHERE stream = ? AND seq > ?",
                                        (stream, seq)).fetchone()
        for span in self._db.execute(
                "SELECT first_utc, last_utc FROM batches WHERE stream = ? AND seq > ? AND seq < ?"
                " AND first_utc IS NOT NULL", (stream, seq, following or 1 << 33)).fetchall():
            self._stale(gateway, *span)

    def _stale(self, gateway: int, first_utc: int, last_utc: int) -> None:
        self._db.execute("DELETE FROM quarters WHERE gateway = ? AND start_utc BETWEEN ? AND ?",
                         (gateway, first_utc - AROUND_S - QUARTER_S, last_utc + AROUND_S))

    def holes(self, stream: int) -> list[tuple[int, int]]:
        """The numbers of a stream, first to last, that were not in the store yet."""
        return list(self._db.execute("SELECT first, last FROM holes WHERE stream = ?"
                                     " ORDER BY first", (stream,)))

    def note(self, stream: int, span: tuple[int, int], here: list[int],
             seen: tuple[int, int]) -> None:
        """Note that of the numbers of a span only these are in the store, and when one of them
        came. Of what the span covers of a hole the rest stays one."""
        first, last = span
        for begin, end in self.holes(stream):
            if begin <= last and end >= first:
                self._db.execute("DELETE FROM holes WHERE stream = ? AND first = ?",
                                 (stream, begin))
                for one in ((begin, first - 1), (last + 1, end)):
                    self._hole(stream, *one)
        for seq in [*here, last + 1]:
            self._hole(stream, first, seq - 1)
            first = seq + 1
        self._db.execute("UPDATE streams SET upto = max(upto, ?) WHERE id = ?", (last, stream))
        self._db.execute("UPDATE streams SET seen = ?, seen_utc = ? WHERE id = ? AND seen = 0",
                         (*seen, stream))

    def fill_holes(self, stream: int, first: int, last: int) -> None:
        """Nothing will come any more into the holes between these numbers."""
        self._db.execute("DELETE FROM holes WHERE stream = ? AND first BETWEEN ? AND ?",
                         (stream, first, last))

    def oldest(self, stream: int, most: int) -> list[int]:
        """The lowest numbers of known batches."""
        return [seq for (seq,) in self._db.execute(
            "SELECT DISTINCT seq FROM batches WHERE stream = ? ORDER BY seq LIMIT ?",
            (stream, most))]

    def drop_batch(self, gateway: int, stream: int, seq: int) -> None:
        """The store has dropped it, and so its rows are in no answer any more."""
        for span in self._db.execute(
                "DELETE FROM batches WHERE stream = ? AND seq = ?"
                " RETURNING first_utc, last_utc", (stream, seq)).fetchall():
            if span[0] is not None:
                self._stale(gateway, *span)

    def _hole(self, stream: int, first: int, last: int) -> None:
        if first <= last:
            self._db.execute("INSERT INTO holes VALUES(?, ?, ?)", (stream, first, last))

    def revise(self, gateway: int) -> None:
        """There is something new."""
        self._db.execute("UPDATE gateways SET revision = revision + 1 WHERE id = ?", (gateway,))

    def forget(self, gateway: int) -> None:
        """Forget all of a gateway, because the store is another one now."""
        for table in ("batches", "births", "holes", "energies", "media"):
            self._db.execute(f"DELETE FROM {table} WHERE stream IN"
                             " (SELECT id FROM streams WHERE gateway = ?)", (gateway,))
        for table in ("streams", "quarters"):
            self._db.execute(f"DELETE FROM {table} WHERE gateway = ?", (gateway,))
        self.revise(gateway)

    def places(self, gateway: int, start_utc: int, end_utc: int) -> list[Place]:
        """The stretches of batches that cover some of start <= t < end."""
        return [Place(*row) for row in self._db.execute(
            "SELECT epoch, seq, first_utc, last_utc FROM batches JOIN streams"
            " ON streams.id = stream WHERE batches.gateway = ? AND last_utc BETWEEN ? AND ?"
            " AND first_utc < ? ORDER BY epoch, seq, first_utc",
            (gateway, start_utc, end_utc + STRETCH_S, end_utc))]

    def following(self, gateway: int, start_utc: int, end_utc: int) -> int | None:
        """From which second of start <= t < end on there are batches; None: nowhere."""
        ends = self._db.execute("SELECT last_utc FROM batches WHERE gateway = ? AND last_utc >= ?"
                                " ORDER BY last_utc LIMIT 1", (gateway, start_utc)).fetchone()
        if ends is None:
            return None
        (first,) = self._db.execute(
            "SELECT min(first_utc) FROM batches WHERE gateway = ? AND last_utc BETWEEN ? AND ?",
            (gateway, start_utc, ends[0] + STRETCH_S)).fetchone()
        found = max(int(first), start_utc)
        return found if found < end_utc else None

    def following_places(self, gateway: int, place: Place, most: int) -> list[tuple[int, int]]:
        """(epoch, number) of the stretches from that one on, in order of time."""
        return list(self._db.execute(
            "SELECT epoch, seq FROM batches JOIN streams ON streams.id = stream"
            " WHERE batches.gateway = ? AND (last_utc, first_utc) >= (?, ?)"
            " ORDER BY last_utc, first_utc, stream, seq LIMIT ?",
            (gateway, place.last_utc, place.first_utc, most)))

    def places_before(self, gateway: int, utc: int) -> list[Place]:
        """The stretches that have ended last before that time, all in one second."""
        return [Place(*row) for row in self._db.execute(
            "SELECT epoch, seq, first_utc, last_utc FROM batches JOIN streams"
            " ON streams.id = stream WHERE batches.gateway = :gateway AND last_utc ="
            " (SELECT max(last_utc) FROM batches WHERE gateway = :gateway AND last_utc < :utc)",
            {"gateway": gateway, "utc": utc})]

    def first_stream(self, gateway: int) -> int:
        """Another number when all of a gateway has been forgotten; 0: it has no stream."""
        return int(self._db.execute("SELECT coalesce(min(id), 0) FROM streams WHERE gateway = ?",
                                    (gateway,)).fetchone()[0])

    def hole_before(self, gateway: int, epoch: int, seq: int) -> int:
        """Where the last hole in the numbers in front of a message begins; 0: there is none."""
        return int(self._db.execute(
            "SELECT coalesce(max(first), 0) FROM holes WHERE first < ? AND stream ="
            " (SELECT id FROM streams WHERE gateway = ? AND epoch = ?)",
            (seq, gateway, epoch)).fetchone()[0])

    def births(self, gateway: int) -> list[tuple[int, int]]:
        """(epoch, number) of every birth."""
        return list(self._db.execute(
            "SELECT epoch, seq FROM births JOIN streams ON streams.id = stream WHERE gateway = ?"
            " ORDER BY epoch, seq", (gateway,)))

    def unreadable(self, gateway: int) -> int:
        """How many batches nobody can read."""
        return int(self._db.execute("SELECT count(*) FROM batches WHERE gateway = ?"
                                    " AND last_utc IS NULL", (gateway,)).fetchone()[0])

    def quarters(self, gateway: int, start_utc: int, end_utc: int) -> dict[int, Interval | None]:
        """The quarter-hours that are worked out, by their start; None: nothing in it."""
        return {start: _unpack(start, sums) for start, sums in self._db.execute(
            "SELECT start_utc, sums FROM quarters WHERE gateway = ? AND start_utc >= ?"
            " AND start_utc < ?", (gateway, start_utc, end_utc))}

    def keep_quarters(self, gateway: int,
                      quarters: Iterable[tuple[int, Interval | None]]) -> None:
        """Keep them."""
        self._db.executemany("INSERT OR REPLACE INTO quarters VALUES(?, ?, ?)",
                             ((gateway, start, _pack(one)) for start, one in quarters))


def _pack(one: Interval | None) -> bytes:
    return msgpack.packb([one.covered_s, one.rows, one.cells]) if one else b""


def _unpack(start: int, sums: bytes) -> Interval | None:
    return Interval(start, *msgpack.unpackb(sums)) if sums else None
