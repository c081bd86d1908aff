"""Reads what edge/wire/range_encoder.py has written."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from cloud_bridge.batch_body import BadCode
from edge.wire.range_encoder import _BITS as BITS
from edge.wire.range_encoder import _BOTTOM as BOTTOM
from edge.wire.range_encoder import _TOP as TOP
from edge.wire.row_encoder import _EDGE as EDGE
from edge.wire.row_encoder import _QUIET as QUIET
from edge.wire.row_encoder import _REACH as REACH
from edge.wire.spread import STARTS, WIDTHS

CODED = 2 * REACH + 1  # places of a code, in front of which are those of all others
TABLES = 2 * CODED  # and behind them are the tables


class Code(NamedTuple):
    """Codes of that many bits: numbers from `least` on mean these sizes, one after the other."""

    bits: int
    least: int
    sizes: tuple[int, ...]


@cache
def codes(middle: int) -> tuple[Code, ...]:
    """The codes round that place, the shortest first."""
    found: dict[int, dict[int, int]] = {}
    for size in range(-REACH, REACH + 1):
        number = STARTS[middle + size] + (size if size < REACH else 0)
        found.setdefault(WIDTHS[middle + size], {})[number] = size
    return tuple(Code(bits, min(sizes), tuple(sizes[number] for number in sorted(sizes)))
                 for bits, sizes in sorted(found.items()))


@cache
def lookup() -> bytes:
    """What a number below 4096 means by each table: 4096 bytes each, 0 to 23."""
    sizes = bytearray()
    for place, width in enumerate(WIDTHS[TABLES:]):
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

    def surprise(self, middle: int) -> int:
        """By the table round that place: from -11 to 11, or 12 for all beyond."""
        span = self._span >> 12
        chosen = self._code // span
        if chosen > 4095:
            raise BadCode("code of nothing")
        first = middle + 1 - EDGE
        size = lookup()[(first - TABLES) // (2 * EDGE) << 12 | chosen]
        self._code -= span * STARTS[first + size]
        self._span = span * WIDTHS[first + size]
        self.settle()
        return size + 1 - EDGE

    def coded(self, middle: int, joined: int) -> tuple[int, int]:
        """By the codes round that place: from -16 to 15, or 16 for all beyond; and so many bits."""
        for code in codes(middle):
            span = self._span >> code.bits + joined
            chosen = self._code // span
            number = (chosen >> joined) - code.least
            if number >= 0:
                break
        if number >= len(code.sizes):
            raise BadCode("code of nothing")
        self._code -= span * chosen
        self._span = span
        self.settle()
        return code.sizes[number], chosen & (1 << joined) - 1

    def quiet(self) -> bool:
        """Whether a field is as it has long been: as expected."""
        least = self._span >> QUIET
        self._span -= least
        if self._code < self._span:
            return True
        self._code -= self._span
        self._span = least
        if self._code >= least:
            raise BadCode("code of nothing")
        self.settle()
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
            self.settle()
        return number

    def at_end(self) -> bool:
        """Whether these are the very bytes in which the encoder ends such a part."""
        return self._at == len(self._data) - 1 and self._code < BOTTOM

    def settle(self) -> None:
        """Read on until what comes next has room."""
        while self._span < BOTTOM:
            self._span <<= 8
            self._code = self._code << 8 | self._data[self._at]
            self._at += 1
