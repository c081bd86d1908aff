"""What is in the battery, and where it came from, in Wh.

`origin` counts the energy in store by where it came from, in the order of edge/ledger/matrix.py:
what the sun charged comes out as the sun's, and what nobody can explain as unknown. All of it is
one well-mixed pool: what leaves takes of each origin in proportion.
"""

from edge.ledger.apportion import apportion, trace
from edge.ledger.matrix import STORE

_OTHERS = (0, 1, 3, 4)  # sources that are not the store


class Pool:
    """`wh` in store = the sum of `origin`. For the factor views, of the last step or settling:
    `full_wh` from which `drawn_wh` was drawn or `loss_wh` lost, and `gain_wh` that came unexplained
    before that. Since `clear`: `traced[3 * origin + sink]` discharged, `lost`, `gained`, Wh."""

    def __init__(self):
        self.wh = 0
        self.origin = [0] * 5
        self.full_wh = self.drawn_wh = self.gain_wh = self.loss_wh = 0
        self._drawn = [0] * 5
        self._rows = [0] * 15
        self.clear()

    def clear(self):
        """Begin new sums."""
        self.lost = self.gained = 0
        self.traced = [0] * 15

    def step(self, flows):
        """Charge, then discharge what `flows` (edge/ledger/matrix.py) say. What is discharged
        beyond the content was gained before. If anything is, `trace` must follow."""
        origin = self.origin
        full = self.wh
        for i in _OTHERS:
            charged = flows[3 * i + 1]
            origin[i] += charged
            full += charged
        wh = flows[6] + flows[7] + flows[8]
        gain = wh - full if wh > full else 0
        if gain:
            origin[STORE] += gain
            full += gain
            self.gained += gain
        self.full_wh, self.drawn_wh, self.gain_wh = full, wh, gain
        self.wh = full - wh + flows[7]
        if wh:
            apportion(wh, origin, self._drawn)

    def trace(self, flows):
        """Trace what was drawn of each origin to where it went."""
        origin, drawn, rows = self.origin, self._drawn, self._rows
        trace(drawn, flows[6:9], rows, self.traced)
        at = 1
        for i in range(5):
            origin[i] += rows[at] - drawn[i]
            at += 3

    def drift(self, measured_wh: int, slack_wh: int) -> tuple:
        """What was lost and what was gained, Wh, to come within slack_wh of what the battery says
        it holds (below 0: it does not say). The slack keeps the steps of a coarse state of charge
        from being booked as a loss and a gain, over and over."""
        over, under = self.wh - measured_wh - slack_wh, measured_wh - slack_wh - self.wh
        if measured_wh < 0:
            return 0, 0
        return over if over > 0 else 0, under if under > 0 else 0

    def settle(self, lost_wh: int, gained_wh: int):
        """Take off what was lost (at most `wh`), of every origin in proportion, and add what was
        gained."""
        origin, drawn = self.origin, self._drawn
        self.full_wh, self.drawn_wh = self.wh, 0
        self.loss_wh, self.gain_wh = lost_wh, gained_wh
        if lost_wh:
            apportion(lost_wh, origin, drawn)
            for i in range(5):
                origin[i] -= drawn[i]
        origin[STORE] += gained_wh
        self.wh += gained_wh - lost_wh
        self.lost += lost_wh
        self.gained += gained_wh
