"""What a bus with four devices costs on a 32-bit heap, and whether it grows. MicroPython only.

Prints: bytes of the bus with its drivers, bytes that an hour of polling left behind.
"""

import gc
import sys

from edge.devices.roles import GridMeter
from edge.snapshot import Snapshot
from tests.devices.bench import READ_BACK, Battery, bus_of, converter_image, meter_image, power
from tests.devices.modbus_slave import Device, Slave, run


def used():
    gc.collect()
    return gc.mem_alloc()


def hour(bus, slave, battery):
    for second in range(int(sys.argv[1])):
        battery.command(second * 100 % 50_000, slave.now_ms)
        run(bus, slave, 1000)
        slave.log.clear()


slave = Slave({unit: Device(power(unit)) for unit in (1, 2, 3, 4)})
now = Snapshot({"grid_ms": 0, "store_ms": 0, "soc_ms": 0, "pv_ms": 0, "release_s": 0}, 1)
roles = [GridMeter(now), GridMeter(now), GridMeter(now), Battery(5000)]
images = [meter_image(1), meter_image(2), meter_image(3), converter_image(4, readback=READ_BACK)]
before = used()
bus = bus_of("tcp", slave, (images[0], roles[0]), (images[1], roles[1]),
             (images[2], roles[2]), (images[3], roles[3]))
size = used() - before
hour(bus, slave, roles[3])
settled = used()
hour(bus, slave, roles[3])
grown = used() - settled
print(size, grown)
