"""A battery management system in virtual time, and a gateway's bus that hears it.

Runs on CPython and on MicroPython. The image is what boards/profile_can.py makes of pylontech_lv,
which tests/can/test_image.py holds it against: a gateway has no TOML.
"""

from edge.devices.can_bms import driver
from edge.devices.canbus import bus

IMAGE = {
    "name": "bms", "profile": "pylontech_lv", "bus": 0, "unit": 0, "poll_ms": 1000,
    "driver": "can_bms", "control": None, "stale_ms": 5000,
    "blocks": [[0x351, 0, 6, 1], [0x355, 0, 2, 1], [0x356, 0, 2, 1], [0x359, 0, 4, 1],
               [0x35C, 0, 1, 1]],
    "points": [["soc_pm", 1, 0, "u16", 0, 100], ["charge_max_w", 0, 2, "i16", 0, 20000],
               ["discharge_max_w", 0, 4, "i16", 0, 20000], ["v", 2, 0, "i16", 1000, 10000],
               ["protection", 3, 0, "u16", 0, 65535], ["alarm", 3, 2, "u16", 0, 65535],
               ["flags", 4, 0, "u8", 0, 255]],
    "signals": [["soc_pm", 0, 10, 1]],
    "limits": [["charge_max_w", 1, 3, 6, 0x80, 1, 1000],
               ["discharge_max_w", 2, 3, 6, 0x40, 1, 1000]],
    "stops": [4, 5], "alive": [0x305, [0] * 8, 1000],
}
BUS = {"name": "battery", "link": "can", "interface": "can0"}

# Frames that others have published (setfirelabs.com: pylontech-can-reading-can-replication, and
# pylontech-battery-can-comms-v1-2-vs-v1-3, an older US5000).
PUBLISHED = ((0x351, "1402740e740ecc01"), (0x355, "1a006400"), (0x356, "4e1302030405"),
             (0x359, "000000000a504e"), (0x35C, "c000"), (0x35E, "50594c4f4e202020"))
US5000 = ((0x351, "1402c012c012c201"), (0x355, "58005e00"), (0x356, "7a13f2fe6b01"),
          (0x359, "0000000006504e"), (0x35C, "c000"), (0x35E, "50594c4f4e202020"))


def frame(ident, data, flags=0, length=-1):
    """A frame as struct can_frame of linux/can.h on a little-endian machine lays it out."""
    data = bytes.fromhex(data) if isinstance(data, str) else bytes(data)
    rest = bytes(8 - len(data))
    return bytes([ident & 255, ident >> 8 & 255, ident >> 16 & 255, ident >> 24 & 255 | flags,
                  len(data) if length < 0 else length, 0, 0, 0]) + data + rest


class Port:
    """Frames that have come and were not read, and those that were sent."""

    def __init__(self):
        self.queue = []
        self.sent = []
        self.ids = []
        self.takes = 16
        self.fails = False

    def open(self, now_ms, ids):
        self.check()
        self.ids = ids

    def check(self):
        if self.fails:
            raise OSError(100)  # ENETDOWN

    def is_open(self):
        return True

    def recv(self, buf, at):
        self.check()
        if not self.queue:
            return 0
        one = self.queue.pop(0)
        buf[:len(one)] = one
        return len(one)

    def send(self, buf, n):
        self.check()
        if self.takes:
            self.sent.append(bytes(buf[:n]))
        return self.takes

    def close(self):
        self.queue = []


class Battery:
    """Keeps every reading, and is commanded."""

    SIGNALS = ("store_w", "soc_pm", "charge_max_w", "discharge_max_w")

    def __init__(self, lease_ms=3000):
        self.setpoint_w = self.setpoint_ms = 0
        self.lease_ms = lease_ms
        self.values = {}
        self.stamps = {}

    def take(self, signal, value, stamp_ms):
        self.values[signal] = value
        self.stamps[signal] = stamp_ms
        return True

    def limits(self):
        return self.values["charge_max_w"], self.values["discharge_max_w"]


class Gateway:
    """A bus with one such system."""

    def __init__(self, start_ms=0):
        self.port = Port()
        self.battery = Battery()
        self.bus = bus(BUS, self.port)
        self.bms = driver(IMAGE, [self.battery])
        self.bus.add(self.bms)
        self.now_ms = start_ms

    def hear(self, *frames):
        """Frames come, and are read."""
        for ident, data in frames:
            self.port.queue.append(frame(ident, data))
        self.run(100)

    def run(self, ms, beat=False):
        """Let time pass, with beats or without."""
        end_ms = self.now_ms + ms
        while self.now_ms < end_ms:
            tick = self.now_ms & (1 << 30) - 1
            if beat and self.now_ms % 1000 == 0:
                self.battery.setpoint_ms = tick
            self.now_ms += max(1, min(self.bus.step(tick), end_ms - self.now_ms,
                                      1000 - self.now_ms % 1000))


def driver_of(battery):
    """One such system that feeds a battery."""
    return driver(IMAGE, [battery])
