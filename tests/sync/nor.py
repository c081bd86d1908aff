"""NOR flash that tells what a power cut in the middle of any byte or erase would leave of it."""

import random

from edge.blocks import RamBlocks

SECTOR_BYTES, SECTORS = 256, 4


class Nor(RamBlocks):
    """Flash: programming only clears bits, once; `on_event` sees every byte and erase coming."""

    def __init__(self, image=None, sectors=SECTORS):
        super().__init__(SECTOR_BYTES, sectors)
        if image is not None:
            self.memory[:] = image
        self.on_event = lambda torn: None
        self.random = random.Random(7)

    def program(self, sector, offset, buf, n):
        start = sector * self.sector_size + offset
        assert offset % self.align == n % self.align == 0
        assert offset + n <= self.sector_size
        assert bytes(self.memory[start:start + n]) == b"\xff" * n, "programmed twice"
        for i in range(n):
            self.on_event(lambda at=start + i, i=i: self._torn_program(at, buf, i, n))
            self.memory[start + i] = buf[i]

    def erase(self, sector):
        self.on_event(lambda: self._torn_erase(sector * self.sector_size))
        super().erase(sector)

    def _torn_program(self, at, buf, i, n):
        """Cut before byte i, within it, and within a chip that programs all bytes at once."""
        yield bytes(self.memory)
        image = bytearray(self.memory)
        image[at] = buf[i] | self.random.getrandbits(8)
        yield image
        image = bytearray(self.memory)
        for k in range(n):
            image[at - i + k] = buf[k] | (self.random.getrandbits(8) & self.random.getrandbits(8))
        yield image

    def _torn_erase(self, at):
        """Cut before the erase, after half of it, and with bits at random."""
        yield bytes(self.memory)
        image = bytearray(self.memory)
        image[at:at + self.sector_size // 2] = b"\xff" * (self.sector_size // 2)
        yield image
        image = bytearray(self.memory)
        for k in range(self.sector_size):
            image[at + k] |= self.random.getrandbits(8)
        yield image
