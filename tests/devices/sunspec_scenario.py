"""A day in the life of a SunSpec bus, told line by line: the same on every interpreter.

    sunspec_scenario.py CASE.json

The case holds images and register maps that pysunspec2 made: a battery with a power of its own, the
same device after an update that moved its models, and a float meter. Prints all that happened, and
then on MicroPython what the drivers take of the heap and whether it grows.
"""

import gc
import json
import sys

from edge.devices.bus import Bus
from edge.devices.sunspec import driver
from edge.ticks import ticks_diff
from tests.devices import modbus_slave as fault
from tests.devices.bench import LINKS
from tests.devices.modbus_slave import Device, run
from tests.devices.sunspec_maps import MapSlave

START_MS = (1 << 30) - 30_000  # the clock wraps half a minute into it
PLAN = (fault.OK, fault.LATE, fault.OK, fault.FOREIGN_UNIT, fault.BUSY, fault.PIECES,
        fault.DUPLICATE, fault.SILENCE, fault.SILENCE, fault.SILENCE, fault.OK, fault.CLOSE)


class Taker:
    """A role for everything, which tells what it takes."""

    SIGNALS = ("grid_w", "import_wh", "export_wh", "l1_w", "l2_w", "l3_w", "store_w", "soc_pm",
               "discharge_wh", "charge_wh", "charge_max_w", "discharge_max_w")

    def __init__(self):
        self.setpoint_w = self.setpoint_ms = 0
        self.lease_ms = 5000
        self.told = []

    def take(self, signal, value, stamp_ms):
        self.told.append((signal, value, stamp_ms))
        return True


def words(told):
    """A register map as JSON holds it."""
    return {int(at): word for at, word in told.items()}


def play(case, link):
    """Two minutes, with faults, and a device that comes back with another layout."""
    battery = Device(words(case["battery"]))
    battery.plan = list(PLAN)
    meter = Device(words(case["meter"]))
    slave = MapSlave({1: battery, 2: meter}, rtu=link == "rtu", start_ms=START_MS)
    roles = [Taker(), Taker()]
    bus = Bus(LINKS[link], slave)
    for i in range(2):
        bus.add(driver(case["images"][i], [roles[i]]))

    def beat(now_ms):
        second = ticks_diff(now_ms, START_MS) // 1000
        if second < 100:
            roles[0].setpoint_w = second * 700 - 30_000
            roles[0].setpoint_ms = now_ms

    run(bus, slave, 60_000, beat)
    battery.registers = words(case["moved"])
    run(bus, slave, 60_000, beat)
    return bus, slave, roles


def tell(case, link):
    """Print all of it."""
    bus, slave, roles = play(case, link)
    print("==", link)
    for entry in slave.log:
        print(*entry)
    for role in roles:
        for reading in role.told:
            print(*reading)
    for one in bus.drivers:
        print(one.name, one.timeouts, one.exceptions, one.searches, one.stranger)
    lease = bus.drivers[0].lease
    print(lease.state, lease.held_w, lease.fault, lease.mismatches, slave.strays)


def weigh(case):
    """Bytes of the two drivers, and what four minutes leave behind."""
    slave = MapSlave({1: Device(words(case["battery"])), 2: Device(words(case["meter"]))})
    gc.collect()
    before = gc.mem_alloc()
    roles = [Taker(), Taker()]
    bus = Bus(LINKS["tcp"], slave)
    for i in range(2):
        bus.add(driver(case["images"][i], [roles[i]]))
    sizes = []
    for second in range(300):
        roles[0].setpoint_w, roles[0].setpoint_ms = second, slave.now_ms
        run(bus, slave, 1000)
        slave.log.clear()
        for role in roles:
            role.told.clear()
        if second in (60, 299):
            gc.collect()
            sizes.append(gc.mem_alloc() - before)
    print("heap", sizes[0], sizes[1] - sizes[0])


with open(sys.argv[1]) as file:
    case = json.load(file)
if len(sys.argv) > 2:
    weigh(case)
else:
    for name in ("tcp", "rtu"):
        tell(case, name)
