"""Which rows go to the cloud, and the batch they wait in."""

from edge.compat import const
from edge.wire.batch import BatchEncoder

BATCH_BYTES = const(2020)  # two frames to a sector of the outbox


class Telemetry:
    """Offers every `period_s` a row, and every row in which a bound, the verdict or a flag
    changed, to the open batch. The beat only fills; the sync task takes what is full or old.

    While the sync task has not taken the full batch, rows go to the other one; when both are
    full they are counted in `lost` (the sync task visits every few milliseconds).
    """

    def __init__(self, n_fields: int, keys: dict):
        self._open = BatchEncoder(n_fields, BATCH_BYTES)
        self._full = BatchEncoder(n_fields, BATCH_BYTES)
        self._full_waits = False
        self._rows_max = keys["batch_rows"]
        self._linger_s = keys["linger_s"]
        self._age_s = 0
        self.rows = 0
        self.lost = 0
        self.offer = _offer(self, keys["period_s"])

    def keep(self, row, waited_s: int):
        """Put the row into the open batch, waited_s after the one before."""
        if self.rows:
            self._age_s += waited_s
        if not self._open.add(row) and not (self._swap() and self._open.add(row)):
            self.lost += 1
            return
        self.rows += 1
        if self.rows >= self._rows_max or self._age_s >= self._linger_s:
            self._swap()

    def _swap(self) -> bool:
        if self._full_waits:
            return False
        self._open, self._full = self._full, self._open
        self._full_waits = True
        self.rows = 0
        self._age_s = 0
        return True

    def flush(self):
        """Close the open batch now (on a graceful stop)."""
        if self.rows:
            self._swap()

    def take(self):
        """The full batch, or None; call `done` when its bytes are safe."""
        return self._full if self._full_waits else None

    def done(self):
        """The batch that `take` gave is stored; its buffer may be used again."""
        self._full.reset()
        self._full_waits = False


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
