"""Announced loads for a score: the true ones, or true ones made wrong on purpose."""

from __future__ import annotations

import random
from collections.abc import Callable

from edge.plan.announced import TOTAL
from hil.series import Series

HORIZONS = {"15min": 1, "1h": 4, "2h": 8, "4h": 16}
_SLOTS = 96
_STAYS = 0.9  # of an error, a quarter-hour later
_SURE_PM = 1000


class Foretold:
    """The loads of a series from local `day` on (since 2000-01-01), `ahead` quarter-hours at a
    time; `noise_pm`: standard deviation of a first-order autoregressive factor on them."""

    def __init__(self, load: Series, day: int, ahead: int, noise_pm: int = 0) -> None:
        self._day, self._ahead = day, ahead
        chance, error = random.Random(1), 0.0
        fresh = noise_pm / 1000 * (1 - _STAYS**2) ** 0.5
        self._watts = []
        for watts in load.watts:
            error = _STAYS * error + chance.gauss(0, fresh)
            self._watts.append(int(watts * (1 + error)))

    def tell(self, announce: Callable[..., int], number: int) -> None:
        """Just before a quarter-hour of the series: announce it and those ahead of it."""
        watts = self._watts[number:number + 1 + self._ahead]
        day, slot = divmod(number, _SLOTS)
        until_day, until_slot = divmod(number + len(watts), _SLOTS)
        announce(self._day + day, slot, watts, TOTAL, _SURE_PM, self._day + until_day, until_slot)
