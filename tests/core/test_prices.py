"""Prices as a gateway looks them up: those of the host at every quarter-hour of years; and what the
bill asks beyond them."""

from __future__ import annotations

import datetime
import json
import os
import subprocess
import sys

import pytest

from boards import zone
from boards.tariff_image import number
from edge.clock import LocalTime
from tests.conftest import ROOT
from tests.core.park import Park
from tests.core.tariffs import ZONES, image_of, park, shipped

SCRIPT = ROOT / "tests" / "core" / "price_days.py"


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


@pytest.mark.parametrize("name", ZONES)
def test_both_interpreters_say_the_same_and_none_allocates(name, micropython, tmp_path):
    path = tmp_path / "site.json"
    path.write_text(json.dumps(image_of(name)))
    first = str(number(datetime.date(2026, 10, 20)))  # summer time ends, a month, a season
    here = subprocess.run([sys.executable, SCRIPT, path, first], capture_output=True, text=True,
                          check=True, env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=60)
    there = micropython.run(SCRIPT, path, first, heap="512k")
    assert there.stdout == here.stdout
    slots, version = here.stdout.split()[1:3]
    assert int(slots) == 21 * 24 * 192
    assert int(version) == {"cn_guangdong": 4, "de_rlm": 7}.get(name, 0)  # pushes that were taken


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
