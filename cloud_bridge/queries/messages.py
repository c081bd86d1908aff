"""What a query needs to know of a store, and how it is read out of SQLite.

Every call is one short read: nothing holds a snapshot of the store while somebody thinks, because
that would keep the intake's write-ahead log from being taken over into the file.
"""

import re
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from urllib.parse import quote

from cloud_bridge.batches import BIRTH, TELEMETRY
from cloud_bridge.store import Stream
from edge.energies import ENERGY
from edge.media import MEDIA

NAME = re.compile(r"[a-z0-9-]{1,32}")  # of a park or a gateway, as in the topics of a store
READ = (TELEMETRY, BIRTH, ENERGY, MEDIA)  # kinds that queries look into
_WHERE = " WHERE park = ? AND gateway = ? AND epoch = ?"


class QueryError(Exception):
    """There is no answer; the text says in one line why."""


class NotFoundError(QueryError):
    """What was asked about is not in the store."""


class TroubleError(QueryError):
    """The store or the index can't be read now: it is not the question that is wrong."""


class Message(NamedTuple):
    """One stored message; `received_utc` in seconds since 1970."""

    seq: int
    kind: int
    received_utc: int
    body: bytes


class Hole(NamedTuple):
    """Messages that the store does not have, and why."""

    first: int
    last: int
    reason: str


class Messages(Protocol):
    """The stored messages of all gateways; another database is another class with these."""

    def close(self) -> None:
        """Give the store back."""

    def names(self) -> list[tuple[str, str]]:
        """Every (park, gateway), in order."""

    def streams(self, park: str, gateway: str) -> list[Stream]:
        """The streams of one gateway; none: it is not known."""

    def cursor(self, stream: Stream) -> int:
        """Up to which number all messages are here, or in a gap."""

    def after(self, stream: Stream, seq: int, most: int) -> list[Message]:
        """The first `most` behind number `seq`, those of other kinds than READ without a body."""

    def numbers(self, stream: Stream, first: int, last: int) -> list[int]:
        """Which of the numbers first to last are here."""

    def message(self, stream: Stream, seq: int) -> Message | None:
        """The one of that number."""

    def some(self, stream: Stream, seqs: list[int]) -> list[Message]:
        """Those of these numbers, some hundreds, as far as they are here."""

    def gaps(self, stream: Stream) -> list[Hole]:
        """What the gateway has given up; some of it may have come after all."""

    def newest(self, stream: Stream) -> Message | None:
        """The one with the highest number, quickly at any size of the store."""

    def newest_batch(self, stream: Stream) -> Message | None:
        """The batch with the highest number, just as quickly."""

    def newest_of(self, stream: Stream, kind: int) -> Message | None:
        """The one of that kind with the highest number; quickly where there are many."""

    def birth_before(self, stream: Stream, seq: int) -> int:
        """The number of the last birth before a message; 0: there is none."""


class SqliteMessages:
    """Reads the file of cloud_bridge/store.py; TroubleError when it is none, or is busy for 5 s."""

    def __init__(self, path: Path | str) -> None:
        if not Path(path).is_file():
            raise TroubleError(f"{path}: no such store")
        self._path = path
        self._db = sqlite3.connect(f"file:{quote(str(Path(path).absolute()))}?mode=ro", uri=True,
                                   isolation_level=None, check_same_thread=False)
        try:
            self._all("SELECT park, gateway, epoch, seq, kind, received_utc, body FROM messages,"
                      " (SELECT max(seq) FROM spans), (SELECT max(seq) FROM undated) LIMIT 0")
        except QueryError:
            self.close()
            raise

    def close(self) -> None:
        """Give the file back."""
        self._db.close()

    def names(self) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        last = ("", "")
        while True:  # from one name to the next through the key: the messages are never walked
            row = self._all("SELECT park, gateway FROM messages WHERE (park, gateway) > (?, ?)"
                            " ORDER BY park, gateway LIMIT 1", last)
            if not row:
                return found
            last = (row[0][0], row[0][1])
            found.append(last)

    def streams(self, park: str, gateway: str) -> list[Stream]:
        found: list[Stream] = []
        epoch = 0
        while True:
            row = self._all("SELECT epoch FROM messages WHERE park = ? AND gateway = ?"
                            " AND epoch > ? ORDER BY epoch LIMIT 1", (park, gateway, epoch))
            if not row:
                return found
            epoch = row[0][0]
            found.append(Stream(park, gateway, epoch))

    def cursor(self, stream: Stream) -> int:
        row = self._all("SELECT seq FROM cursors" + _WHERE, stream)
        return row[0][0] if row else 0

    def after(self, stream: Stream, seq: int, most: int) -> list[Message]:
        return [Message(*row) for row in self._all(
            "SELECT seq, kind, received_utc, CASE WHEN kind IN (?, ?, ?, ?) THEN body ELSE x'' END"
            " FROM messages" + _WHERE + " AND seq > ? ORDER BY seq LIMIT ?",
            (*READ, *stream, seq, most))]

    def numbers(self, stream: Stream, first: int, last: int) -> list[int]:
        return [seq for (seq,) in self._all(
            "SELECT seq FROM messages" + _WHERE + " AND seq BETWEEN ? AND ? ORDER BY seq",
            (*stream, first, last))]

    def message(self, stream: Stream, seq: int) -> Message | None:
        return self._one(stream, "= ?", seq)

    def some(self, stream: Stream, seqs: list[int]) -> list[Message]:
        return [Message(*row) for row in self._all(
            "SELECT seq, kind, received_utc, body FROM messages" + _WHERE +
            f" AND seq IN ({', '.join('?' * len(seqs))})", (*stream, *seqs))]

    def gaps(self, stream: Stream) -> list[Hole]:
        return [Hole(*row) for row in self._all(
            "SELECT first, last, reason FROM gaps" + _WHERE + " ORDER BY first, last", stream)]

    def newest(self, stream: Stream) -> Message | None:
        return self._one(stream, "> ?", 0)

    def newest_batch(self, stream: Stream) -> Message | None:
        """The store keeps the numbers of batches in two small tables: dated ones and others."""
        seqs = [self._all(f"SELECT max(seq) FROM {table}" + _WHERE, stream)[0][0] or 0
                for table in ("spans", "undated")]
        return self.message(stream, max(seqs)) if max(seqs) else None

    def newest_of(self, stream: Stream, kind: int) -> Message | None:
        return self._one(stream, f"> 0 AND kind = {kind:d}")

    def birth_before(self, stream: Stream, seq: int) -> int:
        row = self._all("SELECT max(seq) FROM messages INDEXED BY births" + _WHERE +
                        " AND seq < ? AND kind = 2", (*stream, seq))
        return row[0][0] or 0

    def _one(self, stream: Stream, which: str, *seq: int) -> Message | None:
        row = self._all("SELECT seq, kind, received_utc, body FROM messages" + _WHERE +
                        f" AND seq {which} ORDER BY seq DESC LIMIT 1", (*stream, *seq))
        return Message(*row[0]) if row else None

    def _all(self, query: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        try:
            return self._db.execute(query, values).fetchall()
        except sqlite3.DatabaseError as error:
            raise TroubleError(f"{self._path}: {error}") from None
