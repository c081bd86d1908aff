"""The load shared among those who have a meter of their own, and its carbon with it.

A tenant gets the mix that the whole load has in that quarter-hour. What no sub-meter counts is the
common part, kept behind the last tenant. Sub-meters that count more than the load are cut in
proportion; the rest stays owed, to be booked as soon as the load has room.
"""

from edge.compat import const
from edge.ledger.apportion import serve

_CHUNK = const(8)  # tenants a slice


class Tenants:
    """Of `n` tenants and, behind them, the common part: `wh` and `ug` (one list a view) since
    `clear`; `owed` Wh (of tenants only)."""

    def __init__(self, n: int, n_views: int):
        self.n = n
        self.owed = [0] * n
        self.asked = [0] * n
        self._n_views = n_views
        self._given = [0] * n
        self._step = [0] * (n + 1)  # Wh
        self._next = 0  # tenant whose carbon comes next; before it:
        self._reached = self._shared = 0  # Wh and µg
        self.clear()

    def clear(self):
        """Begin new sums; what is owed stays."""
        self.wh = [0] * (self.n + 1)
        self.ug = [[0] * (self.n + 1) for _ in range(self._n_views)]

    def step(self, load_wh: int) -> bool:
        """Share a step's load among what is `asked`; True when there was enough of it."""
        step = self._step
        left = serve(load_wh, self.asked, self.owed, self._given)
        step[:self.n] = self._given
        step[self.n] = left if left > 0 else 0
        for i in range(self.n + 1):
            self.wh[i] += step[i]
        return left >= 0

    def carbon(self, view: int, ug: int) -> bool:
        """Share the carbon of all that load in one view, a few tenants at a call; True when done.
        The shares are those of `apportion`."""
        step, sums = self.wh, self.ug[view]
        whole = sum(step)
        at, reached, given = self._next, self._reached, self._shared
        end = at + _CHUNK if at + _CHUNK <= self.n else self.n + 1
        for i in range(at, end):
            if step[i]:
                reached += step[i]
                upto = ug * reached // whole
                sums[i] = upto - given
                given = upto
        self._next, self._reached, self._shared = end, reached, given
        if end <= self.n:
            return False
        self._next = self._reached = self._shared = 0
        return True
