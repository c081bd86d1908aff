"""Who should lend whom how much of a shared limit: the same integers in, the same answer out.

Nobody's safety hangs on it (see edge/share.py): gateways that know different things merely share
less well. Loads come first, then charging: what a gateway's own load does not need goes to loads
that lack it, and what is left, less the owner's own wish to charge, to others who wish to.
"""

from array import array

from edge.compat import const

_UNITS = const(8192)  # the limit in units, so that a product of two fits 31 bits


class Law:
    """`size` gateways, of which this is number `at`; `divide` fills `loans_w`, to each of them."""

    def __init__(self, size: int, at: int, limit_w: int):
        self.loans_w = array("i", [0] * size)
        self._at = at
        self._unit_w = limit_w // _UNITS + 1
        self._over = array("i", [0] * size)  # what each could lend, units
        self._lack = array("i", [0] * size)
        self._give = array("i", [0] * size)
        self._take = array("i", [0] * size)
        self._nets = array("i", [0] * size)  # what each takes, less what it gives

    def divide(self, spares_w, wants_w):
        """`spares_w`: what each gateway's safe share has left over its load, below 0 what it
        lacks; `wants_w`: what it wishes to charge with beyond its load."""
        size, unit_w, nets = len(self._nets), self._unit_w, self._nets
        over, lack = self._over, self._lack
        for k in range(size):
            spare = spares_w[k] // unit_w  # rounded down: lend less, lack more
            if spare > _UNITS:
                spare = _UNITS
            over[k] = spare if spare > 0 else 0
            lack[k] = (-spare if spare > -_UNITS else _UNITS) if spare < 0 else 0
            nets[k] = 0
        self._share()
        for k in range(size):
            left = over[k] - self._give[k]
            want = wants_w[k] // unit_w
            if want > _UNITS:
                want = _UNITS
            over[k] = left - want if left > want else 0
            lack[k] = want - left if want > left else 0
        self._share()
        total = 0
        for k in range(size):
            if nets[k] > 0:
                total += nets[k]
        mine = -nets[self._at]
        for k in range(size):
            loan = mine * nets[k] // total if mine > 0 and nets[k] > 0 else 0
            self.loans_w[k] = loan * unit_w

    def _share(self):
        """Move as much as there is, and is lacked, from `over` to `lack`."""
        over, lack, nets = self._over, self._lack, self._nets
        can = asked = 0
        for k in range(len(nets)):
            can += over[k]
            asked += lack[k]
        moved = can if can < asked else asked
        fill(moved, over, self._give)
        fill(moved, lack, self._take)
        for k in range(len(nets)):
            nets[k] += self._take[k] - self._give[k]


def fill(total: int, wants, parts):
    """Divide `total` as water fills vessels of the sizes `wants`: nobody gets more than it wants,
    and whoever gets less than that gets as much as anybody, to a unit. The parts add up exactly,
    where there is room for it."""
    size = len(wants)
    for k in range(size):
        parts[k] = 0
    while total > 0:
        open_ = 0
        for k in range(size):
            if parts[k] < wants[k]:
                open_ += 1
        if open_ == 0:
            return
        each = total // open_
        if each == 0:
            each = 1
        for k in range(size):
            room = wants[k] - parts[k]
            if room > each:
                room = each
            if room > total:
                room = total
            if room > 0:
                parts[k] += room
                total -= room
