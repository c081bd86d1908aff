"""Prices pushed to a gateway while it runs: a file of them, what it took, what is billed then.

CSV at,day,prices: local time at which they arrive, date they are for, and the name of one of the
tariff's profiles, or 24 or 96 prices a kWh with spaces between. The gateway hears of a push when
the quarter-hour in which it arrives has ended. What it refuses is not billed either: it is no price
of this tariff.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import NamedTuple

from boards.tariff import Tariff
from boards.tariff_days import PRICE, SLOTS
from boards.tariff_image import number
from edge import price_push
from hil.dut import Dut, InProcess
from hil.series import SeriesError

_COLUMNS = ["at", "day", "prices"]
_QUARTER = timedelta(minutes=15)


class Push(NamedTuple):
    """What arrives: a profile by its name, or prices in 1e-4 of the currency a kWh."""

    at: datetime
    day: date
    what: str | tuple[int, ...]


class Told(NamedTuple):
    """What the gateway said to a push: the reason why not, "" when it took it."""

    push: Push
    refused: str


def read(path: Path, start: datetime, end: datetime) -> list[Push]:
    """The pushes of a file, which arrive between two local times, in their order. Raises
    SeriesError, OSError."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.reader(file))
    if not lines or lines[0] != _COLUMNS:
        raise SeriesError(f"{path}: line 1: expected {','.join(_COLUMNS)}")
    pushes = []
    for line, cells in enumerate(lines[1:], 2):
        try:
            at, day, what = cells
            push = Push(datetime.fromisoformat(at), date.fromisoformat(day), _what(what))
        except (ValueError, InvalidOperation):
            raise SeriesError(f"{path}: line {line}: found {','.join(cells)[:60]}, expected a "
                              "local time, a date, and a profile's name or prices") from None
        if push.at.tzinfo or not start <= push.at < end:
            raise SeriesError(f"{path}: line {line}: found {at}, expected a local time from "
                              f"{start} to {end}, between which is emulated")
        pushes.append(push)
    return sorted(pushes, key=lambda push: push.at)


def _what(text: str) -> str | tuple[int, ...]:
    """A name, unless it begins like a number."""
    words = text.split()
    if not words[:1] or not words[0].lstrip("-")[:1].isdigit():
        return text.strip()
    prices = [PRICE.read(Decimal(word)) for word in words]
    if None in prices:
        raise ValueError(PRICE.expected)
    return tuple(prices)


class Pusher:
    """Hands pushes to a gateway as time passes; `told` is what it said."""

    def __init__(self, pushes: Sequence[Push], start: datetime, device: Dut) -> None:
        if pushes and not isinstance(device, InProcess):
            raise SeriesError("pushes: expected the controller in process, --dut inproc")
        self.told: list[Told] = []
        self._waiting, self._now, self._device = list(pushes), start, device

    def quarter(self) -> None:
        """A quarter-hour has passed."""
        self._now += _QUARTER
        while self._waiting and self._waiting[0].at < self._now:
            push = self._waiting.pop(0)
            assert isinstance(self._device, InProcess)
            self.told.append(Told(push, price_push.push(
                self._device.site, number(push.day), push.what)))


def billed(tariff: Tariff, told: Sequence[Told]) -> Tariff:
    """The tariff with the days whose pushes were taken. Pushed prices are of import alone."""
    days, dates = dict(tariff.days), dict(tariff.calendar.dates)
    for push in (one.push for one in told if not one.refused):
        what = push.what
        if isinstance(what, str):
            dates[push.day] = what
            continue
        dates[push.day] = name = f"pushed for {push.day}"
        each = SLOTS // len(what)
        days[name] = replace(tariff.day(push.day), name=name, pushed=True, prices_e4=tuple(
            price for price in what for _ in range(each)))
    return replace(tariff, days=days, calendar=replace(tariff.calendar, dates=dates))
