"""The index's table of quarter-hour energies (edge/energies.py), each a reading of the registers.

A life is told by what lies in front of a message: its last birth, and the last hole in the numbers,
in which another birth may be missing. So two readings of one life are of one run of the gateway.
"""

import sqlite3
from typing import Any, NamedTuple

import msgpack

from cloud_bridge.batches import listed
from cloud_bridge.queries.intervals import utcs_of

SCHEMA = """
CREATE TABLE energies(
    stream INTEGER, seq INTEGER, row INTEGER, gateway INTEGER, utc INTEGER, registers BLOB,
    PRIMARY KEY(stream, seq, row)) WITHOUT ROWID;
CREATE INDEX energies_by_time ON energies(gateway, utc, stream, seq, row)"""
_SELECT = """
SELECT utc, epoch, seq << 20 | row,
    coalesce((SELECT max(seq) FROM births b WHERE b.stream = e.stream AND b.seq < e.seq), 0),
    coalesce((SELECT max(first) FROM holes h WHERE h.stream = e.stream AND h.first < e.seq), 0),
    (SELECT p.seq << 20 | p.row FROM energies p WHERE p.stream = e.stream
        AND (p.seq, p.row) < (e.seq, e.row) ORDER BY p.seq DESC, p.row DESC LIMIT 1), registers
FROM energies e JOIN streams s ON s.id = e.stream WHERE e.gateway = ?"""


class Energy(NamedTuple):
    """What the registers stood at, at `utc`. `order` counts in its stream, `prior` is the one
    before it there."""

    utc: int
    epoch: int
    order: int
    birth_seq: int
    hole: int
    prior: int | None
    values: list[int]


class Energies:
    """Those of an index."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def add(self, gateway: int, stream: int, seq: int, rows: Any) -> None:
        """The rows of a message."""
        self._db.executemany(
            "INSERT INTO energies VALUES(?, ?, ?, ?, ?, ?)",
            [(stream, seq, at, gateway, int(utc), msgpack.packb(values))
             for at, (utc, values) in enumerate(zip(utcs_of(rows), listed(rows), strict=True))])

    def between(self, gateway: int, start_utc: int, end_utc: int) -> list[Energy]:
        """Those of start <= t < end, in order of time."""
        return self._some(" AND utc >= ? AND utc < ? ORDER BY utc, e.stream, seq, row",
                          (gateway, start_utc, end_utc))

    def before(self, gateway: int, utc: int) -> Energy | None:
        """The last one before that time."""
        found = self._some(" AND utc < ? ORDER BY utc DESC, e.stream DESC, seq DESC, row DESC"
                           " LIMIT 1", (gateway, utc))
        return found[0] if found else None

    def after(self, gateway: int, utc: int) -> Energy | None:
        """The first one from that time on."""
        found = self._some(" AND utc >= ? ORDER BY utc, e.stream, seq, row LIMIT 1",
                           (gateway, utc))
        return found[0] if found else None

    def _some(self, which: str, values: tuple[int, ...]) -> list[Energy]:
        return [Energy(utc, epoch, order, birth_seq, hole, prior, msgpack.unpackb(registers))
                for utc, epoch, order, birth_seq, hole, prior, registers
                in self._db.execute(_SELECT + which, values)]
