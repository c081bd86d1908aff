"""M-Bus meters on a line, raw, with the faults of a line: they say telegrams as they were recorded.

Nothing here is of the gateway's code: frames are found and told octet by octet.
"""

import os
import select
import socket
import threading
import tty
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

ACKNOWLEDGED = b"\xe5"
_NETWORK, _TEST, _ALL = 0xFD, 0xFE, 0xFF
_RESET, _REQUEST, _SELECT = 0x40, 0x5B, 0x53  # without the frame count bits
_COUNT_VALID, _COUNT = 0x10, 0x20

Fault = Callable[[bytes], bytes]


def first_frame(line: bytes) -> tuple[bytes, bytes]:
    """What is left behind the first whole frame of some octets, and that frame; none: b""."""
    for at, octet in enumerate(line):
        rest = line[at:]
        if octet == 0x10 and len(rest) >= 5 and rest[4] == 0x16 and sum(rest[1:3]) % 256 == rest[3]:
            return rest[5:], rest[:5]
        if octet == 0x68 and len(rest) >= 6 and rest[1] == rest[2] and len(rest) >= rest[1] + 6:
            end = rest[1] + 6
            if sum(rest[4:end - 2]) % 256 == rest[end - 2] and rest[end - 1] == 0x16:
                return rest[end:], rest[:end]
    return line, b""


@dataclass
class Meter:
    """One meter: what it says as a whole frame each, one after the other. `fault` is given each
    reply as it goes out. One that does not `count` says its first telegram for ever."""

    telegrams: Sequence[bytes]
    fault: Fault | None = None
    counts: bool = True
    acknowledges: bool = True  # a reset; not every one does
    requests: int = 0
    _selected: bool = False
    _at: int = 0
    _bit: int | None = None  # of the last request, where it counted

    @property
    def address(self) -> int:
        """Its primary address."""
        return self.telegrams[0][5]

    def hear(self, frame: bytes) -> bytes:
        """Its answer to a frame; nothing when it is for another."""
        reply = self._answer(frame)
        return self.fault(reply) if reply and self.fault else reply

    def _answer(self, frame: bytes) -> bytes:
        if frame[0] == 0x68:
            return self._select(frame) if frame[4] & ~_COUNT == _SELECT else b""
        control, address = frame[1], frame[2]
        if address not in (self.address, _TEST, _ALL) and not (
                address == _NETWORK and self._selected):
            return b""
        if control == _RESET:
            self._at, self._bit = 0, None
            if address == _NETWORK:
                self._selected = False
            return ACKNOWLEDGED if self.acknowledges and address != _ALL else b""
        if control & ~(_COUNT | _COUNT_VALID) != _REQUEST & ~_COUNT_VALID:
            return b""
        self.requests += 1
        bit = control & _COUNT if control & _COUNT_VALID else None
        if self.counts and self._bit is not None and bit not in (None, self._bit):
            self._at = min(self._at + 1, len(self.telegrams) - 1)
        self._bit = bit
        return self.telegrams[self._at]

    def _select(self, frame: bytes) -> bytes:
        """Octets of the number are compared digit by digit, F for any; the others as they are."""
        asked, own = frame[7:15], self.telegrams[0][7:15]
        digits = all(mask in (0xF, digit) for octet, mine in zip(asked[:4], own[:4], strict=True)
                     for mask, digit in ((octet >> 4, mine >> 4), (octet & 15, mine & 15)))
        rest = asked[4:6] in (b"\xff\xff", own[4:6]) and all(
            octet in (0xFF, mine) for octet, mine in zip(asked[6:], own[6:], strict=True))
        self._selected = digits and rest
        self._at, self._bit = 0, None
        return ACKNOWLEDGED if self._selected else b""


@dataclass
class Bus:
    """Meters on one line. Where several answer at a time, their bits are pulled down by each
    other: octets are ANDed, for equal ones it does not show. `echo`: the converter hears itself."""

    meters: Sequence[Meter]
    echo: bool = False
    heard: list[bytes] = field(default_factory=list)
    _line: bytes = b""

    def hear(self, data: bytes) -> bytes:
        """Take octets from the line; what goes back."""
        self._line = (self._line + data)[-512:]
        said = data if self.echo else b""
        while True:
            self._line, frame = first_frame(self._line)
            if not frame:
                return said
            self.heard.append(frame)
            replies = [reply for reply in (meter.hear(frame) for meter in self.meters) if reply]
            said += _together(replies)


def _together(replies: Sequence[bytes]) -> bytes:
    longest = max(map(len, replies), default=0)
    octets = []
    for at in range(longest):
        octet = 0xFF
        for reply in replies:
            octet &= reply[at] if at < len(reply) else 0xFF
        octets.append(octet)
    return bytes(octets)


@contextmanager
def on_terminal(bus: Bus) -> Iterator[str]:
    """The bus at one end of a serial line; yields the path of the other."""
    ours, theirs = os.openpty()
    tty.setraw(theirs)

    def answer(told: int) -> None:
        while told not in select.select([ours, told], [], [])[0]:
            os.write(ours, bus.hear(os.read(ours, 512)))

    with _thread(answer):
        yield os.ttyname(theirs)
    os.close(ours)
    os.close(theirs)


@contextmanager
def on_socket(bus: Bus) -> Iterator[int]:
    """The bus behind a TCP level converter, one client at a time; yields its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        def answer(told: int) -> None:
            while told not in select.select([server.fileno(), told], [], [])[0]:
                with server.accept()[0] as pipe:
                    while told not in select.select([pipe.fileno(), told], [], [])[0]:
                        data = pipe.recv(512)
                        if not data:
                            break
                        for octet in bus.hear(data):  # as it comes over the bus
                            pipe.sendall(bytes([octet]))
                    else:
                        return

        with _thread(answer):
            yield server.getsockname()[1]


@contextmanager
def _thread(work: Callable[[int], None]) -> Iterator[None]:
    """Run until told to end: `work` is given a pipe that then has something to read."""
    told, tell = os.pipe()
    thread = threading.Thread(target=work, args=(told,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        os.write(tell, b"x")
        thread.join(10)
        os.close(told)
        os.close(tell)
