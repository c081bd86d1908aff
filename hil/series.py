"""Loads and PV over time: measured files, and a factory day that ships as code."""

from __future__ import annotations

import csv
import gzip
import math
import random
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

EPOCH = datetime(2000, 1, 1)
MAX_KW = 8000  # edge/config.py: what the beat's arithmetic is proven for


class SeriesError(ValueError):
    """A series file that cannot be used; the message names file, line and what was expected."""


@dataclass(frozen=True)
class Series:
    """Mean power of consecutive intervals, W; `start` is local time, `filled` marks guesses."""

    start: datetime
    step_s: int
    watts: tuple[int, ...]
    filled: tuple[bool, ...]

    def __len__(self) -> int:
        return len(self.watts)

    @property
    def days(self) -> int:
        """Whole days covered."""
        return len(self.watts) * self.step_s // 86400

    def cut(self, days: int) -> Series:
        """The first `days` days."""
        n = days * 86400 // self.step_s
        return Series(self.start, self.step_s, self.watts[:n], self.filled[:n])

    def times(self) -> Iterator[datetime]:
        """Start of each interval."""
        for k in range(len(self.watts)):
            yield self.start + timedelta(seconds=k * self.step_s)

    def at(self, second: int) -> int:
        """Power `second` seconds after the start, W; the last value after the end."""
        return self.watts[min(second // self.step_s, len(self.watts) - 1)]


def read(path: Path) -> Series:
    """Read `timestamp,kW[,filled]` (CSV, gzip by name); evenly spaced, at least two rows."""
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8-sig", newline="") as file:  # Excel writes a mark
            rows = list(csv.DictReader(file))
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        raise SeriesError(f"{path}: cannot be read: {error}") from error
    if len(rows) < 2 or not {"timestamp", "kW"} <= set(rows[0]):
        raise SeriesError(f"{path}: expected columns timestamp,kW[,filled] and two rows or more")
    times, watts, filled = [], [], []
    for number, row in enumerate(rows, start=2):
        time, kilowatts = _row(f"{path}:{number}", row)
        times.append(time)
        watts.append(round(kilowatts * 1000))
        filled.append((row.get("filled") or "0") not in ("0", ""))
    step = times[1] - times[0]
    for number, (before, after) in enumerate(pairwise(times), start=3):
        if after - before != step:
            raise SeriesError(f"{path}:{number}: {after} follows {before}, expected steps of "
                              f"{step}, in a clock without summer time")
    step_s = int(step.total_seconds())
    if step_s <= 0 or 86400 % step_s:
        raise SeriesError(f"{path}: step of {step_s} s, expected one that divides a day")
    return Series(times[0], step_s, tuple(watts), tuple(filled))


def _row(place: str, row: dict[str | None, Any]) -> tuple[datetime, float]:
    if None in row:  # a decimal comma, most likely
        raise SeriesError(f"{place}: {len(row) - 1 + len(row[None])} values, "
                          f"expected {len(row) - 1}")
    try:
        time = datetime.fromisoformat(row["timestamp"])
        kilowatts = float(row["kW"])
    except (TypeError, ValueError) as error:
        raise SeriesError(f"{place}: {error}; expected 2026-01-01T00:15,12.5") from error
    if time.tzinfo is not None:
        raise SeriesError(f"{place}: {row['timestamp']} has an offset, expected local time as "
                          "2026-01-01T00:15")
    if not abs(kilowatts) <= MAX_KW:  # not a number, too
        raise SeriesError(f"{place}: kW is {row['kW']}, expected -{MAX_KW} .. {MAX_KW}")
    return time, kilowatts


def factory_day(day: datetime = datetime(2026, 6, 10), seed: int = 1) -> Series:
    """A foundry on two shifts, second by second: furnaces that melt in batches, presses that
    cycle, shift changes and a lunch break. Generated, so that it may be shipped."""
    rng = random.Random(seed)
    watts = []
    furnace_until = furnace_w = 0
    for second, (shift, base_w, press_w, rush_w) in enumerate(_factory_plan()):
        if second >= furnace_until:
            on = furnace_w == 0 and rng.random() < 0.85 * shift
            furnace_w = rng.randrange(95_000, 150_000) if on else 0
            furnace_until = second + rng.randrange(420, 1080 if on else 700)
        noise_w = rng.gauss(0, 2500)
        watts.append(int(base_w + shift * (furnace_w + press_w + rush_w) + noise_w))
    return Series(day, 1, tuple(watts), (False,) * 86400)


@cache
def _factory_plan() -> list[tuple[float, float, int, float]]:
    """What every day of the factory has in common, second by second: how much of it works, and
    the powers of base, press and rush, W."""
    plan = []
    for second in range(86400):
        hour = second / 3600
        shift = _shift(hour)
        base_w = 62_000 + 210_000 * shift + 14_000 * math.sin(hour / 24 * math.tau - 1.9)
        rush_w = 95_000 * math.exp(-(((hour - 10.4) / 0.45) ** 2))
        rush_w += 70_000 * math.exp(-(((hour - 15.1) / 0.5) ** 2))
        plan.append((shift, base_w, 38_000 if (second // 20) % 6 < 2 else 6_000, rush_w))
    return plan


def _shift(hour: float) -> float:
    """How much of the factory works: 6 to 22 h, ramps at the ends, a dip at lunch."""
    up = min(max((hour - 5.7) / 0.6, 0.0), 1.0)
    down = min(max((22.1 - hour) / 0.5, 0.0), 1.0)
    lunch = 0.35 * math.exp(-(((hour - 12.2) / 0.35) ** 2))
    return max(min(up, down) - lunch, 0.0)


def clear_sky(day: datetime, peak_w: int, step_s: int = 60, cloud_seed: int = 3) -> Series:
    """PV of a mostly clear day: a half sine from 5:30 to 18:30 with passing clouds."""
    rng = random.Random(cloud_seed)
    watts = []
    shade = 1.0
    for second in range(0, 86400, step_s):
        hour = second / 3600
        sun = max(math.sin((hour - 5.5) / 13 * math.pi), 0.0) if 5.5 < hour < 18.5 else 0.0
        shade = min(max(shade + rng.gauss(0, 0.04) + (0.95 - shade) * 0.05, 0.35), 1.0)
        watts.append(int(peak_w * sun**1.3 * shade))
    return Series(day, step_s, tuple(watts), (False,) * len(watts))
