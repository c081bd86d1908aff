"""One converter on a bus, its battery, and a beat that can be stopped."""

import pytest

from tests.devices.bench import READ_BACK, SETPOINT, Battery, bus_of, converter_image
from tests.devices.modbus_slave import Device, Slave, run

READ_BACKS = pytest.mark.parametrize("readback", [None, READ_BACK])


class Bench:
    """One converter, its battery, and a beat that can be stopped."""

    def __init__(self, link="tcp", start_ms=1, identity=(), **control):
        self.device = Device({})
        self.slave = Slave({1: self.device}, rtu=link != "tcp", echo=link == "echo",
                           start_ms=start_ms)
        self.battery = Battery(5000)
        image = converter_image(1, **control) | {"identity": identity}
        self.bus = bus_of(link, self.slave, (image, self.battery))
        self.lease = self.bus.drivers[0].lease

    def run(self, seconds, wish_w=None):
        """Let time pass; the beat, every second, wishes `wish_w`, or is dead."""
        beats = []

        def beat(now_ms):
            second = self.slave.now_ms // 1000
            if wish_w is not None and (not beats or beats[-1] != second):
                beats.append(second)
                self.battery.command(wish_w, now_ms)

        run(self.bus, self.slave, int(seconds * 1000), beat)

    def writes(self, since_ms=0):
        """(address, value) of every write from then on, values with their sign."""
        return [(address, value - 65536 if value > 32767 else value)
                for ms, _, function, address, value in self.slave.log
                if function in (6, 16) and ms >= since_ms]

    def reads(self, since_ms=0):
        return [entry for entry in self.slave.log if entry[2] == 3 and entry[0] >= since_ms
                and entry[3] != SETPOINT]
