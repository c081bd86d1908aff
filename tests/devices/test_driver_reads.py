"""What a driver hands to the beat, and what it keeps to itself."""

import struct

import pytest

from edge.devices.driver import Driver
from edge.devices.roles import Pv
from tests.core.park import snapshot
from tests.devices import modbus_slave as fault
from tests.devices.bench import (
    ENERGY,
    POWER,
    READ_BACK,
    SIGNED,
    Battery,
    Meter,
    bus_of,
    converter_image,
    meter_image,
    power,
    words,
)
from tests.devices.modbus_slave import Device, Slave, run


def bench(image, registers, role=None, link="tcp"):
    device = Device(registers)
    slave = Slave({image["unit"]: device}, rtu=link == "rtu")
    role = Meter() if role is None else role
    bus = bus_of(link, slave, (image, role))
    return bus, slave, device, role


def test_slow_blocks_are_read_each_tenth_poll_and_at_the_start():
    energy = dict(zip((ENERGY, ENERGY + 1), words(123_456_789), strict=True))
    bus, slave, _, meter = bench(meter_image(1), power(-700) | energy)
    run(bus, slave, 25_000)
    assert [round(entry[0], -2) for entry in slave.asked(1, 3, ENERGY)] == [100, 10_000, 20_000]
    assert meter.grid_w == -700
    assert meter.import_wh == 123_456_789


def test_a_device_may_have_slow_blocks_only():
    image = meter_image(1, blocks=[[3, POWER, 2, 4], [3, ENERGY, 2, 6]])
    bus, slave, _, _ = bench(image, {})
    run(bus, slave, 13_000)
    assert [(round(entry[0] / 1000), entry[3]) for entry in slave.log] == [
        (0, POWER), (0, ENERGY), (4, POWER), (6, ENERGY), (8, POWER), (12, POWER), (12, ENERGY)]


def test_a_signal_is_as_old_as_its_own_block():
    bus, slave, _, meter = bench(meter_image(1), power(5))
    run(bus, slave, 15_000)
    for signal, address in (("grid_w", POWER), ("import_wh", ENERGY)):
        stamps = [stamp for name, _, stamp in meter.taken if name == signal]
        assert stamps == [entry[0] for entry in slave.asked(1, 3, address)]


def test_what_is_not_available_is_refused_and_not_stamped():
    bus, slave, device, meter = bench(meter_image(
        1, blocks=[[3, POWER, 2, 1]],
        points=[["grid_w", 0, 0, "i32", 1, 1, [-0x80000000], -1]]), power(5))
    run(bus, slave, 2500)
    device.registers.update(power(-0x80000000))
    run(bus, slave, 3000)
    assert meter.grid_w == 5
    assert meter.stamp_ms == 2000
    assert bus.drivers[0].readings.refused == 3


def test_no_number_and_an_impossible_power_are_refused():
    bus, slave, device, meter = bench(meter_image(
        1, blocks=[[4, POWER, 2, 1]], points=[["grid_w", 0, 0, "f32s", 1, 1, [], -1]]), {})

    def shows(value: float) -> None:
        high, low = struct.unpack(">HH", struct.pack(">f", value))
        device.registers.update({POWER: low, POWER + 1: high})

    shows(-1234.5)
    run(bus, slave, 1500)
    assert meter.grid_w == -1234
    for value in (float("nan"), float("inf"), 9e9, -3e38):
        shows(value)
        run(bus, slave, 1000)
    assert meter.grid_w == -1234
    assert meter.stamp_ms == 1000


def test_one_device_may_feed_several_roles():
    meter, plant = Meter(), Pv(snapshot())
    slave = Slave({1: Device(power(-300) | power(700, 110))})
    bus = bus_of("tcp", slave)
    bus.add(Driver(meter_image(1, blocks=[[3, POWER, 12, 1]],
                               points=[["grid_w", 0, 0, "i32", 1, 1, [], -1],
                                       ["pv_w", 0, 10, "i32", 1, 1, [], -1]]), [meter, plant]))
    run(bus, slave, 500)
    assert meter.grid_w == -300
    assert plant.now.pv_w == 700
    assert meter.stamp_ms == plant.now.pv_ms


class TestIdentity:
    MARK = ((3, 40000, 0x5375), (3, 40001, 0x6E53))

    def test_nothing_is_believed_before_it_is_known_who_answers(self):
        image = meter_image(1, identity=self.MARK)
        bus, slave, _, meter = bench(image, power(5) | {40000: 0x5375, 40001: 0x6E53})
        run(bus, slave, 1000)
        assert [entry[3] for entry in slave.log] == [40000, 40001, POWER, ENERGY]
        assert meter.grid_w == 5
        assert not bus.drivers[0].stranger

    def test_a_stranger_is_neither_read_nor_written(self):
        image = converter_image(1) | {"identity": self.MARK}
        battery = Battery(5000)
        bus, slave, device, _ = bench(image, {40000: 0x5375}, battery)
        run(bus, slave, 20_000, lambda now_ms: battery.command(1000, now_ms))
        assert bus.drivers[0].stranger
        assert battery.stamp_ms < 0
        assert {entry[3] for entry in slave.log} == {40000, 40001}
        assert len(slave.log) == 2
        device.registers[40001] = 0x6E53
        run(bus, slave, 15_000, lambda now_ms: battery.command(1000, now_ms))
        assert not bus.drivers[0].stranger
        assert battery.stamp_ms > 0
        assert device.registers[135] == 10

    def test_a_refused_identity_register_is_a_stranger(self):
        image = meter_image(1, identity=self.MARK)
        bus, slave, device, _meter = bench(image, {})
        device.always = fault.DENIED
        run(bus, slave, 10_000)
        assert bus.drivers[0].stranger
        assert len(slave.log) == 1

    @pytest.mark.parametrize(("link", "absence"), [("tcp", [fault.CLOSE]),
                                                   ("rtu", [fault.SILENCE] * 3)])
    def test_who_was_away_proves_itself_again(self, link, absence):
        image = meter_image(1, identity=self.MARK)
        registers = power(5) | {40000: 0x5375, 40001: 0x6E53}
        bus, slave, device, meter = bench(image, registers, link=link)
        run(bus, slave, 2500)
        device.plan = absence
        run(bus, slave, 500)
        device.registers.update(power(6) | {40001: 0})
        run(bus, slave, 20_000)
        assert bus.drivers[0].stranger
        assert 6 not in meter.powers()

    def test_one_lost_frame_is_no_absence(self):
        image = meter_image(1, identity=self.MARK)
        bus, slave, device, _meter = bench(image, power(5) | {40000: 0x5375, 40001: 0x6E53})
        run(bus, slave, 2500)
        device.plan = [fault.SILENCE]
        run(bus, slave, 10_000)
        assert len(slave.asked(1, 3, 40000)) == 1


class TestFrozen:
    def test_bytes_that_do_not_change_are_worth_no_more_than_silence(self):
        bus, slave, device, meter = bench(meter_image(1, frozen_ms=10_000), power(5))
        run(bus, slave, 5000)
        device.registers.update(power(6))
        run(bus, slave, 30_000)
        assert bus.drivers[0].readings.frozen
        assert meter.stamp_ms == 14_000  # 10 s after the change was seen
        device.registers.update(power(7))
        run(bus, slave, 2000)
        assert not bus.drivers[0].readings.frozen
        assert meter.grid_w == 7
        assert meter.stamp_ms == 36_000

    def test_a_slow_block_does_not_vouch_for_the_fast_ones(self):
        bus, slave, device, _meter = bench(meter_image(1, frozen_ms=10_000), power(5))

        def count(now_ms: int) -> None:
            device.registers[ENERGY + 1] = now_ms // 1000

        run(bus, slave, 30_000, count)
        assert bus.drivers[0].readings.frozen

    def test_any_register_of_a_fast_block_vouches_for_all(self):
        image = meter_image(1, frozen_ms=10_000, blocks=[[3, POWER, 8, 1], [3, ENERGY, 2, 10]])
        bus, slave, device, meter = bench(image, power(5))

        def hum(now_ms: int) -> None:
            device.registers[POWER + 7] = now_ms // 4000 & 0xFFFF

        run(bus, slave, 60_000, hum)
        assert not bus.drivers[0].readings.frozen
        assert meter.stamp_ms >= 59_000

    def test_a_silence_is_no_standstill(self):
        """Who comes back with its old bytes is believed for as long as anybody."""
        bus, slave, device, meter = bench(meter_image(1, frozen_ms=10_000), power(5), link="rtu")
        run(bus, slave, 5000)
        device.always = fault.SILENCE
        run(bus, slave, 30_000)
        device.always = fault.OK
        before = len(meter.powers())
        run(bus, slave, 60_000)
        assert len(meter.powers()) - before in (10, 11)

    def test_without_a_limit_nothing_freezes(self):
        bus, slave, _, meter = bench(meter_image(1), power(5))
        run(bus, slave, 100_000)
        assert meter.stamp_ms >= 99_000


@pytest.mark.parametrize(("change", "word"), [
    ({"blocks": []}, "block"),
    ({"blocks": [[1, 0, 8, 1]]}, "block"),
    ({"blocks": [[3, 0, 126, 1]]}, "block"),
    ({"blocks": [[3, 65535, 2, 1]]}, "block"),
    ({"blocks": [[3, 0, 2, 0]]}, "block"),
    ({"points": [["grid_w", 0, 1, "i32", 1, 1, [], -1]]}, "within"),
    ({"points": [["soc_pm", 0, 0, "u16", 1, 1, [], -1]]}, "soc_pm"),
    ({"control": SIGNED}, "commands"),
])
def test_an_image_that_cannot_be_executed_is_refused(change, word):
    image = meter_image(1, blocks=[[3, POWER, 2, 1]],
                        points=[["grid_w", 0, 0, "i32", 1, 1, [], -1]]) | change
    with pytest.raises(ValueError, match=word):
        Driver(image, [Meter()])


@pytest.mark.parametrize(("change", "word"), [
    ({"shape": "slots"}, "slots"),
    ({"min_w": 10}, "0 W"),
    ({"num": 0}, "num"),
    ({"den": 0}, "den"),
    ({"den": 1}, "fit"),
    ({"type": "u16"}, "fit"),
    ({"type": "f32", "fc": 16}, "fit"),
    ({"type": "i32"}, "function code 6"),
    ({"fc": 5}, "function code 5"),
    ({"readback": [*READ_BACK[:4], 0]}, "read back"),
    ({"readback": [6, *READ_BACK[1:]]}, "read back"),
])
def test_a_control_entry_that_cannot_be_executed_is_refused(change, word):
    with pytest.raises(ValueError, match=word):
        Driver(converter_image(1, **change), [Battery(5000)])
