"""A day in the life of three buses, told line by line: the same on every interpreter.

Run by CPython and by MicroPython; `test_bus_micropython.py` compares what they print.
"""

from edge.ticks import ticks_diff
from tests.devices import modbus_slave as fault
from tests.devices.bench import (
    POWER,
    READ_BACK,
    SETPOINT,
    Battery,
    Meter,
    bus_of,
    converter_image,
    meter_image,
    power,
)
from tests.devices.modbus_slave import Device, Slave, run

START_MS = (1 << 30) - 30_000  # the clock wraps half a minute into it
PLAN = (fault.OK, fault.LATE, fault.OK, fault.FOREIGN_UNIT, fault.BUSY, fault.PIECES,
        fault.DUPLICATE, fault.SHORT, fault.SILENCE, fault.SILENCE, fault.SILENCE, fault.OK,
        fault.DENIED, fault.CLOSE, fault.FOREIGN_FUNCTION)
SERIAL = (fault.BAD_CRC, fault.NOISE, fault.GLUED_NOISE, fault.NO_PATH)


def live(link):
    """Two minutes with a good meter, a faulty one, a dead one and a converter."""
    good = Device(power(-70_000))
    bad = Device(power(5))
    bad.plan = list(PLAN + (SERIAL if link != "tcp" else (fault.FOREIGN_TRANSACTION,)))
    dead = Device({})
    dead.always = fault.SILENCE
    pcs = Device(power(9_000))
    slave = Slave({1: good, 2: bad, 3: dead, 4: pcs}, rtu=link != "tcp", echo=link == "echo",
                  start_ms=START_MS)
    meters = [Meter(), Meter(), Meter()]
    battery = Battery(5000)
    bus = bus_of(link, slave, (meter_image(1), meters[0]),
                 (meter_image(2, points=[["grid_w", 0, 0, "f32", -1, 3, [], -1]],
                              frozen_ms=20_000), meters[1]),
                 (meter_image(3), meters[2]),
                 (converter_image(4, readback=READ_BACK), battery))
    beats = []

    def beat(now_ms):
        second = ticks_diff(now_ms, START_MS) // 1000
        good.registers.update(power(second * 1_000 - 70_000))
        if second < 80 and second not in beats[-1:]:
            beats.append(second)
            battery.command(second * second * 20 - 60_000, now_ms)

    run(bus, slave, 80_000, beat)
    pcs.only = (6,)
    pcs.plan = [fault.SILENCE, fault.IGNORED, fault.BUSY]
    run(bus, slave, 40_000, beat)
    return bus, slave, meters, battery


def tell(link):
    """Print all that happened on one bus."""
    bus, slave, meters, battery = live(link)
    print("==", link)
    for entry in slave.log:
        print(*entry)
    for meter in meters:
        for reading in meter.taken:
            print(*reading)
    for driver in bus.drivers:
        print(driver.name, driver.timeouts, driver.exceptions, driver.stranger,
              driver.readings.refused, driver.readings.frozen)
    lease = bus.drivers[3].lease
    print(lease.state, lease.held_w, lease.fault, lease.mismatches, battery.store_w,
          slave.devices[4].registers.get(SETPOINT), slave.devices[1].registers[POWER + 1])
    print(bus.requests, bus.timeouts, bus.exceptions, bus.breaks, bus.crc_errors(), bus.foreign())


if __name__ == "__main__":
    for name in ("tcp", "rtu", "echo"):
        tell(name)
