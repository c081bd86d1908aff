"""A serial line on Linux as a byte pipe that never waits: termios and nothing else.

The direction of an RS-485 line is driven by the adapter itself (nearly every USB one does), or by
the kernel where its driver can (`rs485 = 1`: a UART with a transceiver on RTS). Never by this
program: it would let go of the line milliseconds too late.
"""

import errno
import fcntl
import os
import struct
import termios
from collections.abc import Mapping
from typing import Any

_TIOCSRS485 = 0x542F  # linux/serial.h; struct serial_rs485 is eight 32-bit words
_RS485_ENABLED_RTS_ON_SEND = 0b11
_PARITY = {"N": 0, "E": termios.PARENB, "O": termios.PARENB | termios.PARODD}


class SerialPort:
    """One line, for this process alone; `bus` is a bus of the site image."""

    def __init__(self, bus: Mapping[str, Any]) -> None:
        self._bus = bus
        self._fd = -1

    def open(self, now_ms: int) -> None:
        """Open and set the line. OSError when it is not there, taken, or cannot be so fast."""
        self.close()
        fd = os.open(self._bus["path"], os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            fcntl.ioctl(fd, termios.TIOCEXCL)
            self._set(fd)
            if self._bus["rs485"]:
                words = struct.pack("8I", _RS485_ENABLED_RTS_ON_SEND, *[0] * 7)
                fcntl.ioctl(fd, _TIOCSRS485, words)
            termios.tcflush(fd, termios.TCIOFLUSH)
        except termios.error as error:  # is no OSError
            os.close(fd)
            raise OSError(*error.args) from None
        except OSError:
            os.close(fd)
            raise
        self._fd = fd

    def _set(self, fd: int) -> None:
        """Raw bytes, eight bits, at the speed and parity of the bus."""
        speed = getattr(termios, f"B{self._bus['baud']}", None)
        if speed is None:
            raise OSError(errno.EINVAL, f"no line speed of {self._bus['baud']} baud here")
        control = termios.CS8 | termios.CREAD | termios.CLOCAL | _PARITY[self._bus["parity"]]
        if self._bus["stop"] == 2:
            control |= termios.CSTOPB
        characters = termios.tcgetattr(fd)[6]
        characters[termios.VMIN], characters[termios.VTIME] = 1, 0
        termios.tcsetattr(fd, termios.TCSANOW, [0, 0, control, 0, speed, speed, characters])

    def is_open(self) -> bool:
        """Whether the line is open."""
        return self._fd >= 0

    def send(self, buf: bytearray | memoryview, n: int) -> int:
        """Send the first `n` bytes of `buf`; return how many the kernel took."""
        try:
            return os.write(self._fd, memoryview(buf)[:n])
        except BlockingIOError:
            return 0

    def recv(self, buf: bytearray, at: int) -> int:
        """Read into `buf` from index `at` on; 0 when nothing came. OSError: the line is gone."""
        if at >= len(buf):
            return 0
        try:
            n = os.readv(self._fd, [memoryview(buf)[at:]])
        except BlockingIOError:
            return 0
        if n == 0:
            raise OSError(errno.EIO, "the line was hung up")
        return n

    def close(self) -> None:
        """Let go of the line; one that is not open stays so."""
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1
