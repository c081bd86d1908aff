"""Powers for the plant, a quarter-hour at a time: measured, or made a day at a time.

A beat sees the mean power of its own span. Only what is asked for is made, so that a year of
seconds never lies in memory.
"""

from __future__ import annotations

import random
from array import array
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from hil.series import EPOCH, Series, SeriesError, clear_sky, factory_day

QUARTER_S = 900
QUARTERS = 96  # of a day
_POOL = 4  # days made before they come again, in an order without a week in it,
_LEAST_PM, _MOST_PM = 920, 1030  # each time a little lower or higher


class Feed(Protocol):
    """`quarters`: how many there are."""

    quarters: int

    def quarter(self, number: int) -> Sequence[int]:
        """Mean power of each beat of a quarter-hour since the start, W."""


class Nothing:
    """No power at all."""

    def __init__(self, beat_s: int, quarters: int) -> None:
        self.quarters = quarters
        self._watts = [0] * (QUARTER_S // beat_s)

    def quarter(self, number: int) -> Sequence[int]:
        return self._watts


class Measured:
    """A series from `start` on; SeriesError where it cannot be cut into beats."""

    def __init__(self, series: Series, beat_s: int, start: datetime | None = None) -> None:
        step_s = series.step_s
        if not _fits(step_s, QUARTER_S) or not _fits(step_s, beat_s):
            raise SeriesError(f"a step of {step_s} s cannot be cut into beats of {beat_s} s")
        began_s, first_s = _seconds(series.start), _seconds(start or series.start)
        offset_s = first_s - began_s
        if offset_s < 0 or offset_s % QUARTER_S or began_s % QUARTER_S:
            raise SeriesError(f"begins at {series.start.isoformat(' ', 'minutes')}, expected a "
                              "quarter of an hour, not after the load's")
        self._first = offset_s // QUARTER_S
        self._watts, self._step_s, self._beat_s = series.watts, step_s, beat_s
        self.quarters = len(series) * step_s // QUARTER_S - self._first

    def quarter(self, number: int) -> Sequence[int]:
        start_s, step_s = (self._first + number) * QUARTER_S, self._step_s
        if step_s >= QUARTER_S:
            return [self._watts[start_s // step_s]] * (QUARTER_S // self._beat_s)
        watts = self._watts[start_s // step_s:(start_s + QUARTER_S) // step_s]
        return per_beat(watts, step_s, self._beat_s)


class Made:
    """Days out of a generator, the first ones all different."""

    def __init__(self, make: Callable[[int], Series], beat_s: int, quarters: int) -> None:
        self.quarters = quarters
        self._make, self._beat_s = make, beat_s
        self._days: dict[int, array[int]] = {}
        self._today: Sequence[int] = ()
        self._number = -1  # of today

    def quarter(self, number: int) -> Sequence[int]:
        day, quarter = divmod(number, QUARTERS)
        if day != self._number:
            self._number, self._today = day, self._day(day)
        beats = QUARTER_S // self._beat_s
        return self._today[quarter * beats:(quarter + 1) * beats]

    def _day(self, day: int) -> Sequence[int]:
        if day >= _POOL:
            chance = random.Random(day)
            like, pm = self._day(chance.randrange(_POOL)), chance.randint(_LEAST_PM, _MOST_PM)
            return array("i", [w * pm // 1000 for w in like])
        if day not in self._days:
            series = self._make(day + 1)
            self._days[day] = array("i", per_beat(series.watts, series.step_s, self._beat_s))
        return self._days[day]


def factory(start: datetime, beat_s: int, days: int) -> Made:
    """The shipped factory, every day a working day; the first is `factory_day()` itself."""
    return Made(lambda seed: factory_day(start + timedelta(days=seed - 1), seed), beat_s,
                days * QUARTERS)


def roof(start: datetime, beat_s: int, days: int, peak_w: int) -> Made:
    """PV on the factory's roof, with other clouds every day."""
    return Made(lambda seed: clear_sky(start, peak_w, cloud_seed=seed + 2), beat_s,
                days * QUARTERS)


def per_beat(watts: Sequence[int], step_s: int, beat_s: int) -> Sequence[int]:
    """Powers of steps as powers of beats: repeated, or their means in whole watts."""
    if step_s == beat_s:
        return watts
    if step_s > beat_s:
        times = range(step_s // beat_s)
        return [w for w in watts for _ in times]
    each = beat_s // step_s
    return [sum(watts[i:i + each]) // each for i in range(0, len(watts), each)]


def _seconds(time: datetime) -> int:
    return int((time - EPOCH).total_seconds())


def _fits(one_s: int, other_s: int) -> bool:
    return one_s % other_s == 0 or other_s % one_s == 0
