"""An internal error ends in 0 W, a latched fault and a journal row, wherever it happens."""

from __future__ import annotations

import pytest

from edge.controller import INTERNAL_FAULT
from edge.snapshot import FAULT
from tests.core.park import DAY, Park, image


class Broken(Exception):
    """The injected error."""


def _raise(*_: object) -> int:
    raise Broken("injected")


def working_park() -> Park:
    """A park whose battery discharges because the contract is exceeded."""
    park = Park(image())
    for second in range(45, 60):
        w = park.fresh_beat(second, grid_w=800_000, store_w=0, soc_pm=500, pv_w=0)
    assert w > 0
    return park


def _part(name: str, method: str):
    def replace(site, by):
        part = getattr(site, name)
        kept = getattr(part, method)
        setattr(part, method, by or kept)
        return lambda: setattr(part, method, kept)
    return replace


def _rule(place: int):
    def replace(site, by):
        kept = site.rules[place]
        site.rules[place] = by
        return lambda: site.rules.__setitem__(place, kept)
    return replace


PLACES = {  # each breaks one part and returns how to mend it
    "a device": _part("storage", "show"),
    "the clock": _part("clock", "tell"),
    "the snapshot": _part("now", "settle"),
    "the flows": _part("flows", "post"),
    "the demand window": _part("window", "close_minute"),
    "the account": _part("account", "post"),
    "the first rule": _rule(0),
    "the last rule": _rule(-1),
    "the gate": _part("gate", "allow_w"),
}
AFTER = {  # parts the safe end itself would like to use
    "the journal": _part("journal", "note"),
    "the telemetry": _part("telemetry", "offer"),
}


def _resting(park: Park, second: int) -> None:
    w = park.fresh_beat(second, grid_w=800_000, store_w=0, soc_pm=500, pv_w=0)
    site = park.site
    assert w == site.storage.setpoint_w == site.now.command_w == 0
    assert site.storage.setpoint_ms == second * 1000, "a safe command is a command, with its lease"
    assert isinstance(site.fault, Broken)
    assert site.now.flags & FAULT


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES.keys())
def test_an_error_rests_the_battery_and_latches(place):
    park = working_park()
    place(park.site, _raise)
    for second in range(60, 65):  # a minute has just ended: every part has work
        _resting(park, second)
        row = park.row
        assert row["flags"] & FAULT
        assert (row["day"], row["second"], row["now_ms"]) == (DAY, second, second * 1000)
        assert (row["command_w"], row["chosen_w"], row["lo_w"], row["hi_w"]) == (0, 0, 0, 0)
        assert row["verdict"] == INTERNAL_FAULT


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES.keys())
def test_the_fault_stays_when_the_cause_has_gone(place):
    park = working_park()
    mend = place(park.site, _raise)
    _resting(park, 60)
    mend()
    for second in range(61, 125):
        _resting(park, second)
    assert park.row["flags"] & FAULT


@pytest.mark.parametrize("place", AFTER.values(), ids=AFTER.keys())
def test_an_error_in_what_the_safe_end_uses_does_not_escape(place):
    park = working_park()
    place(park.site, _raise)
    for second in range(60, 65):
        _resting(park, second)


def test_telemetry_that_fails_does_not_cost_the_journal_row():
    park = working_park()
    AFTER["the telemetry"](park.site, _raise)
    _resting(park, 60)
    assert park.row["flags"] & FAULT
    assert park.row["second"] == 60


def test_the_row_of_a_fault_reaches_the_telemetry():
    park = working_park()
    offered = []
    park.site.telemetry.offer = lambda row, *_: offered.append(list(row))
    PLACES["the first rule"](park.site, _raise)
    _resting(park, 60)
    assert offered == [list(park.site.journal.row)]


@pytest.mark.parametrize("start_s", [0, 86_340])
def test_the_rows_of_a_fault_bear_their_own_day(start_s):
    """At the first beat after a start, and past the next midnight."""
    park = Park(image())
    PLACES["the first rule"](park.site, _raise)
    for second in range(start_s, start_s + 130):
        park.fresh_beat(second, grid_w=0, store_w=0, soc_pm=500, pv_w=0)
        row = park.row
        assert (row["day"], row["second"]) == (DAY + second // 86_400, second % 86_400)
