"""What a profile of a meter that speaks DL/T 645-2007 says, and how it becomes an image.

    [blocks]                 # data identifier, bytes, read each so many polls
    power = ["0203FF00", 12, 1]
    [parts]                  # what a meter without that block is asked for instead
    power = ["02030000", "02030100", "02030200", "02030300"]
    [points]                 # block, first byte in it, type (edge/devices/bcd.py), scale, unit
    p = ["power", 0, "s3", 0.0001, "kW"]

Which meter it is, and that its values are those of the secondary side, is of the site, not of the
model: keys `number`, `ct` and `pt` of the device.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

from boards.profile_schema import CLASSES, SIGNALS, Point, Profile, Rtu, Tcp, signal_point
from boards.shapes import MAYBE_TEXT, TABLE, TEXT, Findings, choice, list_of, one_of, table, text
from boards.shapes import whole as whole_number
from edge.devices.bcd import BYTES

_DI = re.compile("[0-9A-F]{8}")
_NUMBER = re.compile("[0-9]{12}|A{12}")
_TOP = {
    "id": TEXT, "vendor": TEXT, "model": TEXT, "class": choice(CLASSES),
    "source": list_of("texts, one for each document that was read", text, needed=True),
    "unverified": list_of("texts", text), "quirks": list_of("texts", text),
    "link": TABLE, "blocks": TABLE, "parts": TABLE, "points": TABLE, "sign": TABLE,
    "signals": TABLE,
}
_LINK = {"baud": whole_number(300, 19200, 2400), "parity": choice("EON")}


@dataclass(frozen=True)
class Block:
    """One data identifier; `parts` are those that bring the same one after the other."""

    name: str
    di: int
    size: int
    every: int
    parts: tuple[int, ...] = ()


@dataclass(frozen=True)
class Dlt645Profile(Profile):
    """One model of meter; of its points `fc` is the block and `addr` the first byte in it."""

    blocks: tuple[Block, ...] = ()
    number: str = "A" * 12  # of the site, as are the ratios of the instrument transformers
    ct: int = 1
    pt: int = 1
    proto: str = "dlt645"
    links: tuple[str, ...] = ("dlt645", "dlt645_tcp")

    def primary(self, unit: str) -> int:
        """What a value of this unit is multiplied by to be one of the primary side."""
        return {"W": self.ct * self.pt, "Wh": self.ct * self.pt, "V": self.pt,
                "A": self.ct}.get(unit.removeprefix("k"), 1)


def read(raw: dict[str, Any], findings: Findings) -> Dlt645Profile:
    """Turn a parsed TOML file, its decimals as Decimal, into a profile."""
    top = table(findings, "", raw, _TOP)
    line = table(findings, "link", top["link"], _LINK)
    blocks = _blocks(findings, top["blocks"], top["parts"])
    points = _points(findings, top["points"], [block.name for block in blocks])
    for name in [name for name in top["signals"] if name not in SIGNALS]:
        findings.unknown(f"signals.{name}", name, SIGNALS)
        del top["signals"][name]
    signals = {name: word for name, word in top["signals"].items() if MAYBE_TEXT.read(word)}
    return Dlt645Profile(
        id=top["id"], vendor=top["vendor"], model=top["model"], kind=top["class"],
        source=top["source"], unverified=top["unverified"], quirks=top["quirks"],
        rtu=Rtu(line["baud"], line["parity"], 1), tcp=Tcp(0, 1), max_regs=0, max_gap=0,
        points=points, writes={}, sign=top["sign"], signals=signals, slow=(), every=1, frozen_s=0,
        watch=(), areas=(), identity=(), constants=(), control=None, blocks=tuple(blocks))


def _blocks(findings: Findings, raw: Mapping[str, Any], parts: Mapping[str, Any]) -> list[Block]:
    blocks = []
    for name, line in raw.items():
        fits = isinstance(line, list) and len(line) == 3 and _DI.fullmatch(str(line[0])) \
            and all(type(n) is int and 1 <= n <= 3600 for n in line[1:])
        if not fits:
            findings.add(f"blocks.{name}", line,
                         '["data identifier of 8 digits 0-9A-F", bytes, every so many polls]')
            findings.spoiled.add(name)
            continue
        single = parts.get(name, [])
        if not isinstance(single, list) or not all(_DI.fullmatch(str(di)) for di in single) \
                or (single and line[1] % len(single)):
            findings.add(f"parts.{name}", single,
                         f"data identifiers that share the {line[1]} bytes evenly")
            single = []
        blocks.append(Block(name, int(line[0], 16), line[1], line[2],
                            tuple(int(di, 16) for di in single)))
    for name in parts:
        if name not in raw:
            findings.unknown(f"parts.{name}", name, raw)
    return blocks


def _points(findings: Findings, raw: Mapping[str, Any], blocks: list[str]) -> dict[str, Point]:
    points = {}
    for name, line in raw.items():
        whole = isinstance(line, list) and len(line) == 5
        if whole and line[0] in findings.spoiled:
            findings.spoiled.add(name)
            continue
        if not whole or line[0] not in blocks or type(line[1]) is not int \
                or line[2] not in BYTES or not _positive(line[3]) or not text(line[4]):
            findings.add(f"points.{name}", line, "[block, first byte, type, scale, unit], the "
                         f"block {one_of(blocks)} and the type {one_of(BYTES)}")
            findings.spoiled.add(name)
            continue
        points[name] = Point(name, blocks.index(line[0]), line[1], line[2], Fraction(line[3]),
                             line[4])
    return points


def _positive(scale: Any) -> bool:
    exact = type(scale) is int or (isinstance(scale, Decimal) and scale.is_finite())
    return exact and scale > 0


def check(findings: Findings, profile: Dlt645Profile) -> None:
    """Add a line for every contradiction in the profile."""
    must = CLASSES.get(profile.kind)
    if must and must not in profile.signals:
        findings.add(f"signals.{must}", None, f"its point: every {profile.kind} has it")
    for point in profile.points.values():
        block = profile.blocks[point.fc]
        if not 0 <= point.addr <= block.size - BYTES[point.kind]:
            findings.add(f"points.{point.name}", point.addr,
                         f"a first byte from which {point.kind} ends within {block.name}")
    for signal, word in profile.signals.items():
        name, turned = signal_point(word)
        canonical = SIGNALS[signal]
        found = profile.points.get(name)
        if name in findings.spoiled:
            continue
        if found is None:
            findings.add(f"signals.{signal}", name, one_of(profile.points, name))
        elif found.unit not in canonical.units:
            findings.add(f"points.{name} unit", found.unit, one_of(canonical.units))
        elif canonical.signs:
            right = profile.sign.get(name)
            if right not in canonical.signs or (right == canonical.signs[1]) != turned:
                findings.add(f"sign.{name}", right, f"{one_of(canonical.signs)}, and a minus "
                             f"before the point of {signal} for the second")
        elif turned:
            findings.add(f"signals.{signal}", word, f'"{name}": this signal has no direction')


def at_site(findings: Findings, key: str, got: Mapping[str, Any], profile: Dlt645Profile
            ) -> tuple[Dlt645Profile, int] | None:
    """The profile of this very meter, and its number; None: something is wrong. Twelve letters A
    count as number 0."""
    number = got["number"]
    if not _NUMBER.fullmatch(number):
        findings.add(f"{key}.number", number or None, "the meter's number as 12 digits, or 12 "
                     "letters A where it is alone on its line")
        return None
    if got["unit"] >= 0:
        findings.add(f"{key}.unit", got["unit"], "none: such a meter is asked by its number")
        return None
    return (replace(profile, number=number, ct=got["ct"], pt=got["pt"]),
            int(number) if number.isdecimal() else 0)


def compile_device(profile: Dlt645Profile, name: str, bus: int, unit: int, *, poll_ms: int = 1000,
                   min_w: int | None = None, max_w: int | None = None) -> dict[str, Any]:
    """The image of one meter, with the blocks that its signals need (edge/devices/dlt645.py);
    `unit` says nothing. Raises ValueError when it shall be commanded."""
    if min_w is not None or max_w is not None:
        raise ValueError(f"{profile.id}: found limits for a setpoint, expected none: only read")
    sources = {signal: profile.points[signal_point(word)[0]]
               for signal, word in profile.signals.items()}
    used = sorted({point.fc for point in sources.values()})
    blocks = [_Asked.of(profile.blocks[at], [point for point in sources.values()
                                             if point.fc == at]) for at in used]
    points = []
    for signal, point in sources.items():
        scale = profile.signal_scale(signal) * profile.primary(point.unit)
        number = used.index(point.fc)
        points.append([signal, number, point.addr - blocks[number].start, point.kind,
                       scale.numerator, scale.denominator])
    return {
        "name": name, "profile": profile.id, "bus": bus, "unit": profile.number,
        "poll_ms": poll_ms, "driver": "dlt645", "control": None,
        "blocks": [block.block for block in blocks], "parts": [block.parts for block in blocks],
        "points": points,
    }


@dataclass(frozen=True)
class _Asked:
    """What is asked for the points of a block that are needed: of several parts the block, of one
    that part alone. `start` is where in the block it begins."""

    start: int
    block: list[int]
    parts: list[list[int]]

    @classmethod
    def of(cls, block: Block, points: Iterable[Point]) -> "_Asked":
        size = block.size // (len(block.parts) or 1)
        needed = {at // size for point in points
                  for at in (point.addr, point.addr + BYTES[point.kind] - 1)}
        if block.parts and len(needed) == 1:
            part = needed.pop()
            return cls(part * size, [*_halves(block.parts[part]), size, block.every], [])
        return cls(0, [*_halves(block.di), block.size, block.every],
                   [[*_halves(di), size] if part in needed else [-1, 0, size]
                    for part, di in enumerate(block.parts)])


def _halves(di: int) -> list[int]:
    """A data identifier as two numbers that a gateway holds without its heap."""
    return [di >> 16, di & 0xFFFF]
