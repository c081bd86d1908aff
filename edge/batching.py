"""Rows that wait become a batch: the uplink's part of telemetry, never the beat's.

What is final of an open batch is made durable every `flush_s`, so a power cut costs the rows of
that time at most and a batch may be as long as it likes.
"""

from edge.compat import const
from edge.wire.batch import BatchEncoder

BATCH_BYTES = const(2020)  # two frames to a sector of the outbox


class Batching:
    """The one open batch of a gateway; `keys` are those of the table [telemetry]."""

    def __init__(self, telemetry, keys: dict):
        self._telemetry = telemetry
        self.batch = BatchEncoder(telemetry.n_fields, BATCH_BYTES)
        self._rows_max = keys["batch_rows"]
        self._linger_s = keys["linger_s"]
        self._flush_s = keys["flush_s"]
        self._age_s = 0
        self._unsafe_s = 0  # age of what is in memory only

    def take(self):
        """The batch if it is full or old, or None; call `done` when its bytes are safe."""
        batch, telemetry = self.batch, self._telemetry
        while not batch.closed:
            row = telemetry.oldest()
            if row is None:
                return None
            if batch.rows:
                self._age_s += row[telemetry.n_fields]
                self._unsafe_s += row[telemetry.n_fields]
            batch.add(row)
            telemetry.taken()
            if batch.rows >= self._rows_max or self._age_s >= self._linger_s:
                batch.closed = True
        return batch

    def due(self) -> bool:
        """Whether what is final of the open batch must be made durable, and no row is half coded;
        call `safe` when it is."""
        return self._unsafe_s >= self._flush_s and self._telemetry.oldest() is None

    def safe(self):
        """What was final is durable."""
        self._unsafe_s = 0

    def flush(self):
        """Close the batch now, with what waits (on a graceful stop)."""
        if self.take() is None:
            self.batch.closed = self.batch.rows > 0

    def done(self):
        """The batch that `take` gave is stored; its buffer may be used again."""
        self.batch.reset()
        self._age_s = self._unsafe_s = 0
