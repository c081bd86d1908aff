"""Prices as a gateway looks them up: those of the host at every quarter-hour of years, pushed ones,
and what the bill asks beyond them."""

from __future__ import annotations

import datetime
import json
import os
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boards import tariff, zone
from boards.shapes import Findings
from boards.tariff_image import number
from edge.clock import LocalTime
from edge.price_calendar import Prices
from edge.price_push import push
from edge.snapshot import CLOCK_OK
from tests.conftest import ROOT
from tests.core.park import Park, image

SCRIPT = ROOT / "tests" / "core" / "price_days.py"
ZONES = {"cn_guangdong": "Asia/Shanghai", "cn_jiangsu": "Asia/Shanghai", "de_rlm": "Europe/Berlin",
         "us_california": "America/Los_Angeles"}
EVENING = 19 * 3600


def shipped(name: str) -> tariff.Tariff:
    findings = Findings(name)
    found = tariff.read(tariff.FOLDER / f"{name}.toml", findings)
    assert findings.lines == []
    assert found is not None
    assert found.valid_from is not None
    assert found.valid_to is not None
    return found


def image_of(name: str, **sections: Any) -> dict[str, Any]:
    found = shipped(name)
    at = zone.zone(ZONES[name])
    assert at is not None
    made = image(offsets=zone.offsets(at, found.valid_from, 4), **sections)
    made["tariff"] = found.image(found.valid_from)
    return made


def park(name: str, **sections: Any) -> Park:
    """A park under a shipped tariff, its clock told for the evening of a summer day."""
    made = Park(image_of(name, **sections))
    turn(made, number(datetime.date(2026, 6, 10)), EVENING)
    return made


def turn(made: Park, local_day: int, local_second: int) -> None:
    """Let a minute begin at a local time."""
    now = made.site.now
    now.local_day, now.local_second = local_day, local_second
    now.flags |= CLOCK_OK


@pytest.mark.parametrize("name", ZONES)
def test_a_gateway_has_the_prices_of_the_host(name):
    """Every quarter-hour of two years, or of all for which the tariff is valid: through summer
    time, holidays and the ends of months."""
    found, made = shipped(name), image_of(name)
    at = zone.zone(ZONES[name])
    site = Park(made).site
    prices, clock, now = site.prices, site.clock, site.now
    moment = datetime.datetime.combine(found.valid_from, datetime.time(12), datetime.UTC)
    end = moment + datetime.timedelta(min((found.valid_to - found.valid_from).days, 730))
    quarter = datetime.timedelta(minutes=15)
    while moment < end:
        since = moment - zone._EPOCH
        now.day, now.second = since.days, since.seconds
        clock.tell(now)
        local = moment.astimezone(at)
        slot = (local.hour * 60 + local.minute) // 15
        day = found.day(local.date())
        assert now.local_second // 900 == slot
        price_e4 = prices.price_e4(now.local_day, slot)
        assert price_e4 == day.prices_e4[slot]
        assert prices.levels[prices.level(now.local_day, slot)] == price_e4
        assert prices.price_e4(now.local_day - 1, slot + 96) == price_e4
        if found.billed:
            assert site.export_e4 == day.exports_e4[slot]
            charges = ["", *found.demand.charges_e4]
            assert site.window.charge == charges.index(day.charges[slot])
            begun = local.date() - datetime.timedelta(days=found.demand.day - 1)
            month = 1 if found.demand.months == 12 else begun.month
            assert now.month == (begun.year - 2000) * 12 + month - 1
        moment += quarter


def test_levels_rise_and_are_few():
    for name in ZONES:
        levels = list(park(name).site.prices.levels)
        assert levels == sorted(set(levels))
        assert len(levels) <= 16
    assert list(Park().site.prices.levels) == [3000, 6500, 10_000, 12_000]


def test_outside_its_validity_a_tariff_goes_on_and_nothing_is_traded():
    prices = park("cn_jiangsu").site.prices
    first, last = prices.days["first"], prices.days["last"]
    for outside, inside in ((last + 7, last), (first - 7, first + 7)):
        assert len({prices.level(outside, slot) for slot in range(96)}) == 1
        assert [prices.price_e4(outside, slot) for slot in range(96)] == [
            prices.price_e4(inside, slot) for slot in range(96)]
    assert len({prices.level(last, slot) for slot in range(96)}) > 1
    assert len({prices.level(last, slot) for slot in range(96, 192)}) == 1


def test_a_critical_day_is_pushed_the_evening_before():
    site = park("cn_guangdong").site
    today = site.now.local_day
    standing = [site.prices.price_e4(today + 1, slot) for slot in range(96)]
    assert push(site, today + 1, "critical") == ""
    assert site.prices.version == 1
    critical = shipped("cn_guangdong").days["critical"].prices_e4
    assert tuple(site.prices.price_e4(today, 96 + slot) for slot in range(96)) == critical
    for other in (today, today + 2):  # one day, and no other
        assert [site.prices.price_e4(other, slot) for slot in range(96)] == standing


REFUSED = {
    "today": (0, "critical", "which has begun or is over"),
    "yesterday": (-1, "critical", "which has begun or is over"),
    "the day after tomorrow": (2, "critical", "expected the next one"),
    "a profile that is not pushed": (1, "usual", "found profile usual"),
    "prices where none are": (1, [5000] * 24, "found prices, expected the name of a profile"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_push_that_is_refused_changes_nothing(name):
    ahead, what, reason = REFUSED[name]
    site = park("cn_guangdong").site
    before = told(site.prices, site.now.local_day)
    assert reason in push(site, site.now.local_day + ahead, what)
    assert told(site.prices, site.now.local_day) == before


def told(prices: Prices, day: int) -> list[tuple[int, int]]:
    """All there is to know of yesterday to the day after tomorrow."""
    return [(prices.price_e4(at, slot), prices.level(at, slot))
            for at in range(day - 1, day + 3) for slot in range(96)] + [(prices.version, 0)]


@pytest.mark.parametrize(("what", "reason"), [
    ([], "expected one of 24 or 96"),
    ([1000] * 95, "expected one of 24 or 96"),
    ([1000] * 97, "expected one of 24 or 96"),
    (None, "found no list of prices"),
    ([1000] * 23 + [None], "price 24 of 24 is not a whole number"),  # a gap
    ([1000] * 23 + [0.1], "price 24 of 24 is not a whole number"),
    ([True] + [1000] * 23, "price 1 of 24 is not a whole number"),
    ([-4001] + [1000] * 95, "price 1 of 96: found -4001, expected -4000 .. 12000"),
    ([1000] * 95 + [12_001], "price 96 of 96: found 12001, expected -4000 .. 12000"),
    ("workday", "found profile workday, expected one that may be pushed"),
])
def test_wrong_prices_are_refused(what, reason):
    site = park("de_rlm").site
    before = told(site.prices, site.now.local_day)
    assert reason in push(site, site.now.local_day + 1, what)
    assert told(site.prices, site.now.local_day) == before


def test_a_push_that_comes_too_late_or_to_a_clock_that_is_not_set_is_refused():
    made = image_of("cn_guangdong")
    made["tariff"]["days"]["push"]["until_s"] = 20 * 3600
    gateway = Park(made)
    site, day = gateway.site, number(datetime.date(2026, 6, 10))
    site.now.local_day, site.now.local_second = day, EVENING
    assert push(site, day + 1, "critical") == "the clock is not set"
    turn(gateway, day, 20 * 3600)
    assert push(site, day + 1, "critical") == "too late: expected by 20:00 of the day before"
    turn(gateway, day, 20 * 3600 - 60)
    assert push(site, day + 1, "critical") == ""
    last = made["tariff"]["days"]["last"]
    turn(gateway, last, EVENING)
    assert "outside the tariff's validity" in push(site, last + 1, "critical")


def test_a_tariff_without_pushes_refuses_them():
    for site in (Park().site, park("us_california").site):
        assert push(site, site.now.local_day + 1, "critical") == "the tariff knows no pushed prices"


PUSHED = st.one_of(*(st.lists(st.integers(-4000, 12_000), min_size=size, max_size=size)
                     for size in (24, 96)),
                   st.lists(st.sampled_from((-100, 0, 1, 2, 3, 900)), min_size=24, max_size=24))


@settings(max_examples=60)
@given(st.lists(PUSHED, min_size=1, max_size=4))
def test_pushed_prices_are_exact_and_planned_to_within_a_bound(pushed):
    """Whatever is pushed, evening after evening: the day has these prices and no other, and every
    price of today and tomorrow is near its level."""
    gateway = park("de_rlm")
    site, prices = gateway.site, gateway.site.prices
    standing = list(prices.standing_e4)
    day = site.now.local_day
    last: list[int] = []
    for what in pushed:
        turn(gateway, day, EVENING)
        assert push(site, day + 1, what) == ""
        levels = list(prices.levels)
        assert levels == sorted(set(levels))
        assert len(levels) == 16
        wanted = [what[slot * len(what) // 96] for slot in range(96)]
        assert [prices.price_e4(day, 96 + slot) for slot in range(96)] == wanted
        if last:
            assert [prices.price_e4(day, slot) for slot in range(96)] == last
        known = {*standing, *wanted, *(last or wanted)}
        for slot in range(192):
            off = abs(levels[prices.level(day, slot)] - prices.price_e4(day, slot))
            assert off <= (max(known) - min(known)) // 32 + 1
            if len(known) <= 16:
                assert off == 0
        last = wanted
        day += 1
    assert prices.version == len(pushed)


def test_the_last_push_for_a_day_holds():
    site = park("de_rlm").site
    day = site.now.local_day + 1
    for price in (1000, 2000, 3000):
        assert push(site, day, [price] * 24) == ""
    assert [site.prices.price_e4(day, slot) for slot in range(96)] == [3000] * 96
    assert site.prices.version == 3


def test_without_a_push_a_day_has_its_standing_profile():
    gateway = park("de_rlm")
    site, day = gateway.site, gateway.site.now.local_day
    assert push(site, day + 1, [700] * 24) == ""
    turn(gateway, day + 1, EVENING)  # none came for the day after
    found = shipped("de_rlm")
    for slot in range(96):
        assert site.prices.price_e4(day + 2, slot) == found.day(
            datetime.date(2026, 6, 12)).prices_e4[slot]


@pytest.mark.parametrize("name", ZONES)
def test_both_interpreters_say_the_same_and_none_allocates(name, micropython, tmp_path):
    path = tmp_path / "site.json"
    path.write_text(json.dumps(image_of(name)))
    first = str(number(datetime.date(2026, 10, 20)))  # summer time ends, a month, a season
    here = subprocess.run([sys.executable, SCRIPT, path, first], capture_output=True, text=True,
                          check=True, env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=60)
    there = micropython.run(SCRIPT, path, first, heap="512k")
    assert there.stdout == here.stdout
    assert int(here.stdout.split()[1]) == 21 * 24 * 192


def test_a_demand_that_is_paid_for_anyway_is_no_peak_to_shave():
    window = park("cn_jiangsu").site.window
    assert window.peak_w == 525_000  # 105 % of the contract
    window._close_window(500_000 * 15)
    assert (window.peak_w, window.demand_w) == (525_000, 500_000)
    window._close_window(600_000 * 15)
    assert window.peak_w == 600_000
    window.new_month()
    assert window.peak_w == 525_000


def test_each_charge_has_a_peak_of_its_own():
    """What may be imported now without paying more: the lowest of the peaks that apply."""
    window = park("us_california").site.window
    window.turn(0)
    window._close_window(400_000 * 15)
    assert window.peak_w == 400_000
    window.turn(1)
    assert window.peak_w == 0
    window._close_window(300_000 * 15)
    assert (window.peak_w, list(window.peaks_w)) == (300_000, [400_000, 300_000, 0])
    window._close_window(500_000 * 15)
    assert (window.peak_w, list(window.peaks_w)) == (500_000, [500_000, 500_000, 0])
    window.turn(2)
    assert window.peak_w == 0
    window.turn(0)
    assert window.peak_w == 500_000


def test_without_a_charge_for_all_hours_the_dearest_one_counts():
    made = image_of("us_california")
    made["tariff"]["billing"]["charges_e4"] = [0, 240_000, 55_000]
    window = Park(made).site.window
    window.turn(1)
    window._close_window(300_000 * 15)
    window.turn(0)
    window._close_window(900_000 * 15)
    assert window.peak_w == 300_000
    window.turn(2)
    assert window.peak_w == 0


def test_the_clock_of_a_plain_tariff_is_the_plain_one():
    assert type(Park().site.clock) is LocalTime
    assert type(park("cn_guangdong").site.clock) is LocalTime
    assert type(park("us_california").site.clock) is not LocalTime
