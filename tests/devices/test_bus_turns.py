"""Who speaks when: one request in flight, rests, turns, and writes before reads."""

from itertools import pairwise

import pytest

from edge.devices.bus import Bus
from edge.ticks import ticks_add
from tests.devices.bench import (
    POWER,
    SETPOINT,
    Battery,
    Meter,
    bus_of,
    converter_image,
    meter_image,
    power,
)
from tests.devices.modbus_slave import Device, Slave, run

UNITS = (1, 2, 3, 4)
LINKS = pytest.mark.parametrize("link", ["tcp", "rtu", "echo"])


def slave_of(link: str, devices: dict[int, Device], start_ms: int = 0) -> Slave:
    return Slave(devices, rtu=link != "tcp", echo=link == "echo", start_ms=start_ms)


def four_meters(link: str, start_ms: int = 0, **changes):
    slave = slave_of(link, {unit: Device(power(unit * 1000)) for unit in UNITS}, start_ms)
    meters = {unit: Meter() for unit in UNITS}
    bus = bus_of(link, slave, *((meter_image(unit, **changes), meters[unit]) for unit in UNITS))
    return bus, slave, meters


@LINKS
def test_every_device_is_read_every_poll(link):
    bus, slave, meters = four_meters(link)
    run(bus, slave, 10_000)
    for unit in UNITS:
        assert meters[unit].powers() == [unit * 1000] * 10
        assert len(slave.asked(unit, 3, POWER)) == 10
        assert len(slave.asked(unit, 3)) == 11  # the energy only each tenth poll
    assert slave.overlaps == 0
    assert bus.requests == 44
    assert bus.timeouts == bus.exceptions == bus.breaks == bus.foreign() == bus.crc_errors() == 0


@LINKS
def test_the_line_rests_between_an_answer_and_the_next_request(link):
    bus, slave, _ = four_meters(link, poll_ms=1)
    run(bus, slave, 3000)
    times = [entry[0] for entry in slave.log]
    rests = [later - earlier - 10 for earlier, later in pairwise(times)]
    assert min(rests) >= 25
    assert max(rests) <= 32  # an answer is noticed within an eighth of the time waited


@LINKS
def test_turns_are_fair_when_the_bus_is_too_slow(link):
    """Every device wants to be read all the time: each is, equally often, whatever its place."""
    bus, slave, _ = four_meters(link, poll_ms=1)
    run(bus, slave, 10_000)
    counts = [len(slave.asked(unit)) for unit in UNITS]
    assert min(counts) > 50
    assert max(counts) - min(counts) <= 1


@pytest.mark.parametrize("start_ms", [0, (1 << 29) - 3000, (1 << 30) - 3000])
def test_the_clock_may_wrap_while_it_runs(start_ms):
    bus, slave, meters = four_meters("rtu", start_ms)
    run(bus, slave, 10_000)
    assert [len(slave.asked(unit, 3, POWER)) for unit in UNITS] == [10] * 4
    assert meters[1].taken[-1][2] == ticks_add(start_ms, slave.asked(1)[-1][0])


def test_a_poll_keeps_its_pace_although_each_begins_a_little_late():
    bus, slave, _ = four_meters("rtu")
    run(bus, slave, 600_000)
    assert all(len(slave.asked(unit, 3, POWER)) == 600 for unit in UNITS)


def test_a_reading_is_stamped_with_its_request_and_not_with_its_answer():
    slave = Slave({1: Device(power(5), answer_ms=400)})
    meter = Meter()
    bus = bus_of("tcp", slave, (meter_image(1), meter))
    run(bus, slave, 5000)
    sent = [entry[0] for entry in slave.log]
    assert len(meter.taken) == len(sent)
    assert [stamp for _, _, stamp in meter.taken] == sent


@LINKS
def test_a_setpoint_does_not_wait_for_the_reads(link):
    """Three meters keep the bus busy; a command is on the wire before any second read."""
    devices = {unit: Device({}) for unit in UNITS}
    slave = slave_of(link, devices)
    battery = Battery(5000)
    bus = bus_of(link, slave, *((meter_image(unit, poll_ms=1), Meter()) for unit in (1, 2, 3)),
                 (converter_image(4), battery))
    battery.command(1000, slave.now_ms)
    run(bus, slave, 2000)
    for i in range(20):
        before = len(slave.log)
        battery.command(2000 + 100 * i, slave.now_ms)
        run(bus, slave, 200)
        new = slave.log[before:]
        place = next(n for n, entry in enumerate(new) if entry[1:4] == (4, 6, SETPOINT))
        assert place <= 1
        assert new[place][4] == 20 + i


def test_an_idle_bus_with_a_battery_looks_for_a_command_often():
    slave = Slave({1: Device({})})
    battery = Battery(5000)
    bus = bus_of("tcp", slave, (converter_image(1), battery))
    battery.command(0, slave.now_ms)
    run(bus, slave, 500)
    assert 1 <= bus.step(slave.now_ms) <= 20


def test_a_request_is_sent_whole_when_the_port_takes_it_in_pieces():
    bus, slave, meters = four_meters("tcp")
    slave.chunk = 5
    run(bus, slave, 3000)
    assert meters[4].powers() == [4000] * 3


def test_a_link_that_is_neither_is_refused():
    with pytest.raises(ValueError, match="canopen"):
        Bus({"link": "canopen", "timeout_ms": 500, "gap_ms": 25}, Slave({}))
