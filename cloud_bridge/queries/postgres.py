"""The stored messages in the tables of cloud_bridge/postgres_shape.py, in sessions that only read.

Several bridges write there at once, so a number may become visible after a higher one: what reads
on from a number must look into the holes again, as queries/archive.py does.
"""

from collections.abc import Sequence
from typing import Any

import psycopg

from cloud_bridge.batches import BIRTH, TELEMETRY
from cloud_bridge.queries.messages import READ, Hole, Message, TroubleError
from cloud_bridge.store import Stream

_STREAM = " WHERE (park, gateway, epoch) = (%s, %s, %s)"
_ONE = "SELECT seq, kind, received_utc, body FROM messages" + _STREAM
_SESSION = "SET default_transaction_read_only = on; SET statement_timeout = '30s'"


class PostgresMessages:
    """See messages.Messages. TroubleError when the server is away, or is no store of ours."""

    def __init__(self, url: str) -> None:
        try:
            self._db = psycopg.connect(url, autocommit=True, connect_timeout=10,
                                       application_name="parkedge-query")
        except psycopg.Error as error:
            raise _trouble(error) from None
        try:
            self._db.execute(_SESSION)
            self._db.execute("SELECT version FROM parkedge_version")
        except psycopg.Error as error:
            self.close()
            raise _trouble(error) from None

    def close(self) -> None:
        """Give the connection back."""
        self._db.close()

    def names(self) -> list[tuple[str, str]]:
        return [(park, gateway) for park, gateway in self._all(
            "SELECT DISTINCT park COLLATE \"C\", gateway COLLATE \"C\" FROM cursors ORDER BY 1, 2")]

    def streams(self, park: str, gateway: str) -> list[Stream]:
        return [Stream(park, gateway, epoch) for (epoch,) in self._all(
            "SELECT epoch FROM cursors WHERE (park, gateway) = (%s, %s) ORDER BY 1",
            (park, gateway))]

    def cursor(self, stream: Stream) -> int:
        row = self._all("SELECT seq FROM cursors" + _STREAM, stream)
        return row[0][0] if row else 0

    def after(self, stream: Stream, seq: int, most: int) -> list[Message]:
        return [Message(*row) for row in self._all(
            "SELECT seq, kind, received_utc, CASE WHEN kind = ANY(%s) THEN body ELSE '' END"
            " FROM messages" + _STREAM + " AND seq > %s ORDER BY seq LIMIT %s",
            ([*READ], *stream, seq, most))]

    def numbers(self, stream: Stream, first: int, last: int) -> list[int]:
        return [seq for (seq,) in self._all(
            "SELECT seq FROM messages" + _STREAM + " AND seq BETWEEN %s AND %s ORDER BY seq",
            (*stream, first, last))]

    def message(self, stream: Stream, seq: int) -> Message | None:
        return self._one(_ONE + " AND seq = %s", (*stream, seq))

    def some(self, stream: Stream, seqs: list[int]) -> list[Message]:
        return [Message(*row) for row in self._all(_ONE + " AND seq = ANY(%s)", (*stream, seqs))]

    def gaps(self, stream: Stream) -> list[Hole]:
        return [Hole(*row) for row in self._all(
            "SELECT first, last, reason FROM gaps" + _STREAM + " ORDER BY first, last", stream)]

    def newest(self, stream: Stream) -> Message | None:
        return self._one(_ONE + " ORDER BY seq DESC LIMIT 1", stream)

    def newest_batch(self, stream: Stream) -> Message | None:
        """Batches lie apart from what is kept for good, but for a few."""
        return self._one(_ONE + " AND kind = %s ORDER BY seq DESC LIMIT 1", (*stream, TELEMETRY))

    def newest_of(self, stream: Stream, kind: int) -> Message | None:
        return self._one(_ONE + " AND kind = %s ORDER BY seq DESC LIMIT 1", (*stream, kind))

    def birth_before(self, stream: Stream, seq: int) -> int:
        row = self._one(_ONE + " AND is_kept AND kind = %s AND seq < %s ORDER BY seq DESC LIMIT 1",
                        (*stream, BIRTH, seq))
        return row.seq if row else 0

    def _one(self, query: str, values: Sequence[object]) -> Message | None:
        row = self._all(query, values)
        return Message(*row[0]) if row else None

    def _all(self, query: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        try:
            return self._db.execute(query, values).fetchall()
        except psycopg.Error as error:
            raise _trouble(error) from None


def _trouble(error: psycopg.Error) -> TroubleError:
    """In one line, without the address, which may have a password."""
    return TroubleError(f"PostgreSQL: {' '.join(str(error).split()) or type(error).__name__}")
