"""A meter on a line in virtual time, as slow as its speed says, and a gateway's bus on it.

Runs on CPython and on MicroPython: `meter` is anything that hears bytes and answers with bytes.
"""

from edge.devices.bus import Bus
from edge.devices.dlt645 import driver

BUS = {"link": "dlt645", "path": "line", "baud": 2400, "parity": "E", "stop": 1, "rs485": 0,
       "timeout_ms": 1000, "gap_ms": 30}
TURNAROUND_MS = 60


class Line:
    """The port of a bus: what is sent reaches the meter when its last byte has gone, and comes back
    byte by byte. `spoil`, where there is one, is given each reply and says what comes instead."""

    def __init__(self, meter, baud=2400, turnaround_ms=TURNAROUND_MS):
        self.meter = meter
        self.spoil = None
        self.now_ms = 0
        self._byte_us = 11_000_000 // baud
        self._turnaround_ms = turnaround_ms
        self._coming = []  # [tick, byte]
        self._asked = b""

    def open(self, now_ms):
        self._coming = []

    def is_open(self):
        return True

    def send(self, buf, n):
        asked = bytes(buf[:n])
        there_ms = self.now_ms + n * self._byte_us // 1000
        self.meter.advance(there_ms)
        reply = self.meter.hear(asked)
        if self.spoil is not None:
            reply = self.spoil(reply)
        for at in range(len(reply)):
            self._coming.append([there_ms + self._turnaround_ms + (at + 1) * self._byte_us // 1000,
                                 reply[at]])
        return n

    def recv(self, buf, at):
        n = 0
        while self._coming and self._coming[0][0] <= self.now_ms and at + n < len(buf):
            buf[at + n] = self._coming.pop(0)[1]
            n += 1
        return n

    def close(self):
        self._coming = []


class Role:
    """Keeps every reading with its stamp, and when it was heard."""

    def __init__(self, signals):
        self.SIGNALS = signals
        self.heard_ms = 0
        self.values = {}
        self.taken = []

    def take(self, signal, value, stamp_ms):
        self.values[signal] = value
        self.taken.append((signal, value, stamp_ms, self.heard_ms))
        return True


class Gateway:
    """A bus with drivers for some (image, roles)."""

    def __init__(self, line, *pairs):
        self.line = line
        self.bus = Bus(BUS, line)
        self.drivers = [driver(image, roles) for image, roles in pairs]
        for one in self.drivers:
            self.bus.add(one)
        self.due_ms = 0

    def run(self, until_ms):
        """Let time pass to `until_ms`."""
        line = self.line
        while self.due_ms < until_ms:
            line.now_ms = self.due_ms
            self.due_ms += max(1, self.bus.step(self.due_ms))
        line.now_ms = until_ms
