"""Runs on MicroPython: the carbon ledger over made-up quarter-hours; what `hil bench` measures.

Arguments: mode, quarter-hours. Every meter there is runs in every minute and there are two views
with a factor for each source, so that no shorter way is ever taken. `mark` writes a byte to
standard error twice before and once after each slice; `garbage` prints the bytes of heap that a
minute of the quarter-hour takes, `live` those of the longest leaf.
"""

import gc
import sys

from edge.ledger.book import Book
from edge.ledger.registers import MeterRegister

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

_FIRST = 942_000  # a quarter-hour of 2026
_FACTORS = ((832_500, 791_300, 832_500, 12_100, 41_700), (530_600, 791_300, 827_300, 0, 41_700))
_SEVEN = 7


class _Plant:
    """Powers that leap every minute, and the registers that count them, 10 Wh a count."""

    def __init__(self) -> None:
        self._seed = 1
        self._ws = [0] * _SEVEN
        self.counts = [200_000_000 + 31_415_926 * i for i in range(_SEVEN)]
        self.store_wh = 1_000_000

    def _random(self, below: int) -> int:
        self._seed = (self._seed * 1109 + 12345) % 65536
        return self._seed * below // 65536

    def minute(self) -> "list[int]":
        """What each meter counts in a minute, W; more comes in than goes out."""
        w = [250_000 + self._random(750_000) for _ in range(5)]
        w += [self._random(400_000), self._random(400_000)]
        for i in range(_SEVEN):
            self._ws[i] += 60 * w[i]
            self.counts[i] += self._ws[i] // 36_000
            self._ws[i] %= 36_000
        return w


def _quarters(book: Book, plant: _Plant, n: int) -> "Iterator[Callable[[], object]]":
    """Each slice of n quarter-hours, ready to be called; the first of a quarter closes it."""
    book.open(_FIRST, plant.counts)
    for quarter in range(_FIRST + 1, _FIRST + 1 + n):
        for minute in range(15):
            book.minutes.begin(quarter, minute)
            w = plant.minute()
            for i in range(_SEVEN):
                book.minutes.put(i, w[i])
        gc.collect()
        store_wh = plant.store_wh - quarter % 3 * 50_000
        yield lambda: book.close(quarter, plant.counts, store_wh, 2)  # noqa: B023 - called at once
        while book.busy:
            yield book.step


def _mark(slices: "Iterator[Callable[[], object]]") -> None:
    sink: Any = getattr(sys.stderr, "buffer", sys.stderr)
    write = sink.write
    for work in slices:
        write(b".")
        write(b".")  # what a mark costs
        work()
        write(b".")


def _garbage(slices: "Iterator[Callable[[], object]]", minutes: int) -> None:
    used: Any = gc
    taken = 0
    for work in slices:
        gc.collect()
        gc.disable()
        before = used.mem_alloc()
        work()
        taken += used.mem_alloc() - before
        gc.enable()
    print(taken // minutes)


def main(mode: str, n: int) -> None:
    """Live through n quarter-hours."""
    meters = [MeterRegister(10, 1 << 32, 10_000_000) for _ in range(_SEVEN)]
    book = Book(meters, (), _FACTORS, 5_000)
    slices = _quarters(book, _Plant(), n)
    if mode == "mark":
        _mark(slices)
    elif mode == "garbage":
        _garbage(slices, 15 * n)
    else:
        longest = 0
        for work in slices:
            work()
            longest = max(longest, book.leaves[0].n)
        print(longest)


main(sys.argv[1], int(sys.argv[2]))
