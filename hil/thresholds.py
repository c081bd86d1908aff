"""Laws that several baselines share: thresholds, and a target found anew each quarter-hour."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hil.baseline import Park, Wish
from hil.optimum import Battery, holds

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


def receding(park: Park, coming: Callable[[int], Sequence[float]]) -> Wish:
    """Hold the lowest target that lasts over `coming(at)`, the expected loads from quarter-hour
    `at` on, but never one below the month's peak so far."""
    def wish(at: int, store_kwh: float, peak_kw: float) -> float:
        return park.load_kw[at] - _lowest(coming(at), park.battery, store_kwh, peak_kw)

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
