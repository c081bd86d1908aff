"""Makes edge/wire/spread.py: how likely each surprise is, for nine mean sizes; and codes of whole
bits for larger ones.

A surprise is what a reading is beyond its prediction. Its shape is taken to be part Gauss (noise),
more Laplace (noise of unsteady strength), and three in a hundred five times as wide (steps): chosen
once, on streams of park meters; half as much of either costs less than a thousandth.
"""

from __future__ import annotations

import math
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "edge" / "wire" / "spread.py"
WIDTH = 12  # surprises from -11 to 11 are told apart; what is beyond is the last of 24
ONE = 4096
TABLES = 9
LEVELS = 50  # half octaves: above the last table surprises are in steps of 2, 4, 8...
CODES = 2  # for the two half octaves of such a step
REACH = 16  # steps from -16 to 15 have a code, and what is beyond is the last of 33
_RAREST = 1 / 700  # so that no code is longer than 11 bits
_GAUSS, _WIDE = 0.4, 0.03
_RATE = 0.17  # a surprise of twice the mean raises it by so many octaves
_MOST = 5  # and none counts more than so many times the mean

_HEAD = '''"""How likely a surprise is, and what follows: made by `python -m tools.spread_tables`.

Two codes for surprises in steps, of which their mean is 1.2 or 1.7: each of 33, from -16 to 15, and
beyond. Then nine tables for means from 0.1 on in half octaves, in 4096ths: each of 24, from -11 to
11, and beyond.
"""

from array import array

# By the half octave of a level: where its table has a surprise of 0, and how many bits of a
# surprise are below a step.
MIDDLE = array("H", {middle})
ROUNDED = {rounded}
# In a code: its bits less the steps, and how many they are. In a table: the sum of what is below,
# and how likely it is, which is how far the next is from it.
STARTS = array("h", {starts})
WIDTHS = array("H", list{lengths} + [
    STARTS[place + 1] - STARTS[place] & {mask} for place in range({first}, len(STARTS) - 1)])
# Sixteenths of an octave that such a surprise makes of the mean.
STEPS = array("b", {steps})
'''


def mean(table: int) -> float:
    """The mean size in steps for which a table is made."""
    return float(2 ** (table / 2 - 3.25))


def likelihoods(table: int) -> list[int]:
    """Of -11 ... 11, and of all beyond together."""
    sides = [(_below(n + 0.5, mean(table)) - _below(n - 0.5, mean(table))) / 2
             for n in range(1, WIDTH)]
    beyond = 1 - _below(WIDTH - 0.5, mean(table))
    shares = [*reversed(sides), _below(0.5, mean(table)), *sides, beyond]
    row = [max(1, round(ONE * share)) for share in shares]
    row[WIDTH - 1] += ONE - sum(row)
    return row


def code(table: int) -> list[tuple[int, int]]:
    """Bits and their number of -16 ... 15, and of all beyond together: Huffman's, the sign last.
    Longer codes are smaller numbers, so that they stay in order when an interval is cut by shifts.
    """
    usual = mean(table + TABLES - CODES)
    shares = [_below(n + 1, usual) - _below(n, usual) for n in range(REACH)]
    lengths = _lengths([max(share, _RAREST) for share in [*shares, 1 - sum(shares)]])
    sizes = [lengths[n if n >= 0 else ~n] + 1 for n in range(-REACH, REACH)] + lengths[REACH:]
    codes, number, last = [(0, 0)] * len(sizes), 0, max(sizes)
    for place in sorted(range(len(sizes)), key=lambda place: (-sizes[place], place)):
        number >>= last - sizes[place]
        last = sizes[place]
        codes[place] = number, last
        number += 1
    return codes


def _lengths(shares: list[float]) -> list[int]:
    """Of the codes by Huffman."""
    lengths = [0] * len(shares)
    trees = [(share, [n]) for n, share in enumerate(shares)]
    while len(trees) > 1:
        trees.sort()
        (one, some), (other, more) = trees[:2]
        trees[:2] = [(one + other, some + more)]
        for n in some + more:
            lengths[n] += 1
    return lengths


def steps(table: int) -> list[int]:
    """How many sixteenths of an octave the mean moves, by a surprise, and by one beyond."""
    return _moves([abs(n) / mean(table) for n in range(1 - WIDTH, WIDTH)])


def code_steps(table: int) -> list[int]:
    """The same of a code. A field that stays is in step 0, never in -1: what 0 says more than that
    makes it quiet in half the time, and noise has as many of either."""
    usual = mean(table + TABLES - CODES)
    moves = _moves([abs(n + 0.5) / usual for n in range(-REACH, REACH)])
    moves[REACH] -= 2
    moves[REACH - 1] += 1
    return moves


def _moves(sizes: list[float]) -> list[int]:
    return [math.floor(16 * _RATE * (min(size, _MOST) - 1) + 0.5) for size in [*sizes, _MOST]]


def _below(size: float, usual: float) -> float:
    """How likely a surprise is smaller than that, whatever its sign."""
    def laplace(scale: float) -> float:
        return 1 - math.exp(-size / scale)

    gauss = math.erf(size / usual / math.sqrt(math.pi))
    return _GAUSS * gauss + (1 - _GAUSS - _WIDE) * laplace(usual) + _WIDE * laplace(5 * usual)


def source() -> str:
    """The text of the module."""
    rows = [likelihoods(table) for table in range(TABLES)]
    codes = [code(table) for table in range(CODES)]
    bits = [max(0, (level - TABLES) // 2 + 1) for level in range(LEVELS - 1)]
    first = CODES * (2 * REACH + 1)
    places = [REACH + (level - TABLES) % 2 * (2 * REACH + 1) if n else
              first + level * 2 * WIDTH + WIDTH - 1 for level, n in enumerate(bits)]
    coded = [bits - (place - REACH if place < 2 * REACH else 0)
             for table in codes for place, (bits, _) in enumerate(table)]
    return _HEAD.format(  # nothing looks at the first half octave: such fields are quiet
        middle=_words([0, *places]), rounded=_bytes([0, *bits]),
        starts=_words([*coded, *(sum(row[:n]) for row in rows for n in range(2 * WIDTH)), 0]),
        lengths=_bytes([size for table in codes for _, size in table]), mask=ONE - 1, first=first,
        steps=_bytes([n & 255 for n in (
            *(n for table in range(CODES) for n in code_steps(table)),
            *(n for table in range(TABLES) for n in steps(table)))]))


def _words(numbers: list[int]) -> str:
    return _bytes([byte for n in numbers for byte in (n & 255, n >> 8 & 255)])


def _bytes(numbers: list[int]) -> str:
    text = "".join(f"\\x{n:02x}" for n in numbers)
    lines = (text[at:at + 92] for at in range(0, len(text), 92))
    return "(\n" + "\n".join(f'    b"{line}"' for line in lines) + ")"


if __name__ == "__main__":
    TARGET.write_text(source())
