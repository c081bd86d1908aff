"""A day in the life of a bus with a battery on it, line by line: the same words everywhere.

The last line is for MicroPython: bytes of the heap that 600 bursts of frames, with their limits and
what is told to the battery, have taken. It has no pool that would hide them: collecting is off.
"""

import gc

from tests.can.bench import PUBLISHED, US5000, Gateway, frame


def told(gateway, what):
    print(gateway.now_ms, what, sorted(gateway.battery.values.items()),
          sorted(gateway.battery.stamps.items()), gateway.bus.foreign(), gateway.bms.refused,
          gateway.bus.requests, gateway.bus.timeouts, gateway.bus.breaks)


def story(gateway):
    for number in range(120):
        frames = list(PUBLISHED if number % 3 else US5000)
        if number % 7 == 3:
            frames.pop(number % 6)
        if number % 11 == 5:
            frames.append((0x359, "000001000650"))
        if number % 13 == 8:
            frames.append((0x351, "1402ffff00"))
        gateway.port.takes = 0 if number % 17 == 9 else 16
        gateway.port.fails = 90 < number < 96
        for ident, data in frames:
            gateway.port.queue.append(frame(ident, data, 0x80 if number % 19 == 4 else 0))
        gateway.run(100, number % 5 < 4)
        told(gateway, "heard")
        gateway.run(900 if number < 60 or number > 70 else 2_900, number % 5 < 4)
        told(gateway, "later")


class Frames:
    """A port that hands over the same frames again and again, without the heap."""

    def __init__(self, frames):
        self._frames = frames
        self.at = 0

    def open(self, now_ms, ids):
        self.at = 0

    def is_open(self):
        return True

    def recv(self, buf, at):
        if self.at == len(self._frames):
            return 0
        one = self._frames[self.at]
        for n in range(16):
            buf[n] = one[n]
        self.at += 1
        return 16

    def send(self, buf, n):
        return n


def heap():
    gateway = Gateway()
    gateway.bus._port = port = Frames([frame(ident, data) for ident, data in PUBLISHED])
    battery, bus = gateway.battery, gateway.bus

    def burst(now_ms):
        port.at = 0
        battery.setpoint_ms = now_ms
        return bus.step(now_ms)

    for second in range(3):
        burst(1000 * (second + 1))
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    for second in range(600):
        burst(1000 * (second + 4))
    after = gc.mem_alloc()
    assert bus.requests == 603
    assert battery.values["charge_max_w"] == 18285
    return after - before


print(all(story(Gateway(start)) is None for start in (0, (1 << 30) - 30_000)))
if hasattr(gc, "mem_alloc"):
    print(heap())
