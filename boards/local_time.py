"""Moments of a journal: UTC day and second, told and asked for in the site's local time."""

import datetime
import re
from collections.abc import Sequence

Moment = tuple[int, int]  # UTC day since 2000-01-01, second of that day
Offsets = Sequence[Sequence[int]]

_EPOCH = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?")


class TimeError(ValueError):
    """A text that is no time."""


def moment_of(time: datetime.datetime) -> Moment:
    """The moment of an aware datetime."""
    since = time - _EPOCH
    return since.days, since.seconds


def seconds(moment: Moment) -> int:
    """A moment as one number."""
    return moment[0] * 86400 + moment[1]


def offset_s(moment: Moment, offsets: Offsets) -> int:
    """Local time minus UTC; the first change holds since ever."""
    held = offsets[0]
    for change in offsets[1:]:
        if (change[0], change[1]) <= moment:
            held = change
    return held[2]


def local(moment: Moment, offsets: Offsets) -> datetime.datetime:
    """A moment as local time, with its offset."""
    at = datetime.timezone(datetime.timedelta(seconds=offset_s(moment, offsets)))
    return (_EPOCH + datetime.timedelta(days=moment[0], seconds=moment[1])).astimezone(at)


def parse(text: str, last: Moment, offsets: Offsets) -> Moment:
    """A moment from "10:05", "10:05:30" (the last time it was so late, before `last`) or from ISO
    8601, local where it names no offset. Raises TimeError."""
    clock = _CLOCK.fullmatch(text)
    if clock:
        newest = local(last, offsets)
        asked = newest.replace(hour=int(clock[1]), minute=int(clock[2]), second=int(clock[3] or 0))
        day = asked.date() if asked <= newest else asked.date() - datetime.timedelta(days=1)
        return _from_local(datetime.datetime.combine(day, asked.time()), offsets)
    try:
        time = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise TimeError(f'found {text}, expected a time as "10:05", "10:05:30" or '
                        '"2025-11-22T10:05"') from None
    return _from_local(time, offsets) if time.tzinfo is None else moment_of(time)


def _from_local(time: datetime.datetime, offsets: Offsets) -> Moment:
    """The moment of a naive local time; the later one where the hour came twice."""
    for change in reversed(offsets):
        moment = moment_of(time.replace(tzinfo=datetime.UTC)
                           - datetime.timedelta(seconds=change[2]))
        if offset_s(moment, offsets) == change[2]:
            return moment
    skipped = offsets[-1][2]  # an hour that summer time left out
    return moment_of(time.replace(tzinfo=datetime.UTC) - datetime.timedelta(seconds=skipped))
