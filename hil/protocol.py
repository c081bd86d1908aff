"""How a controller is scored: what it saved of what was to be saved with all loads known ahead.

The first full month is a warm-up, up to twelve months after it are scored, and of these none with
more than 5 % of its quarter-hours filled or missing. A site's share is the sum of its months'
savings over the sum of the savings of the perfect-foresight optimum (hil/optimum.py).
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from datetime import datetime
from statistics import mean, stdev
from typing import NamedTuple

from hil.bill import Month, months
from hil.optimum import Battery, Tariff, bill, lowest_bill, lowest_peak_kw

_MONTHS = 12
_PARTS = 20  # at most one of so many parts of a month may be filled or missing
_SLOTS = 96


class Month3(NamedTuple):
    """One month without the battery, with it, and at best: peaks in kW, bills in currency."""

    month: str
    peaks: tuple[float, float, float]
    bills: tuple[float, float, float]


class Spread(NamedTuple):
    """A share, or a difference of shares, over the sites; `error` is the standard error of the
    mean."""

    mean: float
    error: float
    worst: float
    worst_site: str


def scored_months(times: Sequence[datetime], filled: Sequence[bool]) -> list[Month]:
    """The months that count, of quarter-hours with these local starts."""
    found = months(times)
    there = [False] * len(times)
    full = next((number for number, month in enumerate(found) if _sound(month, times, there)),
                None)
    if full is None:
        return []
    following = found[full + 1:full + 1 + _MONTHS]
    return [month for month in following if _sound(month, times, filled)]


def score_month(month: str, load_kw: Sequence[float], grid_kw: Sequence[float], battery: Battery,
                tariff: Tariff, best: tuple[float, float] | None = None) -> Month3:
    """Score one month of 15-minute means; export, below 0, earns nothing. `best` is the optimum's
    peak and bill where they are known."""
    peak, least = best or _best(load_kw, battery, tariff)
    peaks = (max(0.0, *load_kw), max(0.0, *grid_kw), peak)
    if any(tariff.prices):
        bills = bill(load_kw, tariff), bill(grid_kw, tariff), least
    else:
        bills = tariff.demand_price * peaks[0], tariff.demand_price * peaks[1], least
    return Month3(month, peaks, bills)


def _best(load_kw: Sequence[float], battery: Battery, tariff: Tariff) -> tuple[float, float]:
    peak = lowest_peak_kw(load_kw, battery)
    if any(tariff.prices):
        return peak, lowest_bill(load_kw, battery, tariff)
    return peak, tariff.demand_price * peak


def share(found: Sequence[tuple[float, float, float]]) -> float | None:
    """Savings over the best savings, summed over the months; None where nothing was to be saved."""
    saved = sum(without - with_ for without, with_, _ in found)
    best = sum(without - best for without, _, best in found)
    return saved / best if best > 1e-9 * sum(abs(without) for without, _, _ in found) else None


def spread(shares: dict[str, float]) -> Spread:
    """Mean, standard error and worst of the sites' shares; at least one."""
    values = list(shares.values())
    error = stdev(values) / len(values) ** 0.5 if len(values) > 1 else 0.0
    worst = min(shares, key=lambda site: shares[site])
    return Spread(mean(values), error, shares[worst], worst)


def _sound(month: Month, times: Sequence[datetime], filled: Sequence[bool]) -> bool:
    """Whether few enough of a month's quarter-hours are guesses or are not there."""
    time = times[month.first]
    whole = monthrange(time.year, time.month)[1] * _SLOTS
    good = sum(not guess for guess in filled[month.first:month.end])
    return (whole - good) * _PARTS <= whole
