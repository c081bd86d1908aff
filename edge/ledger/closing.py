"""Off the beat: a site's book, closed with what the beat has gathered (edge/ledger/gather.py)."""

from binascii import unhexlify

from edge.compat import const
from edge.ledger.book import Book
from edge.ledger.registers import MeterRegister

_MINUTES = const(15)
_METERS = ((5, 0), (2, 1))  # charge and discharge: their meter, and where they stand in `counted`


class Closing:
    """The `book` of an image's ledger `keys`, over the minutes of `gathered`."""

    def __init__(self, gathered, keys: dict):
        self._gathered = gathered
        self.book = Book([_register(limits) if limits else None for limits in keys["meters"]],
                         [_register(limits) for _, limits in keys["tenants"]],
                         keys["factors"], keys["slack_wh"], gathered.minutes)
        self.book.factor_id = unhexlify(keys["terms_id"])

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
        quarters = (gathered.passed + _MINUTES - 1) // _MINUTES
        if book.quarter < 0:
            book.open(quarter, readings)
            gathered.passed = 0
        elif book.close(quarter, readings, gathered.store_wh, gathered.time, quarters):
            gathered.passed = 0
        # else the clock was put back: what flows goes with the next newer one
        gathered.held = book.busy
        return book.busy


def _register(limits) -> MeterRegister:
    """What it counts to, and the most of a quarter-hour, Wh; the driver has made Wh of counts."""
    return MeterRegister(1, limits[0], limits[1])
