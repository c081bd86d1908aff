"""Which rows go to the cloud, and the batch they wait in."""

from edge.compat import const
from edge.wire.batch import BatchEncoder

BATCH_BYTES = const(2020)  # two frames to a sector of the outbox


class Telemetry:
    """Offers every `period_s` a row, and every row in which a bound, the verdict or a flag
    changed, to the batch. The beat only fills; the uplink stores what is full or old, within a
    tenth of a second, and before the next beat. Rows that come while it cannot are counted in
    `lost`: one buffer is dear enough.
    """

    def __init__(self, n_fields: int, keys: dict):
        self._batch = BatchEncoder(n_fields, BATCH_BYTES)
        self._rows_max = keys["batch_rows"]
        self._linger_s = keys["linger_s"]
        self._age_s = 0
        self.lost = 0
        self.offer = _offer(self, keys["period_s"])

    def keep(self, row, waited_s: int):
        """Put the row into the batch, waited_s after the one before."""
        batch = self._batch
        if batch.rows:
            self._age_s += waited_s
        if not batch.add(row):
            self.lost += 1
        elif batch.rows >= self._rows_max or self._age_s >= self._linger_s:
            batch.closed = True

    def flush(self):
        """Close the batch now (on a graceful stop)."""
        self._batch.closed = self._batch.rows > 0

    def take(self):
        """The batch if it is closed, or None; call `done` when its bytes are safe."""
        return self._batch if self._batch.closed else None

    def done(self):
        """The batch that `take` gave is stored; its buffer may be used again."""
        self._batch.reset()
        self._age_s = 0


def _offer(telemetry, period_s: int):
    """Bind the beat's part of it, with its memory."""
    wait_s = 0
    last_state = -1

    def offer(row, state: int, span_s: int, keep=telemetry.keep, period_s=period_s):
        """Keep the row if it is due, or if `state` (what bound, flags) is news."""
        nonlocal wait_s, last_state
        wait_s -= span_s
        if wait_s > 0 and state == last_state:
            return
        keep(row, period_s - wait_s)
        last_state = state
        wait_s = period_s

    return offer
