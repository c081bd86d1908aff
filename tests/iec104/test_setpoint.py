"""Orders of the dispatch centre: what the battery does of them, when they end, what is recorded."""

from __future__ import annotations

import struct
from itertools import pairwise
from typing import Any

import msgpack
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from edge.iec104.records import DONE, LAPSED, ORDER, REFUSED, RETURNED, TAKEN
from tests.core.park import image
from tests.iec104.bench import RULES, Bench, Station, started
from tests.iec104.master import STOPDT, interrogation, scaled, setpoint, single

COMMAND, LO_BY, HI_BY = 20, 16, 18  # of the journal's row


def records(bench: Bench) -> list[tuple[int, int, str]]:
    """Outcome, W and reason of each order that was recorded."""
    assert {kind for kind, _ in bench.frames} <= {ORDER}
    found = [msgpack.unpackb(body) for _, body in bench.frames]
    assert all(len(one) == 9 and one[0] == 1 for one in found)
    return [(one[3], one[4], one[6]) for one in found]


def follow(bench: Bench, for_s: int) -> list[int]:
    """What the battery is told, second by second; it does so."""
    told = []
    for _ in range(for_s):
        bench.run(1000)
        told.append(bench.row[COMMAND])
        bench.readings |= {"store_w": told[-1], "grid_w": 300_000 - told[-1]}
    return told


def keep_alive(bench: Bench, station: Station, for_s: int) -> None:
    """The station listens and confirms."""
    for _ in range(for_s // 5):
        bench.run(5000)
        station.listen()
        station.confirm()


@pytest.mark.parametrize(("order", "watts"), [
    (setpoint(-150.0), -150_000), (setpoint(99.9996), 100_000), (setpoint(0.0), 0)])
def test_a_setpoint_is_confirmed_and_followed(order: bytes, watts: int) -> None:
    bench, station = started()
    con, term = station.ask(order)
    assert [(one.kind, one.cause, one.negative) for one in (con, term)] == [
        (50, 7, False), (50, 10, False)]
    assert con.value == term.value == order[9:]
    assert follow(bench, 6)[-1] == watts
    mine = bench.park.site.rule_names.index("dispatch_centre")
    if watts:
        assert mine in (bench.row[LO_BY], bench.row[HI_BY])
    station.confirm()
    bench.run(1500)
    told = {one.ioa: one.value for one in station.heard() if one.kind == 36}
    assert told[1005] * 1000 == watts
    assert records(bench) == [(DONE, watts, "")]


def test_a_scaled_setpoint_with_the_sign_turned() -> None:
    bench, station = started(setpoint_type=49, setpoint_per=-1000)
    assert not station.ask(scaled(-100))[0].negative
    assert follow(bench, 6)[-1] == 100_000
    assert station.ask(setpoint(1.0))[0].cause == 47
    assert not station.ask(scaled(150))[0].negative
    assert follow(bench, 6)[-1] == -150_000


REFUSALS = {
    "range": setpoint(200.01), "range below": setpoint(-200.01), "huge": setpoint(3e38),
    "infinite": setpoint(float("inf")), "none": setpoint(float("nan")),
    "qualifier": setpoint(10.0, qos=3), "selected": setpoint(10.0, qos=0x80),
}
WHY = {"huge": "range", "range below": "range", "infinite": "not a number", "none": "not a number",
       "selected": "select"}


@pytest.mark.parametrize("how", REFUSALS)
def test_what_is_refused_changes_nothing_and_is_recorded(how: str) -> None:
    bench, station = started()
    (told,) = station.ask(REFUSALS[how])
    assert (told.kind, told.cause, told.negative) == (50, 7, True)
    assert told.value == REFUSALS[how][9:], "as it came"
    assert follow(bench, 3) == [0] * 3
    ((outcome, _, reason),) = records(bench)
    assert (outcome, reason) == (REFUSED, WHY.get(how, how))


def test_a_latched_fault_refuses() -> None:
    bench, station = started()
    bench.park.site.fault = ValueError("x")
    assert station.ask(setpoint(10.0))[0].negative
    assert records(bench) == [(REFUSED, 10_000, "fault")]


def test_it_lapses_after_its_lease_and_the_local_plan_goes_on() -> None:
    bench, station = started(lease_s=60)
    station.ask(setpoint(-150.0))
    told = follow(bench, 59)
    assert set(told[5:]) == {-150_000}
    assert follow(bench, 4)[-1] == 0
    assert records(bench) == [(DONE, -150_000, ""), (LAPSED, -150_000, "")]
    assert not bench.orders.is_on


def test_the_same_again_renews_it_and_is_recorded_once() -> None:
    bench, station = started(lease_s=20)
    for _ in range(5):
        assert not station.ask(setpoint(-50.0))[0].negative
        assert set(follow(bench, 12)[4:]) == {-50_000}
        station.listen()
        station.confirm()
    assert records(bench) == [(DONE, -50_000, "")]


def test_while_connected_it_holds_and_lapses_after_the_connection() -> None:
    bench, station = started(lease_s=20, while_connected=1)
    station.ask(setpoint(-50.0))
    keep_alive(bench, station, 120)
    assert bench.row[COMMAND] == -50_000
    station.pipe.stays = False  # closed over there
    assert follow(bench, 18)[-1] == -50_000
    assert follow(bench, 4)[-1] == 0
    bench, station = started(lease_s=20, while_connected=1)
    station.ask(setpoint(-50.0))
    station.confirm()
    station.say(STOPDT)
    bench.run(25_000)
    assert bench.row[COMMAND] == 0, "one that is stopped holds nothing"


def test_a_control_command_takes_and_gives_back() -> None:
    bench, station = started(control_ioa=5002)
    assert station.ask(setpoint(-50.0))[0].negative
    assert [one.cause for one in station.ask(single(1))] == [7, 10]
    assert not station.ask(setpoint(-50.0))[0].negative
    assert follow(bench, 4)[-1] == -50_000
    station.ask(single(1))
    assert [one.cause for one in station.ask(single(0))] == [7, 10]
    assert follow(bench, 2)[-1] == 0
    assert station.ask(setpoint(-50.0))[0].negative
    assert station.ask(single(1, qualifier=0x40))[0].negative
    assert records(bench) == [
        (REFUSED, -50_000, "control is local"), (TAKEN, 0, ""), (DONE, -50_000, ""),
        (RETURNED, 0, ""), (REFUSED, -50_000, "control is local"), (REFUSED, 0, "qualifier")]


def test_select_before_operate() -> None:
    bench, station = started(select=1, control_ioa=5002)
    other = bench.station()
    order, chosen = setpoint(-50.0), setpoint(-50.0, qos=0x80)
    assert [one.cause for one in station.ask(single(1, qualifier=0x80))] == [7]
    assert [one.cause for one in station.ask(single(1))] == [7, 10]
    assert station.ask(order)[0].negative, "not selected"
    assert [(one.cause, one.negative) for one in station.ask(chosen)] == [(7, False)]
    assert bench.row[COMMAND] == 0, "only selected"
    assert station.ask(setpoint(-51.0))[0].negative, "another value"
    assert station.ask(order)[0].negative, "the selection is used up"
    assert station.ask(setpoint(-300.0, qos=0x80))[0].negative, "out of range"
    station.ask(chosen)
    assert [one.negative for one in station.ask(setpoint(-50.0, cause=8))] == [False]
    assert [one.negative for one in station.ask(setpoint(-50.0, cause=8))] == [True]
    assert station.ask(order)[0].negative, "deselected"
    station.ask(chosen)
    bench.run(10_500)
    assert station.ask(order)[0].negative, "too late"
    station.ask(chosen)
    other.start()
    assert other.ask(order)[0].negative, "selected by another"
    other.ask(chosen)
    assert [one.cause for one in other.ask(order)] == [7, 10]
    assert follow(bench, 4)[-1] == -50_000


def test_a_selection_does_not_outlive_its_connection() -> None:
    bench, station = started(select=1, connections=1)
    station.ask(setpoint(-50.0, qos=0x80))
    station.pipe.stays = False
    bench.run(1000)
    again = bench.station()
    again.start()
    assert again.ask(setpoint(-50.0))[0].negative


@pytest.mark.parametrize(("over_demand", "watts"), [(0, 200_000), (1, 0)])
def test_it_costs_a_peak_only_where_the_site_says_so(over_demand: int, watts: int) -> None:
    made = image(without=RULES, rules={"dispatch_centre": {"over_demand": over_demand},
                                       "demand": {"target_w": 100_000}})
    bench = Bench(made=made)
    bench.run(60_000 * 14)  # of a window, at three times its target
    station = bench.station()
    station.start()
    station.ask(setpoint(0.0))
    assert follow(bench, 30)[-1] == watts


@settings(max_examples=40)
@example([(0.0, 0, 0, 1), (0.0, 0, 0, 1), (-51.0, 0, 0, 1), (-101.0, 0, 0, 1)])
@given(st.lists(st.tuples(st.floats(-200, 200, width=32), st.integers(0, 1000),
                          st.integers(-100_000, 690_000), st.integers(1, 8)),
                min_size=1, max_size=8))
def test_no_order_leaves_the_park_limits(story: list[tuple[float, int, int, int]]) -> None:
    """Import below the contract (700 kW), no export, inside the window of the state of charge, and
    no faster than the ramp: whatever is ordered when."""
    bench, station = started()
    before = 0
    for kilowatts, soc_pm, load_w, for_s in story:
        station.ask(setpoint(kilowatts))
        station.confirm()
        for _ in range(for_s):
            bench.readings |= {"soc_pm": soc_pm, "grid_w": load_w - before, "store_w": before}
            bench.run(1000)
            w = bench.row[COMMAND]
            assert load_w - w <= 700_000 or w >= 0
            assert load_w - w >= 0 or w <= 0
            assert -200_000 <= w <= 200_000
            assert soc_pm > 100 or w <= 0
            assert soc_pm < 900 or w >= 0
            before = w
            station.listen()
            station.confirm()
    for was_w, is_w in pairwise(bench.commands_w):
        assert min(was_w, 0) - 50_000 <= is_w <= max(was_w, 0) + 50_000
    assert bench.park.site.fault is None


def test_a_flood_of_orders_leaves_room_in_the_outbox() -> None:
    bench, station = started()
    for number in range(600):
        station.say(station.master.i_frame(setpoint(100.0 + (number & 1))))
        station.say(station.master.i_frame(setpoint(float("nan"))))
        bench.run(40)
        station.listen()
        station.confirm()
    assert not station.pipe.closed
    assert len(bench.frames) <= 32 + 8 + 2
    bench.run(130_000)
    last = bench.station()
    last.start()
    last.ask(setpoint(7.0))
    bench.run(1000)
    told = msgpack.unpackb(bench.frames[-1][1])
    assert told[3:5] == [DONE, 7000]
    assert told[8] >= 1100, "how many nobody was told of"


def test_records_wait_for_storage_that_fails_and_need_none() -> None:
    bench, station = started()
    bench.broken = True
    station.ask(setpoint(10.0))
    bench.run(3000)
    assert bench.door.station.records.errors > 1
    bench.broken = False
    bench.run(1000)
    assert records(bench) == [(DONE, 10_000, "")]
    bench.door.station.records._outbox = None
    assert not station.ask(setpoint(11.0))[0].negative
    assert bench.door.station.records.unsaid == 1


def test_who_said_it_stands_in_the_record() -> None:
    bench = Bench(peers=["10.20.30.40"]).settle()
    station = bench.station("10.20.30.40")
    station.start()
    station.ask(setpoint(10.0))
    found: Any = msgpack.unpackb(bench.frames[0][1])
    assert found[1:3] == [bench.row[0], bench.row[1]]
    assert found[5:8] == [60, "", "10.20.30.40"]
    assert struct.pack("<f", 10.0) in setpoint(10.0)
    assert station.ask(interrogation())[0].cause == 7
