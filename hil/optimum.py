"""What a battery could have saved with the load known ahead: the yardstick of every score.

Neither optimum needs a solver. With the load known, the lowest peak is a bisection over one number,
the target: "charge up to it, discharge above it" either lasts to the end or runs dry. With a tariff
as well, hold the target fixed and walk backward in time: the value of the energy in store is convex
and piecewise linear, and its slopes come from a finite set (each price seen through the losses of
one conversion, nothing, and never). So the whole state is one length of stored kWh a slope.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

NEVER = 1e5  # currency per kWh: what an infeasible kWh costs, far above any price
_GOLDEN = (5**0.5 - 1) / 2
_NEAR = 1e-7  # of the ceiling: how far the search goes on


class Battery(NamedTuple):
    """`power_kw` both ways, `store_kwh` between floor and ceiling, `way`: efficiency one way. It
    begins and ends full, but for what it is short of at the start, and may be at the end."""

    power_kw: float
    store_kwh: float
    way: float
    short_kwh: float = 0.0
    may_kwh: float = 0.0


class Tariff(NamedTuple):
    """Energy price a kWh imported for each of the load's slots; demand price a kW of the peak."""

    prices: Sequence[float]
    demand_price: float


def holds(load_kw: Sequence[float], target_kw: float, battery: Battery, hours: float = 0.25,
          store_kwh: float | None = None) -> bool:
    """Tell whether a battery that starts with `store_kwh`, or as it does, keeps every slot's import
    at or below the target."""
    store = battery.store_kwh - battery.short_kwh if store_kwh is None else store_kwh
    for load in load_kw:
        over = load - target_kw
        if over > 0:
            store -= over * hours / battery.way
            if over > battery.power_kw or store < 0:
                return False
        else:
            store += min(-over, battery.power_kw) * hours * battery.way
            store = min(store, battery.store_kwh)
    return True


def lowest_peak_kw(load_kw: Sequence[float], battery: Battery, hours: float = 0.25) -> float:
    """Return the lowest peak import (kW, >= 0) over these slots, by bisection to 1e-9 relative."""
    high = max(0.0, max(load_kw))
    low = max(0.0, high - battery.power_kw)
    for _ in range(30):
        middle = (low + high) / 2
        if holds(load_kw, middle, battery, hours):
            high = middle
        else:
            low = middle
    return high


class Worth:
    """Value of the stored energy, backward in time: `lengths[i]` kWh are worth `slopes[i]` each.

    `slopes` fall from NEVER to 0; the lengths add up to the store. `cost` is the least that the
    slots walked so far can cost when they begin with a full store.
    """

    def __init__(self, prices: Sequence[float], battery: Battery, hours: float = 0.25) -> None:
        way = battery.way
        ends = {p * way for p in prices} | {p / way for p in prices} | {0.0}
        self.slopes = [NEVER, *sorted(ends, reverse=True)]
        self.place = place = {slope: i for i, slope in enumerate(self.slopes)}
        self._ends = {p: (place[p / way], place[p * way]) for p in prices}  # buying, using
        self.lengths = [0.0] * len(self.slopes)
        # At the end a kWh that is missing costs NEVER, but for those that may be.
        self.lengths[0] = battery.store_kwh - battery.may_kwh
        self.lengths[-1] = battery.may_kwh
        self.battery, self.hours, self.cost = battery, hours, 0.0

    def back(self, load: float, price: float, ceiling: float) -> None:
        """Walk one slot back in time, its import held at or below `ceiling` (kW)."""
        power, way, hours = self.battery.power_kw, self.battery.way, self.hours
        lengths = self.lengths
        into, out = hours * way, hours / way
        buy, use = self._ends[price]
        charge = ceiling - load
        if charge < 0:  # some of the power must be used, and the rest may be
            must = -charge if -charge < power else power
            useful = ceiling if ceiling < power - must else power - must
            charge = 0.0
            lengths[0] += must * out
        else:
            must = 0.0
            if charge > power:
                charge = power
            useful = load if load < power else power
        if load < 0:  # a surplus charges for nothing
            surplus = -load if -load < power else power
            if charge < surplus:
                charge = surplus
            useful = 0.0
            lengths[buy] += (charge - surplus) * into
            lengths[-1] += surplus * into
        else:
            lengths[buy] += charge * into
            lengths[use] += useful * out
        lengths[-1] += (power - must - useful) * out
        if load > power:
            self.cost += (load - power) * hours * price
            if load - power > ceiling:
                self.cost += (load - power - ceiling) * hours * NEVER
        # Back to the store: what charging added goes from the dear end, the rest from the other.
        excess, i, last = charge * into, 0, len(lengths) - 1
        while i < last and excess > lengths[i]:
            excess -= lengths[i]
            lengths[i] = 0.0
            i += 1
        lengths[i] -= excess
        excess, i, slopes = power * out, last, self.slopes
        while i > 0 and excess > lengths[i]:
            excess -= lengths[i]
            self.cost += lengths[i] * slopes[i]
            lengths[i] = 0.0
            i -= 1
        lengths[i] -= excess
        self.cost += excess * slopes[i]

    def begun(self, short_kwh: float) -> float:
        """The least cost when the slots begin so much short of full: of its cheapest kWh."""
        cost = self.cost
        for length, slope in zip(reversed(self.lengths), reversed(self.slopes), strict=True):
            kwh = min(length, short_kwh)
            cost += kwh * slope
            short_kwh -= kwh
        return cost

    def above(self, slope: float) -> float:
        """How much of a store, kWh from empty on, is worth more than this a kWh."""
        return sum(length for length, worth in zip(self.lengths, self.slopes, strict=True)
                   if worth > slope)


def bill_at(load_kw: Sequence[float], ceiling: float, battery: Battery, tariff: Tariff) -> float:
    """Return the least bill with the import held at or below `ceiling` kW."""
    worth = Worth(sorted(set(tariff.prices)), battery)
    for load, price in zip(reversed(load_kw), reversed(tariff.prices), strict=True):
        worth.back(load, price, ceiling)
    return worth.begun(battery.short_kwh) + tariff.demand_price * ceiling


def lowest_bill(load_kw: Sequence[float], battery: Battery, tariff: Tariff,
                paid_kw: float = 0.0) -> float:
    """Return the least bill of these 15-min slots: convex in the ceiling, so golden section. Below
    `paid_kw` demand is paid for anyway: there is no lower ceiling to look for, nor in the bill."""
    low = max(paid_kw, lowest_peak_kw(load_kw, battery))
    top = max(low, *load_kw)
    high = top + battery.power_kw  # trade may be worth more than a higher peak
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_left = bill_at(load_kw, left, battery, tariff)
    at_right = bill_at(load_kw, right, battery, tariff)
    known = [bill_at(load_kw, ceiling, battery, tariff) for ceiling in (low, top, high)]
    best = min(at_left, at_right, *known)  # the search only comes near these three
    while high - low > _NEAR * max(1.0, high):
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - _GOLDEN * (high - low)
            at_left = bill_at(load_kw, left, battery, tariff)
        else:
            low, left, at_left = left, right, at_right
            right = low + _GOLDEN * (high - low)
            at_right = bill_at(load_kw, right, battery, tariff)
        best = min(best, at_left, at_right)
    return best - tariff.demand_price * paid_kw


def bill(import_kw: Sequence[float], tariff: Tariff, hours: float = 0.25) -> float:
    """Return the bill of a month of imports (kW a slot; export, below 0, earns nothing)."""
    energy = sum(max(0.0, kw) * price for kw, price in zip(import_kw, tariff.prices, strict=True))
    return energy * hours + tariff.demand_price * max(0.0, max(import_kw))
