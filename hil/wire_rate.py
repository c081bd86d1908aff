"""A serial cable made of two pseudo-terminals, as slow as the real one.

A pseudo-terminal hands over its bytes at once. Here a relay sits between the two ends and lets go
of them only when the last one would have arrived: 11 bits a character (Modbus over Serial Line
V1.02, 2.5.1), one direction at a time. Linux only, as pseudo-terminals in raw mode are.
"""

import asyncio
import os
import tty
from contextlib import suppress

_CHARACTER_BITS = 11
_CHUNK = 4096


class Line:
    """When a half-duplex line is free again, at `baud` bits a second; None: at any time."""

    def __init__(self, baud: int | None) -> None:
        self._character_s = _CHARACTER_BITS / baud if baud else 0.0
        self._free_s = 0.0

    def arrival_s(self, ready_s: float, characters: int) -> float:
        """The time at which the last of some characters arrives that are ready at `ready_s`."""
        self._free_s = max(self._free_s, ready_s) + characters * self._character_s
        return self._free_s


class Cable:
    """Two ends to open by path: `master` for the gateway, `device` for whatever answers it.

    `turnaround_s` is how long the device thinks before its reply starts.
    """

    def __init__(self, line_rate: int | None = None, turnaround_s: float = 0.0) -> None:
        self._line = Line(line_rate)
        self._turnaround_s = turnaround_s
        self._ends = [os.openpty(), os.openpty()]  # each: the relay's side, the user's side
        for ours, theirs in self._ends:
            tty.setraw(theirs)  # held open by us: an end without a user must not hang up
            os.set_blocking(ours, False)
        self.master, self.device = (os.ttyname(theirs) for _, theirs in self._ends)

    def relay(self, loop: asyncio.AbstractEventLoop) -> None:
        """Carry bytes both ways from now on; to be called on the loop's thread."""
        (master, _), (device, _) = self._ends
        loop.add_reader(master, self._carry, loop, master, device, 0.0)
        loop.add_reader(device, self._carry, loop, device, master, self._turnaround_s)

    def close(self, loop: asyncio.AbstractEventLoop) -> None:
        """Cut the cable; to be called on the loop's thread."""
        for ours, theirs in self._ends:
            loop.remove_reader(ours)
            os.close(ours)
            os.close(theirs)
        self._ends = []

    def _carry(self, loop: asyncio.AbstractEventLoop, source: int, sink: int, delay_s: float
               ) -> None:
        data = os.read(source, _CHUNK)
        at_s = self._line.arrival_s(loop.time() + delay_s, len(data))
        loop.call_at(at_s, self._deliver, sink, data)

    def _deliver(self, sink: int, data: bytes) -> None:
        if self._ends:
            with suppress(BlockingIOError):  # nobody reads: the bytes are lost, as on a real wire
                os.write(sink, data)
