"""A range coder: each thing takes as much of an interval as it is likely, and the bytes say where
in it. It follows Martin, "Range encoding" (1979), with the carry passed on into bytes that are
written already.
"""

from edge.compat import const

_PART_HEAD = const(3)  # bytes
_TOP = const(1 << 28)  # the interval is never wider, and before a code never smaller than
_BOTTOM = const(1 << 20)  # this
_BITS = const(18)  # told at a time
_LOW = const((1 << 20) - 1)


class RangeEncoder:
    """Fills `buffer` with parts: rows (1 byte), length (2, high one first), code."""

    buffer: bytearray

    def part(self) -> int:
        """End a part between two rows; how many bytes of `buffer` are final from now on."""
        if self._part_rows:
            self._bits(0, 0)
            buffer, at, begun = self.buffer, self._at, self._begun
            # The one byte that leaves the code within its interval, whatever follows.
            code = self._low + _LOW >> 20
            if code > 255:
                self._carry(at)
            buffer[at] = code & 255
            n = at + 1 - begun - _PART_HEAD
            buffer[begun] = self._part_rows
            buffer[begun + 1] = n >> 8
            buffer[begun + 2] = n & 255
            self._begin(at + 1)
        return self._begun

    def _begin(self, at: int) -> None:
        self._begun = at
        self._at = at + _PART_HEAD
        self._part_rows = self._low = 0
        self._span = _TOP

    def _bits(self, bits: int, n: int) -> None:
        """Code the lowest `n` bits of a number."""
        buffer = self.buffer
        at, low, span = self._at, self._low, self._span
        while True:
            while span < _BOTTOM:
                code = low >> 20
                if code > 255:
                    self._carry(at)
                buffer[at] = code & 255
                at += 1
                low = (low & _LOW) << 8
                span <<= 8
            if n == 0:
                break
            taken = n if n < _BITS else _BITS
            n -= taken
            span >>= taken
            low += span * (bits >> n & (1 << taken) - 1)
        self._at, self._low, self._span = at, low, span

    def _carry(self, at: int) -> None:
        """Add one to what is coded before there."""
        buffer = self.buffer
        at -= 1
        while buffer[at] == 255:
            buffer[at] = 0
            at -= 1
        buffer[at] += 1
