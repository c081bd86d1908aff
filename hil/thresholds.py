"""Laws that several baselines share: thresholds, and plans made anew each quarter-hour."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hil.baseline import DAY, HOURS, Park, Wish
from hil.optimum import Battery, Worth, holds

NEVER = (float("inf"), float("-inf"))  # thresholds between which the battery rests
_STEPS = 24  # of a bisection: to a ten-millionth of the highest load


def shaving(park: Park, thresholds: Callable[[int], tuple[float, float]]) -> Wish:
    """Discharge what exceeds the first threshold, charge up to the second; between them rest."""
    load_kw = park.load_kw

    def wish(at: int, store_kwh: float, peak_kw: float) -> float:
        load, (shave, recharge) = load_kw[at], thresholds(at)
        if load >= shave:
            return load - shave
        return load - recharge if load <= recharge else 0.0

    return wish


def last_week(park: Park) -> Callable[[int], Sequence[float]]:
    """The next 24 h as persistence expects them: the present load, then last week's. Until a week
    is known it takes yesterday for today, and before that the present load for all."""
    load_kw = park.load_kw

    def coming(at: int) -> Sequence[float]:
        for back in (7 * DAY, DAY):
            if at >= back:
                return [load_kw[at], *load_kw[at - back + 1:at - back + DAY]]
        return [load_kw[at]]

    return coming


def receding(park: Park, coming: Callable[[int], Sequence[float]]) -> Wish:
    """Hold the lowest target that lasts over `coming(at)`, the expected loads from quarter-hour
    `at` on, but never one below the month's peak so far."""
    def wish(at: int, store_kwh: float, peak_kw: float) -> float:
        return park.load_kw[at] - _lowest(coming(at), park.battery, store_kwh, peak_kw)

    return wish


def joint(park: Park, coming: Callable[[int], Sequence[float]]) -> Wish:
    """Hold the same target, and trade below it: what a kWh in store is worth over `coming(at)`,
    full again at its end, against the price now. What a later peak or a dearer hour needs is kept,
    and a refill sets no new peak."""
    prices, battery = park.tariff.prices, park.battery
    every = sorted(set(prices))

    def wish(at: int, store_kwh: float, peak_kw: float) -> float:
        load, price, ahead = park.load_kw[at], prices[at], coming(at)
        ceiling = _lowest(ahead, battery, store_kwh, peak_kw)
        if load > ceiling:
            return load - ceiling
        worth = Worth(every, battery)
        costs = prices[at + 1:at + len(ahead)]
        for kw, cost in zip(reversed(ahead[1:len(costs) + 1]), reversed(costs), strict=True):
            worth.back(kw, cost, ceiling)
        spare = store_kwh - worth.above(price * battery.way)
        if spare > 0:
            return min(max(load, 0.0), spare * battery.way / HOURS)
        lacks = worth.above(price / battery.way) - store_kwh
        return -min(ceiling - load, max(0.0, lacks) / battery.way / HOURS)

    return wish


def _lowest(load_kw: Sequence[float], battery: Battery, store_kwh: float, least_kw: float) -> float:
    """The lowest target, at least `least_kw`, that `store_kwh` can hold."""
    if holds(load_kw, least_kw, battery, store_kwh=store_kwh):
        return least_kw
    low, high = least_kw, max(load_kw)
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if holds(load_kw, middle, battery, store_kwh=store_kwh):
            high = middle
        else:
            low = middle
    return high
