"""Everything a wire and a device do wrong: nothing false is believed, and it goes on by itself."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.devices.bus import Bus
from edge.devices.driver import Driver
from tests.devices import modbus_slave as fault
from tests.devices.bench import POWER, RTU, Meter, bus_of, meter_image, power
from tests.devices.modbus_slave import Device, Slave, run

LINKS = pytest.mark.parametrize("link", ["tcp", "rtu", "echo"])
COMMON = [fault.SILENCE, fault.LATE, fault.FOREIGN_UNIT, fault.FOREIGN_FUNCTION, fault.SHORT,
          fault.PIECES, fault.DUPLICATE, fault.CLOSE, fault.BUSY, fault.DENIED, fault.NO_PATH]
FAULTS = {"tcp": [*COMMON, fault.FOREIGN_TRANSACTION],
          "rtu": [*COMMON, fault.BAD_CRC, fault.NOISE, fault.GLUED_NOISE],
          "echo": [*COMMON, fault.BAD_CRC, fault.NOISE, fault.GLUED_NOISE]}


def one(link: str, **changes):
    """A bus with one meter whose power is 5000 W."""
    device = Device(power(5000))
    slave = Slave({1: device}, rtu=link != "tcp", echo=link == "echo")
    meter = Meter()
    image = meter_image(1, blocks=[[3, POWER, 2, 1]],
                        points=[["grid_w", 0, 0, "i32", 1, 1, [], -1]]) | changes
    return bus_of(link, slave, (image, meter)), slave, device, meter


@pytest.mark.parametrize(("link", "kind"), [(link, kind) for link in FAULTS
                                            for kind in FAULTS[link]])
def test_after_any_fault_it_goes_on_by_itself(link, kind):
    bus, slave, device, meter = one(link)
    run(bus, slave, 3500)
    device.plan = [kind]
    run(bus, slave, 8000)
    assert set(meter.powers()) == {5000}
    assert len(meter.powers()) >= 8


@LINKS
@settings(max_examples=150)
@given(data=st.data())
def test_no_sequence_of_faults_makes_a_false_or_flattered_reading(link, data):
    """The power read is the tick at which it was sampled: no reading is older than its stamp."""
    bus, slave, device, meter = one(link)
    device.plan = data.draw(st.lists(st.sampled_from([fault.OK, *FAULTS[link]]), max_size=12))

    def sample(now_ms: int) -> None:
        device.registers.update(power(now_ms))

    run(bus, slave, 20_000, sample)
    device.plan = []
    run(bus, slave, 35_000, sample)
    for _, sampled_ms, stamp_ms in meter.taken:
        assert stamp_ms <= sampled_ms <= stamp_ms + 1
    assert meter.stamp_ms > 20_000  # and it has found its way back


@LINKS
def test_a_late_answer_is_not_the_answer_to_the_next_request(link):
    """RTU has no transaction number: a probe of another length proves that nothing is left."""
    bus, slave, device, meter = one(link)
    device.plan = [fault.OK, fault.LATE]
    run(bus, slave, 1100)
    device.registers.update(power(6000))
    run(bus, slave, 6000)
    assert meter.powers()[0] == 5000
    assert set(meter.powers()[1:]) == {6000}
    assert bus.timeouts >= 1
    assert bus.foreign() + bus.crc_errors() <= 2
    assert [entry[4] for entry in slave.asked(1)][2] == 1  # one register instead of two


@LINKS
def test_a_dead_device_costs_the_others_little(link):
    devices = {unit: Device(power(unit)) for unit in (1, 2, 3)}
    devices[4] = Device({})
    devices[4].always = fault.SILENCE
    slave = Slave(devices, rtu=link != "tcp", echo=link == "echo")
    meters = {unit: Meter() for unit in devices}
    bus = bus_of(link, slave, *((meter_image(unit), meters[unit]) for unit in devices))
    run(bus, slave, 120_000)
    for unit in (1, 2, 3):
        assert len(meters[unit].powers()) >= 118
    times = [entry[0] for entry in slave.asked(4)]
    gaps = [round((later - earlier) / 1000) for earlier, later in pairwise(times)]
    # 1, 2, 4, 8, 16, 30, 30 polls of 1 s after a timeout of 0.5 s, or a turn later
    assert gaps[:3] in ([2, 2, 4], [2, 3, 5], [2, 3, 4], [2, 2, 5])
    assert all(8 <= gap <= 9 for gap in gaps[3:4])
    assert all(30 <= gap <= 31 for gap in gaps[5:])
    assert bus.breaks == 0


@LINKS
def test_a_device_that_comes_back_is_read_at_once_at_its_old_pace(link):
    bus, slave, device, meter = one(link)
    device.always = fault.SILENCE
    run(bus, slave, 60_000)
    device.always = fault.OK
    run(bus, slave, 32_000)
    before = len(meter.powers())
    run(bus, slave, 10_000)
    assert len(meter.powers()) - before == 10


def test_blocks_that_never_answer_do_not_hide_the_others():
    device = Device(power(5000))
    slave = Slave({1: device}, rtu=True)
    meter = Meter()
    bus = bus_of("rtu", slave, (meter_image(1, blocks=[[3, POWER, 2, 1], [4, 500, 9, 1],
                                                       [4, 600, 9, 1], [3, 300, 2, 1]],
                                            points=[["grid_w", 0, 0, "i32", 1, 1, [], -1],
                                                    ["import_wh", 3, 0, "u32", 1, 1, [], -1]]),
                                meter))
    device.only = (4,)
    device.always = fault.SILENCE
    run(bus, slave, 60_000)
    names = [signal for signal, _, _ in meter.taken]
    assert names.count("grid_w") > 10
    assert names.count("import_wh") > 10


def test_a_busy_device_is_asked_again_soon_and_then_left_until_the_next_poll():
    bus, slave, device, meter = one("tcp", poll_ms=5000)
    device.plan = [fault.BUSY] * 3
    run(bus, slave, 2000)
    assert meter.powers() == [5000]
    assert bus.exceptions == 3
    device.plan = [fault.BUSY] * 9
    run(bus, slave, 9000)
    assert bus.exceptions == 12
    assert bus.timeouts == 0
    assert meter.powers() == [5000] * 2


def test_an_answer_that_is_an_exception_is_no_silence():
    bus, slave, device, meter = one("tcp")
    device.always = fault.DENIED
    run(bus, slave, 10_000)
    assert bus.exceptions == 10
    assert bus.timeouts == 0
    assert meter.taken == []
    assert bus.drivers[0].exceptions == 10


def test_a_gateway_that_says_nobody_is_there_counts_as_silence():
    bus, slave, device, _ = one("tcp")
    device.always = fault.NO_PATH
    run(bus, slave, 60_000)
    assert len(slave.log) <= 8


def test_a_closed_connection_is_opened_again_less_and_less_often():
    bus, slave, _, meter = one("tcp")
    run(bus, slave, 2500)
    slave.reachable = False
    run(bus, slave, 120_000)
    assert 6 <= slave.opens - 1 <= 9  # 1, 2, 4, 8, 16, 32, 32 s
    slave.reachable = True
    run(bus, slave, 40_000)
    assert bus.step(slave.now_ms) > 0
    before = len(meter.powers())
    run(bus, slave, 5000)
    assert len(meter.powers()) - before == 5
    slave.hang_up()
    run(bus, slave, 3500)
    assert len(meter.powers()) - before >= 7  # it is soon there again


def test_a_unit_that_makes_its_gateway_hang_up_does_not_take_the_others_along():
    devices = {unit: Device(power(unit)) for unit in (1, 2, 3)}
    devices[2].always = fault.CLOSE
    slave = Slave(devices)
    meters = {unit: Meter() for unit in devices}
    bus = bus_of("tcp", slave, *((meter_image(unit), meters[unit]) for unit in devices))
    run(bus, slave, 120_000)
    assert len(slave.asked(2)) <= 8
    assert min(len(meters[1].powers()), len(meters[3].powers())) >= 105


def test_noise_before_an_answer_costs_nothing_but_the_noise():
    bus, slave, device, meter = one("rtu")
    device.answer_ms = 200
    device.always = fault.NOISE
    run(bus, slave, 10_000)
    assert meter.powers() == [5000] * 10
    assert (bus.timeouts, bus.foreign()) == (0, 10)


def test_the_time_on_the_line_is_not_the_devices_fault():
    """205 bytes at 1200 baud take 1.9 s, and the device has 0.5 s of its own."""
    slave = Slave({1: Device(power(5000), answer_ms=2300)}, rtu=True)
    meter = Meter()
    bus = Bus(RTU | {"baud": 1200}, slave)
    bus.add(Driver(meter_image(1, poll_ms=5000, blocks=[[3, POWER, 100, 1], [3, 300, 2, 10]]),
                   [meter]))
    run(bus, slave, 2000)
    slave.devices[1].answer_ms = 10
    run(bus, slave, 8000)
    assert meter.powers() == [5000] * 2
    assert bus.timeouts == 0


def test_a_probe_has_a_length_of_its_own():
    """Reads of 1, 2 and 3 registers are taken, so it asks for 4."""
    bus, slave, device, _meter = one("rtu", identity=[[3, POWER + 1, 5000]],
                                    blocks=[[3, POWER, 2, 1], [3, 300, 3, 1]])
    device.plan = [fault.OK, fault.OK, fault.OK, fault.SILENCE]
    run(bus, slave, 5000)
    assert [entry[4] for entry in slave.log][:7] == [1, 2, 3, 2, 4, 3, 2]
    assert bus.timeouts == 1


def test_a_half_open_connection_is_given_up():
    """No answer to anybody for two rounds, and never an error: the cable is in another switch."""
    bus, slave, device, meter = one("tcp")
    device.plan = [fault.OK] + [fault.SILENCE] * 3
    run(bus, slave, 12_000)
    assert slave.opens == 2
    assert bus.breaks == 1
    assert meter.stamp_ms > 9000


def test_dead_units_behind_a_gateway_do_not_close_the_connection_of_the_living():
    devices = {unit: Device(power(unit)) for unit in range(1, 6)}
    for unit in range(1, 5):
        devices[unit].always = fault.SILENCE
    slave = Slave(devices)
    meters = {unit: Meter() for unit in devices}
    bus = bus_of("tcp", slave, *((meter_image(unit), meters[unit]) for unit in devices))
    run(bus, slave, 60_000)
    assert slave.opens == 1
    assert len(meters[5].powers()) >= 45


def test_noise_without_end_is_waited_out():
    """Nothing is sent into a line that is never still, and every step ends."""

    class Babble(Slave):
        def recv(self, buf, at):
            if 2000 <= self.now_ms < 4000:
                buf[at] = 0x55
                return 1
            return Slave.recv(self, buf, at)

    slave = Babble({1: Device(power(5000))}, rtu=True)
    meter = Meter()
    bus = bus_of("rtu", slave, (meter_image(1), meter))
    run(bus, slave, 10_000)
    assert not [entry for entry in slave.log if 2030 < entry[0] < 4000]
    assert set(meter.powers()) == {5000}
    assert meter.stamp_ms > 8000
