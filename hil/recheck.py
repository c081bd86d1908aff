"""Re-check a written trace against physics, from the file alone and with arithmetic of its own.

A quarter-hour's mean power does not say whether the battery charged and discharged in turn. The
energy it stores is the most when it did not, and the least when it filled the rest of the time with
both; anything between is possible, anything else came from nowhere.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

_HOURS = 0.25
_KW = 2e-6  # what six decimals may hide


class Row(NamedTuple):
    """15-minute means, battery positive when it discharges; energy in store at the end."""

    timestamp: datetime
    load_kw: float
    battery_kw: float
    grid_kw: float
    soc_kwh: float


class Limits(NamedTuple):
    """What the battery can do; `way` is its efficiency one way."""

    power_kw: float
    floor_kwh: float
    ceiling_kwh: float
    start_kwh: float
    way: float


class Verdict(NamedTuple):
    """A line for each violation, and in how many quarter-hours the battery went both ways."""

    violations: list[str]
    both_ways: int


def read(path: Path) -> list[Row]:
    """Read a written trace. ValueError, KeyError when it is none."""
    with path.open(newline="", encoding="ascii") as file:
        return [Row(datetime.fromisoformat(row["timestamp"]), float(row["load_kw"]),
                    float(row["battery_kw"]), float(row["grid_kw"]), float(row["soc_kwh"]))
                for row in csv.DictReader(file)]


def write(path: Path, rows: Iterable[Row]) -> None:
    """Write a trace as `read` reads it."""
    with path.open("w", newline="", encoding="ascii") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(Row._fields)
        for time, *values in rows:
            lines.writerow([time.isoformat(timespec="minutes"), *(f"{x:.6f}" for x in values)])


def recheck(rows: Sequence[Row], load_kw: Sequence[float], limits: Limits) -> Verdict:
    """Hold a trace against the load it was made from and the limits of its battery."""
    wrong: list[str] = []
    if len(rows) != len(load_kw):
        wrong.append(f"{len(rows)} rows for {len(load_kw)} loads")
    before_kwh, both_ways = limits.start_kwh, 0
    slack_kwh = 1e-5 + 1e-6 * limits.ceiling_kwh
    for row, load in zip(rows, load_kw, strict=False):
        most, least = _stored(row.battery_kw, limits)
        gain = row.soc_kwh - before_kwh
        before_kwh = row.soc_kwh
        both_ways += gain < most - slack_kwh
        for words, holds in (
                (f"load {row.load_kw} kW, was {load}", abs(row.load_kw - load) <= 5e-4 + _KW),
                (f"grid {row.grid_kw} kW is not load - battery",
                 abs(row.load_kw - row.battery_kw - row.grid_kw) <= _KW),
                (f"battery {row.battery_kw} kW, limit {limits.power_kw}",
                 abs(row.battery_kw) <= limits.power_kw + _KW),
                (f"store {row.soc_kwh} kWh, window {limits.floor_kwh} .. {limits.ceiling_kwh}",
                 limits.floor_kwh - slack_kwh <= row.soc_kwh <= limits.ceiling_kwh + slack_kwh),
                (f"store changed by {gain:.6f} kWh, possible {least:.6f} .. {most:.6f}",
                 least - slack_kwh <= gain <= most + slack_kwh)):
            if not holds:
                wrong.append(f"{row.timestamp.isoformat(timespec='minutes')}: {words}")
    return Verdict(wrong, both_ways)


def _stored(battery_kw: float, limits: Limits) -> tuple[float, float]:
    """The most and the least that a mean power can store in a quarter-hour, kWh."""
    kwh, way = battery_kw * _HOURS, limits.way
    most = -kwh / way if kwh > 0 else -kwh * way
    idle = max(limits.power_kw - abs(battery_kw), 0.0) * _HOURS / 2
    return most, most - idle * (1 / way - way)
