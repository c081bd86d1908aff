"""A CAN interface of Linux as a port that never waits: one raw socket, filtered by the kernel.

The speed is the system's, not this program's: `ip link set can0 up type can bitrate 500000`.
"""

import errno
import socket
import struct
from collections.abc import Mapping, Sequence
from typing import Any

from edge.wire.can import FRAME

_STANDARD_DATA = 0xC000_07FF  # linux/can.h: extended and remote flag, and all 11 bits must agree
_NOTHING_YET = (errno.EAGAIN, errno.ENOBUFS)  # the latter: nobody on the bus acknowledges


class CanPort:
    """One interface; `bus` is a bus of the site image."""

    def __init__(self, bus: Mapping[str, Any]) -> None:
        self._interface = bus["interface"]
        self._socket: socket.socket | None = None

    def open(self, now_ms: int, ids: Sequence[int]) -> None:
        """Listen to the data frames with these 11-bit identifiers. OSError: there is no such
        interface, or no CAN in this kernel."""
        self.close()
        pipe = socket.socket(socket.AF_CAN, socket.SOCK_RAW, socket.CAN_RAW)
        try:
            pipe.setblocking(False)
            pipe.setsockopt(socket.SOL_CAN_RAW, socket.CAN_RAW_FILTER, filters(ids))
            pipe.bind((self._interface,))
        except OSError:
            pipe.close()
            raise
        self._socket = pipe

    def is_open(self) -> bool:
        """Whether the socket is there."""
        return self._socket is not None

    def send(self, buf: bytearray, n: int) -> int:
        """Send one frame; 0 while the controller takes none. OSError: the interface is down."""
        return self._try(lambda pipe: pipe.send(memoryview(buf)[:n]))

    def recv(self, buf: bytearray, at: int) -> int:
        """Read one frame into `buf`; 0 when none has come. OSError: the interface is down."""
        return self._try(lambda pipe: pipe.recv_into(memoryview(buf)[at:], FRAME))

    def _try(self, work: Any) -> int:
        if self._socket is None:
            raise OSError(errno.ENOTCONN, "the interface is not open")
        try:
            return int(work(self._socket))
        except OSError as error:
            if error.errno in _NOTHING_YET:
                return 0
            raise

    def close(self) -> None:
        """Let go of the interface; one that is not open stays so."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None


def filters(ids: Sequence[int]) -> bytes:
    """struct can_filter[] of linux/can.h: identifier and mask, in the machine's byte order."""
    return b"".join(struct.pack("=II", ident, _STANDARD_DATA) for ident in ids)
