"""Off the beat: a site's book, closed with what the beat has gathered (edge/ledger/gather.py)."""

from binascii import unhexlify

from edge.compat import const
from edge.ledger.book import Book
from edge.ledger.leaf import TIME_SYNCED
from edge.ledger.registers import MeterRegister

_MINUTES = const(15)
_DAY = const(96)  # quarter-hours
_METERS = ((5, 0), (2, 1))  # charge and discharge: their meter, and where they stand in `counted`


class Closing:
    """The `book` of an image's ledger `keys`, over the minutes of `gathered`."""

    def __init__(self, gathered, keys: dict):
        self._gathered = gathered
        self.book = Book([_register(limits) if limits else None for limits in keys["meters"]],
                         [_register(limits) for _, limits in keys["tenants"]],
                         keys["factors"], keys["slack_wh"], gathered.minutes)
        self.book.factor_id = unhexlify(keys["terms_id"])
        self._begun = False  # a quarter-hour was booked in this life

    def close(self) -> bool:
        """Begin to book what waits; whether there was something."""
        gathered, book = self._gathered, self.book
        gathered.held = False
        if gathered.ended < 0:
            return False
        gathered.held = True  # before anything is taken: the beat may come in between
        readings, quarter = gathered.readings, gathered.ended
        gathered.ended = -1
        for meter, first in _METERS:
            counted = gathered.counted[first::2]
            readings[meter] = sum(counted) if min(counted) >= 0 else -1
        if self._believes(quarter):
            quarters = (gathered.passed + _MINUTES - 1) // _MINUTES
            if book.quarter < 0:
                book.open(quarter, readings)
                gathered.passed, self._begun = 0, True
            elif book.close(quarter, readings, gathered.store_wh, gathered.time, quarters):
                gathered.passed, self._begun = 0, True
            # else the clock was put back: what flows goes with the next newer one
        gathered.held = book.busy
        return book.busy

    def _believes(self, quarter: int) -> bool:
        """Whether that may be the time: the clock was set from outside, and has not leapt ahead
        by more than a day since the last quarter-hour was booked in this life, or has stood by it
        for a day. A leaf of the year 2050 could not be taken back, and nothing older would follow
        it; what flows meanwhile goes with the next quarter-hour that is believed."""
        gathered, before = self._gathered, self.book.quarter
        passed = gathered.passed // _MINUTES
        if gathered.time != TIME_SYNCED:
            return False
        return not self._begun or quarter - before - passed <= _DAY or passed >= _DAY


def _register(limits) -> MeterRegister:
    """What it counts to, and the most of a quarter-hour, Wh; the driver has made Wh of counts."""
    return MeterRegister(1, limits[0], limits[1])
