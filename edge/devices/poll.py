"""Which block of a device is read next, and when.

A poll reads every block once, slow ones only each n-th time, and begins `poll_ms` after the one
before. A poll that begins late does not push the next ones back, unless a whole period was missed.
"""

from edge.compat import TYPE_CHECKING
from edge.ticks import ticks_add, ticks_diff
from edge.wire.modbus import READ_HOLDING_REGISTERS, READ_INPUT_REGISTERS, put_read

if TYPE_CHECKING:
    from typing import Sequence


class Poll:
    """The reading schedule of one device; `blocks` are [function, start, count, every]."""

    def __init__(self, blocks: "Sequence[Sequence[int]]", poll_ms: int):
        if not blocks:
            raise ValueError("a device must have a block to read")
        for function, start, count, every in blocks:
            if function not in (READ_HOLDING_REGISTERS, READ_INPUT_REGISTERS) or every < 1 \
                    or not 1 <= count <= 125 or not 0 <= start <= 65536 - count:
                raise ValueError("no such block: " + str([function, start, count, every]))
        self._blocks = blocks
        self._poll_ms = poll_ms
        self._number = 0
        self._running = False
        self._started_ms = 0
        self.block = self._first_due(0)  # to read next
        self.next_ms = 0  # tick from which on it may be asked

    def put(self, tx: bytearray, at: int, now_ms: int) -> int:
        """Build the request for the next block; return the index after it."""
        if not self._running:
            self._running = True
            late_ms = ticks_diff(now_ms, self.next_ms)
            self._started_ms = self.next_ms if 0 <= late_ms < self._poll_ms else now_ms
        function, start, count, _ = self._blocks[self.block]
        return put_read(tx, at, function, start, count)

    def put_probe(self, tx: bytearray, at: int, taken: "Sequence[int]") -> int:
        """Build a request whose reply has a length no other reply of this device has.

        `taken` are the register counts of the reads that are not blocks. Its place wanders with the
        poll, so that one block that never answers does not hide the others.
        """
        function, start, count, _ = self._blocks[self.block]
        odd = count - 1
        while odd and self._is_taken(odd, taken):
            odd -= 1
        if odd == 0:
            odd = count + 1
            while self._is_taken(odd, taken):
                odd += 1
        return put_read(tx, at, function, start, odd)

    def advance(self, now_ms: int) -> None:
        """The block is done with: on to the next one, or to the next poll."""
        self.block = self._first_due(self.block + 1)
        self.next_ms = now_ms
        if self.block == len(self._blocks):
            self._running = False
            self.next_ms = self._started_ms
        while self.block == len(self._blocks):  # also past polls for which no block is due
            self._number += 1
            self.block = self._first_due(0)
            self.next_ms = ticks_add(self.next_ms, self._poll_ms)

    def hold(self, now_ms: int, delay_ms: int) -> None:
        """Ask nothing for `delay_ms`."""
        self.next_ms = ticks_add(now_ms, delay_ms)

    def _first_due(self, block: int) -> int:
        """Return the first block from `block` on that this poll reads; their number if none."""
        blocks = self._blocks
        while block < len(blocks) and self._number % blocks[block][3]:
            block += 1
        return block

    def _is_taken(self, count: int, taken: "Sequence[int]") -> bool:
        for block in self._blocks:
            if block[2] == count:
                return True
        return count in taken
