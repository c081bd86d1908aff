"""The changes of local time in an image agree with the zone database at every moment."""

from __future__ import annotations

import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boards import zone
from edge.clock import LocalTime

START = datetime.date(2025, 1, 1)
NAMES = ["Asia/Shanghai", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe",
         "Africa/Casablanca", "Pacific/Apia", "Asia/Kathmandu", "UTC"]
CHANGES = {name: zone.offsets(ZoneInfo(name), START) for name in NAMES}
EPOCH = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)
FIRST_S = int((datetime.datetime(2025, 1, 1, tzinfo=datetime.UTC) - EPOCH).total_seconds())


class Now:
    """The part of a snapshot that LocalTime fills."""

    day = second = local_day = local_second = month = 0


@given(st.sampled_from(NAMES), st.lists(st.integers(0, 14 * 365 * 86400), min_size=1, max_size=40))
def test_the_gateways_clock_agrees_with_the_database(name, moments):
    clock, now = LocalTime(CHANGES[name]), Now()
    for since_s in sorted(moments):
        moment = EPOCH + datetime.timedelta(seconds=FIRST_S + since_s)
        local = moment.astimezone(ZoneInfo(name))
        now.day, now.second = divmod(FIRST_S + since_s, 86400)
        for _ in CHANGES[name]:  # it passes one change a call
            clock.tell(now)
        expected = local.replace(tzinfo=datetime.UTC) - EPOCH
        assert (now.local_day, now.local_second) == (expected.days, expected.seconds)
        assert now.month == (local.year - 2000) * 12 + local.month - 1


@pytest.mark.parametrize("name", NAMES)
def test_a_change_stands_at_its_very_second(name):
    for day, second, offset_s in CHANGES[name][1:]:
        moment = EPOCH + datetime.timedelta(days=day, seconds=second)
        before = (moment - datetime.timedelta(seconds=1)).astimezone(ZoneInfo(name)).utcoffset()
        after = moment.astimezone(ZoneInfo(name)).utcoffset()
        assert after is not None
        assert before != after
        assert int(after.total_seconds()) == offset_s


def test_zones_that_change_and_zones_that_do_not():
    assert CHANGES["Asia/Shanghai"] == [[0, 0, 28800]]
    assert len(CHANGES["Europe/Berlin"]) == 1 + 2 * zone.YEARS


@pytest.mark.parametrize("name", ["", "Asia", "..", "/etc/passwd", "Asia/Nowhere", "\0", "x" * 300])
def test_what_is_no_zone_is_none(name):
    assert zone.zone(name) is None
