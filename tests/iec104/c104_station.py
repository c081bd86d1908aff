"""A controlling station made of c104, in a process of its own, since c104 is GPL-3.0 and nothing of
it may run beside our code: it is told by lines on its standard input and answers in JSON.

c104_station.py PORT CA: words of a line are  connect | interrogate | value IOA | setpoint IOA KW |
select IOA KW | control IOA 0/1 | counters | clock | test. Point 1010 is told by changes alone, with
their time.
"""

import json
import sys
import time

import c104

PATIENCE_S = 20
TYPES = {1: c104.Type.M_SP_NA_1, 1001: c104.Type.M_ME_NC_1, 1002: c104.Type.M_ME_NC_1,
         1003: c104.Type.M_ME_NB_1, 1005: c104.Type.M_ME_NB_1, 1010: c104.Type.M_ME_TF_1,
         2001: c104.Type.M_IT_NA_1}


def number(value):
    """A value of any of c104's types as JSON takes it."""
    return value if isinstance(value, bool | int | float) else float(value)


class Station:
    def __init__(self, port, address):
        self.address = address
        self.client = c104.Client(tick_rate_ms=100, command_timeout_ms=5000)
        self.connection = self.client.add_connection(ip="127.0.0.1", port=port,
                                                     init=c104.Init.ALL)
        self.station = self.connection.add_station(common_address=address)
        self.points = {ioa: self.station.add_point(io_address=ioa, type=kind)
                       for ioa, kind in TYPES.items()}
        self.orders = {}

    def order(self, ioa, kind, mode):
        if ioa not in self.orders:
            self.orders[ioa] = self.station.add_point(io_address=ioa, type=kind)
        self.orders[ioa].command_mode = mode
        return self.orders[ioa]

    def connect(self):
        """STARTDT, an interrogation and a synchronization of the clock, all by c104. Seen on the
        wire, c104 2.2.1 forgets STARTDT about every other time, until it is asked to."""
        self.client.start()
        end_s = time.monotonic() + PATIENCE_S
        while self.connection.state != c104.ConnectionState.OPEN and time.monotonic() < end_s:
            time.sleep(0.5)
            if self.connection.state == c104.ConnectionState.OPEN_MUTED:
                self.connection.unmute()
        return self.connection.state == c104.ConnectionState.OPEN

    def interrogate(self):
        return self.connection.interrogation(self.address)

    def value(self, ioa):
        """The value, whether its quality is good, and its Unix time in ms, where it has one."""
        point = self.points[int(ioa)]
        at = point.recorded_at
        good = ioa == "2001" or point.quality.is_good()
        return [number(point.value), good, at and at.timestamp() * 1000]

    def setpoint(self, ioa, kilowatts, mode=c104.CommandMode.DIRECT):
        point = self.order(int(ioa), c104.Type.C_SE_NC_1, mode)
        point.value = float(kilowatts)
        return point.transmit(cause=c104.Cot.ACTIVATION)

    def select(self, ioa, kilowatts):
        return self.setpoint(ioa, kilowatts, c104.CommandMode.SELECT_AND_EXECUTE)

    def control(self, ioa, on):
        point = self.order(int(ioa), c104.Type.C_SC_NA_1, c104.CommandMode.DIRECT)
        point.value = on == "1"
        return point.transmit(cause=c104.Cot.ACTIVATION)

    def counters(self):
        return self.connection.counter_interrogation(self.address)

    def clock(self):
        return self.connection.clock_sync(self.address)

    def test(self):
        return self.connection.test(self.address)


def main():
    station = Station(int(sys.argv[1]), int(sys.argv[2]))
    for line in sys.stdin:
        word, *more = line.split()
        print(json.dumps(getattr(station, word)(*more)), flush=True)


main()
