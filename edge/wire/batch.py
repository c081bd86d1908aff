"""A batch of journal rows in a message body: MessagePack [version, n_fields, n_rows, binary].

Version 1 codes a row as a bitmap of the fields that changed (field 0 in bit 0 of the first byte),
then the change of each of those: zigzag (0, -1, 1, -2 ... as 0, 1, 2, 3 ...) and 7 bits a byte, low
ones first, bit 7 set when more follow. The row before the first is all zeros, so a batch stands
alone.
"""

from edge.compat import TYPE_CHECKING, const

if TYPE_CHECKING:
    from array import array

VERSION = const(1)
_HEAD_BYTES = const(9)  # array head, version and n_fields in one byte each; n_rows, length in three
_ARRAY4 = const(0x94)  # MessagePack's marks; the head is too small to load its module for
_UINT16 = const(0xCD)
_BIN16 = const(0xC5)
_CHANGE_BYTES = const(5)  # of a change of up to 32 bits, zigzag


class BatchEncoder:
    """Codes rows of `n_fields` (1 .. 127) 32-bit integers into at most `capacity_bytes`.

    The finished body is the beginning of `buffer`. Adding a row allocates nothing as long as its
    values fit 31 bits; values of 32 bits are coded just as well. A batch is `closed` when another
    row might not fit, or by `finish`.
    """

    def __init__(self, n_fields: int, capacity_bytes: int):
        self._bitmap_bytes = (n_fields + 7) // 8
        longest_row = self._bitmap_bytes + _CHANGE_BYTES * n_fields
        if not (0 < n_fields < 128
                and _HEAD_BYTES + longest_row <= capacity_bytes <= _HEAD_BYTES + 0xFFFF):
            raise ValueError("a batch has 1 to 127 fields, room for a row and at most 65544 B")
        self.buffer = bytearray(capacity_bytes)
        self._n_fields = n_fields
        self._last_start = capacity_bytes - longest_row
        self._last = [0] * n_fields
        self.reset()

    def reset(self) -> None:
        """Begin a new batch, in the same buffer."""
        for field in range(self._n_fields):
            self._last[field] = 0
        self._at = _HEAD_BYTES
        self.rows = 0
        self.closed = False

    def part(self) -> int:
        """How many bytes of `buffer` are final now: none, the head is written last."""
        return 0

    def add(self, row: "array[int]") -> bool:
        """Code one more row; False when the batch is closed: `finish` it."""
        if self.closed:
            return False
        buffer = self.buffer
        last = self._last
        mark = self._at
        at = mark + self._bitmap_bytes
        bits = 0
        bit = 1
        for field in range(self._n_fields):
            value = row[field]
            before = last[field]
            if value != before:
                bits |= bit
                last[field] = value
                # The change may take 32 bits and its zigzag 33, more than a small int holds: so
                # its lowest six bits and the rest are computed apart, and never put together.
                rest = (value >> 6) - (before >> 6)
                low = (value & 63) - (before & 63)
                if low < 0:
                    low += 64
                    rest -= 1
                if rest < 0:
                    rest = -1 - rest
                    low = 127 - 2 * low
                else:
                    low *= 2
                while rest:
                    buffer[at] = low | 128
                    at += 1
                    low = rest & 127
                    rest >>= 7
                buffer[at] = low
                at += 1
            bit *= 2
            if bit == 256:
                buffer[mark] = bits
                mark += 1
                bits = 0
                bit = 1
        if bit != 1:
            buffer[mark] = bits
        self._at = at
        self.rows += 1
        self.closed = at > self._last_start
        return True

    def finish(self) -> int:
        """Close the batch; the length of the body that now begins `buffer`, 0 without a row."""
        self.closed = True
        if self.rows == 0:
            return 0
        n = self._at - _HEAD_BYTES
        buffer = self.buffer
        buffer[0] = _ARRAY4
        buffer[1] = VERSION
        buffer[2] = self._n_fields
        buffer[3] = _UINT16
        buffer[4] = self.rows >> 8
        buffer[5] = self.rows & 255
        buffer[6] = _BIN16
        buffer[7] = n >> 8
        buffer[8] = n & 255
        return self._at
