"""A setpoint while the beat lives: written, kept alive, within the limits, and checked."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.devices import lease as leases
from tests.devices import modbus_slave as fault
from tests.devices.bench import (
    READ_BACK,
    SETPOINT,
    START,
    STOP,
    Battery,
    Meter,
    bus_of,
    converter_image,
    meter_image,
    power,
)
from tests.devices.lease_bench import READ_BACKS, Bench
from tests.devices.modbus_slave import Device, Slave, run


@READ_BACKS
@pytest.mark.parametrize("link", ["tcp", "rtu", "echo"])
def test_a_lease_from_its_first_write_to_its_last(link, readback):
    bench = Bench(link, readback=readback)
    bench.run(4.5, -12_345)
    assert bench.writes() == [(START, 1), (SETPOINT, -123)]
    bench.run(1, 7_199)
    assert bench.writes()[2:] == [(SETPOINT, 71)]
    bench.run(10)
    assert bench.writes()[3:] == [(SETPOINT, 0), (STOP, 1)]
    assert bench.lease.state == leases.FREE
    assert bench.lease.held_w == 0
    assert len(bench.reads()) == 16  # and it is read throughout


@READ_BACKS
def test_it_is_refreshed_while_it_lives(readback):
    bench = Bench(readback=readback)
    bench.run(60, 20_000)
    times = [entry[0] for entry in bench.slave.asked(1, 6, SETPOINT)]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert len(gaps) == 5
    assert all(10_000 <= gap <= 10_100 for gap in gaps)


def test_it_is_read_back_when_the_device_has_had_time_to_settle():
    bench = Bench(readback=READ_BACK)
    bench.run(30, 20_000)
    written = [entry[0] for entry in bench.slave.asked(1, 6, SETPOINT)]
    read = [entry[0] for entry in bench.slave.asked(1, 3, SETPOINT)]
    assert (len(written), len(read)) == (3, 6)  # and looked at once more before the next refresh
    assert all(500 <= later - earlier <= 600
               for earlier, later in zip(written, read[::2], strict=True))
    assert all(5000 <= later - earlier <= 5050
               for earlier, later in zip(read[::2], read[1::2], strict=True))


def test_a_silent_converter_does_not_hold_up_the_bus():
    slave = Slave({1: Device(power(5)), 2: Device({})}, rtu=True)
    slave.devices[2].always = fault.SILENCE
    meter, battery = Meter(), Battery(5000)
    bus = bus_of("rtu", slave, (meter_image(1), meter), (converter_image(2), battery))
    run(bus, slave, 120_000, lambda now_ms: battery.command(now_ms % 50_000, now_ms))
    assert len(slave.asked(2)) <= 12
    assert len(meter.powers()) >= 118


def test_a_change_below_the_step_is_not_written():
    bench = Bench()
    bench.run(3, 20_000)
    bench.run(3, 20_099)
    assert bench.writes() == [(START, 1), (SETPOINT, 200)]


@settings(max_examples=60)
@given(wishes=st.lists(st.integers(-10**7, 10**7), min_size=1, max_size=8),
       num=st.sampled_from([1, -1, 3, -7]), den=st.sampled_from([10, 100, 333]))


def test_it_never_leaves_the_limits(wishes, num, den):
    """Nor is it ever larger, in either direction, than what was wished."""
    bench = Bench(num=num, den=den, min_w=-60_000, max_w=80_000, type="i32", fc=16)
    for wish_w in wishes:
        bench.run(1, wish_w)
    values = [value for _, _, function, address, value in bench.slave.log if function == 16]
    assert len(values) >= 1
    for high, low in values:
        raw = (high << 16 | low) - (1 << 32 if high & 0x8000 else 0)
        assert -60_000 * den <= raw * den * den // num <= 80_000 * den
    wish_w = max(-60_000, min(80_000, wishes[-1]))
    raw = (values[-1][0] << 16 | values[-1][1]) - (1 << 32 if values[-1][0] & 0x8000 else 0)
    assert 0 <= wish_w * num - raw * den < den or 0 <= raw * den - wish_w * num < den
    assert abs(raw * den) <= abs(wish_w * num)


def test_a_beat_that_speaks_at_once_needs_no_release():
    bench = Bench()
    bench.run(2, 500)
    assert bench.writes() == [(START, 1), (SETPOINT, 5)]


def test_one_lost_write_is_repeated_at_once():
    bench = Bench()
    bench.run(3.5, 20_000)
    bench.device.only = (6,)
    bench.device.plan = [fault.SILENCE]
    bench.run(2, 30_000)
    times = [ms for ms, _, function, address, value in bench.slave.log if value == 300]
    assert len(times) == 2
    assert times[1] - times[0] <= 800
    assert bench.lease.held_w == 30_000
    assert not bench.lease.fault


def test_a_read_back_that_disagrees_is_rewritten_a_few_times_and_reported():
    bench = Bench(readback=READ_BACK)
    bench.device.only = (6,)
    bench.device.always = fault.IGNORED
    bench.run(9, 20_000)
    assert bench.lease.fault
    assert bench.lease.mismatches == 4
    assert bench.writes() == [(START, 1), (SETPOINT, 200)] * 4
    bench.run(60, 20_000)
    assert len(bench.slave.asked(1, 6, SETPOINT)) <= 12  # from now on with the refresh
    bench.device.always = fault.OK
    bench.run(30, 20_000)
    assert not bench.lease.fault
    assert bench.lease.held_w == 20_000


def test_a_read_back_that_cannot_be_read_is_reported_too():
    bench = Bench(readback=[3, SETPOINT, "i16", 100, 1])
    bench.run(3, 10_000)
    bench.device.only = (3,)
    bench.device.always = fault.DENIED
    for i in range(5):
        bench.run(2, 20_000 + 1000 * i)
    assert bench.lease.fault
    assert bench.lease.held_w == 10_000


def test_a_device_that_was_away_is_entered_again():
    bench = Bench()
    bench.run(5, 20_000)
    bench.slave.reachable = False
    bench.run(3, 20_000)
    bench.slave.reachable = True
    bench.device.registers = {}
    bench.run(10, 20_000)
    assert bench.writes()[-2:] == [(START, 1), (SETPOINT, 200)]


def test_a_device_that_takes_reads_but_no_commands_is_left_to_its_dead_man():
    """It goes on with 20 kW although 0 W was asked for, and every read would keep it so."""
    bench = Bench()
    bench.run(10, 20_000)
    bench.device.only = (6,)
    bench.device.always = fault.DENIED
    bench.run(20, 0)
    assert bench.lease.state == leases.HUSHED
    assert bench.lease.fault
    quiet_ms = bench.slave.log[-1][0]
    bench.run(200, 0)
    assert bench.slave.log[-1][0] == quiet_ms
    bench.device.always = fault.OK
    bench.run(100, 0)
    assert bench.writes()[-1] == (SETPOINT, 0)
    assert not bench.lease.fault


def test_a_device_that_refuses_but_holds_nothing_is_read_on():
    bench = Bench()
    bench.run(5, 0)
    bench.device.only = (6,)
    bench.device.always = fault.DENIED
    bench.run(60, 20_000)
    assert bench.lease.state == leases.HOLDING
    assert bench.lease.fault
    assert bench.battery.stamp_ms >= 64_000
    assert len(bench.writes(5000)) <= 10  # and is not pestered
    bench.device.always = fault.OK
    bench.run(35, 20_000)
    assert not bench.lease.fault
    assert bench.lease.held_w == 20_000


@pytest.mark.parametrize("start_ms", [1, (1 << 29) - 5000, (1 << 30) - 5000])
def test_the_clock_may_wrap_while_a_lease_lives(start_ms):
    bench = Bench(start_ms=start_ms)
    bench.run(10, 20_000)
    bench.run(10)
    assert bench.writes()[0] == (START, 1)
    assert bench.writes()[-2:] == [(SETPOINT, 0), (STOP, 1)]
    assert (SETPOINT, 0) not in bench.writes()[:-2]
