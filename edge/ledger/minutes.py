"""What each minute's powers came to, until the registers of the quarter-hour are read.

The beat writes here and takes no heap. Two quarter-hours have room: one fills while the ledger
works through the other.
"""

from array import array

from edge.compat import const

MINUTES = const(15)
_ROWS = const(30)


class Minutes:
    """The mean power of `meters` gross meters in each minute, W (0 .. 70 MW). Of the quarter-hour
    that is worked through, `energy` is what each meter counted in the minute of the last `spread`,
    Wh: its whole energy, apportioned by those powers."""

    def __init__(self, meters: int):
        self.meters = meters
        self.energy = [0] * meters
        self._w = array("i", [0] * (meters * _ROWS))
        self._quarter = array("i", [-1] * _ROWS)  # whose minute stands there
        self._at = 0
        self._total = [0] * meters  # Wh
        self._whole = array("i", [0] * meters)  # sum of the minutes' weights
        self._reached = array("i", [0] * meters)  # of that, by the minutes done
        self._given = [0] * meters  # of the energy, to the minutes done
        self._even = bytearray(meters)  # 1: no power was seen, every minute weighs the same

    def begin(self, quarter: int, minute: int):
        """`minute` (0 .. 14) of the quarter-hour was measured; `put` tells how much. A minute that
        is not begun counts as missing."""
        row = quarter % 2 * MINUTES + minute
        self._quarter[row] = quarter
        self._at = at = row * self.meters
        for i in range(at, at + self.meters):
            self._w[i] = 0

    def put(self, meter: int, w: int):
        """Of the minute begun last: the mean power at one meter, W."""
        self._w[self._at + meter] = w

    def has(self, quarter: int, minute: int) -> bool:
        """Whether this minute was measured."""
        return self._quarter[quarter % 2 * MINUTES + minute] == quarter

    def powers(self, quarter: int, minute: int):
        """The power at each meter in this minute, W; None when it was not measured."""
        at = (quarter % 2 * MINUTES + minute) * self.meters
        return self._w[at:at + self.meters] if self.has(quarter, minute) else None

    def count(self, quarter: int) -> int:
        """How many of its minutes were measured."""
        row, n = quarter % 2 * MINUTES, 0
        for i in range(row, row + MINUTES):
            if self._quarter[i] == quarter:
                n += 1
        return n

    def sum_w(self, quarter: int, meter: int) -> int:
        """The sum of a meter's powers over the minutes measured, W."""
        row = quarter % 2 * MINUTES
        meters, w, mine, total = self.meters, self._w, self._quarter, 0
        at = row * meters + meter
        for i in range(row, row + MINUTES):
            if mine[i] == quarter:
                total += w[at]
            at += meters
        return total

    def take(self, meter: int, wh: int, sum_w: int, steps: int):
        """The quarter-hour's energy of a meter is wh, the sum of its powers sum_w, and `steps`
        minutes were measured."""
        self.energy[meter] = self._total[meter] = wh
        self._whole[meter] = sum_w or steps
        self._even[meter] = sum_w == 0
        self._reached[meter] = self._given[meter] = 0

    def spread(self, quarter: int, minute: int, first: int, end: int):
        """Leave in `energy` what meters first .. end - 1 have of their energy in this minute; call
        it once for each minute measured, in order."""
        energy, total, given = self.energy, self._total, self._given
        whole, reached, even, w = self._whole, self._reached, self._even, self._w
        at = (quarter % 2 * MINUTES + minute) * self.meters
        for i in range(first, end):
            if total[i]:
                before = given[i]
                reached[i] = so_far = reached[i] + (1 if even[i] else w[at + i])
                given[i] = upto = total[i] * so_far // whole[i]
                energy[i] = upto - before
