"""Scripted Modbus devices behind an in-memory port, in virtual time, with faults to order.

It runs on CPython and on MicroPython, and builds every frame with code of its own: were it to share
the codec's, both could be wrong together.
"""

from edge.ticks import ticks_add, ticks_diff

OK = "ok"
SILENCE = "silence"
LATE = "late"  # 2.5 s after the request
FOREIGN_UNIT = "foreign unit"
FOREIGN_FUNCTION = "foreign function"
FOREIGN_TRANSACTION = "foreign transaction"
SHORT = "short"  # one register too few
BAD_CRC = "bad crc"
NOISE = "noise"  # before the reply, with a silence between
GLUED_NOISE = "glued noise"  # right before the reply
PIECES = "pieces"  # byte by byte, 3 ms apart
DUPLICATE = "duplicate"
CLOSE = "close"
BUSY = "busy"
DENIED = "denied"  # exception 2
FAILED = "failed"  # exception 4: the device itself, or a gateway that finds nobody
NO_PATH = "no path"  # exception 11, from a gateway
IGNORED = "ignored"  # a write is acknowledged and not done

_CODES = {BUSY: 6, DENIED: 2, FAILED: 4, NO_PATH: 11}


class Device:
    """The registers of one unit, and what it does wrong: `plan` once each, then `always`."""

    def __init__(self, registers, answer_ms=10):
        self.registers = dict(registers)
        self.answer_ms = answer_ms
        self.plan = []
        self.always = OK
        self.only = None  # function codes the faults are for; None: all

    def fault(self, function):
        """The fault for a request."""
        if self.only is not None and function not in self.only:
            return OK
        return self.plan.pop(0) if self.plan else self.always


class Slave:
    """The far end of a bus: `devices` by unit. Is the port that a Bus is given."""

    def __init__(self, devices, rtu=False, echo=False, start_ms=0):
        self.devices = devices
        self.now_ms = start_ms
        self.log = []  # (ms since the start, unit, function, address, value or count)
        self.overlaps = 0  # requests that came before the last one was answered
        self.opens = 0
        self.reachable = True
        self.chunk = 10_000  # bytes taken by one send
        self._rtu = rtu
        self._echo = echo
        self._start_ms = start_ms
        self._open = False
        self._hung_up = False
        self._inbox = b""
        self._wire = []  # [due tick, bytes]

    # The port.

    def open(self, now_ms):
        self.opens += 1
        if not self.reachable:
            raise OSError(111)
        self._open = True
        self._hung_up = False
        self._inbox = b""
        self._wire = []

    def is_open(self):
        return self._open

    def close(self):
        self._open = False

    def send(self, buf, n):
        if self._hung_up or not self.reachable:
            raise OSError(104)
        taken = min(n, self.chunk)
        self._inbox += bytes(buf[:taken])
        self._serve()
        return taken

    def recv(self, buf, at):
        n = 0
        while self._wire and ticks_diff(self.now_ms, self._wire[0][0]) >= 0 and at < len(buf):
            data = self._wire[0][1]
            part = data[:len(buf) - at]
            buf[at:at + len(part)] = part
            at += len(part)
            n += len(part)
            if len(part) < len(data):
                self._wire[0][1] = data[len(part):]
                break
            self._wire.pop(0)
        if not n and (self._hung_up or not self.reachable):
            raise OSError(104)
        return n

    def hang_up(self):
        """Close the connection from this end."""
        self._hung_up = True

    # The devices.

    def asked(self, unit=None, function=None, address=None):
        """The log, narrowed."""
        return [entry for entry in self.log
                if (unit is None or entry[1] == unit)
                and (function is None or entry[2] == function)
                and (address is None or entry[3] == address)]

    def _serve(self):
        while True:
            head = 1 if self._rtu else 7
            tail = 2 if self._rtu else 0
            data = self._inbox
            if len(data) < head + 5 + tail:
                return
            size = 5 if data[head] <= 6 else 6 + data[head + 5]
            end = head + size + tail
            if len(data) < end:
                return
            self._inbox = data[end:]
            if self._rtu and self._echo:
                self._put(0, data[:end])
            if self._rtu and _crc(data[:end]) != 0:
                raise AssertionError("the master's check sum is wrong")
            self._answer(data[0:2], data[head - 1], data[head:head + size])

    def _answer(self, transaction, unit, pdu):
        function = pdu[0]
        address = pdu[1] << 8 | pdu[2]
        value = pdu[3] << 8 | pdu[4]
        if function == 16:
            values = [pdu[i] << 8 | pdu[i + 1] for i in range(6, len(pdu), 2)]
            self._note(unit, function, address, values if len(values) > 1 else values[0])
        else:
            values = [value]
            self._note(unit, function, address, value)
        if self._wire and not self._echo:
            self.overlaps += 1
        device = self.devices.get(unit)
        if device is None:
            return
        fault = device.fault(function)
        if fault in _CODES:
            reply = bytes([function | 0x80, _CODES[fault]])
        elif function <= 4:
            reply = device_read(device, function, address, value - (fault == SHORT))
        else:
            reply = pdu[:5]
            if fault != IGNORED and fault != SILENCE:
                device_write(device, function, address, values)
        self._deliver(fault, transaction, unit, reply, device.answer_ms)

    def _deliver(self, fault, transaction, unit, reply, answer_ms):
        if fault == SILENCE:
            return
        if fault == CLOSE:
            self._hung_up = True
            return
        if fault == FOREIGN_UNIT:
            unit = unit + 1 & 0xFF
        if fault == FOREIGN_FUNCTION:
            reply = bytes([reply[0] ^ 1]) + reply[1:]
        if fault == FOREIGN_TRANSACTION:
            transaction = bytes([transaction[0] ^ 0x40, transaction[1]])
        frame = self._frame(transaction, unit, reply)
        if fault == BAD_CRC:
            frame = frame[:-1] + bytes([frame[-1] ^ 1])
        if fault == LATE:
            answer_ms = 2500
        if fault == NOISE:
            self._put(answer_ms // 2, b"\xff\x00\x80")
        if fault == GLUED_NOISE:
            frame = b"\x00" + frame
        if fault == PIECES:
            for i in range(len(frame)):
                self._put(answer_ms + 3 * i, frame[i:i + 1])
            return
        self._put(answer_ms, frame)
        if fault == DUPLICATE:
            self._put(answer_ms + 1, frame)

    def _frame(self, transaction, unit, pdu):
        if not self._rtu:
            return transaction + bytes([0, 0, 0, len(pdu) + 1, unit]) + pdu
        frame = bytes([unit]) + pdu
        crc = _crc(frame)
        return frame + bytes([crc & 0xFF, crc >> 8])

    def _put(self, delay_ms, data):
        self._wire.append([ticks_add(self.now_ms, delay_ms), data])
        self._wire.sort(key=lambda item: ticks_diff(item[0], self.now_ms))

    def _note(self, unit, function, address, value):
        self.log.append((ticks_diff(self.now_ms, self._start_ms), unit, function, address, value))


def device_read(device, function, address, count):
    """A read reply; 0 where there is no register."""
    reply = bytes([function, 2 * count])
    for i in range(address, address + count):
        word = device.registers.get(i, 0)
        reply += bytes([word >> 8 & 0xFF, word & 0xFF])
    return reply


def device_write(device, function, address, values):
    """Do a write of registers."""
    for i, value in enumerate(values):
        device.registers[address + i] = value


def _crc(data):
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return crc


def run(bus, slave, duration_ms, each=None):
    """Step a bus through virtual time; `each(now_ms)` is called before every step."""
    left_ms = duration_ms
    while left_ms > 0:
        if each is not None:
            each(slave.now_ms)
        wait_ms = bus.step(slave.now_ms)
        if wait_ms < 1:
            raise AssertionError("a step that wants no time would be called for ever")
        wait_ms = min(wait_ms, left_ms)
        slave.now_ms = ticks_add(slave.now_ms, wait_ms)
        left_ms -= wait_ms
