"""A gateway with one device, in virtual time, that does what its standard input says.

    told_gateway.py PORT IMAGE.json STEP_MS

A line "SPAN_MS WISH" lets so much time pass, with a beat each second that wishes so many watts, or
none at all where it says "-"; then one line of JSON tells how things stand. The bus is stepped when
it asks for it, but not before STEP_MS have passed. Runs on CPython, and on MicroPython from the
bytecode that a build makes: so it reads public names only.
"""

import json
import select
import socket
import sys

from edge.devices.bus import Bus
from edge.devices.driver import Driver

PATIENCE_MS = 10_000


class Everything:
    """A role that keeps the newest of every signal, and carries a setpoint."""

    def __init__(self, image):
        self.SIGNALS = [point[0] for point in image["points"] if point[0][0] != "+"]
        self.SIGNALS += [signal for signal, _ in image.get("sums", ())]
        self.shown = {}
        self.setpoint_w = self.setpoint_ms = 0
        self.lease_ms = 5000

    def take(self, signal, value, stamp_ms):
        self.shown[signal] = (value, stamp_ms)
        return True


class PatientPort:
    """The words of edge/port.py, for virtual time: it waits for the other end, so that no machine
    is too slow for it."""

    def __init__(self, number):
        self._number = number
        self._pipe = None
        self._asked = False

    def open(self, now_ms):
        self._pipe = socket.socket()
        self._pipe.connect(socket.getaddrinfo("127.0.0.1", self._number)[0][-1])
        self._poll = select.poll()
        self._poll.register(self._pipe, select.POLLIN)

    def is_open(self):
        return True

    def close(self):
        self._pipe.close()

    def send(self, buf, n):
        self._asked = True
        return self._pipe.send(memoryview(buf)[:n])

    def recv(self, buf, at):
        if not self._poll.poll(PATIENCE_MS if self._asked else 0):
            if self._asked:
                raise RuntimeError("no reply")
            return 0
        self._asked = False
        data = self._pipe.recv(len(buf) - at)
        if not data:
            raise OSError("the other end has closed")
        buf[at:at + len(data)] = data
        return len(data)


def made(image, roles):
    """The driver of a device, as edge/app.py makes it."""
    if "driver" in image:
        return __import__("edge.devices." + image["driver"], None, None,
                          ("driver",)).driver(image, roles)
    return Driver(image, roles)


def main(number, path, step_ms):
    with open(path) as file:
        image = json.load(file)
    role = Everything(image)
    bus = Bus({"link": "tcp", "timeout_ms": 1000, "gap_ms": 25}, PatientPort(int(number)))
    driver = made(image, [role])
    bus.add(driver)
    now_ms = 1000
    next_ms = 0
    for line in sys.stdin:
        span_ms, wish = line.split()
        end_ms = now_ms + int(span_ms)
        while now_ms < end_ms:
            if wish != "-" and now_ms >= next_ms:
                next_ms = now_ms + 1000
                role.setpoint_w, role.setpoint_ms = int(wish), now_ms
            now_ms += max(int(step_ms), 1, bus.step(now_ms))
        lease = driver.lease
        print(json.dumps({
            "now_ms": now_ms, "shown": role.shown, "faults": bus.timeouts + bus.breaks,
            "held_w": lease and lease.held_w, "state": lease and lease.state,
            "fault": bool(lease and lease.fault)}))
        if hasattr(sys.stdout, "flush"):
            sys.stdout.flush()


main(*sys.argv[1:])
