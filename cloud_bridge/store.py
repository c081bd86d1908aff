"""The messages of all gateways in one SQLite file, kept as they came.

A message is stored opaque, under (park, gateway, epoch, seq), and decoded when somebody asks for
rows. What comes twice is stored once. `commit` returns when everything is durable (write-ahead
log, synchronous FULL), with the number up to which each gateway may forget.

sqlite3.OperationalError (locked, disk full, input/output) passes through: nothing of that call is
stored then, and it may be tried again. Times are seconds since 1970, UTC.
"""

import re
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple, Self

import msgpack

from cloud_bridge.batches import BadMessage, decode_batch, decode_gap, decode_message
from edge.outbox import GAP
from edge.sync import RESUME

DAY_0_UTC = 946_684_800  # 2000-01-01 in seconds since 1970: day 0 of a row
_TOPIC = re.compile(r"parkedge/([a-z0-9-]{1,32})/([a-z0-9-]{1,32})/b")
_QUARANTINE_ROWS = 10_000  # kept for inspection, the newest
_QUARANTINE_BYTES = 8_192  # of each
_CHUNK = 256  # batches dated in one transaction, so that nobody waits long for the lock
_VERSION = 1
_SCHEMA = """
CREATE TABLE messages(
    park TEXT, gateway TEXT, epoch INTEGER, seq INTEGER, kind INTEGER, received_utc INTEGER,
    body BLOB, PRIMARY KEY(park, gateway, epoch, seq)) WITHOUT ROWID;
-- Up to seq a stream has no hole, or only holes that will never be filled.
CREATE TABLE cursors(
    park TEXT, gateway TEXT, epoch INTEGER, seq INTEGER,
    PRIMARY KEY(park, gateway, epoch)) WITHOUT ROWID;
-- Messages first to last may never come: overwritten on the gateway, or sent to another store.
CREATE TABLE gaps(
    park TEXT, gateway TEXT, epoch INTEGER, first INTEGER, last INTEGER, reason TEXT,
    received_utc INTEGER, PRIMARY KEY(park, gateway, epoch, first, last)) WITHOUT ROWID;
CREATE TABLE quarantine(
    id INTEGER PRIMARY KEY, received_utc INTEGER, topic TEXT, reason TEXT, body BLOB);
-- Which time a batch covers: made when rows are first asked for, of what is still undated.
CREATE TABLE spans(
    park TEXT, gateway TEXT, epoch INTEGER, seq INTEGER, first_utc INTEGER, last_utc INTEGER,
    PRIMARY KEY(park, gateway, epoch, seq)) WITHOUT ROWID;
CREATE INDEX spans_by_time ON spans(park, gateway, first_utc);
CREATE TABLE undated(
    park TEXT, gateway TEXT, epoch INTEGER, seq INTEGER,
    PRIMARY KEY(park, gateway, epoch, seq)) WITHOUT ROWID;
CREATE INDEX births ON messages(park, gateway, epoch, seq) WHERE kind = 2;
CREATE TRIGGER date_later AFTER INSERT ON messages WHEN NEW.kind = 1 BEGIN
    INSERT INTO undated VALUES(NEW.park, NEW.gateway, NEW.epoch, NEW.seq);
END;
"""


class StoreError(Exception):
    """The file is no store of ours; the text says what it is instead."""


class Stream(NamedTuple):
    """One life of one gateway's outbox; its messages are numbered from 1."""

    park: str
    gateway: str
    epoch: int


class Receipt(NamedTuple):
    """What became of the messages of one commit."""

    acks: dict[Stream, int]  # up to which number each gateway may forget
    tally: Counter[str]  # "stored", "doubled", "gaps", "resumed", "quarantined"


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
        self._db = sqlite3.connect(path, timeout=patience_s, isolation_level=None)
        try:
            self._prepare()
        except (sqlite3.DatabaseError, StoreError) as error:
            self._db.close()
            if isinstance(error, sqlite3.OperationalError | StoreError):
                raise
            raise StoreError(f"{path}: {error}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the file back."""
        self._db.close()

    def commit(self, arrivals: Iterable[tuple[str, bytes]], received_utc: int) -> Receipt:
        """Store (topic, payload) pairs durably, all or none."""
        acks: dict[Stream, int] = {}
        tally: Counter[str] = Counter()
        with self._transaction():
            for topic, payload in arrivals:
                try:
                    stream, outcome = self._keep(topic, payload, received_utc)
                    acks[stream] = 0
                except BadMessage as reason:
                    self._quarantine(topic, payload, str(reason), received_utc)
                    outcome = "quarantined"
                tally[outcome] += 1
            acks = {stream: self._advance(stream) for stream in acks}
        return Receipt({stream: seq for stream, seq in acks.items() if seq}, tally)

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
                if start_utc <= _utc(values) < end_utc:
                    yield Row(_utc(values), fields, tuple(values))

    def bodies(self, park: str, gateway: str, kinds: Iterable[int]) -> Iterator[tuple[int, bytes]]:
        """Kind and body of a gateway's messages of these kinds, in the order they came in."""
        wanted = tuple(kinds)
        marks = ", ".join("?" * len(wanted))
        yield from self._db.execute(
            f"SELECT kind, body FROM messages WHERE park = ? AND gateway = ? AND kind IN ({marks})"
            " ORDER BY received_utc, epoch, seq", (park, gateway, *wanted))

    def put_aside(self, refused: Iterable[tuple[str, bytes, str]], received_utc: int) -> None:
        """Keep what never became a message, as (from where, bytes, reason), for inspection."""
        with self._transaction():
            for place, data, reason in refused:
                self._quarantine(place, data, reason, received_utc)

    def _prepare(self) -> None:
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        (tables,) = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if version != (_VERSION if tables else 0):
            raise StoreError(f"{self.path}: not a store of this version of parkedge"
                             f" (version {version} with {tables} tables)")
        (mode,) = self._db.execute("PRAGMA journal_mode = WAL").fetchone()
        if mode != "wal":
            raise StoreError(f"{self.path}: this file system can't hold a write-ahead log")
        self._db.execute("PRAGMA synchronous = FULL")
        if not tables:
            self._db.executescript(
                f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version = {_VERSION}; COMMIT;")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        finally:
            if self._db.in_transaction:  # something above has failed
                self._db.execute("ROLLBACK")

    def _keep(self, topic: str, payload: bytes, received_utc: int) -> tuple[Stream, str]:
        """Store one message; whose it is, and what became of it."""
        who = _TOPIC.fullmatch(topic)
        if not who:
            raise BadMessage("topic that is not parkedge/<park>/<gateway>/b")
        message = decode_message(payload)
        stream = Stream(who[1], who[2], message.epoch)
        if message.kind == RESUME:  # what is before will not come again, here or elsewhere
            reason = "unseen" if message.body else "elsewhere"  # a body: it came one way
            for first, last in self._holes(stream, message.seq):
                self._gap(stream, first, last, reason, received_utc)
            return stream, "resumed"
        if message.kind == GAP:
            gap = decode_gap(message.body)
            if gap.last != message.seq:
                raise BadMessage(f"gap to {gap.last} in message {message.seq}")
            self._gap(stream, gap.first, gap.last, "overwritten", received_utc)
            return stream, "gaps"
        key = (*stream, message.seq)
        done = self._db.execute("INSERT OR IGNORE INTO messages VALUES(?, ?, ?, ?, ?, ?, ?)",
                                (*key, message.kind, received_utc, message.body))
        if done.rowcount == 1:
            return stream, "stored"
        twin = self._db.execute("SELECT kind, body FROM messages"
                                " WHERE (park, gateway, epoch, seq) = (?, ?, ?, ?)", key).fetchone()
        if twin != (message.kind, message.body):
            raise BadMessage(f"another message has the number {message.seq}: is the name or the"
                             " storage of the gateway used twice?")
        return stream, "doubled"

    def _gap(self, stream: Stream, first: int, last: int, reason: str, received_utc: int) -> None:
        self._db.execute("INSERT OR IGNORE INTO gaps VALUES(?, ?, ?, ?, ?, ?, ?)",
                         (*stream, first, last, reason, received_utc))

    def _holes(self, stream: Stream, end: int) -> list[tuple[int, int]]:
        """First and last of what has not come, from a stream's cursor to before `end`."""
        after = self._advance(stream)
        here = self._db.execute("SELECT seq FROM messages WHERE (park, gateway, epoch) = (?, ?, ?)"
                                " AND seq > ? AND seq < ? ORDER BY seq", (*stream, after, end))
        edges = [after, *(seq for (seq,) in here), end]
        return [(low + 1, high - 1) for low, high in pairwise(edges) if high > low + 1]

    def _advance(self, stream: Stream) -> int:
        """Move a stream's cursor over what has come and what never will; where it is now."""
        query = " WHERE park = ? AND gateway = ? AND epoch = ?"
        row = self._db.execute("SELECT seq FROM cursors" + query, stream).fetchone()
        before, seq = row[0] if row else 0, -1
        after = before
        while seq != after:
            seq = after
            for (found,) in self._db.execute(
                    "SELECT seq FROM messages" + query + " AND seq > ? ORDER BY seq",
                    (*stream, seq)):
                if found != after + 1:
                    break
                after = found
            (last,) = self._db.execute("SELECT max(last) FROM gaps" + query + " AND first <= ?",
                                       (*stream, after + 1)).fetchone()
            after = max(after, last or 0)
        if after > before:
            self._db.execute("INSERT OR REPLACE INTO cursors VALUES(?, ?, ?, ?)", (*stream, after))
        return int(after)

    def _quarantine(self, topic: str, payload: bytes, reason: str, received_utc: int) -> None:
        """Put aside what can't be stored, and forget the oldest of such."""
        done = self._db.execute(
            "INSERT INTO quarantine(received_utc, topic, reason, body) VALUES(?, ?, ?, ?)",
            (received_utc, topic[:256], reason, payload[:_QUARANTINE_BYTES]))
        self._db.execute("DELETE FROM quarantine WHERE id <= ?",
                         ((done.lastrowid or 0) - _QUARANTINE_ROWS,))

    def _date(self, park: str, gateway: str) -> None:
        """Find out which time the batches cover that came since the last time rows were read."""
        while True:
            with self._transaction():
                found = self._db.execute(
                    "SELECT epoch, seq, received_utc, body FROM undated"
                    " JOIN messages USING(park, gateway, epoch, seq)"
                    " WHERE park = ? AND gateway = ? LIMIT ?", (park, gateway, _CHUNK)).fetchall()
                for epoch, seq, received_utc, body in found:
                    key = (park, gateway, epoch, seq)
                    try:
                        times = [_utc(values) for values in decode_batch(body).rows]
                        self._db.execute("INSERT INTO spans VALUES(?, ?, ?, ?, ?, ?)",
                                         (*key, min(times), max(times)))
                    except (BadMessage, IndexError) as reason:
                        topic = f"parkedge/{park}/{gateway}/b"
                        self._quarantine(topic, body, f"message {seq}: {reason}", received_utc)
                    self._db.execute("DELETE FROM undated WHERE (park, gateway, epoch, seq)"
                                     " = (?, ?, ?, ?)", key)
            if len(found) < _CHUNK:
                return

    def _fields(self, stream: Stream, seq: int, n_fields: int) -> tuple[str, ...]:
        """The names in the last birth before a batch; numbered ones when there is none."""
        birth = self._db.execute(
            "SELECT body FROM messages INDEXED BY births WHERE park = ? AND gateway = ?"
            " AND epoch = ? AND seq < ? AND kind = 2 ORDER BY seq DESC LIMIT 1",
            (*stream, seq)).fetchone()
        fields = _field_names(birth[0]) if birth else ()
        if len(fields) == n_fields:
            return fields
        return ("day", "second", *(f"field_{i}" for i in range(2, n_fields)))


def _utc(values: list[int]) -> int:
    """A row begins with its day and the second of that day."""
    return DAY_0_UTC + values[0] * 86_400 + values[1]


def _field_names(birth: bytes) -> tuple[str, ...]:
    """The field names in the body of a birth; none when it is not one."""
    try:
        fields = tuple(msgpack.unpackb(birth)["fields"])
    except (ValueError, TypeError, KeyError):
        return ()
    return fields if all(isinstance(name, str) for name in fields) else ()

