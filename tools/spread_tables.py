"""Makes edge/wire/spread.py: how likely each surprise is, for nine mean sizes.

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
LEVELS = 50  # half octaves: above the last table surprises are rounded to 2, 4, 8...
_GAUSS, _WIDE = 0.4, 0.03
_RATE = 0.17  # a surprise of twice the mean raises it by so many octaves
_MOST = 5  # and none counts more than so many times the mean

_HEAD = '''"""How likely a surprise is, in 4096ths, and what follows from it: made by
`python -m tools.spread_tables`.

Ten tables for nine mean sizes, from 0.07 on in half octaves. Each has 25 sums, of what is less than
a surprise of -11, -10 ... 11, above, and 4096; and 24 steps of the level, in sixteenths of an
octave, that such a surprise makes of the mean.
"""

from array import array

# By the half octave of a level: where its table has a surprise of 0, and by how many bits
# surprises are rounded.
MIDDLE = {middle}
ROUNDED = {rounded}
STARTS = array("H", {starts})
WIDTHS = array("H", {widths})
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


def steps(table: int) -> list[int]:
    """How many sixteenths of an octave the mean moves, by a surprise, and by one beyond."""
    sizes = [abs(n) / mean(table) for n in range(1 - WIDTH, WIDTH)]
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
    bits = [max(0, (level - TABLES) // 2 + 1) for level in range(LEVELS - 1)]
    places = [(level - 2 * n) * 2 * WIDTH + WIDTH - 1 for level, n in enumerate(bits)]
    return _HEAD.format(  # nothing looks at the first half octave: such fields are quiet
        middle=_bytes([0, *places]), rounded=_bytes([0, *bits]),
        starts=_words([sum(row[:n]) for row in rows for n in range(2 * WIDTH)]),
        widths=_words([n for row in rows for n in row]),
        steps=_bytes([n & 255 for table in range(TABLES) for n in steps(table)]))


def _words(numbers: list[int]) -> str:
    return _bytes([byte for n in numbers for byte in (n & 255, n >> 8)])


def _bytes(numbers: list[int]) -> str:
    text = "".join(f"\\x{n:02x}" for n in numbers)
    lines = (text[at:at + 92] for at in range(0, len(text), 92))
    return "(\n" + "\n".join(f'    b"{line}"' for line in lines) + ")"


if __name__ == "__main__":
    TARGET.write_text(source())
