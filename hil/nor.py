"""NOR flash that tells what a power cut in the middle of any byte or erase would leave of it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from edge.blocks import RamBlocks

SECTOR_BYTES, SECTORS = 256, 4

Torn = Callable[[], Iterator["bytes | bytearray"]]


class Nor(RamBlocks):
    """Flash: programming only clears bits, once; `on_event` sees every byte and erase coming."""

    def __init__(self, image: bytes | bytearray | None = None, sectors: int = SECTORS) -> None:
        super().__init__(SECTOR_BYTES, sectors)
        if image is not None:
            self.memory[:] = image
        self.on_event: Callable[[Torn], None] = lambda torn: None
        self.random = random.Random(7)

    def program(self, sector: int, offset: int, buf: bytes | bytearray | memoryview,
                n: int) -> None:
        """Write buf[:n], byte by byte."""
        start = sector * self.sector_size + offset
        if (offset % self.align or n % self.align or offset + n > self.sector_size
                or bytes(self.memory[start:start + n]) != b"\xff" * n):
            raise AssertionError(f"sector {sector}: {n} bytes at {offset}: outside, or twice")
        for i in range(n):
            self.on_event(lambda at=start + i, i=i: self._torn_program(  # type: ignore[misc]
                at, buf, i, n))
            self.memory[start + i] = buf[i]

    def erase(self, sector: int) -> None:
        """Set the sector to 0xFF."""
        self.on_event(lambda: self._torn_erase(sector * self.sector_size))
        super().erase(sector)

    def _torn_program(self, at: int, buf: bytes | bytearray | memoryview, i: int,
                      n: int) -> Iterator[bytes | bytearray]:
        """Cut before byte i, within it, within a chip that programs all bytes at once, and within
        one that programs words in any order."""
        yield bytes(self.memory)
        image = bytearray(self.memory)
        image[at] = buf[i] | self.random.getrandbits(8)
        yield image
        image = bytearray(self.memory)
        for k in range(n):
            image[at - i + k] = buf[k] | (self.random.getrandbits(8) & self.random.getrandbits(8))
        yield image
        image = bytearray(self.memory)
        image[at - i:at] = b"\xff" * i
        for k in range(0, n, 4):
            if self.random.getrandbits(1):
                image[at - i + k:at - i + k + 4] = buf[k:k + 4]
        yield image

    def _torn_erase(self, at: int) -> Iterator[bytes | bytearray]:
        """Cut before the erase, after half of it, and with bits at random."""
        yield bytes(self.memory)
        image = bytearray(self.memory)
        image[at:at + self.sector_size // 2] = b"\xff" * (self.sector_size // 2)
        yield image
        image = bytearray(self.memory)
        for k in range(self.sector_size):
            image[at + k] |= self.random.getrandbits(8)
        yield image
