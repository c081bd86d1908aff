"""What the meters say of a period under one factor set: exact sums, nothing stated by anybody."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from cloud_bridge import fields
from cloud_bridge.carbon.factors import FactorSet
from cloud_bridge.carbon.quarters import (
    EXPORT,
    GRID,
    LOAD,
    MINUTES,
    ORIGINS,
    SOURCES,
    UNKNOWN,
    Quarter,
)
from cloud_bridge.fields import DocumentError


@dataclass(frozen=True)
class Measured:
    """Quarter-hours `first` .. `end` - 1. `emitted_ug`: of all that came in, µg CO2, and what of it
    is `grid_ug`. `import_days_wh`: by local day. `load_hours_wh`, `green_hours_wh`: by local hour;
    a gap is an hour of its own, below 0. `sets`: ids of the sets that the records name."""

    first: int
    end: int
    quarters: int
    minutes: int
    load_wh: int
    green_wh: int
    import_wh: int
    emitted_ug: int
    grid_ug: int
    import_days_wh: Counter[int]
    load_hours_wh: Counter[int]
    green_hours_wh: Counter[int]
    sets: frozenset[str]

    @property
    def complete(self) -> Fraction:
        """Minutes measured of those there were."""
        return Fraction(self.minutes, MINUTES * (self.end - self.first))


def measure(quarters: Iterable[Quarter], factors: FactorSet, first: int, end: int,
            deduct_export: bool = False) -> Measured:
    """Sum up the quarter-hours of first <= index < end; others are passed over. DocumentError when
    they do not rise, or the set has no factor for one."""
    if end <= first:
        raise fields.mistake("period", f"{first} .. {end}", "an end after its start")
    sums: Counter[str] = Counter()
    days, loads, greens = Counter[int](), Counter[int](), Counter[int]()
    sets: set[str] = set()
    last = -1
    for one in quarters:
        if one.index - one.span < last:
            raise fields.mistake("quarter: index", one.index, f"{last + one.span} or more")
        last = one.index
        if not first <= one.index < end:
            continue
        local_min = MINUTES * one.index + factors.utc_offset_min
        load, green = one.given(LOAD), one.green_wh()
        grid_ug = one.taken(GRID) * factors.mg_per_kwh("grid", one.index)
        span = min(one.span, one.index + 1 - first)  # a gap may begin before
        hour = local_min // 60 if one.span == 1 else -one.index  # no certificate is of a gap's hour
        sums.update(quarters=span, minutes=min(one.minutes, MINUTES * span), load=load,
                    green=green, grid_wh=one.taken(GRID), grid_ug=grid_ug,
                    emitted=emitted_ug(one, factors, deduct_export))
        days[local_min // 1440] += one.taken(GRID)
        loads[hour] += load
        greens[hour] += green
        if one.factor_set:
            sets.add(one.factor_set)
    return Measured(first, end, sums["quarters"], sums["minutes"], sums["load"], sums["green"],
                    sums["grid_wh"], sums["emitted"], sums["grid_ug"], days, loads, greens,
                    frozenset(sets))


def emitted_ug(quarter: Quarter, factors: FactorSet, deduct_export: bool = False) -> int:
    """µg CO2 of all that came in, whether it was used, lost, stored or exported; what the battery
    gave without anybody knowing from where counts as residual. Wh times mg/kWh is µg, exactly."""
    total = quarter.stored[UNKNOWN] * factors.mg_per_kwh("residual", quarter.index)
    for source, energy in enumerate(SOURCES[:4]):
        wh = quarter.taken(source) - (quarter.flows[source][EXPORT] if deduct_export else 0)
        total += wh * factors.mg_per_kwh(energy, quarter.index)
    return total


def load_ug(quarter: Quarter, factors: FactorSet) -> int:
    """µg CO2 in the load, without what was lost in the battery: the ledger's own figure where it
    keeps this view, else by the origin of what was stored. DocumentError when that cannot be told,
    because the factor was another when the battery was charged."""
    known = quarter.load_ug.get(factors.id.hex())
    if known is not None:
        return known
    total = 0
    for origin, energy in enumerate(ORIGINS):
        name = "residual" if origin == UNKNOWN else energy
        if quarter.stored[origin] and factors.hourly(name):
            raise DocumentError(f"quarter {quarter.index}: has stored energy of {energy}, and the "
                                f"factors of {factors.name} change by the hour; expected load_ug "
                                f"for {factors.id.hex()}")
        direct = 0 if origin == UNKNOWN else quarter.flows[origin][LOAD]
        total += (direct + quarter.stored[origin]) * factors.mg_per_kwh(name, quarter.index)
    return total
