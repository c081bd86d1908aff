"""Which rows go to the cloud, and where they wait for the uplink to code them."""

from array import array

from edge.compat import const

_WAITING = const(4)  # rows that a busy uplink may leave waiting; a power of two
_LAST = const(3)


class _Slices:
    """Makes a slice to be kept: written in place, each would take heap."""

    def __getitem__(self, key):
        return key


class Telemetry:
    """Offers every `period_s` a row, and every row in which a bound, the verdict or a flag
    changed. The beat only copies it; the uplink codes and stores it (edge/batching.py), within a
    tenth of a second if it can. Rows that come while it cannot are counted in `lost`: one buffer
    is dear enough.
    """

    def __init__(self, n_fields: int, period_s: int):
        # Each row that waits, and behind it how many seconds after the one before it came.
        self._rows = [array("i", [0] * (n_fields + 1)) for _ in range(_WAITING)]
        self.n_fields = n_fields
        self._fields = _Slices()[0:n_fields]
        self._first = self._waiting = 0
        self.lost = 0
        self.offer = _offer(self, period_s)

    def keep(self, row, waited_s: int):
        """Let the row wait, waited_s after the one before."""
        if self._waiting == _WAITING:
            self.lost += 1
            return
        copy = self._rows[self._first + self._waiting & _LAST]
        copy[self._fields] = row
        copy[self.n_fields] = waited_s
        self._waiting += 1

    def oldest(self):
        """The row that has waited longest, its wait in s behind its fields; None: no row waits."""
        return self._rows[self._first] if self._waiting else None

    def taken(self):
        """The oldest row needs to wait no more."""
        self._first = self._first + 1 & _LAST
        self._waiting -= 1


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
