"""What a controlling station asks, and how it is answered."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from tests.iec104.bench import Bench, started
from tests.iec104.master import asdu, counters, interrogation, scaled, setpoint, single

IV = 0x80


def plain(told: list[Any]) -> list[tuple[int, int, bool]]:
    return [(one.kind, one.cause, one.negative) for one in told]


def test_the_station_says_once_that_it_has_begun() -> None:
    bench = Bench().settle()
    first, second = bench.station(), bench.station()
    (said,) = first.start()
    assert (said.kind, said.cause, said.ca, said.ioa, said.value) == (70, 4, 7, 0, b"\0")
    assert second.start() == []


@pytest.mark.parametrize("address", [7, 0xFFFF])
def test_general_interrogation(address: int) -> None:
    bench, station = started()
    bench.readings |= {"grid_w": 250_750, "store_w": -12_340, "soc_pm": 432, "pv_w": 40_000}
    bench.run(1000)
    station.heard()
    first, *told, last = station.ask(interrogation(ca=address))
    assert (first.cause, first.negative, first.ca, first.value) == (7, False, 7, b"\x14")
    assert (last.kind, last.cause, last.negative) == (100, 10, False)
    assert [one.ioa for one in told if one.cause == 20] == [1, 2, 1003, 1001, 1002, 1004, 1005]
    values = {one.ioa: one.value for one in told}
    assert values[1001] == 250.75
    assert struct.pack("<f", values[1002]) == struct.pack("<f", 43.2)
    assert values[1003] == 123, "scaled, turned"
    assert not any(one.time for one in told), "no time in an interrogation"
    bench.run(3000)
    assert station.heard() == [], "what was told is no news"


def test_a_long_table_goes_in_several_frames() -> None:
    points = [[ioa, 13, 1000, 0, "grid_w"] for ioa in range(1, 101)]
    bench, station = started(points=points)
    told = station.ask(interrogation())
    assert [one.ioa for one in told if one.kind == 13] == list(range(1, 101))
    station.confirm()
    bench.readings["grid_w"] = 1_000
    before = station.master.heard
    bench.run(1100)
    assert station.listen() == 7, "16 with their time to a frame"
    assert station.master.heard == before + 7
    assert [(one.kind, one.value) for one in station.heard()] == [(36, 1.0)] * 100


def test_an_interrogation_can_be_ended() -> None:
    bench, station = started(points=[[ioa, 13, 1, 0, "grid_w"] for ioa in range(1, 257)], k=2,
                             spontaneous_ms=600_000)
    assert [one.ioa for one in station.ask(interrogation()) if one.kind == 13] == [*range(1, 31)]
    assert plain(station.ask(interrogation(cause=8))) == [(100, 9, False)]
    station.confirm()
    bench.run(1000)
    assert station.heard() == [], "no more of it, and no end"
    assert plain(station.ask(interrogation(cause=8))) == [(100, 9, True)], "there is none"
    assert plain(station.ask(interrogation()))[0] == (100, 7, False)
    station.say(station.master.i_frame(interrogation()))
    station.confirm()
    bench.run(100)
    told = []
    for _ in range(12):
        told += station.heard()
        station.confirm()
        bench.run(100)
    assert (100, 7, True) in plain(told), "one at a time"


def test_counters_are_frozen_and_read() -> None:
    bench, station = started()
    meter = bench.park.site.grid_meter
    meter.import_wh = 5_432_999
    told = station.ask(counters())
    assert plain(told) == [(101, 7, False), (15, 37, False), (15, 37, False), (101, 10, False)]
    assert [(one.ioa, one.value, one.quality) for one in told[1:3]] == [(2001, 0, 0),
                                                                        (2002, 5432, 0)]
    meter.import_wh = 6_000_000
    assert station.ask(counters())[2].value == 5432, "as they were frozen"
    assert plain(station.ask(counters(0x45))) == [(101, 7, False), (101, 10, False)]
    told = station.ask(counters(ca=0xFFFF))
    assert (told[2].value, told[2].quality, told[2].ca) == (6000, 1, 7)
    meter.import_wh = (1 << 31) * 1000 + 7000
    station.ask(counters(0x45))
    assert station.ask(counters())[2][5:7] == (7, 0x22), "turned over"
    meter.import_wh = -1
    station.ask(counters(0x45))
    assert station.ask(counters())[2].quality == IV | 3
    for qcc in (0x85, 0xC5, 1, 0x41, 6):  # resetting is nobody's, groups are not there
        assert plain(station.ask(counters(qcc))) == [(101, 7, True)]


def test_reading_one() -> None:
    _, station = started()
    for ioa, kind, value in ((1001, 13, 300.0), (1003, 11, 0), (1, 1, 1)):
        (told,) = station.ask(asdu(102, ioa, b"", cause=5))
        assert (told.kind, told.cause, told.ioa, told.value) == (kind, 5, ioa, value)
    for ioa in (2001, 5001, 99):
        (told,) = station.ask(asdu(102, ioa, b"", cause=5))
        assert (told.kind, told.cause, told.negative, told.ioa) == (102, 47, True, ioa)


def test_the_clock_is_not_theirs() -> None:
    bench, station = started()
    before = bench.row[0], bench.row[1]
    for address in (7, 0xFFFF):
        (told,) = station.ask(asdu(103, 0, bytes.fromhex("91053209690615"), ca=address))
        assert (told.cause, told.negative, told.ca) == (7, True, 7)
        assert told.value == bytes.fromhex("91053209690615")
    assert (bench.row[0], bench.row[1] - before[1]) == (before[0], 0)


def test_test_commands_are_mirrored() -> None:
    _, station = started()
    assert plain(station.ask(asdu(104, 0, b"\xaa\x55"))) == [(104, 7, False)]
    assert plain(station.ask(asdu(104, 0, b"\x55\xaa"))) == [(104, 7, True)]
    (told,) = station.ask(asdu(107, 0, b"\x34\x12" + bytes.fromhex("91053209690615")))
    assert (told.kind, told.cause, told.value[:2]) == (107, 7, b"\x34\x12")


UNKNOWN = {
    "type": (asdu(58, 5001, bytes(8)), 44), "monitor type": (asdu(13, 1001, bytes(5)), 44),
    "cause": (interrogation(cause=5), 45), "negative cause": (setpoint(1.0, cause=0x46), 45),
    "read by activation": (asdu(102, 1001, b""), 45), "no deactivation": (counters(cause=8), 45),
    "address": (interrogation(ca=8), 46), "setpoint to all": (setpoint(1.0, ca=0xFFFF), 46),
    "object": (setpoint(1.0, ioa=1001), 47), "object of the other": (single(1, ioa=5001), 47),
    "scaled there": (scaled(1), 47), "interrogation of one": (asdu(100, 1, b"\x14"), 47),
    "no object": (setpoint(1.0, ioa=0), 47), "no control here": (single(1, ioa=0), 47),
}


@pytest.mark.parametrize("how", UNKNOWN)
def test_what_there_is_not_is_sent_back(how: str) -> None:
    bench, station = started()
    asked, cause = UNKNOWN[how]
    station.say(station.master.i_frame(asked))
    bench.run(60)
    answer = station.pipe.heard[-len(asked):]
    assert answer == asked[:2] + bytes([cause | 0x40]) + asked[3:]
    assert bench.orders.accepted == 0
    assert bench.frames == []


def test_an_originator_and_a_test_are_sent_back() -> None:
    bench, station = started()
    asked = bytearray(setpoint(-100.0, cause=0x86))
    asked[3] = 42
    station.say(station.master.i_frame(bytes(asked)))
    bench.run(2000)
    answer = station.pipe.heard[-len(asked):]
    assert answer == bytes([*asked[:2], 0x87, *asked[3:]])
    assert bench.orders.accepted == 0, "a test changes nothing"
    assert bench.row[20] == 0


MALFORMED = {"short": b"\x64\1\6\0\7\0\0\0", "two objects": asdu(50, 5001, bytes(13), count=2),
             "sequence": asdu(100, 0, b"\x14", count=0x81), "long": setpoint(1.0) + b"\0",
             "cut": setpoint(1.0)[:-1], "none": asdu(100, 0, b"\x14", count=0)}


@pytest.mark.parametrize("how", MALFORMED)
def test_what_cannot_be_understood_ends_the_connection(how: str) -> None:
    bench, station = started()
    station.say(station.master.i_frame(MALFORMED[how]))
    bench.run(100)
    assert station.pipe.closed
