"""What is told without asking, how good it is, and of which time."""

from __future__ import annotations

import datetime
import struct

import pytest

from boards.image import compile_site
from edge.controller import Controller
from edge.iec104.points import Points
from edge.site import Site
from tests.boards.sites import DEPOT, changed, judge
from tests.core.park import DAY, image
from tests.iec104.bench import KEYS, POINTS, RULES, Bench, started
from tests.iec104.master import interrogation

NT, IV = 0x40, 0x80
ALL = [1, 2, 1001, 1002, 1003, 1004, 1005]


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


def test_several_batteries_are_told_as_one() -> None:
    points = ('[iec104]\nca = 7\nsetpoint_ioa = 5001\npoints = [[1, "store_w", "M_ME_NC_1"], '
              '[2, "store_charge_wh", "M_IT_NA_1", 1000]]\n[tariff]')
    checked = judge(changed(("[tariff]", points), base=DEPOT), DEPOT)
    assert checked.site is not None
    made = compile_site(checked.site)
    assert (made["iec104"]["min_w"], made["iec104"]["max_w"]) == (-150_000, 170_000)
    site = Site(made)
    points_of = Points(site, made)
    for unit in site.fleet:
        for signal, value in (("store_w", 1500), ("soc_pm", 500), ("charge_wh", 7_000_000)):
            unit.take(signal, value, 1000)
    site.grid_meter.take("grid_w", 100_000, 1000)
    Controller(site).beat(1000, DAY, 36_000)
    points_of.look(1000, DAY, 0)
    points_of.freeze(1000)
    assert [point.value for point in points_of.all] == [3000, 14_000_000]


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
