"""Times asked for become the moment that was meant, in the site's own time."""

from __future__ import annotations

import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boards import zone
from boards.local_time import TimeError, local, moment_of, parse, seconds

BERLIN = zone.offsets(ZoneInfo("Europe/Berlin"), datetime.date(2025, 1, 1))
SHANGHAI = zone.offsets(ZoneInfo("Asia/Shanghai"), datetime.date(2025, 1, 1))
TIMES = st.datetimes(datetime.datetime(2025, 1, 2), datetime.datetime(2038, 1, 1))


@given(TIMES, st.sampled_from([("Europe/Berlin", BERLIN), ("Asia/Shanghai", SHANGHAI)]))
def test_a_moment_is_told_as_the_database_tells_it(time, place):
    name, offsets = place
    aware = time.replace(microsecond=0, tzinfo=datetime.UTC)
    told = local(moment_of(aware), offsets)
    assert told == aware
    assert told.utcoffset() == aware.astimezone(ZoneInfo(name)).utcoffset()


@given(TIMES)
def test_a_local_time_finds_its_way_back(time):
    time = time.replace(microsecond=0)
    moment = parse(time.isoformat(), (14000, 0), BERLIN)
    told = local(moment, BERLIN).replace(tzinfo=None)
    skipped = datetime.timedelta(hours=1)  # in March an hour is not there
    assert told in (time, time + skipped, time - skipped)
    if ZoneInfo("Europe/Berlin").utcoffset(time + skipped) == \
            ZoneInfo("Europe/Berlin").utcoffset(time - 2 * skipped):
        assert told == time


@given(TIMES, st.times())
def test_a_time_of_day_is_the_last_one_there_was(last, asked):
    newest = moment_of(last.replace(microsecond=0, tzinfo=datetime.UTC))
    found = parse(asked.strftime("%H:%M:%S"), newest, SHANGHAI)
    assert 0 <= seconds(newest) - seconds(found) < 86400
    assert local(found, SHANGHAI).time() == asked.replace(microsecond=0)


def test_the_hour_that_comes_twice_is_the_later_one():
    moment = parse("2025-10-26T02:30", (9500, 0), BERLIN)
    assert local(moment, BERLIN).isoformat() == "2025-10-26T02:30:00+01:00"


@pytest.mark.parametrize("text", ["2025-11-22T10:05+08:00", "2025-11-22T02:05Z",
                                  "2025-11-22 10:05:00", "10:05"])
def test_forms(text):
    assert parse(text, (9457, 20_000), SHANGHAI) == (9457, 2 * 3600 + 300)


@pytest.mark.parametrize("text", ["", "25:00", "10", "noon", "10:60", "2025-13-01"])
def test_what_is_no_time_is_told(text):
    with pytest.raises(TimeError, match="expected a time as"):
        parse(text, (9457, 0), BERLIN)
