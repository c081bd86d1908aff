"""A controlling station as the standard describes it, written with `struct` and floats: nothing of
it is our own codec's. Frames are bytes in, tuples out."""

from __future__ import annotations

import struct
from typing import Any, NamedTuple

STARTDT, STARTDT_CON = bytes.fromhex("680407000000"), bytes.fromhex("68040b000000")
STOPDT, STOPDT_CON = bytes.fromhex("680413000000"), bytes.fromhex("680423000000")
TESTFR, TESTFR_CON = bytes.fromhex("680443000000"), bytes.fromhex("680483000000")
CA = 7
STAMPED = {30: 1, 35: 11, 36: 13, 37: 15}  # type with CP56Time2a -> without


class Told(NamedTuple):
    """One information object."""

    kind: int
    cause: int  # without test and negative
    negative: bool
    ca: int
    ioa: int
    value: Any  # what its element says, or its bytes where the master does not look
    quality: int
    time: bytes


def asdu(kind: int, ioa: int, body: bytes, cause: int = 6, ca: int = CA, count: int = 1) -> bytes:
    return struct.pack("<BBBBH", kind, count, cause, 0, ca) + ioa.to_bytes(3, "little") + body


def setpoint(value: float, ioa: int = 5001, qos: int = 0, **more: int) -> bytes:
    return asdu(50, ioa, struct.pack("<fB", value, qos), **more)


def scaled(value: int, ioa: int = 5001, qos: int = 0, **more: int) -> bytes:
    return asdu(49, ioa, struct.pack("<hB", value, qos), **more)


def single(value: int, ioa: int = 5002, qualifier: int = 0, **more: int) -> bytes:
    return asdu(45, ioa, bytes([value | qualifier]), **more)


def interrogation(qoi: int = 20, **more: int) -> bytes:
    return asdu(100, 0, bytes([qoi]), **more)


def counters(qcc: int = 5, **more: int) -> bytes:
    return asdu(101, 0, bytes([qcc]), **more)


def objects(data: bytes) -> list[Told]:
    """The information objects of an ASDU."""
    kind, count, cause, _, ca = struct.unpack_from("<BBBBH", data)
    if cause & 0x40:  # as it was asked, whatever that was
        ioa = int.from_bytes(data[6:9], "little")
        return [Told(kind, cause & 0x3F, True, ca, ioa, data[9:], 0, b"")]
    plain, at, found = STAMPED.get(kind, kind), 6, []
    for _ in range(count):
        ioa, at = int.from_bytes(data[at:at + 3], "little"), at + 3
        value: Any
        if plain == 1:
            value, quality, size = data[at] & 1, data[at] & 0xF0, 1
        elif plain == 11:
            value, quality, size = *struct.unpack_from("<hB", data, at), 3
        elif plain == 13:
            value, quality, size = *struct.unpack_from("<fB", data, at), 5
        elif plain == 15:
            value, quality, size = *struct.unpack_from("<iB", data, at), 5
        else:
            value, quality, size = data[at:], 0, len(data) - at
        at += size
        time = b""
        if kind in STAMPED:
            time, at = data[at:at + 7], at + 7
        found.append(Told(kind, cause & 0x3F, False, ca, ioa, value, quality, time))
    assert at == len(data), "an ASDU has no rest"
    return found


class Master:
    """Numbers what it sends and holds what it hears against the rules of numbers."""

    def __init__(self) -> None:
        self.sent = self.heard = self.confirmed = 0  # V(S), V(R), N(R) of the other side
        self.frames: list[bytes] = []  # U and S frames
        self.told: list[Told] = []
        self._rest = b""

    def i_frame(self, data: bytes, received: int | None = None) -> bytes:
        received = self.heard if received is None else received
        frame = struct.pack("<BBHH", 0x68, len(data) + 4, self.sent << 1, received << 1) + data
        self.sent = (self.sent + 1) % 32768
        return frame

    def s_frame(self) -> bytes:
        return struct.pack("<BBHH", 0x68, 4, 1, self.heard << 1)

    def hear(self, data: bytes) -> int:
        """Take what came; returns how many I frames."""
        self._rest += data
        number = 0
        while len(self._rest) >= 2 and len(self._rest) >= self._rest[1] + 2:
            frame, self._rest = self._rest[:self._rest[1] + 2], self._rest[self._rest[1] + 2:]
            assert frame[0] == 0x68
            assert 4 <= frame[1] <= 253
            if frame[2] & 1:
                assert frame[1] == 4
                self.frames.append(frame)
                if frame[2] & 3 == 1:
                    self._confirm(frame)
                continue
            assert struct.unpack_from("<H", frame, 2)[0] >> 1 == self.heard, "in turn"
            self.heard = (self.heard + 1) % 32768
            self._confirm(frame)
            self.told += objects(frame[6:])
            number += 1
        return number

    def _confirm(self, frame: bytes) -> None:
        number = struct.unpack_from("<H", frame, 4)[0] >> 1
        assert (number - self.confirmed) % 32768 <= (self.sent - self.confirmed) % 32768
        self.confirmed = number

    def take(self) -> list[Told]:
        """What was told since the last call."""
        told, self.told = self.told, []
        return told
