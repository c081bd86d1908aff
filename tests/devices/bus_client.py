"""A meter and a battery on a real socket: read, commanded and given back, by the driver that the
gateway would choose for each.

    bus_client.py HOST PORT IMAGES.json WISH_W SOC_PM

Run by CPython and by MicroPython; the tests beside it hold what they print.
"""

import json
import sys
import time

from edge.devices.bus import Bus
from edge.devices.driver import Driver
from edge.devices.roles import GridMeter, Storage
from edge.port import TcpPort
from edge.snapshot import Snapshot
from edge.ticks import ticks_diff, ticks_ms

PATIENCE_MS = 20_000


def driver(image, roles):
    """What the gateway itself would take, edge/app.py."""
    if "driver" in image:
        return __import__("edge.devices." + image["driver"], None, None, ("driver",)).driver(
            image, roles)
    return Driver(image, roles)


def step_until(bus, done, beat):
    """Step in real time until `done()` says so; False when that takes too long."""
    start_ms = now_ms = ticks_ms()
    while ticks_diff(now_ms, start_ms) < PATIENCE_MS:
        beat(now_ms)
        wait_ms = bus.step(now_ms)
        if done():
            return True
        time.sleep(wait_ms / 1000)
        now_ms = ticks_ms()
    return False


def main(host, port, images, wish_w, soc_pm):
    with open(images) as file:
        meter_image, battery_image = json.load(file)
    now = Snapshot({"grid_ms": 5000, "store_ms": 5000, "soc_ms": 60_000, "pv_ms": 15_000,
                    "release_s": 10}, 1)
    meter = GridMeter(now)
    battery = Storage(now, 100_000, 100_000, 5000)
    bus = Bus({"link": "tcp", "host": host, "port": int(port), "timeout_ms": 3000, "gap_ms": 1},
              TcpPort(host, int(port)))
    bus.add(driver(meter_image, [meter]))
    converter = driver(battery_image, [battery])
    bus.add(converter)

    def beat(now_ms):
        battery.setpoint_w = int(wish_w)
        battery.setpoint_ms = now_ms

    def is_held():
        return converter.lease is not None and converter.lease.held_w == int(wish_w)

    print(step_until(bus, lambda: now.grid_w and meter.import_wh > 0 and now.store_w
                     and now.soc_pm == int(soc_pm) and is_held(), beat))
    print(now.grid_w, meter.import_wh, now.store_w, now.soc_pm, converter.lease.held_w)
    bus.leave()
    print(step_until(bus, bus.has_left, beat))
    print(bus.timeouts, bus.exceptions, bus.breaks, bus.foreign(), converter.lease.fault)
    bus.close()


main(*sys.argv[1:])
