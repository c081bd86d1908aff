"""Buses against the raw slave, all at once, each until it has read well again.

    fault_client.py PLACES.json

PLACES is a list of {"name", "port"} or {"name", "path"}. Run by CPython and by MicroPython; prints
for each bus what it took: [value, requests so far] each time, as one JSON object.
"""

import json
import sys
import time

from edge.devices.bus import Bus
from edge.devices.driver import Driver
from edge.port import TcpPort
from edge.ticks import ticks_diff, ticks_ms

PATIENCE_MS = 30_000
WELL = 1000  # values from here on were served after the fault
ENOUGH = 3
IMAGE = {"name": "meter", "unit": 7, "poll_ms": 40, "frozen_ms": 0, "identity": [],
         "blocks": [[3, 100, 2, 1]], "points": [["grid_w", 0, 0, "i32", 1, 1, [], -1]],
         "control": None}


def line(path):
    """A serial line, as this interpreter has it."""
    if sys.implementation.name == "micropython":
        from hil.unix_gateway import SerialPort
        return SerialPort(path)
    from boards.serial_port import SerialPort as HostPort
    return HostPort({"path": path, "baud": 115_200, "parity": "N", "stop": 1, "rs485": 0})


class Meter:
    """Keeps every reading with the number of the request it is said to answer."""

    SIGNALS = ("grid_w",)

    def __init__(self, place):
        self.taken = []
        rtu = "path" in place
        image = {"link": "rtu" if rtu else "tcp", "timeout_ms": 250, "gap_ms": 4, "echo": 0}
        if rtu:
            image["baud"] = 115_200
        self.bus = Bus(image, line(place["path"]) if rtu else TcpPort("127.0.0.1", place["port"]))
        self.bus.add(Driver(IMAGE, [self]))

    def take(self, signal, value, stamp_ms):
        self.taken.append([value, self.bus.requests])
        return True

    def is_well(self):
        """Whether it has been reading again for a while."""
        return len([value for value, _ in self.taken if value >= WELL]) >= ENOUGH


def main(file):
    with open(file) as source:
        places = json.load(source)
    meters = [Meter(place) for place in places]
    start_ms = ticks_ms()
    while ticks_diff(ticks_ms(), start_ms) < PATIENCE_MS:
        if all(meter.is_well() for meter in meters):
            break
        wait_ms = min([meter.bus.step(ticks_ms()) for meter in meters if not meter.is_well()])
        time.sleep(min(wait_ms, 5) / 1000)
    for meter in meters:
        meter.bus.close()
    print(json.dumps({place["name"]: meters[n].taken for n, place in enumerate(places)}))


main(sys.argv[1])
