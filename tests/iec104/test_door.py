"""Who comes in, how many, and which connection is told."""

from __future__ import annotations

import errno

import pytest

from edge.iec104.door import name_of
from tests.iec104.bench import Bench, Station, started
from tests.iec104.master import STARTDT_CON, TESTFR, TESTFR_CON, interrogation, setpoint


def is_in(station: Station) -> bool:
    """Whether somebody is at the other end."""
    station.say(TESTFR)
    station._bench.run(100)
    station.listen()
    return bool(station.master.frames) and station.master.frames[-1] == TESTFR_CON


@pytest.mark.parametrize(("peer", "welcome"), [
    ("10.1.2.3", True), ("fd00::7", True), ("::ffff:10.1.2.3", True), ("10.1.2.4", False),
    ("10.1.2.30", False), ("127.0.0.1", False)])
def test_only_peers_come_in(peer: str, welcome: bool) -> None:
    bench = Bench(peers=["10.1.2.3", "fd00::7"]).settle()
    station = bench.station(peer)
    assert is_in(station) == welcome
    assert station.pipe.closed != welcome
    assert bench.door.refused == (not welcome)
    assert station.pipe.heard == (TESTFR_CON if welcome else b""), "strangers are told nothing"


def test_who_accept_says_it_is() -> None:
    assert name_of(("10.1.2.3", 4711)) == "10.1.2.3"
    assert name_of(("fd00::7", 4711, 0, 0)) == "fd00::7"
    assert name_of(bytearray(b"\2\0\x98\xfc\x7f\0\0\1" + bytes(8))) == "127.0.0.1"


def test_the_one_who_started_last_is_told() -> None:
    bench, first = started()
    second = bench.station()
    assert is_in(second)
    bench.readings["grid_w"] = 200_000
    bench.run(1500)
    assert [one.value for one in first.heard()] == [200.0]
    assert second.heard() == [], "a connection that has not started is only tested"
    second.start()
    assert second.master.frames[-1] == STARTDT_CON
    bench.readings["grid_w"] = 100_000
    bench.run(2500)
    assert first.heard() == []
    told = second.heard()
    assert {one.ioa for one in told} == {1, 2, 1001, 1002, 1003, 1004, 1005}, "all, once"
    assert [one.value for one in told if one.ioa == 1001][-1] == 100.0
    assert not first.pipe.closed
    first.start()
    bench.run(1500)
    assert first.heard()
    assert first.ask(interrogation())[0].cause == 7
    assert second.heard() == []


def test_what_a_lost_connection_may_not_have_brought_home_is_told_again() -> None:
    bench, first = started()
    bench.readings["grid_w"] = 200_000
    bench.run(1500)
    first.pipe.stays = False  # it is gone, and confirmed nothing
    bench.run(500)
    second = bench.station()
    second.start()
    bench.run(1500)
    assert 200.0 in [one.value for one in second.heard() if one.ioa == 1001]


def test_one_too_many_is_refused_but_who_only_sits_makes_room() -> None:
    bench, first = started(connections=2)
    second, third = bench.station(), bench.station()
    bench.run(100)
    assert third.pipe.closed
    assert not second.pipe.closed
    bench.run(6000)
    first.confirm()
    fourth = bench.station()
    assert is_in(fourth)
    assert second.pipe.closed
    assert not first.pipe.closed, "who has started stays"
    assert bench.door.refused == 1


def test_a_flood_of_connections_leaves_the_started_one_alone() -> None:
    bench, station = started()
    for _ in range(500):
        bench.station()
    bench.run(3000)
    assert not bench.queue.waiting
    station.confirm()
    assert station.ask(interrogation())[0].cause == 7
    assert bench.door.refused >= 490


def test_a_connection_that_fails_harms_no_other() -> None:
    bench, station = started()
    other = bench.station()
    bench.run(100)

    def broken(view: memoryview) -> int:
        raise OSError(errno.ECONNRESET)

    other.pipe.recv_into = broken  # type: ignore[method-assign]
    bench.door.links[1]._read_into = broken
    bench.run(100)
    assert other.pipe.closed
    assert station.ask(interrogation())[0].cause == 7


def test_after_an_internal_fault_it_begins_anew() -> None:
    """As edge/guard.py does it: whatever raised, nobody is there then, and an order goes on."""
    bench, station = started()
    station.ask(setpoint(-50.0))

    def broken(link: object, asdu: bytes, now_ms: int) -> bool:
        raise ValueError("planted")

    take, bench.door.station.take = bench.door.station.take, broken
    station.say(station.master.i_frame(interrogation()))
    with pytest.raises(ValueError, match="planted"):
        bench.run(100)
    bench.door.station.take = take
    bench.door.mend(bench.now_ms)
    assert station.pipe.closed
    bench.door.listener._socket = bench.queue
    again = bench.station()
    again.start()
    assert again.ask(interrogation())[0].cause == 7
    assert bench.orders.is_on


def test_it_steps_often_only_while_somebody_is_there() -> None:
    bench = Bench().settle()
    assert bench.door.step(bench.now_ms) == 100
    bench.station()
    bench.run(100)
    assert bench.door.step(bench.now_ms) == 20
