"""What a controlling station asks, and what it is told without asking."""

from __future__ import annotations

import datetime
import struct
from typing import Any

import pytest

from edge.iec104.points import Points
from tests.core.park import DAY, image
from tests.iec104.bench import KEYS, POINTS, RULES, Bench, started
from tests.iec104.master import asdu, counters, interrogation, scaled, setpoint, single

NT, IV = 0x40, 0x80
ALL = [1, 2, 1001, 1002, 1003, 1004, 1005]


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


def test_changes_are_told_beyond_the_deadband_with_their_time() -> None:
    bench, station = started()
    bench.readings["grid_w"] = 300_500
    bench.run(3000)
    assert station.heard() == []
    bench.readings["grid_w"] = 299_400
    at = bench.beats
    bench.run(2000)
    (told,) = station.heard()
    assert (told.kind, told.cause, told.ioa) == (36, 3, 1001)
    assert struct.pack("<f", told.value) == struct.pack("<f", 299.4)
    ms, minute, hour, date, month, year = struct.unpack("<HBBBBB", told.time)
    then = datetime.date(2000, 1, 1) + datetime.timedelta(days=DAY)
    assert (hour, minute, date & 31, month, year) == (10, 0, then.day, then.month, 26)
    assert at * 1000 <= ms < (at + 2) * 1000
    bench.readings["grid_w"] = 299_900
    bench.run(2000)
    assert station.heard() == [], "from what was told last"


@pytest.mark.parametrize(("keys", "kind", "hour"), [
    ({"stamps": 0}, 13, -1), ({"local_time": 1}, 36, 18), ({}, 36, 10)])
def test_times_are_as_the_site_file_says(keys: dict[str, int], kind: int, hour: int) -> None:
    bench, station = started(**keys)
    bench.readings["grid_w"] = 0
    bench.run(2000)
    (told,) = station.heard()
    assert told.kind == kind
    assert (told.time[3] if told.time else -1) == hour


def test_summer_time_and_a_clock_nobody_has_set() -> None:
    made = image(without=RULES, rules={"reserve": {}}, offsets=[[0, 0, 3600], [9000, 0, 7200]])
    bench = Bench(made=made, local_time=1).settle()
    bench.park.site.clock_set = False
    station = bench.station()
    station.start()
    bench.run(1500)
    told = station.heard()
    assert {one.time[3] for one in told if one.time} == {12 | 0x80}
    assert {one.time[2] for one in told if one.time} == {0x80}


def test_measured_values_come_in_cycles() -> None:
    bench, station = started(cyclic_s=5)
    bench.run(10_500)
    station.listen()
    station.confirm()
    bench.run(10_000)
    told = station.heard()
    assert {one.cause for one in told} == {1}
    assert [one.ioa for one in told] == [1003, 1001, 1002, 1004, 1005] * 4
    assert not any(one.time for one in told)


def test_stale_readings_are_not_topical_and_unread_ones_invalid() -> None:
    bench = Bench()
    bench.silent = {"pv_w"}
    bench.settle()
    station = bench.station()
    station.start()

    def quality() -> dict[int, int]:
        return {one.ioa: one.quality for one in station.ask(interrogation()) if one.cause == 20}

    assert quality() == dict.fromkeys(ALL, 0) | {1004: IV | NT, 1005: IV | NT}
    bench.silent = {"grid_w", "soc_pm"}
    bench.run(10_000)
    found = quality()
    assert (found[1001], found[1002], found[1003], found[1004]) == (NT, 0, 0, 0)
    bench.silent = set()
    bench.run(2000)
    assert quality()[1001] == 0


def test_a_single_point_is_news_when_it_turns() -> None:
    bench, station = started(points=[[1, 1, 1, 0, "grid_w"]])
    for watts, told in ((200_000, []), (0, [0]), (-7, [1]), (9, [])):
        bench.readings["grid_w"] = watts
        bench.run(2000)
        assert [one.value for one in station.heard()] == told


def test_a_stale_reading_is_news() -> None:
    bench, station = started()
    bench.silent = {"grid_w"}
    bench.run(8000)
    told = {one.ioa: one for one in station.heard()}
    assert (told[1001].value, told[1001].quality) == (300.0, NT)
    assert told[1].value == 0, "nothing is trusted"


@pytest.mark.parametrize("how", ["fault", "no beat"])
def test_without_a_beat_nothing_is_topical(how: str) -> None:
    bench, station = started()
    if how == "fault":
        bench.park.site.fault = ValueError("x")
    else:
        bench._beat_in_ms = 1 << 40
    bench.run(7000)
    told = {one.ioa: (one.value, one.quality) for one in station.heard()}
    news = [1, 1001, 1002, 1003, 1004]  # 1005 was not topical before
    assert sorted(told) == sorted([*news, 2] if how == "fault" else news)
    assert told[1001] == (300.0, NT)
    if how == "fault":
        assert told[2] == (1, 0)


def test_every_name_of_a_point_is_told() -> None:
    """What the host allows in a table, the gateway knows."""
    from boards.iec104_points import NAMES

    made = image(without=RULES, rules={"demand": {"target_w": 700_000}})
    made["iec104"] = KEYS
    bench = Bench(made=made).settle()
    points = Points(bench.park.site, made)
    points._read(bench.now_ms)
    meter, storage = bench.park.site.grid_meter, bench.park.site.storage
    meter.import_wh = meter.export_wh = storage.charge_wh = storage.discharge_wh = 5
    unknown = {name for name in NAMES if points._value(name) is None}
    assert unknown == {"load_mg_per_kwh", "export_mg_per_kwh", "battery_mg_per_kwh",
                       "dispatch_w", "faults"}, "what this site has not"
    assert len(POINTS) < len(NAMES)
