"""A time zone as the dated changes of its offset, so that a gateway needs no zone database."""

import datetime
from zoneinfo import ZoneInfo, available_timezones

from boards.site_fields import near

_EPOCH = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)
_MEANT = {"Asia/Beijing": "Asia/Shanghai"}  # the zone has the name of another city
YEARS = 15  # how far ahead the changes are listed


def zone(name: str) -> ZoneInfo | None:
    """The zone of an IANA name, or None when there is none."""
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):  # unknown, a folder, or not a name at all
        return None


def likely(name: str) -> str:
    """The zone (of the system, or of the package tzdata) that a wrong name means, or ""."""
    found = near(name, [*sorted(available_timezones()), *_MEANT])
    return _MEANT.get(found, found)


def offsets(at: ZoneInfo, start: datetime.date, years: int = YEARS) -> list[list[int]]:
    """Changes [day, second, offset_s] in UTC, oldest first, for `years` years from `start`.

    Days since 2000-01-01; the first entry holds from the beginning of time.
    """
    moment = datetime.datetime(start.year, start.month, start.day, tzinfo=datetime.UTC)
    end = moment + datetime.timedelta(days=round(years * 365.25))
    changes = [[0, 0, _offset_s(at, moment)]]
    while moment < end:
        following = moment + datetime.timedelta(days=7)
        if _offset_s(at, following) != changes[-1][2]:
            following = _change(at, moment, following)
            since = following - _EPOCH
            changes.append([since.days, since.seconds, _offset_s(at, following)])
        moment = following
    return changes


def _change(at: ZoneInfo, before: datetime.datetime, after: datetime.datetime
            ) -> datetime.datetime:
    """The first second with another offset than `before` has, by bisection."""
    old = _offset_s(at, before)
    low, high = 0, int((after - before).total_seconds())
    while high - low > 1:
        middle = (low + high) // 2
        if _offset_s(at, before + datetime.timedelta(seconds=middle)) == old:
            low = middle
        else:
            high = middle
    return before + datetime.timedelta(seconds=high)


def _offset_s(at: ZoneInfo, moment: datetime.datetime) -> int:
    offset = moment.astimezone(at).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())
