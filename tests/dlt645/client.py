"""A bus on a real line or socket that reads one meter until every signal has come.

    client.py IMAGE.json LINK PLACE SIGNAL ..

LINK is dlt645 (PLACE: a path) or dlt645_tcp (PLACE: a port). Run by CPython and by MicroPython;
`test_interop.py` compares what they print.
"""

import json
import sys
import time

from edge.devices.bus import Bus
from edge.devices.dlt645 import driver
from edge.port import TcpPort
from edge.ticks import ticks_diff, ticks_ms

PATIENCE_MS = 30_000


class Role:
    """Keeps the newest of every signal."""

    def __init__(self, signals):
        self.SIGNALS = signals
        self.heard_ms = 0
        self.values = {}

    def take(self, signal, value, stamp_ms):
        assert 0 <= ticks_diff(self.heard_ms, stamp_ms) < PATIENCE_MS
        self.values[signal] = value
        return True


def port(link, place):
    """The pipe; on MicroPython a terminal is a file that was made raw before."""
    if link == "dlt645_tcp":
        return TcpPort("127.0.0.1", int(place))
    if sys.implementation.name == "micropython":
        from tests.dlt645.raw_port import RawPort

        return RawPort(place)
    from boards.serial_port import SerialPort

    # A pseudo-terminal has no parity bit, and cannot be told of one twice.
    return SerialPort({"path": place, "baud": 2400, "parity": "N", "stop": 1, "rs485": 0})


def main(image, link, place, *signals):
    with open(image) as file:
        role = Role(signals)
        meter = driver(json.load(file), [role])
    keys = {"link": link, "timeout_ms": 2000, "gap_ms": 1}
    if link == "dlt645":
        keys["baud"] = 19_200
    bus = Bus(keys, port(link, place))
    bus.add(meter)
    start_ms = now_ms = ticks_ms()
    while len(role.values) < len(signals) and ticks_diff(now_ms, start_ms) < PATIENCE_MS:
        time.sleep(bus.step(now_ms) / 1000)
        now_ms = ticks_ms()
    for name in sorted(signals):
        print(name, role.values.get(name))
    print(bus.timeouts, bus.breaks, bus.crc_errors(), bus.foreign())
    bus.close()


main(*sys.argv[1:])
