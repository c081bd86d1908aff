"""One record that survives a power cut: the newest that was stored whole.

What a gateway must never forget or say twice (how far its ledger is, which counter a command had)
is a record of some hundred bytes, written anew each time. Records lie one behind the other in a
few sectors used in turn, so the one before stays until the next is whole. A sector with a torn
record is not written any more until it is erased.

Record: length u16, its complement u16, number u32, payload, CRC-32 of all before it, padding.
"""

import struct
from binascii import crc32

from edge.compat import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.blocks import Blocks, Bytes

_AROUND = 12  # bytes of a record that are not its payload


class Keep:
    """`store` and `load` of at most `most` bytes on a block device (edge/blocks.py) of at least
    two sectors that nobody else writes. OSError from the device passes through; what was stored
    before is still there then."""

    def __init__(self, device: "Blocks", most: int):
        self._device = device
        size = (most + _AROUND + device.align - 1) // device.align * device.align
        if device.sectors < 2 or size > device.sector_size:
            raise ValueError("a record of %d bytes needs two sectors it fits into" % most)
        self.most = most
        self._scratch = bytearray(size)
        self._view = memoryview(self._scratch)
        self._number = 0  # of the record written last, 0: there is none
        self._sector = self._at = 0  # where the next one goes, if it fits there
        self.load()

    def load(self) -> bytes:
        """The record stored last; empty when there never was one."""
        newest = b""
        self._number = self._sector = 0
        self._at = self._device.sector_size
        for sector in range(self._device.sectors):
            at = 0
            while True:
                number, size = self._read(sector, at)
                if number > self._number:
                    self._number, self._sector = number, sector
                    newest = bytes(self._view[8:8 + size])
                if number == 0:
                    break
                at += self._aligned(size)
            if self._sector == sector:
                self._at = at if self._blank(sector, at) else self._device.sector_size
        return newest

    def store(self, buf: "Bytes", n: int) -> None:
        """Store buf[:n]; when it returns, the record is durable."""
        if n > self.most:
            raise ValueError("a record has at most %d bytes" % self.most)
        device, size, at = self._device, self._aligned(n), self._at
        sector = self._sector
        if at + size > device.sector_size:
            sector, at = (sector + 1) % device.sectors, 0
            device.erase(sector)
        self._number += 1  # whatever comes of it: a record that failed may yet be whole
        struct.pack_into("<HHI", self._scratch, 0, n, n ^ 0xFFFF, self._number)
        self._view[8:8 + n] = memoryview(buf)[:n]
        struct.pack_into("<I", self._scratch, 8 + n, crc32(self._view[:8 + n]))
        self._view[_AROUND + n:size] = b"\xff" * (size - n - _AROUND)
        if sector == self._sector:
            self._at = device.sector_size  # closed, should anything fail from here on
        device.program(sector, at, self._scratch, size)
        device.sync()
        self._sector, self._at = sector, at + size

    def _aligned(self, n: int) -> int:
        align = self._device.align
        return (n + _AROUND + align - 1) // align * align

    def _read(self, sector: int, at: int) -> "tuple[int, int]":
        """Number and length of the record at `at`, in the scratch buffer; 0 when none is whole."""
        if at + _AROUND > self._device.sector_size:
            return 0, 0
        self._device.read(sector, at, self._view[:8])
        n, complement, number = struct.unpack_from("<HHI", self._scratch, 0)
        if n ^ complement != 0xFFFF or n > self.most or at + n + _AROUND > self._device.sector_size:
            return 0, 0
        self._device.read(sector, at + 8, self._view[8:n + _AROUND])
        crc = struct.unpack_from("<I", self._scratch, 8 + n)[0]
        return (number, n) if crc == crc32(self._view[:8 + n]) else (0, 0)

    def _blank(self, sector: int, at: int) -> bool:
        """Whether nothing was programmed from `at` on."""
        size = len(self._scratch)
        while at < self._device.sector_size:
            if at + size > self._device.sector_size:
                size = self._device.sector_size - at
            self._device.read(sector, at, self._view[:size])
            for byte in self._view[:size]:
                if byte != 0xFF:
                    return False
            at += size
        return True
