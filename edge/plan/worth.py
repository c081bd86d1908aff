"""What the energy in store is worth, by walking a day of load and prices backward.

Hold the demand target fixed. Then the value of stored energy is convex and piecewise linear, and
its slopes can only be: a price seen through the loss of discharging (what a unit saves), a price
seen through the loss of charging (what a unit costs), nothing, and the price of missing the target.
So the value is known when it is known how much of the store is worth each slope: one length a
slope. A slot adds lengths for what it could buy and use, and the two ends are trimmed to the store.
"""

from array import array


class Worth:
    """`lengths[i]` units of energy are worth `slopes[i]` (money a unit, falling) each."""

    def __init__(self, scale, prices, missed: int):
        self.scale = scale
        self._charge, self._discharge = scale.charge, scale.discharge
        self._into_pm, self._out_pm = scale.into_pm, scale.out_pm
        slopes = [missed, 0]
        for price in prices:
            for slope in (self.use_value(price), self.buy_value(price)):
                if slope not in slopes:
                    slopes.append(slope)
        slopes.sort()
        slopes.reverse()
        self.slopes = array("i", slopes)
        self.lengths = array("i", slopes)
        self._last = len(slopes) - 1
        self.buy = array("b", [slopes.index(self.buy_value(price)) for price in prices])
        self.use = array("b", [slopes.index(self.use_value(price)) for price in prices])

    def use_value(self, price: int) -> int:
        """What a stored unit saves when it is used at this price."""
        return price * self.scale.into_pm // 1000

    def buy_value(self, price: int) -> int:
        """What a stored unit costs when it is bought at this price."""
        return price * self.scale.out_pm // 1000

    def begin(self, slot: int):
        """Start at the end of this slot, every unit worth what it costs in it."""
        lengths = self.lengths
        for i in range(len(lengths)):
            lengths[i] = 0
        lengths[self.buy[slot]] = self.scale.full

    def back(self, load: int, slot: int, target: int):
        """Walk back over the day's `slot` with this load, its import held at or below the target
        (>= 0)."""
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
            lengths[self.buy[slot]] += (charged - free) * into_pm
        if useful > 0:
            lengths[self.use[slot]] += useful * out_pm
        excess = used * out_pm - free * into_pm  # the cheapest units are not worth keeping,
        i = self._last
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
