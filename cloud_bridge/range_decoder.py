"""Reads what edge/wire/range_encoder.py has written."""

from __future__ import annotations

from functools import cache
from typing import Self

from cloud_bridge.batch_body import BadCode
from edge.wire.range_encoder import _BITS as BITS
from edge.wire.range_encoder import _BOTTOM as BOTTOM
from edge.wire.range_encoder import _TOP as TOP
from edge.wire.row_encoder import _EDGE as EDGE
from edge.wire.row_encoder import _QUIET as QUIET
from edge.wire.spread import STARTS, WIDTHS


@cache
def lookup() -> bytes:
    """What a number below 4096 means by each table: 4096 bytes each, 0 to 23."""
    sizes = bytearray()
    for place, width in enumerate(WIDTHS):
        sizes += bytes((place % (2 * EDGE),)) * width
    return bytes(sizes)


def aligned(code: bytes) -> bytes:
    """So that what is read first are four bytes, and then one at a time."""
    return (int.from_bytes(code) << 28).to_bytes(len(code) + 4)


class RangeDecoder:
    """The bytes of a part as a range coder reads them, ahead of what it has decided."""

    def __init__(self, code: bytes) -> None:
        self._data = aligned(code)
        self._code = int.from_bytes(self._data[:4])
        self._span, self._at = TOP, 4

    @classmethod
    def resumed(cls, data: bytes, code: int, span: int, at: int) -> Self:
        """One that has come so far in the data of another."""
        reader = cls(b"")
        reader._data, reader._code, reader._span, reader._at = data, code, span, at
        return reader

    def state(self) -> tuple[int, int, int]:
        """What `resumed` takes behind the data."""
        return self._code, self._span, self._at

    def surprise(self, table: int) -> int:
        """From -11 to 11, or 12 for all beyond."""
        span = self._span >> 12
        chosen = self._code // span
        if chosen > 4095:
            raise BadCode("code of nothing")
        size = lookup()[table << 12 | chosen]
        place = table * 2 * EDGE + size
        self._code -= span * STARTS[place]
        self._span = span * WIDTHS[place]
        if self._span < BOTTOM:
            self._refill()
        return size + 1 - EDGE

    def quiet(self) -> bool:
        """Whether a field is as it has long been: as expected."""
        span = self._span >> 12
        if self._code < span * QUIET:
            self._span = span * QUIET
            if self._span < BOTTOM:
                self._refill()
            return True
        self._code -= span * QUIET
        self._span = span * (4096 - QUIET)
        if self._code >= self._span:
            raise BadCode("code of nothing")
        return False

    def bits(self, n: int) -> int:
        """A number of that many bits."""
        number = 0
        while n:
            taken = min(n, BITS)
            n -= taken
            self._span >>= taken
            chosen = self._code // self._span
            if chosen >> taken:
                raise BadCode("code of no bits")
            self._code -= self._span * chosen
            number = number << taken | chosen
            if self._span < BOTTOM:
                self._refill()
        return number

    def at_end(self) -> bool:
        """Whether these are the very bytes in which the encoder ends such a part."""
        return self._at == len(self._data) - 1 and self._code < BOTTOM

    def _refill(self) -> None:
        while self._span < BOTTOM:
            self._span <<= 8
            self._code = self._code << 8 | self._data[self._at]
            self._at += 1
