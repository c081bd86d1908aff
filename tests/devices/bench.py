"""A bench: device images, roles that remember what they were handed, and a bus on a slave.

Runs on CPython and on MicroPython. The roles are the least a driver may count on: what a real one
makes of a reading is no matter here.
"""

from edge.devices.bus import Bus
from edge.devices.driver import Driver

TCP = {"link": "tcp", "host": "127.0.0.1", "port": 502, "timeout_ms": 500, "gap_ms": 25}
RTU = {"link": "rtu", "path": "/dev/null", "baud": 9600, "parity": "N", "stop": 1, "echo": 0,
       "timeout_ms": 500, "gap_ms": 25}
ECHO = {"link": "rtu", "path": "/dev/null", "baud": 9600, "parity": "N", "stop": 1, "echo": 1,
        "timeout_ms": 500, "gap_ms": 25}
LINKS = {"tcp": TCP, "rtu": RTU, "echo": ECHO}

POWER = 100  # i32 W
ENERGY = 300  # u32 Wh
SETPOINT = 135  # i16, 100 W
START, STOP = 650, 651

SIGNED = {"shape": "signed", "fc": 6, "addr": SETPOINT, "type": "i16", "num": 1, "den": 100,
          "min_w": -60_000, "max_w": 80_000, "enter": [[6, START, 1]], "leave": [[6, STOP, 1]],
          "refresh_ms": 10_000, "readback": None}
READ_BACK = [3, SETPOINT, "i16", 100, 1]


def words(value, n=2):
    """The registers of a number, most significant first."""
    return [value >> 16 * i & 0xFFFF for i in range(n - 1, -1, -1)]


def power(w, address=POWER):
    """Registers that hold a power."""
    high, low = words(w)
    return {address: high, address + 1: low}


class Meter:
    """A grid meter that keeps every reading, with its stamp, and believes no 8 MW."""

    SIGNALS = ("grid_w", "import_wh")

    def __init__(self):
        self.taken = []
        self.grid_w = self.import_wh = None
        self.stamp_ms = -1

    def take(self, signal, value, stamp_ms):
        if signal == "import_wh":
            self.import_wh = value
        elif -8_000_000 <= value <= 8_000_000:
            self.grid_w = value
            self.stamp_ms = stamp_ms
        else:
            return False
        self.taken.append((signal, value, stamp_ms))
        return True

    def powers(self):
        """The powers taken, in order."""
        return [value for signal, value, _ in self.taken if signal == "grid_w"]


class Battery:
    """A battery with its newest reading, and the setpoint that the beat leaves for the driver."""

    SIGNALS = ("store_w",)

    def __init__(self, lease_ms):
        self.store_w = None
        self.stamp_ms = -1
        self.setpoint_w = 0
        self.setpoint_ms = 0
        self.lease_ms = lease_ms

    def take(self, signal, value, stamp_ms):
        self.store_w = value
        self.stamp_ms = stamp_ms
        return True

    def command(self, setpoint_w, now_ms):
        """What the beat says."""
        self.setpoint_w = setpoint_w
        self.setpoint_ms = now_ms


def meter_image(unit, **changes):
    """A meter with a power in one block and an energy in a slow one."""
    image = {"name": "meter" + str(unit), "unit": unit, "poll_ms": 1000, "frozen_ms": 0,
             "identity": [], "blocks": [[3, POWER, 2, 1], [3, ENERGY, 2, 10]],
             "points": [["grid_w", 0, 0, "i32", 1, 1, [], -1],
                        ["import_wh", 1, 0, "u32", 1, 1, [0xFFFFFFFF], -1]],
             "control": None}
    image.update(changes)
    return image


def converter_image(unit, **control):
    """A converter with one block and a setpoint."""
    entry = dict(SIGNED)
    entry.update(control)
    return {"name": "pcs" + str(unit), "unit": unit, "poll_ms": 1000, "frozen_ms": 0,
            "identity": [], "blocks": [[3, POWER, 2, 1]],
            "points": [["store_w", 0, 0, "i32", 1, 1, [], -1]], "control": entry}


def bus_of(link, slave, *pairs):
    """A bus on a slave, with a driver for each (image, role)."""
    bus = Bus(LINKS[link], slave)
    for image, role in pairs:
        bus.add(Driver(image, [role]))
    return bus
