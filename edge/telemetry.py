"""Which rows go to the cloud, and the batch they wait in."""

from array import array

from edge.compat import const
from edge.wire.batch import BatchEncoder

BATCH_BYTES = const(2020)  # two frames to a sector of the outbox
_WAITING = const(4)  # rows that a busy uplink may leave waiting; a power of two
_LAST = const(3)


class _Slices:
    """Makes a slice to be kept: written in place, each would take heap."""

    def __getitem__(self, key):
        return key


class Telemetry:
    """Offers every `period_s` a row, and every row in which a bound, the verdict or a flag
    changed, to the batch. The beat only copies it; the uplink codes and stores it, within a tenth
    of a second if it can. Rows that come while it cannot are counted in `lost`: one buffer is dear
    enough.
    """

    def __init__(self, n_fields: int, keys: dict):
        self._batch = BatchEncoder(n_fields, BATCH_BYTES)
        # Each row that waits, and behind it how many seconds after the one before it came.
        self._rows = [array("i", [0] * (n_fields + 1)) for _ in range(_WAITING)]
        self._n_fields = n_fields
        self._fields = _Slices()[0:n_fields]
        self._first = self._waiting = 0
        self._rows_max = keys["batch_rows"]
        self._linger_s = keys["linger_s"]
        self._age_s = 0
        self.lost = 0
        self.offer = _offer(self, keys["period_s"])

    def keep(self, row, waited_s: int):
        """Let the row wait, waited_s after the one before."""
        if self._waiting == _WAITING:
            self.lost += 1
            return
        copy = self._rows[self._first + self._waiting & _LAST]
        copy[self._fields] = row
        copy[self._n_fields] = waited_s
        self._waiting += 1

    def take(self):
        """The batch if it is full or old, or None; call `done` when its bytes are safe."""
        batch = self._batch
        while self._waiting and not batch.closed:
            row = self._rows[self._first]
            if batch.rows:
                self._age_s += row[self._n_fields]
            batch.add(row)
            self._first = self._first + 1 & _LAST
            self._waiting -= 1
            if batch.rows >= self._rows_max or self._age_s >= self._linger_s:
                batch.closed = True
        return batch if batch.closed else None

    def flush(self):
        """Close the batch now, with what waits (on a graceful stop)."""
        if self.take() is None:
            self._batch.closed = self._batch.rows > 0

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
