"""Many range decoders side by side, each step of all of them at once."""

from __future__ import annotations

from typing import Any

from cloud_bridge.batch_body import Part
from cloud_bridge.range_decoder import CODED, TABLES, aligned, codes, lookup
from cloud_bridge.row_terms import ABSOLUTE, FAR
from edge.wire.range_encoder import _BITS as BITS
from edge.wire.range_encoder import _BOTTOM as BOTTOM
from edge.wire.range_encoder import _TOP as TOP
from edge.wire.row_encoder import _EDGE as EDGE
from edge.wire.row_encoder import _QUIET as QUIET
from edge.wire.row_encoder import _REACH as REACH
from edge.wire.spread import STARTS, WIDTHS

try:
    import numpy as np
except ImportError:  # then nobody makes lanes
    np = None  # type: ignore[assignment]

_PAD = bytes(8)


class Lanes:
    """The range decoders, one a lane; lanes that have turned out bad read on, whatever it be."""

    def __init__(self, parts: list[list[Part]]) -> None:
        n = len(parts)
        self._waiting = [list(reversed(some)) for some in parts]
        self._starts: list[list[int]] = []
        joined = bytearray()
        for some in parts:
            self._starts.append([])
            for part in some:
                self._starts[-1].insert(0, len(joined))
                joined += aligned(part.code) + _PAD
        self._data = bytes(joined)
        data = np.frombuffer(self._data, np.uint8).astype(np.int64)
        self._three = data[:-2] << 16 | data[1:-1] << 8 | data[2:]
        self._left = [0] * n
        self._end = [0] * n
        self.code, self.span, self.at = (np.zeros(n, np.int64) for _ in range(3))
        self.bad = np.zeros(n, bool)
        self._n = n

    def begin_row(self, n: int) -> None:
        """The next row is one of the first n lanes; parts that have ended are checked."""
        for lane in range(self._n):
            if self._left[lane] == 0 or lane >= n:
                self._next_part(lane)
            self._left[lane] -= 1
        self._n = n

    def _next_part(self, lane: int) -> None:
        if self._end[lane] and (self.at[lane] != self._end[lane] or self.code[lane] >= BOTTOM):
            self.bad[lane] = True
        self._end[lane] = 0
        if self._waiting[lane]:
            part, start = self._waiting[lane].pop(), self._starts[lane].pop()
            self.code[lane] = int.from_bytes(self._data[start:start + 4])
            self.span[lane], self.at[lane] = TOP, start + 4
            self._left[lane], self._end[lane] = part.rows, start + len(part.code) + 3

    def refill(self, some: Any) -> None:
        """As many bytes as each of some lanes needs, three at most."""
        span, at = self.span[some], self.at[some]
        bits = ((span < BOTTOM).astype(np.int64) + (span < BOTTOM >> 8) + (span < BOTTOM >> 16)) * 8
        code = np.minimum(self.code[some], span - 1)  # it is, but in bad lanes
        self.code[some] = code << bits | self._three.take(at, mode="clip") >> 24 - bits
        self.span[some] = span << bits
        self.at[some] = at + (bits >> 3)

    def quiet(self, some: Any) -> Any:
        """Which of some lanes are as expected."""
        code, span = self.code[some], self.span[some]
        least = span >> QUIET
        span -= least
        quiet = code < span
        self.code[some] = np.where(quiet, code, code - span)
        self.span[some] = np.where(quiet, span, least)
        if not quiet.all():
            woken = some[~quiet]
            self.bad[woken] |= self.code[woken] >= self.span[woken]
            self.refill(woken)
        return quiet

    def surprise(self, some: Any, middle: Any) -> Any:
        """By the tables round these places: from -11 to 11 each, or 12."""
        code, span = self.code[some], self.span[some] >> 12
        chosen = code // span
        self.bad[some] |= chosen > 4095
        first = middle + 1 - EDGE
        size = _SIZES[(first - TABLES) // (2 * EDGE) << 12 | np.minimum(chosen, 4095)]
        place = first + size
        self.code[some] = code - span * _STARTS[place]
        self.span[some] = span * _WIDTHS[place]
        self.refill(some)
        return size + (1 - EDGE)

    def coded(self, some: Any, middle: Any, joined: Any) -> tuple[Any, Any]:
        """By the codes round these places: from -16 to 15 each, or 16; and the bits joined."""
        code, span = self.code[some], self.span[some]
        table = middle // CODED * _LONGEST
        step, kind = np.zeros_like(code), np.zeros_like(code)
        rest = np.arange(len(code))
        for bits in range(_SHORTEST, _LONGEST):
            one = table[rest] + bits
            part = span[rest] >> bits + joined[rest]
            hit = code[rest] >= (_LEAST[one] << joined[rest]) * part
            found = rest[hit]
            step[found], kind[found] = part[hit], one[hit]
            rest = rest[~hit]
            if not len(rest):
                break
        chosen = code // step
        number = (chosen >> joined) - _LEAST[kind]
        self.bad[some] |= number >= _COUNT[kind]
        self.code[some] = code - step * chosen
        self.span[some] = step
        self.refill(some)
        return (_CODED[_OFFSET[kind] + np.minimum(number, _COUNT[kind] - 1)],
                chosen & (1 << joined) - 1)

    def bits(self, some: Any, left: Any) -> Any:
        """A number of so many bits each."""
        number = np.zeros(len(some), np.int64)
        left = left.copy()
        while left.any():
            taken = np.minimum(left, BITS)
            left -= taken
            code, span = self.code[some], self.span[some] >> taken
            chosen = code // span
            self.bad[some] |= chosen >> taken != 0
            self.code[some] = code - span * chosen
            self.span[some] = span
            number = number << taken | chosen
            self.refill(some)
        return number

    def told(self, some: Any, left: Any, before: Any, expected: Any, quantum: int
             ) -> tuple[Any, Any, Any]:
        """What no table holds: values, surprises in steps, and which are told in full; see told()
        of the plain decoder."""
        n = self.bits(some, np.full(len(some), 5))
        whole = n == ABSOLUTE
        bits = self.bits(some, np.where(whole, 16, n))
        last = np.zeros_like(bits)
        last[whole] = self.bits(some[whole], np.full(int(whole.sum()), 16))
        absolute = bits << 16 | last
        absolute -= absolute >> 31 << 32
        steps = 1 << np.maximum(n - 1, 0) | bits >> 1
        steps = np.where(bits & 1, -steps, steps)
        least = np.where(left > 0, -REACH << left, 1 - EDGE)  # what a table would have held
        most = np.where(left > 0, (REACH << left) - 1, EDGE - 1)
        reached = expected + steps
        if quantum > 1:
            reached = ((expected + (quantum >> 1)) // quantum + steps) * quantum
        value = np.where(whole, absolute, reached)
        near = np.abs(value - before) < FAR
        self.bad[some] |= np.where(
            whole, near & (value % quantum == 0),
            ~near | (n == 0) | (value != value.astype(np.int32))
            | ((steps >= least) & (steps <= most)))
        return value, np.where(whole, 0, steps), whole


def _coded() -> tuple[list[int], list[int], list[int], list[int]]:
    """By code and number of bits: the least number, how many there are, and where their sizes are
    in the list that is last."""
    least, count, offset = ([0] * (2 * _LONGEST) for _ in range(3))
    sizes: list[int] = []
    for table in range(2):
        known = {code.bits: code for code in codes(table * CODED + REACH)}
        for bits in range(_LONGEST):
            at = table * _LONGEST + bits
            least[at], count[at], offset[at] = 1 << bits, 0, len(sizes)  # none is so large
            if bits in known:
                least[at], count[at] = known[bits].least, len(known[bits].sizes)
                sizes += known[bits].sizes
    return least, count, offset, sizes


_SHORTEST = 1
_LONGEST = 12  # is no code

if np is not None:
    _LEAST, _COUNT, _OFFSET, _CODED = (np.array(some, np.int64) for some in _coded())
    _STARTS, _WIDTHS = np.array(STARTS, np.int64), np.array(WIDTHS, np.int64)
    _SIZES = np.frombuffer(lookup(), np.uint8).astype(np.int64)
