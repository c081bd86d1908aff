"""Many range decoders side by side, each step of all of them at once."""

from __future__ import annotations

from typing import Any

from cloud_bridge.batch_body import BadCode, Part
from cloud_bridge.batch_decoder import told
from cloud_bridge.range_decoder import RangeDecoder, aligned
from edge.wire.range_encoder import _BITS as BITS
from edge.wire.range_encoder import _BOTTOM as BOTTOM
from edge.wire.range_encoder import _TOP as TOP

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

    def refill(self, n: int) -> None:
        """As many bytes as each needs, three at most."""
        span = self.span[:n]
        np.minimum(self.code[:n], span - 1, out=self.code[:n])  # it is, but in bad lanes
        bits = ((span < BOTTOM).astype(np.int64) + (span < BOTTOM >> 8) + (span < BOTTOM >> 16)) * 8
        self.code[:n] = self.code[:n] << bits | self._three.take(
            self.at[:n], mode="clip") >> 24 - bits
        span <<= bits
        self.at[:n] += bits >> 3

    def bits(self, left: Any, n: int) -> Any:
        """A number of so many bits each."""
        number = np.zeros(n, np.int64)
        left = left.copy()
        while left.any():
            taken = np.minimum(left, BITS)
            left -= taken
            span = self.span[:n]
            span >>= taken
            chosen = self.code[:n] // span
            self.bad[:n] |= chosen >> taken != 0
            self.code[:n] -= span * chosen
            number = number << taken | chosen
            self.refill(n)
        return number

    def told(self, lane: int, left: int, before: int, expected: int) -> tuple[int, int]:
        """What no table holds, read as the plain decoder does."""
        state = int(self.code[lane]), int(self.span[lane]), int(self.at[lane])
        reader = RangeDecoder.resumed(self._data, *state)
        try:
            value, odd = told(reader, left, before, expected)
        except (BadCode, IndexError):
            self.bad[lane] = True
            return before, 0
        self.code[lane], self.span[lane], self.at[lane] = reader.state()
        return value, odd
