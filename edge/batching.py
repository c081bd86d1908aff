"""Rows that wait become a batch: the uplink's part of telemetry, never the beat's.

What is final of an open batch is made durable every `flush_s`, so a power cut costs the rows of
that time at most and a batch may be as long as it likes. The uplink shares the beat's thread, and a
whole row takes as long as five beats: so each of its steps codes a few fields.
"""

from edge.compat import TYPE_CHECKING, const
from edge.wire.batch import BatchEncoder
from edge.wire.schema_journal import SCHEMA

if TYPE_CHECKING:
    from typing import Any

BATCH_BYTES = const(2020)  # two frames to a sector of the outbox


class Batching:
    """The one open batch of a gateway; `keys` are those of the table [telemetry]."""

    def __init__(self, telemetry, keys: dict):
        self._telemetry = telemetry
        known = len(SCHEMA) == 1 + 9 * telemetry.n_fields
        encoder: Any = BatchEncoder
        if "step" in keys:
            encoder = __import__("edge.wire.quanta", None, None, ("part",)).part(keys)
        self.batch: BatchEncoder = encoder(SCHEMA if known else telemetry.n_fields, BATCH_BYTES)
        self._rows_max = keys["batch_rows"]
        self._linger_s = keys["linger_s"]
        self._flush_s = keys["flush_s"]
        self.period_s = keys["period_s"]
        self._age_s = 0
        self._unsafe_s = 0  # age of what is in memory only
        self._coding = False  # within the coder

    def take(self):
        """Code a little of what waits. The batch if it is full or old, or None; call `done` when
        its bytes are safe."""
        batch, telemetry = self.batch, self._telemetry
        if not batch.closed:
            row = telemetry.oldest()
            if row is None:
                return None
            self._coding = True
            is_whole = batch.code(row)
            self._coding = False
            if not is_whole:
                return None
            if batch.rows > 1:
                self._age_s += row[telemetry.n_fields]
                self._unsafe_s += row[telemetry.n_fields]
            telemetry.taken()
            if batch.rows >= self._rows_max or self._age_s >= self._linger_s:
                batch.closed = True
        return batch if batch.closed else None

    def busy(self) -> bool:
        """Whether there is more to code now."""
        return self._telemetry.oldest() is not None and not self.batch.closed

    def due(self) -> bool:
        """Whether what is final of the open batch must be made durable, and no row is half coded;
        call `safe` when it is."""
        return self._unsafe_s >= self._flush_s and self._telemetry.oldest() is None

    def safe(self):
        """What was final is durable."""
        self._unsafe_s = 0

    def flush(self):
        """Close the batch now, with what waits (on a graceful stop)."""
        while self.busy():
            self.take()
        self.batch.closed = self.batch.rows > 0

    def done(self):
        """The batch that `take` gave is stored; its buffer may be used again."""
        self.batch.reset()
        self._age_s = self._unsafe_s = 0

    def drop(self, rows: int):
        """After an internal fault that has cost so many rows of the batch, which begins anew. A row
        that the coder has failed at goes too, lest it be the next fault as well."""
        if self._coding:
            self._coding = False
            self._telemetry.taken()
            rows += 1
        self._telemetry.lost += rows
        self._age_s = self._unsafe_s = 0
