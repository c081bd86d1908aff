"""An M-Bus line behind a level converter: a frame out, and what comes back until it is quiet."""

import asyncio
from time import monotonic
from typing import Protocol

from boards.mbus_frame import LONGEST, is_whole

_ANSWER_BITS, _ANSWER_S = 330, 0.05  # EN 13757-2: the latest start of an answer
_QUIET_BITS = 33  # between two frames
_CHARACTER_BITS = 11
_MOST = 2 * LONGEST  # octets that are listened to
_LOOK_S = 0.005
_OPEN_S = 5
_BABBLE_S = 2  # a line that is not quiet for so long is of no use


class Port(Protocol):
    """The words of edge/port.py."""

    def open(self, now_ms: int) -> None: ...
    def is_open(self) -> bool: ...
    def send(self, buf: bytearray | memoryview, n: int) -> int: ...
    def recv(self, buf: bytearray, at: int) -> int: ...
    def close(self) -> None: ...


class Line:
    """One line at `baud`; `grace_ms` is what converter, adapter and this machine add to a delay.
    With `echo` the converter hears what is sent."""

    def __init__(self, port: Port, baud: int, grace_ms: int, echo: bool = False) -> None:
        self._port = port
        self._bit_s = 1 / baud
        self._grace_s = grace_ms / 1000
        self._echo = echo
        self._open = False

    async def exchange(self, frame: bytes) -> bytes:
        """Send a frame; all that comes until the line is quiet again, no more than two frames of
        it. Nothing: silence. OSError: the line is gone, or never quiet; it is closed."""
        try:
            if not self._open:
                await self._connect()
            await self._settle()
            await self._send(frame)
            answer_s = _ANSWER_S + self._bit_s * (_ANSWER_BITS + _CHARACTER_BITS * len(frame))
            heard = await self._listen(answer_s, self._grace_s)
            if self._echo and heard.startswith(frame):
                heard = heard[len(frame):] or await self._listen(answer_s, self._grace_s)
        except OSError:
            self.close()
            raise
        return heard

    def close(self) -> None:
        """Let go of the line; it is opened anew when it is needed."""
        self._port.close()
        self._open = False

    async def _connect(self) -> None:
        self._port.open(int(monotonic() * 1000))
        end_s = monotonic() + _OPEN_S
        while not self._port.is_open():
            await _wait_until(end_s, "the connection is not made")
        self._open = True

    async def _settle(self) -> None:
        """Wait until nothing comes any more: a late answer, or somebody who does not stop."""
        end_s = monotonic() + _BABBLE_S
        while await self._listen(self._bit_s * _QUIET_BITS, 0):
            if monotonic() >= end_s:
                raise OSError("the line is never quiet")

    async def _send(self, frame: bytes) -> None:
        end_s = monotonic() + _BABBLE_S
        left = bytearray(frame)
        while left:
            del left[:self._port.send(left, len(left))]
            if left:
                await _wait_until(end_s, "what is sent is not taken")

    async def _listen(self, first_s: float, grace_s: float) -> bytes:
        """What comes, from its start within `first_s` on until a pause."""
        heard, part = b"", bytearray(256)
        end_s = monotonic() + first_s + grace_s
        while len(heard) < _MOST:
            n = self._port.recv(part, 0)
            if n:
                heard += part[:n]
                end_s = monotonic() + self._bit_s * _QUIET_BITS + (
                    0 if is_whole(heard) else grace_s)
            elif monotonic() >= end_s:
                break
            else:
                await asyncio.sleep(_LOOK_S)
        return heard


async def _wait_until(end_s: float, otherwise: str) -> None:
    """Wait a little. OSError with these words when the time is over."""
    if monotonic() >= end_s:
        raise OSError(otherwise)
    await asyncio.sleep(_LOOK_S)
