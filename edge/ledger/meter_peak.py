"""The month's peak as the utility's meter tells it: what it has in its register is what is billed.

A lying register is followed no higher than an eighth and a kilowatt above the highest mean that was
measured here this month. Where nothing was measured (before the start, with a silent meter) what it
says is all there is, and is believed up to what the connection carries.
"""

from array import array

from edge.compat import const

_MINUTES = const(15)
_MARGIN = const(8)
_MARGIN_W = const(1000)


class MeterPeak:
    """Raises the peak of `window` to what `meter` (edge/devices/billing_meter.py) shows."""

    def __init__(self, window, meter, most_w: int):
        self._window = window
        self._meter = meter
        self._most_w = most_w
        self._new_month = window.new_month
        self._billed = hasattr(window, "peaks_w")  # edge/billing.py
        self._means = array("i", [0] * _MINUTES)  # imports of the last minutes, W
        self._minute = 0
        self._known = 0  # how many there are
        self._seen_w = 0  # highest mean of fifteen that was measured this month
        self._blind = True  # there were minutes that were not measured
        self._maximum_w = self._maximum_at = -1  # of the meter, as it counted last
        self._old_at = -1  # when the highest demand of the months before was

    def mean_w(self, minutes: int) -> int:
        """The mean import of the last minutes, 0 .. 15 of them, as far as they are known."""
        n = minutes if 0 < minutes < self._known else self._known
        total = 0
        for back in range(n):
            total += self._means[self._minute - back]  # below 0 it counts from the end
        return total // n if n else 0

    def note(self, flows):
        """A minute is over whose energies are `flows`."""
        w = self._means[self._minute]
        self._minute = (self._minute + 1) % _MINUTES
        if flows.seconds:
            w = flows.import_ws // flows.seconds
        else:
            self._blind = True
        self._means[self._minute] = w
        if self._known < _MINUTES:
            self._known += 1
        else:
            w = self.mean_w(_MINUTES)
            if w > self._seen_w:
                self._seen_w = w

    def begin_month(self):
        """A billing month begins; what the meter showed so far is of the one before."""
        self._old_at = self._maximum_at
        self._seen_w = self.mean_w(_MINUTES)
        self._new_month()

    def tell(self):
        """Follow the meter's maximum: up as far as it can be, and anew when it began anew."""
        maximum_w, at = self._meter.maximum_w, self._meter.maximum_at
        if maximum_w < self._maximum_w and at > self._maximum_at > self._old_at:
            self.begin_month()
        self._maximum_w, self._maximum_at = maximum_w, at
        if at <= self._old_at:
            return  # nothing yet, or of a month that is over
        if self._blind:
            if maximum_w > self._most_w:
                return
            self._blind = False
            if maximum_w > self._seen_w:
                self._seen_w = maximum_w
        most_w = self._seen_w + self._seen_w // _MARGIN + _MARGIN_W
        self._raise(maximum_w if maximum_w < most_w else most_w)

    def _raise(self, w: int):
        window = self._window
        if not self._billed:
            if w > window.peak_w:
                window.peak_w = w
        elif w > window.peaks_w[0]:
            window.peaks_w[0] = w
            window.turn(window.charge)
