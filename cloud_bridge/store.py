"""The messages of all gateways in one SQLite file, kept as they came.

What a message means is said in `intake`; here it is written down. A batch is decoded when somebody
asks for rows. `commit` returns when everything is durable (write-ahead log, synchronous FULL).

sqlite3.OperationalError (locked, disk full, input/output) passes through: nothing of that call is
stored then, and it may be tried again. Times are seconds since 1970, UTC.
"""

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import msgpack

from cloud_bridge import intake, migrations
from cloud_bridge.batches import BadMessage, decode_batch
from cloud_bridge.intake import DROPPABLE, Cursor, Gap, Kept, Place, Receipt, Refused
from cloud_bridge.intake import StoreError as StoreError
from cloud_bridge.intake import Stream as Stream

DAY_0_UTC = 946_684_800  # 2000-01-01 in seconds since 1970: day 0 of a row
_CHUNK = 512  # batches dated or dropped in one transaction, so that nobody waits long for the lock
_KEY = "(park, gateway, epoch, seq) = (?, ?, ?, ?)"


class Row(NamedTuple):
    """One journal row, `values` in the order of `fields`."""

    utc: int
    fields: tuple[str, ...]
    values: tuple[int, ...]


class Store:
    """One file; one writer at a time, others wait up to `patience_s` for their turn."""

    def __init__(self, path: Path | str, create: bool = True, patience_s: float = 5.0) -> None:
        """Open it, or make it. StoreError when the file is something else, or is missing."""
        if not create and not Path(path).exists():
            raise StoreError(f"{path}: no such store")
        self.path = path
        self._db = self._connect(patience_s)
        try:
            self._prepare()
        except sqlite3.DatabaseError as error:
            self._db.close()
            if isinstance(error, sqlite3.OperationalError):
                raise
            raise StoreError(f"{path}: {error}") from None
        except StoreError:
            self._db.close()
            raise

    def _connect(self, patience_s: float) -> sqlite3.Connection:
        return sqlite3.connect(self.path, timeout=patience_s, isolation_level=None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Give the file back."""
        self._db.close()

    def commit(self, arrivals: Iterable[tuple[str, bytes]], received_utc: int) -> Receipt:
        """Store (topic, payload) pairs durably, all or none."""
        return intake.commit(self, arrivals, received_utc)

    def put_aside(self, refused: Iterable[tuple[str, bytes, str]], received_utc: int) -> None:
        """Keep what never became a message: (from where, bytes, reason)."""
        intake.put_aside(self, refused, received_utc)

    def rows(self, park: str, gateway: str, start_utc: int, end_utc: int) -> Iterator[Row]:
        """The rows of start_utc <= time < end_utc, in the order of time of their batches."""
        self._date(park, gateway)
        found = self._db.execute(
            "SELECT epoch, seq, body FROM spans JOIN messages USING(park, gateway, epoch, seq)"
            " WHERE park = ? AND gateway = ? AND first_utc < ? AND last_utc >= ?"
            " ORDER BY first_utc, epoch, seq", (park, gateway, end_utc, start_utc))
        for epoch, seq, body in found:
            batch = decode_batch(body)
            fields = self._fields(Stream(park, gateway, epoch), seq, batch.n_fields)
            for values in batch.rows:
                if start_utc <= utc_of(values) < end_utc:
                    yield Row(utc_of(values), fields, tuple(values))

    def bodies(self, park: str, gateway: str, kinds: Iterable[int]) -> Iterator[tuple[int, bytes]]:
        """Kind and body of a gateway's messages of these kinds, in the order they came in."""
        wanted = tuple(kinds)
        marks = ", ".join("?" * len(wanted))
        yield from self._db.execute(
            f"SELECT kind, body FROM messages WHERE park = ? AND gateway = ? AND kind IN ({marks})"
            " ORDER BY received_utc, epoch, seq", (park, gateway, *wanted))

    def drop(self, before_utc: int) -> int:
        """Drop some of the batches received before that time, and record which; how many, 0 at
        the end.

        Only what may be dropped with age, and only what is behind its stream's cursor: what a
        gateway may still send again would come back.
        """
        with self.transaction():
            found = [(Stream(*key[:3]), key[3]) for key in self._db.execute(
                "SELECT m.park, m.gateway, m.epoch, m.seq FROM messages m INDEXED BY ages"
                " JOIN cursors c USING(park, gateway, epoch)"
                f" WHERE m.kind = {DROPPABLE} AND received_utc < ? AND m.seq <= c.seq"
                " ORDER BY received_utc LIMIT ?", (before_utc, _CHUNK))]
            for table in ("messages", "spans", "undated"):
                self._db.executemany(f"DELETE FROM {table} WHERE {_KEY}",
                                     [(*stream, seq) for stream, seq in found])
            for stream, first, last in runs(found):
                self._record_dropped(stream, first, last, before_utc)
        return len(found)

    def copied(self, name: str) -> dict[Stream, Place]:
        """How far the copier of that name is, of the streams in which there is more to copy."""
        found = self._db.execute(
            "SELECT c.park, c.gateway, c.epoch, d.seq, c.seq, d.turn FROM cursors c LEFT JOIN"
            " copied d ON d.name = ? AND (d.park, d.gateway, d.epoch) = (c.park, c.gateway,"
            " c.epoch) WHERE c.seq > coalesce(d.seq, 0) ORDER BY 1, 2, 3", (name,)).fetchall()
        new = [(name, *row[:3]) for row in found if row[3] is None]
        if new:  # from now on `late` finds it
            with self.transaction():
                self._db.executemany("INSERT OR IGNORE INTO copied VALUES(?, ?, ?, ?, 0, 0)", new)
        return {Stream(*row[:3]): Place(row[3] or 0, row[4], row[5] or 0) for row in found}

    def between(self, stream: Stream, after: int, last: int, most: int
                ) -> list[tuple[int, int, bytes]]:
        """(seq, kind, body) of a stream's messages after < seq <= last, the first `most`."""
        return self._db.execute(
            "SELECT seq, kind, body FROM messages WHERE park = ? AND gateway = ? AND epoch = ?"
            " AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?",
            (*stream, after, last, most)).fetchall()

    def copy_done(self, name: str, stream: Stream, turn: int, seq: int) -> None:
        """The copier has come to `seq`. Not when something below has come since that turn: then
        it copies again."""
        with self.transaction():
            self._db.execute("UPDATE copied SET seq = ? WHERE (name, park, gateway, epoch, turn)"
                             " = (?, ?, ?, ?, ?)", (seq, name, *stream, turn))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """One writer's turn."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        finally:
            if self._db.in_transaction:  # something above has failed
                self._db.execute("ROLLBACK")

    def cursors(self, streams: Sequence[Stream]) -> dict[Stream, Cursor]:
        """See intake.Tables, as for what follows."""
        found = {}
        for stream in streams:
            row = self._db.execute("SELECT seq, ahead FROM cursors WHERE (park, gateway, epoch)"
                                   " = (?, ?, ?)", stream).fetchone()
            found[stream] = Cursor(row[0], json.loads(row[1])) if row else Cursor()
        return found

    def put(self, messages: Collection[Kept], received_utc: int) -> tuple[list[Kept], list[Kept]]:
        """One by one: who was already there must be looked at."""
        stored, usurpers = [], []
        for kept in messages:
            key = (*kept.stream, kept.seq)
            done = self._db.execute("INSERT OR IGNORE INTO messages VALUES(?, ?, ?, ?, ?, ?, ?)",
                                    (*key, kept.kind, received_utc, kept.body))
            if done.rowcount == 1:
                stored.append(kept)
                continue
            twin = self._db.execute(f"SELECT kind, body FROM messages WHERE {_KEY}", key).fetchone()
            if twin != (kept.kind, kept.body):
                usurpers.append(kept)
        return stored, usurpers

    def dropped(self, messages: Sequence[Kept]) -> list[Kept]:
        """By what `drop` has recorded."""
        return [kept for kept in messages if self._db.execute(
            "SELECT 1 FROM dropped WHERE park = ? AND gateway = ? AND epoch = ? AND first <= ?"
            " AND last >= ?", (*kept.stream, kept.seq, kept.seq)).fetchone()]

    def late(self, stream: Stream, seq: int) -> None:
        """Copiers begin again there: twice is better than never."""
        self._db.execute("UPDATE copied SET seq = min(seq, ?), turn = turn + 1"
                         " WHERE park = ? AND gateway = ? AND epoch = ?", (seq - 1, *stream))

    def gap(self, gap: Gap, received_utc: int) -> None:
        """The first word about a gap stays."""
        self._db.execute("INSERT OR IGNORE INTO gaps VALUES(?, ?, ?, ?, ?, ?, ?)",
                         (*gap.stream, gap.first, gap.last, gap.reason, received_utc))

    def refuse(self, refused: Sequence[Refused], received_utc: int) -> None:
        """Numbered without a hole, so that the oldest can be told."""
        self._db.executemany(
            "INSERT INTO quarantine(received_utc, topic, reason, body) VALUES(?, ?, ?, ?)",
            [(received_utc, one.topic, one.reason, one.payload) for one in refused])
        self._db.execute("DELETE FROM quarantine WHERE id <= (SELECT max(id) FROM quarantine) - ?",
                         (intake.QUARANTINE_ROWS,))

    def move(self, cursors: Mapping[Stream, Cursor]) -> None:
        """Whole rows."""
        self._db.executemany(
            "INSERT OR REPLACE INTO cursors VALUES(?, ?, ?, ?, ?)",
            [(*stream, cursor.seq, json.dumps(cursor.ahead)) for stream, cursor in cursors.items()])

    def _record_dropped(self, stream: Stream, first: int, last: int, received_utc: int) -> None:
        """Grow the range before it, so that years of dropping are not as many rows."""
        grown = self._db.execute(
            "UPDATE dropped SET last = ?, received_utc = ? WHERE (park, gateway, epoch, last)"
            " = (?, ?, ?, ?)", (last, received_utc, *stream, first - 1)).rowcount
        if not grown:
            self._db.execute("INSERT INTO dropped VALUES(?, ?, ?, ?, ?, ?)",
                             (*stream, first, last, received_utc))

    def _prepare(self) -> None:
        migrations.check(self._db, str(self.path))
        (mode,) = self._db.execute("PRAGMA journal_mode = WAL").fetchone()
        if mode != "wal":
            raise StoreError(f"{self.path}: this file system can't hold a write-ahead log")
        self._db.execute("PRAGMA synchronous = FULL")
        migrations.migrate(self._db)

    def _date(self, park: str, gateway: str) -> None:
        """Find out which time the batches cover that came since the last time rows were read."""
        while True:
            with self.transaction():
                found = self._db.execute(
                    "SELECT epoch, seq, received_utc, body FROM undated"
                    " JOIN messages USING(park, gateway, epoch, seq)"
                    " WHERE park = ? AND gateway = ? LIMIT ?", (park, gateway, _CHUNK)).fetchall()
                for epoch, seq, received_utc, body in found:
                    key = (park, gateway, epoch, seq)
                    try:
                        times = [utc_of(values) for values in decode_batch(body).rows]
                        self._db.execute("INSERT INTO spans VALUES(?, ?, ?, ?, ?, ?)",
                                         (*key, min(times), max(times)))
                    except (BadMessage, IndexError) as reason:
                        self.refuse([undecodable(park, gateway, seq, body, reason)], received_utc)
                    self._db.execute(f"DELETE FROM undated WHERE {_KEY}", key)
            if len(found) < _CHUNK:
                return

    def _fields(self, stream: Stream, seq: int, n_fields: int) -> tuple[str, ...]:
        """The names in the last birth before a batch; numbered ones when there is none."""
        birth = self._db.execute(
            "SELECT body FROM messages INDEXED BY births WHERE park = ? AND gateway = ?"
            " AND epoch = ? AND seq < ? AND kind = 2 ORDER BY seq DESC LIMIT 1",
            (*stream, seq)).fetchone()
        return field_names(birth[0] if birth else None, n_fields)


def utc_of(values: list[int]) -> int:
    """A row begins with its day and the second of that day."""
    return DAY_0_UTC + values[0] * 86_400 + values[1]


def field_names(birth: bytes | None, n_fields: int) -> tuple[str, ...]:
    """The field names in the body of a birth; numbered ones when it does not have as many."""
    try:
        fields = tuple(msgpack.unpackb(birth)["fields"]) if birth else ()
    except (ValueError, TypeError, KeyError):
        fields = ()
    if len(fields) == n_fields and all(isinstance(name, str) for name in fields):
        return fields
    return ("day", "second", *(f"field_{i}" for i in range(2, n_fields)))


def undecodable(park: str, gateway: str, seq: int, body: bytes, reason: Exception) -> Refused:
    """A batch that was acknowledged unread; it stays stored."""
    return Refused(f"parkedge/{park}/{gateway}/b", body[:intake.QUARANTINE_BYTES], "batch",
                   f"message {seq}: {reason}")


def runs(found: Iterable[tuple[Stream, int]]) -> list[tuple[Stream, int, int]]:
    """Numbers as ranges (stream, first, last)."""
    made: list[tuple[Stream, int, int]] = []
    for stream, seq in sorted(found):
        if made and (made[-1][0], made[-1][2]) == (stream, seq - 1):
            made[-1] = (stream, made[-1][1], seq)
        else:
            made.append((stream, seq, seq))
    return made
