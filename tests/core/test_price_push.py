"""Prices that are pushed for a day the evening before: what is taken, what is refused and why, and
how near the planner's levels are."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boards.tariff_image import number
from edge.price_calendar import Prices
from edge.price_push import push
from tests.core.park import Park
from tests.core.tariffs import EVENING, image_of, park, shipped, turn


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


def test_a_gateway_accounts_the_pushed_prices_from_midnight_to_midnight():
    """Minute for minute through the beat's own call, 60 Wh each; UTC is local time here."""
    made = image_of("de_rlm")
    made["offsets"] = [[0, 0, 0]]
    site = Park(made).site
    site.clock_set = True
    day = number(datetime.date(2026, 6, 10))
    pushed = [100 * hour for hour in range(24)]
    told = []
    for at in range(3 * 1440):
        site.flows.import_ws, site.flows.seconds = 60 * 3600, 60
        site.now.second = at % 1440 * 60
        site.close_minute(day + at // 1440, at % 1440 * 60, 1)
        told.append(site.now.price_e4)
        if at == 1200:
            assert push(site, day + 1, pushed) == ""
    assert told[1440:2880:60] == pushed
    standing = [shipped("de_rlm").days["workday"].prices_e4[hour * 4] for hour in range(24)]
    assert told[:1440:60] == told[2880::60] == standing
    cost_e4 = site.account.cost.units * 10_000 + site.account.cost.e4
    assert cost_e4 == sum(60 * price for price in told[:-1]) // 1000


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
