"""Sectors with a header each and records behind it, on flash that may lose power at any byte.

Sector n of the log lies in device sector n % sectors. Its header, programmed right after the erase:
magic, epoch, n, first sequence number, acknowledged one, floor (oldest sequence number kept),
frames lost, CRC; 32-bit words. Records follow: length u16, kind u8 (bit 7: other parts of the frame
may follow), part u8, sequence u32, payload, CRC; each at a multiple of 4 (or of the device's
`align`). All is little-endian. What the numbers mean is the outbox's affair (edge/outbox.py).
- Nothing is programmed twice, nothing is appended behind a record that may be torn: every start
  and every failure closes the sector, and the next record opens a new one.
- The CRC of a record starts from its sector's number: what an earlier round left is no record.
"""

import struct
from binascii import crc32

from edge.compat import TYPE_CHECKING, const

if TYPE_CHECKING:
    from edge.blocks import Blocks, Bytes

MORE = const(128)  # beside the kind: other parts of the frame may follow
AROUND = const(12)  # bytes a record adds to its payload
_MAGIC = const(0x31424F50)  # "POB1"
_HEADER_BYTES = const(32)


class SectorLog:
    """What an outbox stores its frames with. `scratch` is the buffer of another log of the same
    thread whose records are at least as long; None: one of its own."""

    def __init__(self, device: "Blocks", max_payload: int, scratch: "bytearray | None"):
        self._device = device
        self._unit = max(device.align, 4)
        self._header_bytes = self._aligned(_HEADER_BYTES)
        room = (device.sector_size - self._header_bytes) // self._unit * self._unit
        self.max_payload = min(room - AROUND, max_payload)
        size = max(self._aligned(self.max_payload + AROUND), self._header_bytes)
        self.scratch = bytearray(size) if scratch is None else scratch
        if len(self.scratch) < size:
            raise ValueError("the scratch buffer is too small")
        self._view = memoryview(self.scratch)
        self._newest = -1  # number of the newest sector
        self._at = device.sector_size  # where its next record goes; sector_size: it is closed
        # Of the record in the scratch buffer, which is as it was stored if _good:
        self.kind = self._seq = self._n = self._part = 0
        self._good = self._more = False

    def _aligned(self, n: int) -> int:
        return (n + self._unit - 1) // self._unit * self._unit

    def _begin(self, number: int, words: "tuple[int, ...]") -> None:
        """Erase a sector and program its header: all behind the magic and before the CRC."""
        self._device.erase(number % self._device.sectors)
        struct.pack_into("<7I", self.scratch, 0, _MAGIC, *words)
        self._program(number, 0, 28, 0)

    def _put(self, kind: int, part: int, seq: int, buf: "Bytes", n: int) -> None:
        """Store a record in the newest sector, which has room for it."""
        struct.pack_into("<HBBI", self.scratch, 0, n, kind, part, seq)
        self._view[8:8 + n] = memoryview(buf)[:n]
        self._program(self._newest, self._at, 8 + n, self._newest)

    def _program(self, number: int, at: int, n: int, seed: int) -> None:
        """Write scratch[:n], its CRC and padding at `at` of sector `number`, durably."""
        size = self._aligned(n + 4)
        struct.pack_into("<I", self.scratch, n, crc32(self._view[:n], seed))
        self._view[n + 4:size] = b"\xff" * (size - n - 4)
        self._at = self._device.sector_size  # closed, should anything fail from here on
        self._device.program(number % self._device.sectors, at, self.scratch, size)
        self._device.sync()
        self._at = at + size

    def _header(self, sector: int) -> "tuple[int, ...] | None":
        """The words of a sector's header; None when it has none."""
        self._device.read(sector, 0, self._view[:_HEADER_BYTES])
        header = struct.unpack_from("<8I", self.scratch, 0)
        good = header[0] == _MAGIC and header[7] == crc32(self._view[:28])
        return header if good and header[2] % self._device.sectors == sector else None

    def _load(self, number: int, at: int) -> int:
        """Read the frame, or part of one, at `at` into the scratch buffer; where it ends (even one
        that is not as it was stored), 0 if none can be there."""
        device = self._device
        room = device.sector_size - at - AROUND
        if room < 0:
            return 0
        device.read(number % device.sectors, at, self._view[:8])
        n, kind, self._part, self._seq = struct.unpack_from("<HBBI", self.scratch, 0)
        if n > room or n > self.max_payload:
            return 0
        device.read(number % device.sectors, at + 8, self._view[8:n + AROUND])
        crc = struct.unpack_from("<I", self.scratch, 8 + n)[0]
        self._good = crc == crc32(self._view[:8 + n], number)
        self.kind, self._more, self._n = kind & (MORE - 1), kind >= MORE, n
        return at + self._aligned(n + AROUND)
