"""Run a baseline of hil/baselines over a measured load, within the battery's physics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType
from typing import NamedTuple

from hil import baselines
from hil.bill import Month
from hil.optimum import Battery, Tariff
from hil.recheck import Limits, Row, write

HOURS = 0.25
DAY = 96

Wish = Callable[[int, float, float], float]


class BaselineError(RuntimeError):
    """A baseline that found no answer, in one line."""


class Park(NamedTuple):
    """What a baseline may know of a site. `load_kw` are 15-minute means, `tariff` has a price for
    each; `months` split them; `scored` are the months that count. `highest_kw` is the highest load
    there will be: the battery was bought for it, so it is known from the start."""

    load_kw: Sequence[float]
    months: Sequence[Month]
    scored: Sequence[Month]
    battery: Battery
    tariff: Tariff
    highest_kw: float


def names() -> list[str]:
    """Every baseline there is."""
    return sorted(found.name for found in iter_modules(baselines.__path__))


def module(name: str) -> ModuleType:
    """The module of a baseline."""
    return import_module(f"hil.baselines.{name}")


def meaning(name: str) -> str:
    """What a baseline is, in a line, without its full stop."""
    return (module(name).__doc__ or "").partition("\n")[0].rstrip(".")


def load(name: str) -> None:
    """Make sure that a baseline can run. Raises PartError."""
    needs = getattr(module(name), "NEEDS", None)
    if needs is not None:
        needs.load()


def play(park: Park, wish: Wish) -> list[tuple[float, float]]:
    """Battery power, kW, and what is in store at the end, kWh above the floor, of each
    quarter-hour. The battery starts full."""
    power, full, way = park.battery[:3]
    store = full
    played = []
    for month in park.months:
        peak = 0.0
        for at in range(month.first, month.end):
            kw = wish(at, store, peak)
            if kw > 0:
                kw = min(kw, power, store * way / HOURS)
                store = max(store - kw * HOURS / way, 0.0)
            else:
                kw = -min(-kw, power, (full - store) / way / HOURS)
                store = min(store - kw * HOURS * way, full)
            peak = max(peak, park.load_kw[at] - kw)
            played.append((kw, store))
    return played


def run(name: str, park: Park, times: Sequence[datetime], limits: Limits, written: Path) -> None:
    """Play a baseline and write its trace, as the controller's is written."""
    played = play(park, module(name).control(park))
    write(written, [Row(time, load, kw, load - kw, store + limits.floor_kwh)
                    for time, load, (kw, store) in zip(times, park.load_kw, played, strict=True)])


def each_month(park: Park, value: Callable[[Sequence[float]], float]) -> list[float]:
    """For each quarter-hour the value of its whole month's loads: only hindsight tells it."""
    found: list[float] = []
    for month in park.months:
        found += [value(park.load_kw[month.first:month.end])] * (month.end - month.first)
    return found


def last_month(park: Park, value: Callable[[Sequence[float]], float]) -> list[float | None]:
    """For each quarter-hour the value of the loads of the month before; None in the first."""
    found: list[float | None] = []
    before: float | None = None
    for month in park.months:
        found += [before] * (month.end - month.first)
        before = value(park.load_kw[month.first:month.end])
    return found
