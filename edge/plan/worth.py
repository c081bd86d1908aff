"""What the energy in store is worth, by walking a day of load and prices backward.

Hold the demand target fixed. Then the value of stored energy is convex and piecewise linear, and
its slopes can only be: a price seen through the loss of discharging (what a unit saves), a price
seen through the loss of charging (what a unit costs), nothing, and the price of missing the target.
So the value is known when it is known how much of the store is worth each slope: one length a
slope. A slot adds lengths for what it could buy and use, and the two ends are trimmed to the store.
"""

from array import array

from edge.compat import const

_NONE = const(-(1 << 29))  # below every price


class Worth:
    """`lengths[i]` units of energy are worth `slopes[i]` (money a unit, falling) each; `buy` and
    `use` tell which slope a price level has, of `count` levels."""

    def __init__(self, scale, count: int):
        self.scale = scale
        self._charge, self._discharge = scale.charge, scale.discharge
        self._into_pm, self._out_pm = scale.into_pm, scale.out_pm
        self.slopes = array("i", bytes(4 * (2 * count + 2)))
        self.lengths = array("i", self.slopes)
        self.wear = 0  # of a unit used, 1e-4 currency a kWh (edge/plan/wear.py)
        self.buy = bytearray(count)
        self.use = bytearray(count)

    def tell(self, levels, missed: int):
        """The prices (1e-4 currency a kWh, rising; below 0 counts as nothing), and what a unit
        missing at the target costs; the dearest price is the least of it."""
        slopes = self.slopes
        buy = use = len(levels) - 1
        dearest = 2 * levels[buy]
        slopes[0] = missed if missed > dearest else dearest
        for i in range(1, len(slopes) - 1):  # two falling rows become one
            used = _through(levels, use, self._into_pm, self.wear)
            bought = _through(levels, buy, self._out_pm, 0)
            if bought >= used:
                slopes[i] = bought if bought > 0 else 0
                self.buy[buy] = i
                buy -= 1
            else:
                slopes[i] = used if used > 0 else 0
                self.use[use] = i
                use -= 1

    def begin(self, level: int):
        """Start at the end of a slot, every unit worth what it costs in it."""
        lengths = self.lengths
        for i in range(len(lengths)):
            lengths[i] = 0
        lengths[self.buy[level]] = self.scale.full

    def back(self, load: int, level: int, target: int):
        """Walk back over a slot with this load, its import held at or below the target (>= 0)."""
        lengths, power = self.lengths, self._discharge
        into_pm, out_pm = self._into_pm, self._out_pm
        free = 0  # what the sun would charge for nothing
        charged = target - load
        if charged < 0:
            must = -charged if -charged < power else power
            lengths[0] += must * out_pm
            useful = target if target < power - must else power - must
            used = must + useful
            charged = 0
        else:
            if charged > self._charge:
                charged = self._charge
            if load < 0:
                free = -load if -load < charged else charged
                useful = 0
            else:
                useful = load if load < power else power
            used = useful
            lengths[self.buy[level]] += (charged - free) * into_pm
        if useful > 0:
            lengths[self.use[level]] += useful * out_pm
        excess = used * out_pm - free * into_pm  # the cheapest units are not worth keeping,
        i = len(lengths) - 1
        while excess > lengths[i]:
            excess -= lengths[i]
            lengths[i] = 0
            i -= 1
        lengths[i] -= excess
        excess = charged * into_pm  # and the dearest can still be bought in this slot
        i = 0
        while excess > lengths[i]:
            excess -= lengths[i]
            lengths[i] = 0
            i += 1
        lengths[i] -= excess

    def dearer(self, first: int, end: int) -> int:
        """How many units have one of the slopes `first` .. `end` - 1."""
        lengths, units = self.lengths, 0
        while first < end:
            units += lengths[first]
            first += 1
        return units


def _through(levels, level: int, pm: int, less: int) -> int:
    """A price, so much less, through a loss; in two parts, to stay inside 31 bits."""
    if level < 0:
        return _NONE
    price = levels[level] - less
    return price // 1000 * pm + price % 1000 * pm // 1000
