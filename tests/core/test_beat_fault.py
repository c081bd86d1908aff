"""An internal error ends in 0 W, a latched fault and a journal row, wherever it happens."""

from __future__ import annotations

import pytest

from edge.gate import WORDS
from edge.snapshot import FAULT
from tests.core.breaker import AFTER, PARTS, BrokenError, BrokenPark
from tests.core.park import DAY, image

everywhere = pytest.mark.parametrize("place", PARTS.values(), ids=PARTS.keys())
after = pytest.mark.parametrize("place", AFTER.values(), ids=AFTER.keys())


def working(place, monkeypatch) -> BrokenPark:
    """A park whose battery discharges because the contract is exceeded; it breaks at 60 s."""
    park = BrokenPark(place, monkeypatch, image())
    for second in range(45, 60):
        w = beat(park, second)
    assert w > 0
    assert park.site.fault is None
    park.broken = True
    return park


def beat(park: BrokenPark, second: int) -> int:
    return park.fresh_beat(second, grid_w=800_000, store_w=0, soc_pm=500, pv_w=0)


def resting(park: BrokenPark, second: int) -> None:
    w, site = beat(park, second), park.site
    assert w == site.storage.setpoint_w == site.now.command_w == 0
    assert site.storage.setpoint_ms == second * 1000, "a safe command is a command, with its lease"
    assert isinstance(site.fault, BrokenError)
    assert site.now.flags & FAULT


@everywhere
def test_an_error_rests_the_battery_and_latches(place, monkeypatch):
    park = working(place, monkeypatch)
    for second in range(60, 65):  # a minute has just ended: every part has work
        resting(park, second)
        row = park.row
        assert row["flags"] & FAULT
        assert (row["day"], row["second"], row["now_ms"]) == (DAY, second, second * 1000)
        assert (row["command_w"], row["chosen_w"], row["lo_w"], row["hi_w"]) == (0, 0, 0, 0)
        assert WORDS[row["verdict"]] == "internal fault"


@everywhere
def test_the_fault_stays_when_the_cause_has_gone(place, monkeypatch):
    park = working(place, monkeypatch)
    resting(park, 60)
    park.broken = False
    for second in range(61, 125):
        resting(park, second)
    assert park.row["flags"] & FAULT


@after
def test_an_error_in_what_the_safe_end_uses_does_not_escape(place, monkeypatch):
    park = working(place, monkeypatch)
    for second in range(60, 65):
        resting(park, second)


def test_telemetry_that_fails_does_not_cost_the_journal_row(monkeypatch):
    park = working(AFTER["the telemetry"], monkeypatch)
    resting(park, 60)
    assert park.row["flags"] & FAULT
    assert park.row["second"] == 60
    assert park.row["command_w"] == 0


@everywhere
def test_the_row_of_a_fault_reaches_the_telemetry(place, monkeypatch):
    park = working(place, monkeypatch)
    offered = []
    park.site.telemetry.offer = lambda row, *_: offered.append(list(row))
    resting(park, 60)
    assert offered == [list(park.site.journal.row)]


@pytest.mark.parametrize("start_s", [0, 86_340])
def test_the_rows_of_a_fault_bear_their_own_day(start_s, monkeypatch):
    """At the first beat after a start, and past the next midnight."""
    park = BrokenPark(PARTS["the first rule"], monkeypatch, image())
    park.broken = True
    for second in range(start_s, start_s + 130):
        beat(park, second)
        row = park.row
        assert (row["day"], row["second"]) == (DAY + second // 86_400, second % 86_400)
