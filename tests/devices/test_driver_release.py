"""When the beat dies the setpoint is taken back, or the device is left to its own dead-man."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.devices import lease as leases
from tests.devices import modbus_slave as fault
from tests.devices.bench import READ_BACK, SETPOINT, SIGNED, START, STOP, Battery
from tests.devices.lease_bench import READ_BACKS, Bench


@READ_BACKS
def test_it_ends_when_the_lease_does(readback):
    """`lease_ms` after the beat's last word, however long the bus goes on."""
    bench = Bench(readback=readback)
    bench.run(10, 20_000)
    bench.run(20)
    last_ms = bench.battery.setpoint_ms
    zero_ms = next(ms for ms, _, function, address, value in bench.slave.log
                   if (function, address, value) == (6, SETPOINT, 0))
    assert bench.battery.lease_ms < zero_ms - last_ms <= bench.battery.lease_ms + 100


def test_what_an_earlier_life_left_behind_is_taken_back():
    bench = Bench()
    bench.device.registers[SETPOINT] = 500
    bench.run(2)
    assert bench.writes() == [(SETPOINT, 0), (STOP, 1)]
    assert bench.slave.log[0][2:4] == (6, SETPOINT)  # before the first read


def test_leaving_outranks_the_beat():
    bench = Bench()
    bench.run(3, 20_000)
    bench.bus.leave()
    assert not bench.bus.has_left()
    bench.run(5, 20_000)
    assert bench.writes()[-2:] == [(SETPOINT, 0), (STOP, 1)]
    assert bench.bus.has_left()


@pytest.mark.parametrize("kind", [fault.SILENCE, fault.DENIED])
def test_a_device_that_does_not_even_say_who_it_is_is_left_alone(kind):
    bench = Bench(identity=[[3, 40000, 0x5375]])
    bench.device.registers[40000] = 0x5375
    bench.device.always = kind
    bench.run(100)
    assert bench.lease.state == leases.HUSHED
    quiet_ms = bench.slave.log[-1][0]
    bench.device.always = fault.OK
    bench.run(190)
    assert bench.slave.log[-1][0] == quiet_ms


@READ_BACKS
@pytest.mark.parametrize("kind", [fault.SILENCE, fault.DENIED, fault.BUSY])
def test_a_device_that_does_not_confirm_its_release_is_left_alone(kind, readback):
    """Not one byte for five minutes: its own dead-man timer is fed even by reads."""
    bench = Bench(readback=readback)
    bench.run(10, 20_000)
    bench.device.only = (6,)
    bench.device.always = kind
    bench.run(30)
    assert bench.lease.state == leases.HUSHED
    assert bench.lease.fault
    hushed_ms = bench.slave.log[-1][0]
    assert hushed_ms <= 25_000
    bench.run(260)
    assert bench.slave.log[-1][0] == hushed_ms
    bench.run(40)  # then the release is tried again
    assert bench.writes(hushed_ms + 1)[0] == (SETPOINT, 0)
    assert bench.lease.state == leases.HUSHED
    assert bench.reads(hushed_ms + 1) == []
    bench.device.always = fault.OK
    bench.run(310)
    assert bench.lease.state == leases.FREE
    assert bench.writes()[-2:] == [(SETPOINT, 0), (STOP, 1)]
    assert len(bench.reads(hushed_ms + 1)) > 3  # confirmed: it is read again


def test_a_release_that_is_acknowledged_but_not_done_is_no_release():
    bench = Bench(readback=READ_BACK)
    bench.run(10, 20_000)
    bench.device.only = (6,)
    bench.device.always = fault.IGNORED
    bench.run(30)
    assert bench.lease.state == leases.HUSHED
    assert bench.lease.held_w == 20_000
    assert bench.lease.mismatches == 4


def test_silence_ends_when_the_beat_speaks_again():
    bench = Bench()
    bench.run(10, 20_000)
    bench.device.always = fault.SILENCE
    bench.run(30)
    assert bench.lease.state == leases.HUSHED
    bench.device.always = fault.OK
    bench.run(10, 30_000)
    assert bench.writes()[-2:] == [(START, 1), (SETPOINT, 300)]
    assert bench.battery.stamp_ms >= 49_000


def test_a_lease_that_ran_out_is_not_revived_by_the_clock():
    """After 12.4 days the tick that the beat gave last comes round again."""
    battery = Battery(5000)
    lease = leases.Lease(SIGNED, battery)
    battery.command(20_000, 1000)
    states = []
    for now_ms in (1000, 6000, 6001, 1 << 29, (1 << 30) - 1, 1000, 3000):
        lease.watch(now_ms)
        states.append(lease.state)
    assert states == [leases.ENTERING] * 2 + [leases.RELEASING] * 5


def test_a_lease_runs_out_while_the_line_is_down():
    bench = Bench()
    bench.run(5, 20_000)
    bench.slave.reachable = False
    bench.run(20)
    before = len(bench.writes())
    bench.slave.reachable = True
    bench.run(40)
    assert bench.writes()[before:] == [(SETPOINT, 0), (STOP, 1)]


@settings(max_examples=60)
@given(data=st.data())
def test_when_the_beat_dies_the_device_gets_zero_or_silence(data):
    """Whatever goes wrong: within 20 s of the end it holds 0 W, or it is not spoken to again."""
    kinds = [fault.OK, fault.SILENCE, fault.DENIED, fault.BUSY, fault.LATE, fault.BAD_CRC,
             fault.NOISE, fault.IGNORED, fault.CLOSE, fault.DUPLICATE]
    link = data.draw(st.sampled_from(["tcp", "rtu", "echo"]))
    kinds = [kind for kind in kinds if link != "tcp" or kind not in (fault.BAD_CRC, fault.NOISE)]
    bench = Bench(link, readback=READ_BACK)
    bench.device.only = data.draw(st.sampled_from([None, (6,), (3,)]))
    bench.run(10, 20_000)
    bench.device.plan = data.draw(st.lists(st.sampled_from(kinds), max_size=12))
    bench.device.always = data.draw(st.sampled_from(kinds))
    bench.run(100)
    held = bench.device.registers.get(SETPOINT, 0)
    late = [entry for entry in bench.slave.log if entry[0] > 70_000]
    assert held == 0 or late == []
