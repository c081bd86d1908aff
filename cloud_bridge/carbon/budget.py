"""Whether a year's limit can still be kept, while there is time to act.

The rest of the year is taken to go on as the last `RECENT` quarter-hours went, and what statements
and meters of fuel and heat add as it went so far. Exact, but a projection: completeness stands
beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from cloud_bridge import fields
from cloud_bridge.carbon.factors import FactorSet
from cloud_bridge.carbon.indicators import COLUMNS, NOT_APPLICABLE, NOT_ENOUGH, totals
from cloud_bridge.carbon.measure import Measured, measure
from cloud_bridge.carbon.metered import Metered
from cloud_bridge.carbon.quarters import Quarter
from cloud_bridge.carbon.standard import Standard
from cloud_bridge.carbon.stated import Stated

ON_PATH, DEVIATES, OUT_OF_REACH = "on the path", "deviates", "out of reach"
RECENT = 28 * 96
_UG_PER_T = 10**12
_NOTHING = Metered()


@dataclass(frozen=True)
class Outlook:
    """`so_far`, `projected`: t/tce; of certificates, those stated so far. `over_t`: t CO2 above the
    path to date, below 0 when under it. `grid_left_kwh`: what may still be imported this year,
    rounded down; `grid_expected_kwh`: what will be at the present rate. `days_left`: until the
    first is used up at that rate, None when nothing is imported."""

    state: str
    limit: Fraction | None
    park_tce: Fraction
    so_far: Fraction | None = None
    projected: Fraction | None = None
    over_t: Fraction = Fraction(0)
    grid_left_kwh: int = 0
    grid_expected_kwh: Fraction = Fraction(0)
    days_left: int | None = None
    complete: Fraction = Fraction(0)


def outlook(quarters: Sequence[Quarter], factors: FactorSet, standard: Standard, stated: Stated,
            year: tuple[int, int], column: str = "contractual",
            park_tce: Fraction | None = None, metered: Metered = _NOTHING) -> Outlook | None:
    """Look ahead from the last quarter-hour of those in `year` (first, end) to its end, in one of
    the indicators' columns. None when there are none, or no load."""
    first, end = year
    inside = [one for one in quarters if first <= one.index < end]
    if not inside:
        return None
    now = inside[-1].index + 1
    deduct = standard.method.deduct_export
    so_far = measure(inside, factors, first, now, deduct)
    recent = measure(inside, factors, max(first, now - RECENT), now, deduct)
    if not recent.load_wh:
        return None
    rest = Fraction(end - now, recent.quarters)
    other = Fraction(end - first, now - first)
    till_now = totals(so_far, stated, standard, metered)[COLUMNS.index(column)]
    load_rest_tce = recent.load_wh * rest * standard.kgce_per_kwh / 10**6
    is_stated = column != COLUMNS[0]
    own = metered.counted if is_stated else metered.seen
    added_tce = own.tce + stated.added_tce * is_stated
    added_t = own.co2_t + stated.added_t * is_stated
    year_tce = till_now.tce + load_rest_tce + added_tce * (other - 1)
    emitted_rest_t = recent.emitted_ug * rest / _UG_PER_T + added_t * (other - 1)
    park_tce = year_tce if park_tce is None else park_tce
    limit = standard.limit(park_tce)
    if limit is None:
        return Outlook(NOT_APPLICABLE, None, park_tce, complete=so_far.complete)
    if so_far.complete < standard.method.least_complete:
        return Outlook(NOT_ENOUGH, limit, park_tce, complete=so_far.complete)
    grid_rest_t = recent.grid_ug * rest / _UG_PER_T
    room_t = limit * year_tce - till_now.co2_t - (emitted_rest_t - grid_rest_t)
    left_kwh = max(0, int(room_t * 10**9 / _rate(recent, factors, now)))
    expected_kwh = recent.import_wh * rest / 1000
    projected = (till_now.co2_t + emitted_rest_t) / year_tce
    state = ON_PATH if projected <= limit else DEVIATES if room_t > 0 else OUT_OF_REACH
    a_day = Fraction(recent.import_wh * 96, recent.quarters * 1000)
    return Outlook(state, limit, park_tce, till_now.co2_t / till_now.tce, projected,
                   till_now.co2_t - limit * till_now.tce, left_kwh, expected_kwh,
                   int(left_kwh / a_day) if a_day else None, so_far.complete)


def _rate(recent: Measured, factors: FactorSet, now: int) -> Fraction:
    """mg CO2 per kWh of the grid: the recent mean, or the factor in force when nothing came."""
    rate = Fraction(recent.grid_ug, recent.import_wh) if recent.import_wh \
        else Fraction(factors.mg_per_kwh("grid", now - 1))
    if not rate:
        raise fields.mistake(f"factor set {factors.name}: grid", 0, "a factor above 0")
    return rate
