"""Local time, months and weekdays against the standard library, 1970 to 2100."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.clock import LocalTime, month_of

EPOCH = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
FIRST = (dt.datetime(1970, 1, 1, tzinfo=dt.UTC) - EPOCH).days * 86_400
LAST = (dt.datetime(2100, 1, 1, tzinfo=dt.UTC) - EPOCH).days * 86_400
ZONES = ["Asia/Shanghai", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Apia",
         "Australia/Lord_Howe", "America/St_Johns", "UTC"]
days = st.integers(FIRST // 86_400, LAST // 86_400)
moments = st.integers(FIRST, LAST)


def offset_s(zone: str, moment: int) -> int:
    at = (EPOCH + dt.timedelta(seconds=moment)).astimezone(ZoneInfo(zone))
    offset = at.utcoffset()
    assert offset is not None
    return int(offset.total_seconds())


@lru_cache
def changes(zone: str) -> tuple[tuple[int, int, int], ...]:
    """(day, second, offset_s) of every change from 1970 on, found by halving the weeks."""
    found = [(FIRST // 86_400, 0, offset_s(zone, FIRST))]
    for week in range(FIRST, LAST, 7 * 86_400):
        before, after = week, min(week + 7 * 86_400, LAST)
        if offset_s(zone, before) == offset_s(zone, after):
            continue
        while after - before > 1:
            middle = (before + after) // 2
            if offset_s(zone, middle) == offset_s(zone, before):
                before = middle
            else:
                after = middle
        found.append((after // 86_400, after % 86_400, offset_s(zone, after)))
    return tuple(found)


def told(clock: LocalTime, moment: int) -> SimpleNamespace:
    now = SimpleNamespace(day=moment // 86_400, second=moment % 86_400)
    clock.tell(now)
    return now


def check(zone: str, now: SimpleNamespace, moment: int) -> None:
    local = EPOCH + dt.timedelta(seconds=moment + offset_s(zone, moment))
    midnight = local.replace(hour=0, minute=0, second=0)
    assert now.local_day == (midnight - EPOCH).days
    assert now.local_second == (local - midnight).seconds
    assert now.month == (local.year - 2000) * 12 + local.month - 1


@pytest.mark.parametrize("zone", ZONES)
def test_local_time_follows_the_zone_second_by_second_around_its_changes(zone):
    for day, second, _ in changes(zone)[-12:]:
        moment = day * 86_400 + second
        clock = LocalTime([list(change) for change in changes(zone)])
        for near in range(moment - 3, moment + 4):
            check(zone, told(clock, near), near)


@pytest.mark.parametrize("zone", ZONES)
@settings(max_examples=25)
@given(data=st.data())
def test_local_time_is_right_at_the_first_beat_after_a_start(zone, data):
    moment = data.draw(moments)
    check(zone, told(LocalTime([list(change) for change in changes(zone)]), moment), moment)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Asia/Kathmandu"])
@settings(max_examples=25)
@given(steps=st.lists(moments, min_size=2, max_size=8))
def test_local_time_follows_a_clock_that_is_set_ahead_and_back(zone, steps):
    clock = LocalTime([list(change) for change in changes(zone)])
    for moment in steps:
        check(zone, told(clock, moment), moment)


@given(days)
def test_month_of_any_day(day):
    date = EPOCH.date() + dt.timedelta(days=day)
    assert month_of(day) == (date.year - 2000) * 12 + date.month - 1


def test_months_turn_on_the_first_of_every_month_from_1970_to_2100():
    for count in range(-360, 1200):
        first = dt.date(2000 + count // 12, count % 12 + 1, 1)
        day = (first - EPOCH.date()).days
        assert (month_of(day - 1), month_of(day)) == (count - 1, count)
