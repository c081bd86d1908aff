"""A raw Modbus slave on sockets and pseudo-terminals, for what no well-kept server would ever do.

It serves the same simulated devices as hil/simulators.py, which stays the judge of normal traffic.
What goes out for a request is each device's `wire` to say: bytes at their times, in pieces, of any
content, or the end of the connection (hil/faults.py).
"""

import heapq
import os
import selectors
import socket
import threading
import time
import tty
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from edge.wire.crc16 import crc16
from hil.device_simulator import DeviceSimulator
from hil.faults import Act, Piece

_CHUNK = 4096
_PATIENCE_S = 10.0
_MBAP = 7  # header over TCP, unit included
_READS, _WRITE_ONE, _WRITE_MORE = (3, 4), 6, 16
_ILLEGAL_FUNCTION, _ILLEGAL_ADDRESS = 1, 2


@contextmanager
def serve_tcp(devices: Sequence[DeviceSimulator], in_real_time: bool = True) -> Iterator[int]:
    """Serve devices on a free port, which is yielded. Without `in_real_time` nothing waits here:
    whoever asks has a time of its own."""
    with socket.create_server(("127.0.0.1", 0)) as listener, \
            _Slave(devices, in_real_time, listener).running():
        yield listener.getsockname()[1]


@contextmanager
def serve_rtu(devices: Sequence[DeviceSimulator], in_real_time: bool = True) -> Iterator[str]:
    """Serve devices on a serial line; yields the path at which the gateway opens it."""
    ours, theirs = os.openpty()
    try:
        tty.setraw(theirs)  # held open here: an end without a user must not hang up
        with open(ours, "r+b", buffering=0, closefd=False) as line, \
                _Slave(devices, in_real_time, line=line).running():
            yield os.ttyname(theirs)
    finally:
        os.close(ours)
        os.close(theirs)


class _Slave:
    """One loop on a thread of its own: requests in, pieces out when they are due."""

    def __init__(self, devices: Sequence[DeviceSimulator], in_real_time: bool,
                 listener: socket.socket | None = None, line: Any = None) -> None:
        self._devices = {device.unit: device for device in devices}
        self._in_real_time, self._listener, self._rtu = in_real_time, listener, line is not None
        self._selector = selectors.DefaultSelector()
        self._inbox: dict[Any, bytes] = {}  # by connection
        self._coming: list[tuple[float, int, Any, bytes | Act]] = []
        self._sent = 0
        self._single = False  # the newest client is the only one
        self._wake, self._woken = os.pipe()
        self._selector.register(self._wake, selectors.EVENT_READ, None)
        if listener is not None:
            self._selector.register(listener, selectors.EVENT_READ, self._accept)
        else:
            self._take(line)

    @contextmanager
    def running(self) -> Iterator[None]:
        thread = threading.Thread(target=self._run, name="fault slave", daemon=True)
        thread.start()
        try:
            yield
        finally:
            os.write(self._woken, b"x")
            thread.join(_PATIENCE_S)
            for connection in list(self._inbox):
                self._drop(connection)
            self._selector.close()
            os.close(self._wake)
            os.close(self._woken)

    def _run(self) -> None:
        while True:
            wait_s = max(0.0, self._coming[0][0] - time.monotonic()) if self._coming else None
            for key, _ in self._selector.select(wait_s):
                if key.data is None:
                    return
                if key.fileobj is self._listener or key.fileobj in self._inbox:
                    key.data(key.fileobj)
            while self._coming and self._coming[0][0] <= time.monotonic():
                _, _, connection, piece = heapq.heappop(self._coming)
                self._put(connection, piece)

    def _accept(self, listener: socket.socket) -> None:
        connection, _ = listener.accept()
        if self._single:
            for other in list(self._inbox):
                self._drop(other)
        self._take(connection)

    def _take(self, connection: Any) -> None:
        self._inbox[connection] = b""
        self._selector.register(connection, selectors.EVENT_READ, self._hear)

    def _drop(self, connection: Any) -> None:
        self._selector.unregister(connection)
        del self._inbox[connection]
        if not self._rtu:
            connection.close()

    def _hear(self, connection: Any) -> None:
        try:
            data = os.read(connection.fileno(), _CHUNK)
        except OSError:
            data = b""
        if not data:
            self._drop(connection)
            return
        self._inbox[connection] += data
        while connection in self._inbox and (request := self._request(connection)):
            self._serve(connection, request)

    def _request(self, connection: Any) -> bytes:
        """Cut the next whole request off; b"" while there is none."""
        data = self._inbox[connection]
        if self._rtu:
            size = 8 if len(data) < 7 or data[1] <= _WRITE_ONE else 9 + data[6]
        else:
            size = 6 + int.from_bytes(data[4:6], "big") if len(data) >= _MBAP else _MBAP
        if len(data) < size:
            return b""
        request, self._inbox[connection] = data[:size], data[size:]
        if self._rtu and crc16(bytearray(request), 0, size):
            self._inbox[connection] = b""  # out of step: whoever asked asks again
            return b""
        return request

    def _serve(self, connection: Any, request: bytes) -> None:
        at = 0 if self._rtu else _MBAP - 1
        device = self._devices.get(request[at])
        if device is None:
            return
        body = request[at:at + 1] + answer(device, request[at + 1:len(request) - 2 * self._rtu])
        if self._rtu:
            reply = body + crc16(bytearray(body), 0, len(body)).to_bytes(2, "little")
        else:
            reply = request[:4] + len(body).to_bytes(2, "big") + body
        pieces: list[Piece] = [(0, reply)] if device.wire is None else device.wire(request, reply)
        now_s = time.monotonic()
        for after_ms, piece in pieces:
            self._sent += 1
            due_s = now_s + after_ms / 1000 * self._in_real_time
            heapq.heappush(self._coming, (due_s, self._sent, connection, piece))

    def _put(self, connection: Any, piece: bytes | Act) -> None:
        if connection not in self._inbox:
            return  # it was closed meanwhile
        if isinstance(piece, bytes):
            with suppress(OSError):  # gone: its end is heard next
                while piece:
                    piece = piece[os.write(connection.fileno(), piece):]
        elif self._listener is not None and piece is Act.RIVAL:
            self._single = True
            with socket.create_connection(self._listener.getsockname(), _PATIENCE_S):
                self._accept(self._listener)
        elif self._listener is not None:
            self._drop(connection)


def answer(device: DeviceSimulator, pdu: bytes) -> bytes:
    """The reply PDU to a request PDU (Modbus Application Protocol V1.1b3, 6.3, 6.4, 6.6, 6.12)."""
    function, addr, count = pdu[0], *(int.from_bytes(pdu[at:at + 2], "big") for at in (1, 3))
    if function in _READS:
        words = device.read(function, addr, count)
        if words is not None:
            return bytes((function, 2 * count)) + b"".join(word.to_bytes(2, "big")
                                                           for word in words)
    elif function in (_WRITE_ONE, _WRITE_MORE):
        data = pdu[3:5] if function == _WRITE_ONE else pdu[6:]
        if device.write(function, addr, [int.from_bytes(data[at:at + 2], "big")
                                         for at in range(0, len(data), 2)]):
            return pdu[:5]
    else:
        return bytes((function | 0x80, _ILLEGAL_FUNCTION))
    return bytes((function | 0x80, _ILLEGAL_ADDRESS))
