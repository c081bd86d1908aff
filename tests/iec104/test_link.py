"""Frames, numbers, windows and times of one connection (IEC 60870-5-104, 5)."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.iec104.bench import Bench, Station, started
from tests.iec104.master import (
    STARTDT,
    STARTDT_CON,
    STOPDT,
    STOPDT_CON,
    TESTFR,
    TESTFR_CON,
    asdu,
    interrogation,
    setpoint,
)


def test_startdt_testfr_and_stopdt_are_confirmed() -> None:
    bench = Bench().settle()
    station = bench.station()
    for frame, answer in ((TESTFR, TESTFR_CON), (STARTDT, STARTDT_CON), (TESTFR, TESTFR_CON)):
        station.say(frame)
        bench.run(100)
        station.heard()
        assert station.master.frames.pop() == answer
    bench.run(1500)
    station.heard()
    station.say(station.master.s_frame(), STOPDT)
    bench.run(100)
    assert station.heard() == []
    assert station.master.frames.pop() == STOPDT_CON
    bench.readings["grid_w"] = 100_000
    bench.run(5000)
    assert station.heard() == [], "nothing is told to who has stopped"
    assert not station.pipe.closed


def test_stopdt_waits_for_what_is_out() -> None:
    bench, station = started()
    bench.readings["grid_w"] = 100_000
    bench.run(2100)
    assert station.heard()
    station.say(STOPDT)
    bench.run(1000)
    station.listen()
    assert STOPDT_CON not in station.master.frames
    station.confirm()
    bench.run(100)
    station.listen()
    assert station.master.frames[-1] == STOPDT_CON


def test_no_data_before_startdt() -> None:
    bench = Bench().settle()
    station = bench.station()
    bench.run(5000)
    assert station.pipe.heard == b""
    station.say(station.master.i_frame(interrogation()))
    bench.run(100)
    assert station.pipe.closed, "an I frame while stopped"


WRONG = {
    "start": b"\x69\4\7\0\0\0", "short": b"\x68\3\7\0\0", "long": b"\x68\xfe" + bytes(254),
    "two functions": b"\x68\4\x0f\0\0\0", "a confirmation of start": b"\x68\4\x0b\0\0\0",
    "U with a rest": b"\x68\4\x43\0\1\0", "U with data": b"\x68\5\x43\0\0\0\0",
    "S with data": b"\x68\5\1\0\0\0\0", "S odd": b"\x68\4\1\0\1\0", "S second": b"\x68\4\1\1\0\0",
    "S of what was never sent": b"\x68\4\1\0\x40\0",
    "I out of turn": b"\x68\x0e\2\0\0\0" + interrogation(),
    "I that confirms too much": b"\x68\x0e\0\0\x40\0" + interrogation(),
    "I without data": b"\x68\4\0\0\0\0",
}


@pytest.mark.parametrize("how", WRONG)
def test_what_breaks_a_rule_ends_the_connection(how: str) -> None:
    bench = Bench().settle()
    station, other = bench.station(), bench.station()
    station.say(STARTDT, WRONG[how])
    bench.run(100)
    assert station.pipe.closed
    assert not other.pipe.closed
    assert other.start()[0].kind == 70, "it has begun, and nobody knows yet"


def test_a_number_that_repeats_ends_the_connection() -> None:
    _, station = started()
    frame = station.master.i_frame(interrogation())
    station.say(frame, frame)
    station._bench.run(100)
    assert station.pipe.closed


def test_no_more_than_k_are_out() -> None:
    bench, station = started(k=3, w=2)
    for watts in range(100_000, 300_000, 20_000):
        bench.readings["grid_w"] = watts
        bench.run(1000)
    assert station.listen() == 3
    station.confirm()
    bench.run(2000)
    assert station.heard()[-1].value == 280.0, "and then the newest"


def test_w_received_are_confirmed_at_once_and_one_after_t2() -> None:
    bench, station = started(w=3, spontaneous_ms=600_000)
    asked = [asdu(104, 0, b"\xaa\x55")] * 2
    station.say(*map(station.master.i_frame, asked))
    bench.run(100)
    station.listen()
    assert station.master.confirmed == 2, "confirmed by the answers"
    bench, mute = started(w=3, spontaneous_ms=600_000, k=1)
    before = mute.master.heard
    for number in range(1, 6):  # from the second on the window is full: nothing can confirm
        mute.say(mute.master.i_frame(asked[0], before))
        bench.run(100)
        mute.listen()
        assert mute.master.confirmed == (1 if number < 4 else 4)
    bench.run(9700)
    mute.listen()
    assert mute.master.confirmed == 4
    bench.run(400)
    mute.listen()
    assert mute.master.confirmed == 5


def test_silence_is_tested_after_t3_and_ends_t1_later() -> None:
    bench, station = started(spontaneous_ms=600_000)
    bench.run(19_500)
    station.listen()
    assert TESTFR not in station.master.frames
    bench.run(1000)
    station.listen()
    assert station.master.frames[-1] == TESTFR
    station.say(TESTFR_CON)
    bench.run(19_500)
    assert not station.pipe.closed
    bench.run(1000)
    bench.run(14_000)
    assert not station.pipe.closed
    bench.run(1500)
    assert station.pipe.closed


def test_what_nobody_confirms_ends_the_connection_after_t1() -> None:
    bench, station = started()
    bench.readings["grid_w"] = 100_000
    bench.run(2000)
    assert station.heard()
    station.say(TESTFR)
    bench.run(12_500)
    assert not station.pipe.closed
    station.say(TESTFR)
    bench.run(3000)
    assert station.pipe.closed


def test_half_a_frame_ends_after_t1() -> None:
    bench = Bench().settle()
    station = bench.station()
    for byte in b"\x68\x20" + bytes(20):  # a byte a second, for ever
        station.say(bytes([byte]))
        bench.run(1000)
    assert station.pipe.closed


def test_who_asks_and_never_listens_is_gone() -> None:
    bench, station = started()
    station.pipe.takes = 0
    for _ in range(400):
        station.say(TESTFR)
    bench.run(1000)
    assert station.pipe.closed
    bench, station = started(k=1, w=1)
    for _ in range(100):
        station.say(station.master.i_frame(interrogation()))
    bench.run(1000)
    assert station.pipe.closed
    assert all(len(link.jobs) == 0 for link in bench.door.links)


@given(st.lists(st.integers(1, 40), min_size=1, max_size=30), st.integers(1, 7))
def test_bytes_may_come_in_any_pieces(cuts: list[int], takes: int) -> None:
    bench, station = started(spontaneous_ms=600_000)
    station.pipe.takes = takes * 5
    stream = b"".join([*map(station.master.i_frame, [
        interrogation(), setpoint(-100.0), asdu(104, 0, b"\xaa\x55")]), TESTFR])
    for cut in cuts:
        station.say(stream[:cut])
        stream = stream[cut:]
        bench.run(40)
    station.say(stream)
    bench.run(1500)
    told = station.heard()
    assert [one.cause for one in told if one.kind in (50, 100, 104)] == [7, 10, 7, 10, 7]
    assert station.master.frames[-1] == TESTFR_CON


def test_numbers_go_round() -> None:
    """33,000 frames each way: 15 bits, and a window of 12 does not divide them."""
    bench, station = started(spontaneous_ms=600_000)
    test = asdu(104, 0, b"\xaa\x55")
    for _ in range(33_000 // 8):
        station.say(*(station.master.i_frame(test) for _ in range(8)))
        bench.door.step(bench.now_ms)
        station.heard()
        station.pipe.heard, station._read = b"", 0
    assert not station.pipe.closed
    assert station.master.heard < 33_000
    assert struct.unpack("<H", station.master.s_frame()[4:])[0] >> 1 == station.master.heard
    last = Station.ask(station, interrogation())
    assert last[0].cause == 7
