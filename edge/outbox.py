"""Store and forward: frames wait in a ring of sectors until the cloud has them in its database.

A frame survives power cuts once `append` has returned, and only then may it be sent. It leaves the
ring when the cloud acknowledges it or, counted and reported, when the ring is full.

Sector n of the log lies in device sector n % sectors. Its header, programmed right after the erase:
magic, epoch, n, first sequence number, acknowledged one, floor (oldest sequence number kept),
frames lost, CRC; 32-bit words. Frames follow: length u16, kind u8, 0 u8, sequence u32, payload,
CRC; each at a multiple of 4 (or of the device's `align`). All is little-endian. What makes it safe:
- Nothing is programmed twice, nothing is appended behind a frame that may be torn: every start and
  every failure closes the sector, and the next frame opens a new one.
- The CRC of a frame starts from its sector's number: what an earlier round left is no frame.
- The header of sector n gives up the oldest one, which n + 1 erases: a loss is noted beforehand.

It is the sync task's, not the beat's: CRCs and words above 2^30 are heap numbers, every access
makes a few memoryviews, and an erase stops some microcontrollers for 50 ms and more.
"""

import os
import struct
from array import array
from binascii import crc32

from edge.compat import TYPE_CHECKING, const
from edge.wire import msgpack

if TYPE_CHECKING:
    from edge.blocks import Blocks, Buffer, Bytes

GAP = const(100)  # kind of what `read` gives in place of frames that are gone; lower ones are free
_ACK = const(101)  # a note in the log: all up to its sequence number is acknowledged
_ACK_EVERY = const(16)  # acknowledged frames that a power cut may make us send again
_MAGIC = const(0x31424F50)  # "POB1"
_HEADER_BYTES = const(32)
_AROUND = const(12)  # bytes a frame adds to its payload


class Outbox:
    """The frames between `append` and the cloud's acknowledgement; `mount` comes first.

    `max_payload` is the longest frame it will ever hold, and the size of its buffer, as far as one
    sector has room for it.

    Sequence numbers count from 1 within an `epoch`, a random u32 drawn when the device is found
    empty; up to `acked` the cloud has them. `kind` is that of the frame read last. OSError of the
    device passes through: the frame being appended is not stored then, and one may try again.
    """

    def __init__(self, device: "Blocks", max_payload: int = 0xFFFE):  # 0xFFFF: blank flash
        if device.sectors < 3:
            raise ValueError("an outbox needs at least 3 sectors")
        self._device = device
        self._unit = max(device.align, 4)
        self._header_bytes = self._aligned(_HEADER_BYTES)
        room = (device.sector_size - self._header_bytes) // self._unit * self._unit
        self.max_payload = min(room - _AROUND, max_payload)
        self._scratch = bytearray(max(self._aligned(self.max_payload + _AROUND),
                                      self._header_bytes))
        self._view = memoryview(self._scratch)
        self._first = array("I", (0 for _ in range(device.sectors)))  # sequence, by device sector
        self.epoch = self.kind = self.acked = self._lost = 0
        self._newest = -1  # number of the newest sector
        self._at = device.sector_size  # where its next frame goes; sector_size: it is closed
        self._next = self._floor = 1
        self._saved = self._sent = 0  # acknowledged, on the medium; handed out
        self._seq = self._n = 0  # of the frame in the scratch buffer, which is whole if _good
        self._good = False
        self._read_number = self._read_at = self._read_seq = -1  # where the frame read last is

    def mount(self) -> None:
        """Find what the device holds; writes nothing. An empty device gets a new epoch."""
        self._at = self._device.sector_size
        newest: tuple[int, ...] = (0, 0, -1, 1, 0, 1, 0, 0)
        for sector in range(self._device.sectors):
            header = self._header(sector)
            if header and header[2] > newest[2]:
                newest = header
        self.epoch, self._newest, self._next, self.acked, self._floor, self._lost = newest[1:7]
        while self.epoch == 0:
            self.epoch = struct.unpack("<I", os.urandom(4))[0]
        self._read_number = -1
        if self._newest >= 0:
            self._index()
            self._scan()
        self._saved = self._sent = self.acked

    def append(self, kind: int, buf: "Bytes", n: int) -> int:
        """Store buf[:n] as a frame of `kind` (1 .. 99); its sequence number, once it is durable."""
        if self.epoch == 0 or not 0 < kind < GAP or n > self.max_payload:
            raise ValueError("mount first; a frame has kind 1 to 99 and at most max_payload bytes")
        self._put(kind, self._next, buf, n)
        self._next += 1
        return self._next - 1

    def next_unsent(self) -> int:
        """The lowest sequence number to `read` and send, 0 when there is none."""
        seq = self._sent + 1
        if seq < self._floor:
            return self._floor - 1  # a report of the gap takes the place of its last frame
        return seq if seq < self._next else 0

    def read(self, seq: int, into: "Buffer", at: int = 0) -> int:
        """Copy the payload of frame `seq` to `into` from `at` on; its length, -1 if not waiting.

        In the place of a frame that is gone comes one of kind GAP: MessagePack [1, first, count],
        the `count` frames from `first` to `seq` that the cloud may never get, all not acknowledged.
        """
        if not self.acked < seq < self._next:
            return -1
        if seq >= self._floor and self._find(seq):
            memoryview(into)[at:at + self._n] = self._view[8:8 + self._n]
            return self._n
        self.kind = GAP
        first = seq if seq >= self._floor else self.acked + 1
        end = msgpack.put_array_head(into, at, 3)
        end = msgpack.put_int(into, end, 1)
        end = msgpack.put_int(into, end, first)
        return msgpack.put_int(into, end, seq - first + 1) - at

    def sent(self, seq: int) -> None:
        """Frame `seq` is on its way: `next_unsent` goes on behind it."""
        if self._sent < seq < self._next:
            self._sent = seq

    def resend(self) -> None:
        """Nothing is on its way any more: what is not acknowledged counts as unsent again."""
        self._sent = self.acked

    def ack(self, epoch: int, seq: int) -> bool:
        """The cloud has all up to `seq` in its database; False when that is no news, or nonsense.

        Noted on the medium every 16 frames, unless a new sector for it would give up others; what
        a power cut makes us forget is sent again.
        """
        if epoch != self.epoch or not self.acked < seq < self._next:
            return False
        self.acked = seq
        self.sent(seq)
        if seq - self._saved >= _ACK_EVERY and self._waiting_below(self._next_floor()) == 0:
            self._put(_ACK, seq, b"", 0)
            self._saved = seq
        return True

    def backlog(self) -> int:
        """How many frames wait for their acknowledgement."""
        return self._waiting_below(self._next)

    def lost(self) -> int:
        """How many frames were given up without an acknowledgement, in this epoch."""
        return self._lost

    def _next_floor(self) -> int:
        """The floor once another sector is open."""
        oldest = self._oldest(self._newest + 1)
        return self._first[oldest % self._device.sectors] if oldest else self._floor

    def _waiting_below(self, end: int) -> int:
        first = self.acked + 1 if self.acked >= self._floor else self._floor
        return end - first if end > first else 0

    def _aligned(self, n: int) -> int:
        return (n + self._unit - 1) // self._unit * self._unit

    def _put(self, kind: int, seq: int, buf: "Bytes", n: int) -> None:
        """Store a frame in the newest sector, or in a new one when it has no room."""
        if self._at + self._aligned(n + _AROUND) > self._device.sector_size:
            self._open()
        struct.pack_into("<HBBI", self._scratch, 0, n, kind, 0, seq)
        self._view[8:8 + n] = memoryview(buf)[:n]
        self._program(self._newest, self._at, 8 + n, self._newest)

    def _open(self) -> None:
        """Erase the next sector and begin it; its header gives up the oldest one."""
        number, sector = self._newest + 1, (self._newest + 1) % self._device.sectors
        floor = self._next_floor()
        lost = self._lost + self._waiting_below(floor)
        self._device.erase(sector)
        struct.pack_into("<7I", self._scratch, 0, _MAGIC, self.epoch, number, self._next,
                         self.acked, floor, lost)
        self._program(number, 0, 28, 0)
        self._newest, self._first[sector] = number, self._next
        self._floor, self._lost, self._saved = floor, lost, self.acked

    def _program(self, number: int, at: int, n: int, seed: int) -> None:
        """Write scratch[:n], its CRC and padding at `at` of sector `number`, durably."""
        size = self._aligned(n + 4)
        struct.pack_into("<I", self._scratch, n, crc32(self._view[:n], seed))
        self._view[n + 4:size] = b"\xff" * (size - n - 4)
        self._at = self._device.sector_size  # closed, should anything fail from here on
        self._device.program(number % self._device.sectors, at, self._scratch, size)
        self._device.sync()
        self._at = at + size

    def _header(self, sector: int) -> "tuple[int, ...] | None":
        """The words of a sector's header; None when it has none."""
        self._device.read(sector, 0, self._view[:_HEADER_BYTES])
        header = struct.unpack_from("<8I", self._scratch, 0)
        good = header[0] == _MAGIC and header[7] == crc32(self._view[:28])
        return header if good and header[2] % self._device.sectors == sector else None

    def _oldest(self, newest: int) -> int:
        return max(newest + 2 - self._device.sectors, 0)

    def _index(self) -> None:
        """Note where each sector's sequence numbers begin; an unreadable one seems empty."""
        first = self._next
        for number in range(self._newest, self._oldest(self._newest) - 1, -1):
            sector = number % self._device.sectors
            header = self._header(sector)
            if header and header[1] == self.epoch and header[2] == number:
                first = header[3]
            self._first[sector] = first

    def _scan(self) -> None:
        """Go through the newest sector for the last sequence number and acknowledgement."""
        at = self._load(self._newest, self._header_bytes)
        while at:
            if self._good and self.kind != _ACK:
                self._next = self._seq + 1
            elif self._good and self._seq > self.acked:
                self.acked = self._seq
            at = self._load(self._newest, at)

    def _find(self, seq: int) -> bool:
        """Bring frame `seq` into the scratch buffer; False when it is gone."""
        number, at = self._oldest(self._newest), self._header_bytes
        if self._read_number >= number and self._read_seq <= seq:  # reading on is the rule
            number, at = self._read_number, self._read_at
        while number < self._newest and self._first[(number + 1) % self._device.sectors] <= seq:
            number, at = number + 1, self._header_bytes
        end = self._load(number, at)
        while end and (not self._good or self.kind == _ACK or self._seq < seq):
            at, end = end, self._load(number, end)
        if not end or self._seq != seq:
            return False
        self._read_number, self._read_at, self._read_seq = number, at, seq
        return True

    def _load(self, number: int, at: int) -> int:
        """Read the frame at `at` into the scratch buffer; where it ends (even one that is not
        whole), 0 if none can be there."""
        device = self._device
        room = device.sector_size - at - _AROUND
        if room < 0:
            return 0
        device.read(number % device.sectors, at, self._view[:8])
        n, self.kind, _, self._seq = struct.unpack_from("<HBBI", self._scratch, 0)
        if n > room or n > self.max_payload:
            return 0
        device.read(number % device.sectors, at + 8, self._view[8:n + _AROUND])
        crc = struct.unpack_from("<I", self._scratch, 8 + n)[0]
        self._good = crc == crc32(self._view[:8 + n], number)
        self._n = n
        return at + self._aligned(n + _AROUND)
