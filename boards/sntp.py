"""The time of day from a server on the network, asked for without ever waiting (RFC 4330, SNTP).

A reply counts only when it repeats the random number of the question: a late or a forged one that
was not asked for changes nothing. Runs on MicroPython and CPython.
"""

import errno
import os
import socket

from edge.compat import TYPE_CHECKING, const
from edge.ticks import ticks_diff

if TYPE_CHECKING:
    from typing import Any

_PORT = const(123)
_ASK_MS = const(64_000)  # while the time is not known
_AGAIN_MS = const(3_600_000)  # a quartz is some 0.1 s off by then
_BYTES = const(48)
_VERSION_4_CLIENT = const(0x23)
_SINCE_1900_S = 3_155_673_600  # from 1900-01-01 to 2000-01-01; above 2^30, so no const
_FIRST_DAY = const(9131)  # 2025-01-01: an earlier answer is no time


class Sntp:
    """Asks one server, given by its address. `day` and `second` are the newest answer, UTC."""

    def __init__(self) -> None:
        self.day = 0
        self.second = 0
        self.known = False  # whether an answer ever came
        self._request = bytearray(_BYTES)
        self._request[0] = _VERSION_4_CLIENT
        self._socket: Any = None
        self._asked_ms = 0
        self._pause_ms = 0

    def step(self, now_ms: int, server: str, port: int = _PORT) -> bool:
        """Ask when it is time, listen otherwise; True when a new answer has just come."""
        if ticks_diff(now_ms, self._asked_ms) >= self._pause_ms:
            self._asked_ms = now_ms
            self._pause_ms = _AGAIN_MS if self.known else _ASK_MS
            self._ask(server, port)
            return False
        return self._socket is not None and self._listen()

    def _ask(self, server: str, port: int) -> None:
        self.close()
        self._request[40:48] = os.urandom(8)
        try:
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._socket.setblocking(False)
            self._socket.sendto(self._request, socket.getaddrinfo(server, port)[0][-1])
        except OSError:  # no route yet: asked again after the pause
            self.close()

    def _listen(self) -> bool:
        try:
            reply = self._socket.recv(_BYTES)
        except OSError as error:
            if error.args[0] != errno.EAGAIN:
                self.close()
            return False
        if not self._is_answer(reply):
            return False
        since_2000_s = int.from_bytes(reply[40:44], "big") - _SINCE_1900_S
        if since_2000_s < 0:
            since_2000_s += 1 << 32  # the era that begins in 2036
        day = since_2000_s // 86400
        self.close()
        if day < _FIRST_DAY:
            return False
        self.day = day
        self.second = since_2000_s % 86400
        self.known = True
        self._pause_ms = _AGAIN_MS
        return True

    def _is_answer(self, reply: bytes) -> bool:
        """From a server (mode 4) that is synchronized itself, to this very question."""
        return (len(reply) >= _BYTES and reply[0] & 7 == 4 and reply[0] >> 6 != 3
                and 1 <= reply[1] <= 15 and reply[24:32] == self._request[40:48])

    def close(self) -> None:
        """Stop listening."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None
