"""The messages of all gateways in PostgreSQL, for many bridges that write at a time.

As `store` does it in a file, and `intake` says what is done. The order of locks is fixed: cursors
in the order of their streams, then what is inserted; so two bridges never wait for each other, and
a stream that is split over several has one cursor, moved by who holds its row.

The tables are in `postgres_shape`. synchronous_commit is on, and a server with fsync off refused.
"""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, Self

import psycopg

from cloud_bridge import intake
from cloud_bridge import postgres_shape as shape
from cloud_bridge.batches import BIRTH, TELEMETRY, BadMessage, decode_batch
from cloud_bridge.intake import (
    DROPPABLE,
    Cursor,
    Gap,
    Kept,
    Place,
    Receipt,
    Refused,
    StoreError,
    Stream,
    TroubleError,
)
from cloud_bridge.store import Row, field_names, undecodable, utc_of

_DAY_S = shape.DAY_S
_CHUNK = 256  # batches dated in one transaction
_SESSION = ("SET synchronous_commit = on; SET lock_timeout = '30s';"
            " SET idle_in_transaction_session_timeout = '60s'; SET client_min_messages = warning;"
            " CREATE TEMP TABLE staging(park text, gateway text, epoch bigint, seq bigint,"
            " kind smallint, digest bytea, body bytea) ON COMMIT DELETE ROWS")
_STORE = """
WITH fresh AS (
    INSERT INTO numbers SELECT park, gateway, epoch, seq, digest FROM staging
    ON CONFLICT DO NOTHING RETURNING park, gateway, epoch, seq),
kept AS (
    INSERT INTO messages SELECT park, gateway, epoch, seq, kind, %s, body, kind <> %s
    FROM staging JOIN fresh USING(park, gateway, epoch, seq))
SELECT park, gateway, epoch, seq FROM fresh"""
_STREAM = "(park, gateway, epoch) = (%s, %s, %s)"


class PostgresStore:
    """One connection. TroubleError when the server is away or takes nothing: try again later."""

    def __init__(self, url: str) -> None:
        """Connect, and bring the tables up to date. StoreError when they are not ours, or newer."""
        self._days: set[int] = set()
        with _told():
            self._db = psycopg.connect(url, autocommit=True, connect_timeout=10,
                                       application_name="parkedge-bridge")
            try:
                self._db.execute(_SESSION)
                shape.migrate(self._db)
            except BaseException:
                self._db.close()
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Give the connection back."""
        with suppress(psycopg.Error):
            self._db.close()

    def commit(self, arrivals: Iterable[tuple[str, bytes]], received_utc: int) -> Receipt:
        """Store (topic, payload) pairs durably, all or none."""
        with _told():
            day = received_utc // _DAY_S
            if day not in self._days:
                shape.open_day(self._db, day)
                self._days = {day}
            return intake.commit(self, arrivals, received_utc)

    def put_aside(self, refused: Iterable[tuple[str, bytes, str]], received_utc: int) -> None:
        """Keep what never became a message: (from where, bytes, reason)."""
        with _told():
            intake.put_aside(self, refused, received_utc)

    def rows(self, park: str, gateway: str, start_utc: int, end_utc: int) -> Iterator[Row]:
        """The rows of start_utc <= time < end_utc, in the order of time of their batches."""
        with _told():
            self._date(park, gateway)
            found = self._db.execute(
                "SELECT epoch, seq, body FROM spans JOIN messages USING(park, gateway, epoch, seq)"
                " WHERE park = %s AND gateway = %s AND first_utc < %s AND last_utc >= %s"
                " ORDER BY first_utc, epoch, seq", (park, gateway, end_utc, start_utc))
            for epoch, seq, body in found:
                batch = decode_batch(body)
                birth = self._db.execute(
                    f"SELECT body FROM messages WHERE is_kept AND {_STREAM} AND seq < %s"
                    f" AND kind = {BIRTH} ORDER BY seq DESC LIMIT 1",
                    (park, gateway, epoch, seq)).fetchone()
                fields = field_names(birth[0] if birth else None, batch.n_fields)
                for values in batch.rows:
                    if start_utc <= utc_of(values) < end_utc:
                        yield Row(utc_of(values), fields, tuple(values))

    def bodies(self, park: str, gateway: str, kinds: Iterable[int]) -> Iterator[tuple[int, bytes]]:
        """Kind and body of a gateway's messages of these kinds, in the order they came in."""
        with _told():
            yield from self._db.cursor().stream(
                "SELECT kind, body FROM messages WHERE park = %s AND gateway = %s"
                " AND kind = ANY(%s) ORDER BY received_utc, epoch, seq",
                (park, gateway, list(kinds)))

    def drop(self, before_utc: int) -> int:
        """Drop the batches of one whole day before that time, and record which; how many, 0 at
        the end.

        What is ahead of its stream's cursor is kept: a gateway may still send it again.
        """
        with _told():
            for day in shape.days(self._db):
                if (day + 1) * _DAY_S <= before_utc and (n := shape.drop_day(self._db, day)):
                    return n
        return 0

    def copied(self, name: str) -> dict[Stream, Place]:
        """See store.Store, as for the next two."""
        with _told(), self._db.transaction():
            found = self._db.execute(
                "SELECT c.park, c.gateway, c.epoch, d.seq, c.seq, d.turn FROM cursors c LEFT JOIN"
                " copied d ON d.name = %s AND (d.park, d.gateway, d.epoch) = (c.park, c.gateway,"
                " c.epoch) WHERE c.seq > coalesce(d.seq, 0) ORDER BY 1, 2, 3", (name,)).fetchall()
            for row in found:
                if row[3] is None:
                    self._db.execute("INSERT INTO copied VALUES(%s, %s, %s, %s, 0, 0)"
                                     " ON CONFLICT DO NOTHING", (name, *row[:3]))
            return {Stream(*row[:3]): Place(row[3] or 0, row[4], row[5] or 0) for row in found}

    def between(self, stream: Stream, after: int, last: int, most: int
                ) -> list[tuple[int, int, bytes]]:
        with _told():
            return self._db.execute(
                f"SELECT seq, kind, body FROM messages WHERE {_STREAM} AND seq > %s AND seq <= %s"
                " ORDER BY seq LIMIT %s", (*stream, after, last, most)).fetchall()

    def copy_done(self, name: str, stream: Stream, turn: int, seq: int) -> None:
        with _told():
            self._db.execute(f"UPDATE copied SET seq = %s WHERE name = %s AND {_STREAM}"
                             " AND turn = %s", (seq, name, *stream, turn))

    def transaction(self) -> psycopg.Transaction | Any:
        """See intake.Tables, as for what follows."""
        return self._db.transaction()

    def cursors(self, streams: Sequence[Stream]) -> dict[Stream, Cursor]:
        """Their rows are ours until the transaction ends, taken in the order of `streams`."""
        if not streams:
            return {}
        return {Stream(*row[:3]): Cursor(row[3], row[4]) for row in self._db.execute(
            "INSERT INTO cursors SELECT park, gateway, epoch, 0, '{}' FROM unnest(%s::text[],"
            " %s::text[], %s::bigint[]) AS wanted(park, gateway, epoch)"
            " ON CONFLICT (park, gateway, epoch) DO UPDATE SET seq = cursors.seq RETURNING *",
            _columns(streams))}

    def put(self, messages: Collection[Kept], received_utc: int) -> tuple[list[Kept], list[Kept]]:
        """All at once: into a table of one's own, and from there what is new."""
        if not messages:
            return [], []
        with self._db.cursor() as cursor:
            with cursor.copy("COPY staging FROM STDIN (FORMAT BINARY)") as copy:
                copy.set_types(["text", "text", "int8", "int8", "int2", "bytea", "bytea"])
                for kept in messages:
                    copy.write_row((*kept.stream, kept.seq, kept.kind, _digest(kept), kept.body))
            fresh = set(cursor.execute(_STORE, (received_utc, DROPPABLE)))
            strange = set() if len(fresh) == len(messages) else set(cursor.execute(
                "SELECT park, gateway, epoch, seq FROM staging s JOIN numbers n"
                " USING(park, gateway, epoch, seq) WHERE s.digest <> n.digest"))
        return ([kept for kept in messages if (*kept.stream, kept.seq) in fresh],
                [kept for kept in messages if (*kept.stream, kept.seq) in strange])

    def dropped(self, messages: Sequence[Kept]) -> list[Kept]:
        if not messages:
            return []
        found = set(self._db.execute(
            "SELECT park, gateway, epoch, seq FROM unnest(%s::text[], %s::text[], %s::bigint[],"
            " %s::bigint[]) AS came(park, gateway, epoch, seq) JOIN dropped"
            " USING(park, gateway, epoch) WHERE seq BETWEEN first AND last",
            _columns([(*kept.stream, kept.seq) for kept in messages])))
        return [kept for kept in messages if (*kept.stream, kept.seq) in found]

    def late(self, stream: Stream, seq: int) -> None:
        self._db.execute(f"UPDATE copied SET seq = least(seq, %s), turn = turn + 1 WHERE {_STREAM}",
                         (seq - 1, *stream))

    def gap(self, gap: Gap, received_utc: int) -> None:
        self._db.execute("INSERT INTO gaps VALUES(%s, %s, %s, %s, %s, %s, %s)"
                         " ON CONFLICT DO NOTHING",
                         (*gap.stream, gap.first, gap.last, gap.reason, received_utc))

    def refuse(self, refused: Sequence[Refused], received_utc: int) -> None:
        with self._db.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO quarantine(received_utc, topic, reason, body) VALUES(%s, %s, %s, %s)",
                [(received_utc, one.topic, one.reason, one.payload) for one in refused])
        self._db.execute("DELETE FROM quarantine WHERE id <= (SELECT max(id) FROM quarantine) - %s",
                         (intake.QUARANTINE_ROWS,))

    def move(self, cursors: Mapping[Stream, Cursor]) -> None:
        with self._db.cursor() as cursor:
            cursor.executemany(f"UPDATE cursors SET seq = %s, ahead = %s WHERE {_STREAM}",
                               [(one.seq, one.ahead, *stream) for stream, one in cursors.items()])

    def _date(self, park: str, gateway: str) -> None:
        """Find out which time the batches cover that came since the last time rows were read.

        A batch that is none gets a span without times.
        """
        while True:
            with self._db.transaction():
                found = self._db.execute(
                    "SELECT epoch, seq, received_utc, body FROM messages m LEFT JOIN spans s"
                    " USING(park, gateway, epoch, seq) WHERE park = %s AND gateway = %s"
                    f" AND kind = {TELEMETRY} AND s.seq IS NULL LIMIT {_CHUNK}",
                    (park, gateway)).fetchall()
                for epoch, seq, received_utc, body in found:
                    times: list[int | None] = [None, None]
                    try:
                        utc = [utc_of(values) for values in decode_batch(body).rows]
                        times = [min(utc), max(utc)]
                    except (BadMessage, IndexError) as reason:
                        self.refuse([undecodable(park, gateway, seq, body, reason)], received_utc)
                    self._db.execute("INSERT INTO spans VALUES(%s, %s, %s, %s, %s, %s)"
                                     " ON CONFLICT DO NOTHING", (park, gateway, epoch, seq, *times))
            if len(found) < _CHUNK:
                return


@contextmanager
def _told() -> Iterator[None]:
    """What may pass becomes TroubleError, what will not StoreError; in one line."""
    try:
        yield
    except psycopg.Error as error:
        text = " ".join(str(error).split()) or type(error).__name__
        may_pass = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
        raise (TroubleError if may_pass else StoreError)(f"PostgreSQL: {text}") from None


def _digest(kept: Kept) -> bytes:
    """What tells a message from another of the same number."""
    return hashlib.sha256(bytes((kept.kind,)) + kept.body).digest()[:16]


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    """As `unnest` takes them."""
    return [list(column) for column in zip(*rows, strict=True)]
