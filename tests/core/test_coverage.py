"""A tariff outside its validity, plain or with a calendar: the last prices known are accounted,
every row is marked, and nothing is traded."""

from __future__ import annotations

import datetime

import pytest

from boards.tariff_image import number
from edge.price_push import push
from edge.snapshot import CLOCK_OK, UNPRICED, UNPUSHED
from tests.core.park import DAY, Park, image
from tests.core.tariffs import image_of, turn

_DAY_S = 86_400


def plain(first: int, last: int) -> Park:
    return Park(image(tariff={"valid": [first, last]}, offsets=[[0, 0, 0]]))


def calendar(first: int, last: int) -> Park:
    made = image_of("cn_jiangsu")
    made["offsets"] = [[0, 0, 0]]
    made["tariff"]["days"].update(first=first, last=last)
    return Park(made)


@pytest.mark.parametrize("park_of", [plain, calendar])
def test_every_row_outside_the_validity_is_marked(park_of):
    """Three days, of which the second is the only one that the tariff is valid for."""
    gateway = park_of(DAY + 1, DAY + 1)
    marked = []
    for second in range(0, 3 * _DAY_S, 900):
        gateway.fresh_beat(second + 59, grid_w=50_000, store_w=0, soc_pm=500, pv_w=0)
        gateway.fresh_beat(second + 60, grid_w=50_000, store_w=0, soc_pm=500, pv_w=0)
        gateway.fresh_beat(second + 61, grid_w=50_000, store_w=0, soc_pm=500, pv_w=0)
        flags = gateway.site.journal.row[3]
        assert flags & CLOCK_OK
        marked.append(bool(flags & UNPRICED))
    assert marked == [True] * 96 + [False] * 96 + [True] * 96


@pytest.mark.parametrize("park_of", [plain, calendar])
def test_outside_there_is_one_level_and_the_last_prices_known(park_of):
    prices = park_of(DAY - 14, DAY).site.prices
    for outside, like in ((DAY + 7, DAY), (DAY - 21, DAY - 14)):
        assert len({prices.level(outside, slot) for slot in range(96)}) == 1
        assert [prices.price_e4(outside, slot) for slot in range(96)] == [
            prices.price_e4(like, slot) for slot in range(96)]
    assert len({prices.level(DAY, slot) for slot in range(96)}) > 1
    assert len({prices.level(DAY, slot) for slot in range(96, 192)}) == 1  # tomorrow


def test_a_mark_is_gone_when_the_clock_is_put_right():
    gateway = plain(DAY, DAY + 10)
    gateway.site.clock_set = False
    gateway.beat(day=0, second=59, now_ms=1000)
    gateway.beat(day=0, second=60, now_ms=2000)
    assert gateway.site.now.flags & (UNPRICED | CLOCK_OK) == UNPRICED
    gateway.site.clock_set = True
    gateway.fresh_beat(600)
    gateway.fresh_beat(660)
    assert gateway.site.now.flags & (UNPRICED | CLOCK_OK) == CLOCK_OK


def test_a_day_whose_push_did_not_come_is_marked():
    """Prices are expected every day: of three days those of the second come."""
    made = image_of("de_rlm")
    made["offsets"] = [[0, 0, 0]]
    site = Park(made).site
    site.clock_set = True
    day = number(datetime.date(2026, 6, 10))
    marked = []
    for at in range(3 * 96):
        second = at % 96 * 900
        site.now.second = second
        site.close_minute(day + at // 96, second, 1)
        marked.append(bool(site.now.flags & UNPUSHED))
        assert not site.now.flags & UNPRICED
        if at == 80:
            assert push(site, day + 1, [1000] * 24) == ""
    assert marked == [True] * 96 + [False] * 96 + [True] * 96


def test_critical_days_are_expected_of_nobody():
    gateway = Park(image_of("cn_guangdong"))
    turn(gateway, DAY, 0)
    gateway.fresh_beat(60, grid_w=50_000, store_w=0, soc_pm=500, pv_w=0)
    assert not gateway.site.now.flags & UNPUSHED
