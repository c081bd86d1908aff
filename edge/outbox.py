"""Store and forward: frames wait in a ring of sectors until the cloud has them in its database.

A frame survives power cuts once `append` has returned, and only then may it be sent. It leaves the
ring when the cloud acknowledges it or, counted and reported, when the ring is full.

How it lies in the sectors says edge/sector_log.py. A frame may come in parts, numbered from 0, one
behind the other with notes at most in between. What makes it safe, beside what is said there:
- The header of sector n gives up the oldest one, which n + 1 erases: a loss is noted beforehand.
- A frame whose last part never came is whole as it is; one that lost a part in the middle is gone.
  The first sequence number of a sector is that of the first frame that begins in it.

It is the sync task's, not the beat's: CRCs and words above 2^30 are heap numbers, every access
makes a few memoryviews, and an erase stops some microcontrollers for 50 ms and more.
"""

import os
import struct
from array import array

from edge.compat import TYPE_CHECKING, const
from edge.sector_log import AROUND, MORE, SectorLog
from edge.wire import msgpack

if TYPE_CHECKING:
    from edge.blocks import Blocks, Buffer, Bytes

GAP = const(100)  # kind of what `read` gives in place of frames that are gone; lower ones are free
_ACK = const(101)  # a note in the log: all up to its sequence number is acknowledged
_ACK_EVERY = const(16)  # acknowledged frames that a power cut may make us send again
_PARTS = const(256)  # of a frame, at most


class Outbox(SectorLog):
    """The frames between `append` and the cloud's acknowledgement; `mount` comes first.

    `max_payload` is the longest frame it will ever hold, and the size of its buffer, as far as one
    sector has room for it.

    Sequence numbers count from 1 within an `epoch`, a random u32 drawn when the device is found
    empty; up to `acked` the cloud has them, up to `found` they may have been sent in an earlier
    life. `kind` is that of the frame read last, `parts` how many
    parts the frame has that is being built (0: there is none). OSError of the device passes
    through: what was to be stored is not then, and one may try it again; only a part that more
    follow may have grown by then. Outboxes of one thread may share a `scratch` buffer, that of the
    one with the longest frames.
    """

    def __init__(self, device: "Blocks", max_payload: int = 0xFFFE,  # 0xFFFF: blank flash
                 scratch: "bytearray | None" = None):
        if device.sectors < 3:
            raise ValueError("an outbox needs at least 3 sectors")
        super().__init__(device, max_payload, scratch)
        self._first = array("I", (0 for _ in range(device.sectors)))  # sequence, by device sector
        self.mounted = False
        self.epoch = self.acked = self.found = self._lost = 0
        self._next = self._floor = 1
        self._saved = self._sent = 0  # acknowledged, on the medium; handed out
        self._above: list[int] = []  # first and last of what is acknowledged above `acked`
        self.parts = self._building = self._bytes = 0  # of frame _next so far; its kind
        self._read_number = self._read_at = self._read_seq = -1  # where the frame read last is

    def mount(self) -> None:
        """Find what the device holds; writes nothing. An empty device gets a new epoch."""
        self.mounted = False
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
        self._above = []
        self.parts = self._bytes = 0
        if self._newest >= 0:
            self._index()
            self._scan()
        self._saved = self._sent = self.acked
        self.found = self._next - 1
        self.mounted = True

    def append(self, kind: int, buf: "Bytes", n: int) -> int:
        """Store buf[:n] as a frame of `kind` (1 .. 99); its sequence number, once it is durable.

        After parts of this kind it is the last one, of which nothing need be left: n may be 0.
        A frame of another kind ends the one being built as it is.
        """
        self._check(kind, n)
        if n or not self.parts:
            self._store(kind, self.parts, self._next, buf, n)
        return self._end()

    def extend(self, kind: int, buf: "Bytes", n: int) -> int:
        """Store buf[:n] as one more part of a frame, durable now; the sequence number it will have.
        It is not sent before `append`, or a restart, has ended it."""
        self._check(kind, n)
        self._store(kind | MORE, self.parts, self._next, buf, n)
        self.parts += 1
        self._bytes += n
        return self._next

    def next_unsent(self) -> int:
        """The lowest sequence number to `read` and send, 0 when there is none."""
        seq = self._sent + 1
        if seq < self._floor:
            return self._floor - 1  # a report of the gap takes the place of its last frame
        above = self._above
        for at in range(0, len(above), 2):
            if above[at] <= seq <= above[at + 1]:
                seq = above[at + 1] + 1
        return seq if seq < self._next else 0

    def read(self, seq: int, into: "Buffer", at: int = 0) -> int:
        """Copy the payload of frame `seq` to `into` from `at` on; its length, -1 if not waiting.

        In the place of a frame that is gone comes one of kind GAP: MessagePack [1, first, count],
        the `count` frames from `first` to `seq` that the cloud may never get, all not acknowledged.
        """
        if not self.acked < seq < self._next:
            return -1
        n = self._join(seq, memoryview(into)[at:]) if seq >= self._floor else -1
        if n >= 0:
            return n
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

    def ack(self, epoch: int, seq: int, above: "list[int] | None" = None) -> bool:
        """The cloud has all up to `seq` in its database; False when that is no news, or nonsense.

        Noted on the medium every 16 frames, unless a new sector for it would give up others; what
        a power cut makes us forget is sent again. So is all of `above`, first and last number of
        ranges beyond seq, ascending, that the cloud has too: they free nothing, but are not sent
        as long as we live. They take the place of those told before.
        """
        if epoch != self.epoch or not self.acked <= seq < self._next:
            return False
        self._above = above or []
        if seq == self.acked:
            return False
        self.acked = seq
        self.sent(seq)
        if seq - self._saved >= _ACK_EVERY and self._waiting_below(self._next_floor()) == 0:
            self._store(_ACK, 0, seq, b"", 0)
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

    def _check(self, kind: int, n: int) -> None:
        """Whether a part of `kind` can be stored. ValueError if not."""
        if self.parts and kind != self._building:
            self._end()
        if (not self.mounted or not 0 < kind < GAP or self.parts >= _PARTS
                or self._bytes + n > self.max_payload):
            raise ValueError("mount first; a frame has kind 1 to 99, at most 256 parts and "
                             "max_payload bytes")
        self._building = kind

    def _end(self) -> int:
        """The frame being built is whole; its number."""
        self.parts = self._bytes = 0
        self._next += 1
        return self._next - 1

    def _store(self, kind: int, part: int, seq: int, buf: "Bytes", n: int) -> None:
        """Store a part of a frame in the newest sector, or in a new one when it has no room."""
        if self._at + self._aligned(n + AROUND) > self._device.sector_size:
            self._open()
        self._put(kind, part, seq, buf, n)

    def _open(self) -> None:
        """Erase the next sector and begin it; its header gives up the oldest one."""
        number, sector = self._newest + 1, (self._newest + 1) % self._device.sectors
        first = self._next + 1 if self.parts else self._next  # that begins behind the header
        floor = self._next_floor()
        lost = self._lost + self._waiting_below(floor)
        self._begin(number, (self.epoch, number, first, self.acked, floor, lost))
        self._newest, self._first[sector] = number, first
        self._floor, self._lost, self._saved = floor, lost, self.acked

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

    def _join(self, seq: int, into: "memoryview") -> int:
        """Copy the parts of frame `seq` into `into`; its length, -1 when it is not all there."""
        at = self._find(seq)
        if not at:
            return -1
        number, kind = self._read_number, self.kind
        start = end = part = 0  # of the part last taken, and the number of the next
        while True:
            if self._good and self.kind != _ACK:
                if self._seq != seq:
                    break
                if self._part == part:
                    start = end
                elif self._part != part - 1:  # else it was stored again: it had seemed to fail
                    return -1
                end = start + self._n
                if end > self.max_payload:
                    return -1
                into[start:end] = self._view[8:8 + self._n]
                part = self._part + 1
                if not self._more:
                    break
            at = self._load(number, at)
            while not at and number < self._newest:  # it may go on in the next sector
                number += 1
                at = self._load(number, self._header_bytes)
            if not at:
                break
        self.kind = kind
        return end

    def _find(self, seq: int) -> int:
        """Bring the first part of frame `seq` into the scratch buffer; where it ends, 0 when it is
        gone."""
        number, at = self._oldest(self._newest), self._header_bytes
        if self._read_number >= number and self._read_seq <= seq:  # reading on is the rule
            number, at = self._read_number, self._read_at
        while number < self._newest and self._first[(number + 1) % self._device.sectors] <= seq:
            number, at = number + 1, self._header_bytes
        end = self._load(number, at)
        while end and (not self._good or self.kind == _ACK or self._seq < seq):
            at, end = end, self._load(number, end)
        if not end or self._seq != seq or self._part:
            return 0
        self._read_number, self._read_at, self._read_seq = number, at, seq
        return end
