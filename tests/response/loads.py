"""Loads of a site made up for tests of settlement."""

import datetime
from fractions import Fraction
from functools import cache
from zoneinfo import ZoneInfo

from cloud_bridge.response.curve import Curve

SHANGHAI = ZoneInfo("Asia/Shanghai")
DAY = datetime.date(2026, 7, 15)  # a Wednesday


@cache
def utc(day, minute, zone=SHANGHAI):
    midnight = datetime.datetime(day.year, day.month, day.day, tzinfo=zone)
    return int((midnight + datetime.timedelta(minutes=minute)).timestamp())


def curve(by_day, minutes=15, zone=SHANGHAI, instants=False):
    """`by_day`: day -> W all day, or minute -> W."""
    values = {}
    for day, said in by_day.items():
        told = said if isinstance(said, dict) else dict.fromkeys(range(0, 1440, minutes), said)
        values.update({utc(day, minute, zone): Fraction(w) for minute, w in told.items()})
    return Curve(values, minutes, zone, instants)


def workdays_before(day, count):
    """The newest first; July has no holidays."""
    found = []
    while len(found) < count:
        day -= datetime.timedelta(1)
        if day.weekday() < 5:
            found.append(day)
    return found
