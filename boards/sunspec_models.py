"""The SunSpec information models that profiles name points of, and where in them each point lies.

Offsets count from a model's ID register: ID is 0, its length L is 1 and counts what is behind it.
Which raw value says "not implemented" follows from a point's kind (SunSpec Device Information
Model V1.2, 6.5): an accumulator shows 0, a number its extreme, a float that it is none.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from boards.profile_schema import registers

_FILE = Path(__file__).with_suffix(".toml")
# kind in the file: type of a register, raw value that means "not implemented" (None: a float's own)
_KINDS: Mapping[str, tuple[str, int | None]] = {
    "u16": ("u16", 0xFFFF), "i16": ("i16", -0x8000), "e16": ("u16", 0xFFFF),
    "b16": ("u16", 0xFFFF), "a16": ("u16", 0), "sf": ("i16", -0x8000), "pad": ("i16", -0x8000),
    "u32": ("u32", 0xFFFF_FFFF), "i32": ("i32", -0x8000_0000), "b32": ("u32", 0xFFFF_FFFF),
    "a32": ("u32", 0), "f32": ("f32", None), "u64": ("u64", (1 << 64) - 1), "a64": ("u64", 0),
}
HEAD = 2  # ID and L


@dataclass(frozen=True)
class Spot:
    """One point of a model. `kind` is "" for a text, of which nothing is made."""

    name: str
    offset: int
    size: int
    kind: str
    na: tuple[int, ...]
    sf: str  # the point that holds its scale factor; "" when there is none
    unit: str
    is_sf: bool


@dataclass(frozen=True)
class Model:
    """One model: its fixed points, and those of the group that comes as often as fits."""

    id: int
    length: int  # what L says, without any group
    spots: Mapping[str, Spot]
    repeat: Mapping[str, Spot]  # of the first group
    stride: int

    def spot(self, name: str) -> Spot | None:
        """A point by its name; "DCW[3]" is the one of the third group."""
        first, bracket, number = name.partition("[")
        if not bracket:
            return self.spots.get(name)
        spot = self.repeat.get(first)
        if spot is None or not number.endswith("]") or not number[:-1].isdigit() \
                or int(number[:-1]) < 1:
            return None
        return replace(spot, name=name, offset=spot.offset + self.stride * (int(number[:-1]) - 1))


@cache
def models() -> Mapping[int, Model]:
    """Every model of the file by its id."""
    found = {}
    for entry in tomllib.loads(_FILE.read_text(encoding="utf-8"))["model"]:
        spots, end = _spots(entry["points"], HEAD)
        repeat, last = _spots(entry.get("repeat", ""), end)
        for model in entry["ids"]:
            found[model] = Model(model, end - HEAD, spots, repeat, last - end)
    return found


def _spots(text: str, at: int) -> tuple[dict[str, Spot], int]:
    """The points of one text from offset `at` on, and the offset behind them."""
    spots = {}
    for words in (part.split() for part in text.split(";")):
        if not words:
            continue
        name, kind, sf, unit = (words + ["-", ""][len(words) - 2:])[:4]
        if kind.startswith("str"):
            size, plain, absent = int(kind[3:]), "", None
        else:
            plain, absent = _KINDS[kind]
            size = registers(plain)
        na = () if absent is None else (absent,)
        spots[name] = Spot(name, at, size, plain, na, sf.removeprefix("-"), unit, kind == "sf")
        at += size
    return spots, at
