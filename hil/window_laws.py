"""Control laws to hold the demand window against: what others do with the same instruments.

Each is called once a second with what its instruments show, and returns the battery's power, W,
discharge positive. The formulas were read in OpenEMS Edge (0e4ea888, EPL-2.0); the code is ours.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

POWER_W = 100_000  # of the battery, both ways
WINDOW_S = 900


class Seen(NamedTuple):
    """What the instruments show at a second of the day; each reading with its own second."""

    second: int
    grid_w: int
    grid_s: int
    store_w: int
    store_s: int


Law = Callable[[Seen], int]


def threshold(shave_w: int) -> Law:
    """Discharge what exceeds a threshold at this moment; never charge."""
    return lambda seen: max(0, seen.grid_w + seen.store_w - shave_w)


def remaining_budget(limit_w: int) -> Law:
    """The naive window law: discharge what exceeds the mean that the window still allows."""
    used_ws = 0

    def law(seen: Seen) -> int:
        nonlocal used_ws
        passed_s = seen.second % WINDOW_S
        if passed_s == 0:
            used_ws = 0
        load_w = seen.grid_w + seen.store_w
        allowed_w = max(0, (limit_w * WINDOW_S - used_ws) // (WINDOW_S - passed_s))
        w = min(max(0, load_w - allowed_w), POWER_W)
        used_ws += max(0, load_w - w)
        return w

    return law


class OpenEms:
    """Symmetric peak shaving with the filter that its battery writes go through by default: shave
    above one threshold, recharge below the other, and a PID on the battery's own power."""

    _P, _I, _D = 0.3, 0.3, 0.1
    _SUM_MAX_W = 10 * POWER_W

    def __init__(self, shave_w: int, recharge_w: int) -> None:
        self._shave_w, self._recharge_w = shave_w, recharge_w
        self._sum_w = self._before_w = 0

    def __call__(self, seen: Seen) -> int:
        load_w, store_w = seen.grid_w + seen.store_w, seen.store_w
        wanted_w = 0
        if load_w >= self._shave_w:
            wanted_w = load_w - self._shave_w
        elif load_w <= self._recharge_w:
            wanted_w = load_w - self._recharge_w
        return self._filtered(_within(wanted_w), store_w)

    def _filtered(self, wanted_w: int, store_w: int) -> int:
        error_w, risen_w = wanted_w - store_w, store_w - self._before_w
        self._before_w = store_w
        w = wanted_w
        if error_w:
            w = _within(round(self._P * error_w + self._I * self._sum_w - self._D * risen_w))
        self._sum_w = min(max(self._sum_w + error_w, -self._SUM_MAX_W), self._SUM_MAX_W)
        return w


def _within(w: int) -> int:
    return min(max(w, -POWER_W), POWER_W)
