"""Many devices on one bus: what the dead cost the living, rests after connecting, units, noise."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.devices.bus import Bus
from edge.devices.driver import Driver
from tests.devices import modbus_slave as fault
from tests.devices.bench import (
    POWER,
    READ_BACK,
    RTU,
    SETPOINT,
    TCP,
    Battery,
    Meter,
    bus_of,
    converter_image,
    meter_image,
    power,
)
from tests.devices.lease_bench import Bench
from tests.devices.modbus_slave import Device, Slave, run

ONE_BLOCK = {"blocks": [[3, POWER, 2, 1]], "points": [["grid_w", 0, 0, "i32", 1, 1, [], -1]]}
TIMEOUT_MS, GAP_MS, ANSWER_MS, POLL_MS = 500, 25, 10, 1000
LINKS = pytest.mark.parametrize("link", ["tcp", "rtu"])


@LINKS
@settings(max_examples=25)
@given(kinds=st.lists(st.sampled_from(["ok", fault.SILENCE, fault.NO_PATH, "converter"]),
                      min_size=1, max_size=10).filter(lambda kinds: "ok" in kinds))
def test_however_many_are_dead_each_living_one_keeps_its_pace(link, kinds):
    """Two readings of a living meter are at most one time-out apart beyond its poll and what its
    living neighbours take, whatever number of the others is dead, converters with a setpoint to
    take among them. The bound: poll + (time-out, twice the wire and the gap) + n turns."""
    devices = {unit: Device(power(unit)) for unit in range(1, len(kinds) + 1)}
    slave = Slave(devices, rtu=link == "rtu")
    pairs, meters, batteries = [], {}, []
    for unit, kind in enumerate(kinds, 1):
        devices[unit].always = {"converter": fault.SILENCE}.get(kind, kind)
        if kind == "converter":
            batteries.append(Battery(5000))
            pairs.append((converter_image(unit, readback=READ_BACK), batteries[-1]))
        else:
            meters[unit] = Meter()
            pairs.append((meter_image(unit, **ONE_BLOCK), meters[unit]))
    bus = bus_of(link, slave, *pairs)

    def beat(now_ms: int) -> None:
        for battery in batteries:
            battery.command(now_ms // 100 % 500 * 100, now_ms)

    run(bus, slave, 120_000, beat)
    wire_ms = 0 if link == "tcp" else 25  # 8 characters and 9 at 9600 baud, and the silence
    turn_ms = ANSWER_MS + GAP_MS + wire_ms + 8  # an answer is noticed within an eighth
    most_ms = POLL_MS + TIMEOUT_MS + 2 * (GAP_MS + wire_ms) + len(kinds) * turn_ms
    for unit, kind in enumerate(kinds, 1):
        if kind == "ok":
            stamps = [stamp for _, _, stamp in meters[unit].taken]
            assert max(later - earlier for earlier, later in pairwise(stamps)) <= most_ms
            assert len(stamps) >= 105  # of 120, the start with its unknown dead included


def test_the_dead_are_found_again_although_the_living_want_every_moment():
    devices = {unit: Device(power(unit)) for unit in (1, 2, 3)}
    devices[3].always = fault.SILENCE
    slave = Slave(devices)
    meters = {unit: Meter() for unit in devices}
    bus = bus_of("tcp", slave, *((meter_image(unit, poll_ms=1, **ONE_BLOCK), meters[unit])
                                 for unit in devices))
    run(bus, slave, 20_000)
    assert meters[3].taken == []
    devices[3].always = fault.OK
    run(bus, slave, 40_000)
    assert len(meters[3].taken) > 100


@pytest.mark.parametrize("settle_ms", [0, 1000])
def test_a_device_may_want_a_rest_after_connecting(settle_ms):
    """Huawei: connect, then wait 1 s, or it hangs up (wlcrs/huawei-solar-lib)."""
    opened_ms = []

    class Watched(Slave):
        def open(self, now_ms: int) -> None:
            opened_ms.append(now_ms)
            Slave.open(self, now_ms)

    slave = Watched({1: Device(power(5))})
    bus = Bus(TCP | ({"settle_ms": settle_ms} if settle_ms else {}), slave)
    bus.add(Driver(meter_image(1, **ONE_BLOCK), [Meter()]))
    run(bus, slave, 3500)
    assert settle_ms <= slave.log[0][0] <= settle_ms + 60
    slave.hang_up()
    run(bus, slave, 8000)
    assert len(opened_ms) == 2
    again_ms = next(entry[0] for entry in slave.log if entry[0] >= opened_ms[1])
    assert settle_ms + 25 <= again_ms - opened_ms[1] <= settle_ms + 60


@pytest.mark.parametrize("unit", [0, 1, 100, 247, 248, 255])
def test_over_tcp_every_unit_is_an_address(unit):
    slave = Slave({unit: Device(power(5))})
    meter = Meter()
    bus = bus_of("tcp", slave, (meter_image(unit, **ONE_BLOCK), meter))
    run(bus, slave, 2500)
    assert meter.powers() == [5] * 3


def test_a_line_that_sounds_while_it_is_taken_costs_nothing():
    """Noise right before every answer, without a silence between: a transceiver that turns on."""
    slave = Slave({1: Device(power(5))}, rtu=True)
    slave.devices[1].always = fault.GLUED_NOISE
    meter = Meter()
    bus = bus_of("rtu", slave, (meter_image(1, **ONE_BLOCK), meter))
    run(bus, slave, 10_000)
    assert meter.powers() == [5] * 10
    assert (bus.timeouts, bus.foreign()) == (0, 10)


@LINKS
def test_device_failure_over_and_over_is_worth_no_more_than_silence(link):
    """04 of a gateway means that nobody is there, and each takes as long as its own time-out."""
    slave = Slave({1: Device(power(1)), 2: Device(power(2))}, rtu=link == "rtu")
    slave.devices[2].always = fault.FAILED
    meters = [Meter(), Meter()]
    bus = bus_of(link, slave, (meter_image(1, **ONE_BLOCK), meters[0]),
                 (meter_image(2, **ONE_BLOCK), meters[1]))
    run(bus, slave, 60_000)
    assert len(slave.asked(2)) <= 10
    slave.devices[2].always = fault.OK
    run(bus, slave, 35_000)
    assert meters[1].powers()
    slave.devices[2].plan = [fault.FAILED] * 2
    before = len(meters[1].powers())
    run(bus, slave, 10_000)
    assert len(meters[1].powers()) - before >= 8  # one or two are no absence


def test_busy_for_an_hour_is_survived_by_everybody():
    """Exception 6 an hour long: asked again soon, then at the next poll, and never given up."""
    slave = Slave({1: Device(power(1)), 2: Device(power(2))})
    slave.devices[2].always = fault.BUSY
    meters = [Meter(), Meter()]
    bus = bus_of("tcp", slave, (meter_image(1, **ONE_BLOCK), meters[0]),
                 (meter_image(2, **ONE_BLOCK), meters[1]))
    run(bus, slave, 3_600_000)
    assert len(meters[0].powers()) >= 3595
    assert len(slave.asked(2)) <= 5 * 3600
    slave.devices[2].always = fault.OK
    run(bus, slave, 2000)
    assert meters[1].powers()


def test_another_master_that_writes_the_setpoint_is_noticed_and_told_again(capsys):
    bench = Bench(readback=READ_BACK)
    bench.run(3, 20_000)
    assert bench.lease.changed == 0
    bench.device.registers[SETPOINT] = 500
    bench.run(6, 20_000)
    assert bench.device.registers[SETPOINT] == 200
    assert bench.lease.changed == 1
    assert "pcs1 another master wrote 50000 W" in capsys.readouterr().out
    bench.run(60, 20_000)
    assert (bench.lease.changed, bench.lease.fault) == (1, False)


def test_a_device_that_takes_no_setpoint_is_no_other_master():
    bench = Bench(readback=READ_BACK)
    bench.device.only = (6,)
    bench.device.always = fault.IGNORED
    bench.run(9, 20_000)
    assert (bench.lease.mismatches, bench.lease.changed) == (4, 0)


def test_a_slow_line_is_no_reason_to_overlap():
    """1200 baud, and a device that takes its time-out nearly whole: never two requests at once."""
    slave = Slave({1: Device(power(5), answer_ms=480)}, rtu=True)
    meter = Meter()
    bus = Bus(RTU | {"baud": 1200}, slave)
    bus.add(Driver(meter_image(1, poll_ms=100, **ONE_BLOCK), [meter]))
    run(bus, slave, 20_000)
    assert slave.overlaps == 0
    assert bus.timeouts == 0


def test_a_look_that_does_not_get_through_holds_no_write_back():
    """Its reads are silent, its writes are not: the next setpoint is there within the second that a
    look is waited for, and what the polls cost."""
    bench = Bench(readback=READ_BACK)
    bench.run(3, 20_000)
    bench.device.only = (3,)
    bench.device.always = fault.SILENCE
    bench.run(1, 20_000)
    start_ms = bench.slave.now_ms
    bench.run(4, 0)
    zero_ms = next(ms for ms, _, function, address, value in bench.slave.log
                   if (function, address, value) == (6, SETPOINT, 0) and ms >= start_ms - 1)
    assert zero_ms - start_ms <= 2600
