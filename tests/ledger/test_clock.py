"""The ledger of a gateway whose clock is wrong: nothing is dated that nobody can date."""

from __future__ import annotations

import pytest

from cloud_bridge.batches import LEDGER
from tests.ledger.test_keeper import park, verdict


def test_a_clock_put_back_loses_no_energy():
    one = park([])
    for _ in range(4):
        one.quarter()
        one.work()
    one.minutes -= 45
    for _ in range(5):
        one.quarter()
        one.work()
    found = verdict(one.outbox.messages)
    assert found.faults == []
    imported = sum(sum(site.flows[0:3]) for site, _ in found.accounts)
    first = found.accounts[0][0]
    assert imported - sum(first.flows[0:3]) == (
        found.accounts[-1][0].register_wh(0) - first.register_wh(0))
    assert all(site.values["unread"] == 0 for site, _ in found.accounts[1:])


def test_no_account_is_opened_nor_closed_by_a_clock_that_was_never_set():
    one = park([])
    one.site.clock_set = False
    right, one.minutes = one.minutes, 30
    for _ in range(3):
        one.quarter()
        one.work()
    assert not any(kind == LEDGER for kind, _ in one.outbox.messages)
    one.site.clock_set, one.minutes = True, right
    for _ in range(4):
        one.quarter()
        one.work()
    one.start()
    one.site.clock_set = False
    right, one.minutes = one.minutes, one.minutes + 10 * 365 * 1440
    for _ in range(3):
        one.quarter()
        one.work()
    one.site.clock_set, one.minutes = True, right + 45
    for _ in range(2):
        one.quarter()
        one.work()
    found = verdict(one.outbox.messages)
    assert found.faults == []
    assert [site.values["span"] for site, _ in found.accounts] == [1, 1, 1, 4, 1]


@pytest.mark.parametrize(("wrong", "spans"), [(3, [1, 1, 4, 1]), (95, [1, 1, 96, 1])])
def test_a_clock_that_leaps_ten_years_ahead_for_a_while_ends_no_ledger(wrong, spans):
    one = park([])
    for _ in range(3):
        one.quarter()
        one.work()
    one.minutes += 10 * 365 * 1440
    for _ in range(wrong):
        one.quarter()
        one.work()
    one.minutes -= 10 * 365 * 1440
    for _ in range(2):
        one.quarter()
        one.work()
    found = verdict(one.outbox.messages)
    assert found.faults == []
    assert [site.values["span"] for site, _ in found.accounts] == spans
    imported = sum(sum(site.flows[0:3]) for site, _ in found.accounts)
    first = found.accounts[0][0]
    assert imported - sum(first.flows[0:3]) == (
        found.accounts[-1][0].register_wh(0) - first.register_wh(0))


def test_a_clock_that_stands_by_its_leap_for_a_day_is_believed():
    one = park([])
    for _ in range(3):
        one.quarter()
        one.work()
    one.minutes += 30 * 1440
    for _ in range(98):
        one.quarter()
        one.work()
    found = verdict(one.outbox.messages)
    assert found.faults == []
    assert found.accounts[-1][0].quarter - found.accounts[1][0].quarter == 30 * 96 + 98
