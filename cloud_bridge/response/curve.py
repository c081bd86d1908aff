"""A site's load at the point of common coupling, and the response that it is judged by.

Powers in W, import positive, exact. A day's times are minutes of the local wall clock from its
midnight; below 0 and above 1440 they are those of its neighbours. Of an hour that a clock shows
twice the first one counts.
"""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from zoneinfo import ZoneInfo

from cloud_bridge.fields import DocumentError

HOUR = 60
SHAVE, FILL = "shave", "fill"  # 削峰 and 填谷


@dataclass(frozen=True)
class Curve:
    """`values`: UTC seconds since 1970 -> W, every `minutes`: means of what begins there, or, with
    `instants`, what stood there. A value that is missing is not known."""

    values: Mapping[int, Fraction]
    minutes: int
    zone: ZoneInfo
    instants: bool = False

    def at(self, day: datetime.date, minute: int) -> Fraction | None:
        """W at a minute of a local day; None where nobody knows."""
        return self.values.get(utc(self.zone, day, minute))

    def mean(self, day: datetime.date, minutes: "list[int]") -> Fraction | None:
        """The mean of several; None where one of them is missing."""
        found = [self.at(day, minute) for minute in minutes]
        known = [value for value in found if value is not None]
        return sum(known, Fraction(0)) / len(known) if known and len(known) == len(found) else None


@dataclass(frozen=True)
class Response:
    """One event: from `start` to `end`, minutes of the local `day`, `reply_w` promised."""

    day: datetime.date
    start: int
    end: int
    reply_w: int
    kind: str = SHAVE

    @property
    def minutes(self) -> int:
        """How long it lasts."""
        return self.end - self.start

    def points(self, curve: Curve) -> list[int]:
        """The minutes that are judged. Of instants the one at the end is among them: a response
        12:00 .. 13:00 is judged at 12:00, 12:15, 12:30, 12:45 and 13:00. DocumentError."""
        for name, minute in (("start", self.start), ("end", self.end)):
            if minute % curve.minutes:
                raise DocumentError(f"{name}: found {clock(minute)}, expected a whole multiple of "
                                    f"{curve.minutes} minutes")
        if not self.start < self.end:
            raise DocumentError(f"end: found {clock(self.end)}, expected a time after the start, "
                                f"{clock(self.start)}")
        return list(range(self.start, self.end + curve.instants, curve.minutes))

    def cut_w(self, baseline_w: Fraction, actual_w: Fraction) -> Fraction:
        """What was delivered: less than the baseline for a shave, more for a fill."""
        return baseline_w - actual_w if self.kind == SHAVE else actual_w - baseline_w


@lru_cache(1 << 14)  # 45 days of quarter-hours
def utc(zone: ZoneInfo, day: datetime.date, minute: int) -> int:
    """Seconds since 1970, by the clock on the wall."""
    midnight = datetime.datetime(day.year, day.month, day.day, tzinfo=zone)
    return int((midnight + datetime.timedelta(minutes=minute)).timestamp())


def clock(minute: int) -> str:
    """HH:MM."""
    return f"{minute // HOUR:02}:{minute % HOUR:02}"
