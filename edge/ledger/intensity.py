"""What a kWh carries now: mg CO2 of load, export and battery in the first view, for whoever looks.

Load and export are the mix of the last whole minute: in one minute every sink has the same
(edge/ledger/apportion.py). What the battery gave counts as what is in it since the last
quarter-hour was booked, or, before anything is, as what nobody can explain. Figures are rounded up,
and None where nothing flowed or it was not measured. It is worked out when asked, off the beat.
"""

from edge.compat import const
from edge.ledger.matrix import STORE

_DAY_MINUTES = const(1440)
_QUARTER = const(15)
_CHARGE = const(5)  # among the meters
_EXPORT = const(6)
_LINES = ("generator", "direct")


class Intensity:
    """Of a `site` that has a ledger, whose `book` is kept; part of `site.live` (edge/now.py)."""

    def __init__(self, site, book):
        self._site = site
        self._book = book
        self._battery = None

    def tell(self, put):
        """Tell it by `put(name, value)`."""
        battery, w = self._in_store(), self._last_minute()
        mix = None
        if w and w[_CHARGE] + w[_EXPORT] <= sum(w[:5]):
            mix = self._mix(w, battery)
        put("load_mg_per_kwh", mix if w and sum(w[:5]) > w[_CHARGE] + w[_EXPORT] else None)
        put("export_mg_per_kwh", mix if w and w[_EXPORT] else None)
        put("battery_mg_per_kwh", battery)

    def _in_store(self):
        """mg per kWh of what is in the battery; while a quarter-hour is worked on, as before."""
        book = self._book
        if not book.busy:
            wh = book.pool.wh
            self._battery = -(-book.views[0].inventory // wh) if wh else None
        return self._battery

    def _last_minute(self):
        """The mean power at each meter in the minute that ended last, W; None: not measured, or a
        line was silent."""
        now, gathered = self._site.now, self._site.ledger
        for line in _LINES:
            if line in gathered.lines and not gathered.lines[line].heard:
                return None
        number = now.day * _DAY_MINUTES + now.second // 60 - 1
        return gathered.minutes.powers(number // _QUARTER, number % _QUARTER)

    def _mix(self, w, battery):
        factors, total, ug = self._book.views[0].factors, sum(w[:5]), 0
        for i in range(5):
            ug += w[i] * (battery if i == STORE and battery is not None else factors[i])
        return -(-ug // total) if total else None
