"""The indicators of a zero-carbon park, exact, each in three columns that are never netted:

physical     what the meters say, those of fuel, heat and water too (cloud_bridge/carbon/metered.py)
declared     with fuel, heat and processes as stated where no meter tells
contractual  with certificates taken off, as the official method allows (at most the grid's energy)

Nothing is rounded before it is printed. Electricity counts in t of standard coal by the load: what
a battery loses is emitted, and not counted as use, which flatters least.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from cloud_bridge.carbon.measure import Measured
from cloud_bridge.carbon.metered import Metered, Sums
from cloud_bridge.carbon.quarters import EPOCH
from cloud_bridge.carbon.standard import Standard
from cloud_bridge.carbon.stated import SHARES, Stated

COLUMNS = ("physical", "declared", "contractual")
MET, MISSED, NOT_APPLICABLE, NOT_ENOUGH = "met", "missed", "not applicable", "not enough data"
_UG_PER_T = 10**12
_YEAR = 365 * 96  # quarter-hours
_NOTHING = Metered()


@dataclass(frozen=True)
class Indicator:
    """`values`: by column, None where there is none. `complete`: the part of the time that was
    measured, or told of. `limit`: at most for carbon_per_tce, at least for shares; None: nothing is
    asked. `why`: what an answer without a verdict lacks."""

    name: str
    unit: str
    values: tuple[Fraction | None, ...]
    complete: Fraction
    limit: Fraction | None
    answers: tuple[str, ...]
    why: str = ""

    @property
    def verdict(self) -> str:
        """The answer of the last column that there is: the one the official method looks at."""
        told = [answer for answer, value in zip(self.answers, self.values, strict=True)
                if value is not None]
        return told[-1] if told else self.answers[-1]


@dataclass(frozen=True)
class Totals:
    """Of one column: t CO2, t of standard coal, and what of these is clean."""

    co2_t: Fraction
    tce: Fraction
    clean_tce: Fraction


def totals(measured: Measured, stated: Stated, standard: Standard, metered: Metered = _NOTHING
           ) -> tuple[Totals, ...]:
    """Of each column. The physical one does not look at the statements."""
    tce_per_wh = standard.kgce_per_kwh / 10**6
    electric = Totals(Fraction(measured.emitted_ug, _UG_PER_T), measured.load_wh * tce_per_wh,
                      measured.green_wh * tce_per_wh)
    physical, counted = _plus(electric, metered.seen), _plus(electric, metered.counted)
    declared = Totals(counted.co2_t + stated.added_t, counted.tce + stated.added_tce,
                      counted.clean_tce + stated.clean_tce)
    covered_wh = min(stated.certified_wh, Fraction(measured.import_wh))
    covered_t = covered_wh * measured.grid_ug / measured.import_wh / _UG_PER_T \
        if measured.import_wh else Fraction(0)
    clean = min(measured.green_wh + covered_wh, Fraction(measured.load_wh)) * tce_per_wh
    return physical, declared, Totals(declared.co2_t - covered_t, declared.tce,
                                      clean + metered.counted.clean_tce + stated.clean_tce)


def _plus(electric: Totals, more: Sums) -> Totals:
    return Totals(electric.co2_t + more.co2_t, electric.tce + more.tce,
                  electric.clean_tce + more.clean_tce)


def indicators(measured: Measured, stated: Stated, standard: Standard,
               park_tce: Fraction | None = None, metered: Metered = _NOTHING) -> list[Indicator]:
    """All of them. `park_tce`: what the park uses in a year, where less than a year is looked at:
    the limit depends on it."""
    columns = totals(measured, stated, standard, metered)
    if park_tce is None and measured.end - measured.first >= _YEAR:
        park_tce = columns[1].tce
    least = standard.method.least_complete
    complete = min(measured.complete, metered.complete.get("energy", Fraction(1)))
    direct = _ratio(Fraction(measured.green_wh), Fraction(measured.load_wh))
    shares = [("direct", (direct, None, None), measured.complete),
              ("clean", tuple(_ratio(one.clean_tce, one.tce) for one in columns), complete)]
    shares += [_share(name, stated, metered) for name in SHARES]
    matched = (_matched(measured, {}), None, _matched(measured, stated.certified_hours_wh))
    return [_core(columns, standard, park_tce, complete),
            *(_judge(name + "_share", "1", values, known, standard.shares.get(name), least)
              for name, values, known in shares),
            _judge("hourly_matched_share", "1", matched, measured.complete, None, least)]


def bills(measured: Measured, stated: Stated) -> list[tuple[str, Fraction, int]]:
    """Each bill's account, the Wh billed, and the Wh measured on the same local days."""
    found = []
    for one in stated.bills:
        span = range((one.first - EPOCH.date()).days, (one.last - EPOCH.date()).days + 1)
        found.append((one.account, one.values["kwh"] * 1000,
                      sum(measured.import_days_wh[day] for day in span)))
    return found


def shown(value: Fraction, places: int, up: bool) -> str:
    """A decimal for people, rounded to where it flatters least: up for what must be low."""
    scaled = value * 10**places
    whole = -(-scaled.numerator // scaled.denominator) if up \
        else scaled.numerator // scaled.denominator
    sign, digits = "-" if whole < 0 else "", str(abs(whole)).rjust(places + 1, "0")
    return sign + (f"{digits[:-places]}.{digits[-places:]}" if places else digits)


def _matched(measured: Measured, certified: Mapping[int, Fraction]) -> Fraction | None:
    """Sum of min(load, carbon-free energy) of each hour over the load: nothing is carried over."""
    free = Fraction(0)
    for hour, load_wh in measured.load_hours_wh.items():
        green = measured.green_hours_wh[hour] + certified.get(hour, Fraction(0))
        free += min(Fraction(load_wh), green)
    return _ratio(free, Fraction(measured.load_wh))


def _share(name: str, stated: Stated, metered: Metered
           ) -> tuple[str, tuple[Fraction | None, ...], Fraction]:
    """A share that is measured, stated or both."""
    part, of, complete = stated.shares.get(name, (Fraction(0),) * 3)
    seen, counted = metered.seen, metered.counted
    values = (_ratio(seen.part[name], seen.whole[name]),
              _ratio(part + counted.part[name], of + counted.whole[name]), None)
    return name, values, metered.complete.get(name, complete)


def _core(columns: tuple[Totals, ...], standard: Standard,
          park_tce: Fraction | None, complete: Fraction) -> Indicator:
    name, unit = "carbon_per_tce", "t/tce"
    values = tuple(_ratio(one.co2_t, one.tce) for one in columns)
    if park_tce is None:
        return Indicator(name, unit, values, complete, None, (NOT_ENOUGH,) * 3,
                         "the limit depends on the energy of a year: look at a year, or give it")
    limit = standard.limit(park_tce)
    if limit is None:
        return Indicator(name, unit, values, complete, None, (NOT_APPLICABLE,) * 3,
                         f"{standard.name} has no limit for {int(park_tce)} tce a year")
    return _judge(name, unit, values, complete, limit, standard.method.least_complete)


def _judge(name: str, unit: str, values: tuple[Fraction | None, ...], complete: Fraction,
           limit: Fraction | None, least: Fraction) -> Indicator:
    if limit is None:
        return Indicator(name, unit, values, complete, None, ("",) * 3)
    if complete < least or all(value is None for value in values):
        why = f"expected {shown(least * 100, 0, True)} % of the time" if complete else \
            "nothing is told"
        return Indicator(name, unit, values, complete, limit, (NOT_ENOUGH,) * 3, why)
    at_most = unit == "t/tce"
    answers = tuple(NOT_ENOUGH if value is None else
                    MET if (value <= limit if at_most else value >= limit) else MISSED
                    for value in values)
    return Indicator(name, unit, values, complete, limit, answers)


def _ratio(part: Fraction, of: Fraction) -> Fraction | None:
    return part / of if of else None
