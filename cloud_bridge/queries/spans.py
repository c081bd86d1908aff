"""Times as people write them, and the intervals that a range is told in.

Days and hours are those of a time zone; every zone's offset is of whole quarter-hours (a range
before a place had one is refused), so a day is a sum of quarter-hours however long it is.
"""

import datetime
import re
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cloud_bridge.queries.intervals import QUARTER_S
from cloud_bridge.queries.messages import QueryError

RAW = "raw"
_SIZES_S = {"1min": 60, "15min": QUARTER_S, "1h": 3_600, "1d": 86_400}
RESOLUTIONS = (RAW, *_SIZES_S)
_UTC = datetime.UTC
_FIRST_UTC, _LAST_UTC = 946_684_800, 4_102_444_800  # 2000-01-01 and 2100-01-01
_ZONE = re.compile(r"[A-Za-z0-9_+-]{1,32}(/[A-Za-z0-9_+-]{1,32}){0,2}")
_EXPECTED = "a date (2026-03-01) or a time with an offset (2026-03-01T06:00:00Z), 2000 to 2099"


class Span(NamedTuple):
    """start <= t < end, in seconds since 1970, told in intervals of `resolution`."""

    start: int
    end: int
    resolution: str
    zone: ZoneInfo

    @property
    def size_s(self) -> int:
        """Of the intervals that are worked out; longer ones are sums of quarter-hours."""
        return min(_SIZES_S[self.resolution], QUARTER_S)

    def begin(self, utc: int) -> int:
        """Where the interval of `utc` begins."""
        if self.resolution in (RAW, "1min", "15min"):
            return utc - utc % _SIZES_S.get(self.resolution, 1)
        local = datetime.datetime.fromtimestamp(utc, self.zone)
        if self.resolution == "1h":
            return utc - local.minute * 60 - local.second
        return _midnight(local.date(), self.zone)

    def next(self, begin: int) -> int:
        """Where the interval that begins there ends."""
        if self.resolution == "1d":
            day = datetime.datetime.fromtimestamp(begin, self.zone).date()
            return _midnight(day + datetime.timedelta(1), self.zone)
        return begin + _SIZES_S.get(self.resolution, 1)


def span(start: str | None, end: str | None, resolution: str, zone: str, now: int) -> Span:
    """Read a range; the last day where nothing is said. It grows to whole intervals. QueryError
    says what was found and what was expected."""
    if resolution not in RESOLUTIONS:
        raise QueryError(f"resolution: found {resolution[:40]!r}, expected one of"
                         f" {', '.join(RESOLUTIONS)}")
    place = _zone(zone)
    last = now if end is None else utc_of("end", end, place)
    first = last - 86_400 if start is None else utc_of("start", start, place)
    if first >= last:
        raise QueryError(f"start: found {text(first)}, expected a time before the end,"
                         f" {text(last)}")
    wanted = Span(first, last, resolution, place)
    begin, finish = wanted.begin(first), wanted.begin(last)
    if finish < last:
        finish = wanted.next(finish)
    if resolution in ("1h", "1d") and (begin % QUARTER_S or finish % QUARTER_S):
        raise QueryError(f"zone: {zone} was not whole quarter-hours from UTC then")
    return wanted._replace(start=begin, end=finish)


def utc_of(name: str, told: str, zone: ZoneInfo) -> int:
    """A date (its midnight in the zone) or a time; QueryError."""
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", told, re.ASCII):
            utc = _midnight(datetime.date.fromisoformat(told), zone)
        else:
            moment = datetime.datetime.fromisoformat(told)
            if moment.tzinfo is None:
                raise ValueError
            utc = int(moment.timestamp())
    except (ValueError, OverflowError):
        utc = 0
    if not is_told(utc):
        raise QueryError(f"{name}: found {told[:40]!r}, expected {_EXPECTED}") from None
    return utc


def is_told(utc: int) -> bool:
    """Is it a time that questions and answers may name?"""
    return _FIRST_UTC <= utc <= _LAST_UTC


def text(utc: int, zone: ZoneInfo | None = None) -> str:
    """As RFC 3339 writes it: in UTC with a Z, in a zone with its offset."""
    if zone is None or zone.key == "UTC":
        return datetime.datetime.fromtimestamp(utc, _UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return datetime.datetime.fromtimestamp(utc, zone).isoformat(timespec="seconds")


def _zone(name: str) -> ZoneInfo:
    try:
        if _ZONE.fullmatch(name):
            return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    raise QueryError(f"zone: found {name[:40]!r}, expected a name such as Asia/Shanghai")


def _midnight(day: datetime.date, zone: ZoneInfo) -> int:
    """When a day begins; where the clock leaps over midnight, with the leap."""
    return int(datetime.datetime.combine(day, datetime.time(), zone).timestamp())
