"""Read the text of a device profile: every value in its place and of its kind."""

import re
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

from boards.profile_schema import (
    CLASSES,
    DIRECTIONS,
    FED_BY,
    READ_CODES,
    SHAPES,
    SIGNALS,
    TYPES,
    WRITE_CODES,
    Control,
    DeadMan,
    Point,
    Profile,
    Rtu,
    Tcp,
    registers,
)
from boards.shapes import (
    MAYBE_TEXT,
    TABLE,
    TEXT,
    Findings,
    Shape,
    choice,
    list_of,
    number,
    table,
    text,
    whole,
)


def _scale(value: Any) -> Any:
    if isinstance(value, str):
        return value or None
    exact = (isinstance(value, Decimal) and value.is_finite()) or type(value) is int
    return Fraction(value) if exact and value > 0 else None


def _register(value: Any) -> Any:
    fits = isinstance(value, list) and len(value) == 3 and all(type(part) is int for part in value)
    if not fits or value[0] not in READ_CODES or not all(0 <= part <= 0xFFFF for part in value):
        return None
    return tuple(value)


def _step(value: Any) -> Any:
    fits = isinstance(value, list) and len(value) == 2
    return tuple(value) if fits and text(value[0]) and type(value[1]) is int else None


def _part(value: Any) -> Any:
    """A step of a path: a name alone is how much."""
    return (value, None) if text(value) else _step(value)


_ID = Shape("lower-case letters, digits and _, 1 .. 32 of them",
            lambda value: value if re.fullmatch("[a-z0-9_]{1,32}", text(value) or "") else None,
            "", needed=True)
_UNIT = Shape('the unit as a text ("" when it has none)',
              lambda value: value if isinstance(value, str) else None, "", needed=True)
_SCALE = Shape("a number above 0, or the name of a scale-factor point", _scale, Fraction(1), True)
_NAMES = list_of("names", text)
_REGISTERS = list_of("[function code 3 or 4, address, 16-bit value]", _register)
_STEPS = list_of("[write point, whole number]", _step)
_PATH = list_of("write points, or [write point, whole number]", _part)

_TOP = {
    "id": _ID, "vendor": TEXT, "model": TEXT, "class": replace(choice(CLASSES), fallback=""),
    "source": list_of("texts, one for each document that was read", text, needed=True),
    "unverified": _NAMES, "quirks": _NAMES,
    "areas": _REGISTERS, "holes": _REGISTERS, "identity": _REGISTERS, "constants": _REGISTERS,
    "link": TABLE, "points": TABLE, "writes": TABLE, "na": TABLE, "sign": TABLE,
    "signals": TABLE, "slow": TABLE, "frozen": TABLE, "control": TABLE,
}
_LINK = {"rtu": TABLE, "tcp": TABLE, "max_regs": whole(1, 125, 125), "max_gap": whole(0, 124, 16)}
_RTU = {"baud": whole(300, 1_000_000), "parity": choice("NEO"), "unit": whole(1, 247, 1)}
_TCP = {"port": whole(1, 65535, 502), "unit": whole(0, 255, 1)}
_SLOW = {"every": whole(1, 3600, 10), "points": _NAMES}
_FROZEN = {"after_s": whole(0, 86400, 0), "watch": _NAMES}
_CONTROL = {
    "shape": choice(SHAPES), "write": MAYBE_TEXT, "readback": MAYBE_TEXT,
    "refresh_s": whole(1, 3600), "enter": _STEPS, "leave": _STEPS, "dead_man": TABLE,
    "together": _STEPS, "idle": _STEPS, "charge": _PATH, "discharge": _PATH, "heartbeat": TABLE,
    "limits": _NAMES, "rated_w": whole(0, 8_000_000, 0), "slot": _NAMES, "clock": _NAMES,
    "window_min": whole(0, 720, 0), "nv_per_day": whole(0, 10_000, 0),
    "min_a": whole(0, 80, 0), "asks": list_of("whole numbers", number), "failsafe": MAYBE_TEXT,
}
_DEAD_MAN = {"register": MAYBE_TEXT, "timeout_s": whole(0, 86400), "fed_by": choice(FED_BY)}
_HEARTBEAT = {"every_s": whole(1, 3600), "write": _STEPS}
_RAW = list_of("raw values, hexadecimal or decimal", number, needed=True)
_STAND_IN = (0, "u16", 1, "")  # what a point is that is not even a list of five


def _points(findings: Findings, key: str, raw: dict[str, Any], codes: tuple[int, ...]
            ) -> dict[str, Point]:
    """Read `name = [function code, address, type, scale, unit]` lines."""
    shapes = {"function code": choice(codes), "address": whole(0, 0xFFFF), "type": choice(TYPES),
              "scale": _SCALE, "unit": _UNIT}
    points = {}
    for name, parts in raw.items():
        before = len(findings.lines)
        whole_line = isinstance(parts, list) and len(parts) == len(shapes)
        if not whole_line:
            findings.add(f"{key}.{name}", parts, "[" + ", ".join(shapes) + "]")
        named = dict(zip(shapes, parts if whole_line else (codes[0], *_STAND_IN), strict=True))
        got = table(findings, f"{key}.{name}", named, shapes)
        scale = got["scale"]
        power = scale if isinstance(scale, str) else ""
        points[name] = Point(name, got["function code"], got["address"], got["type"],
                             Fraction(1) if power else scale, got["unit"], power)
        if len(findings.lines) > before:
            findings.spoiled.add(name)
    return points


def _with_na(findings: Findings, raw: dict[str, Any], points: dict[str, Point]
             ) -> dict[str, Point]:
    """Give each point the raw values that mean "not available", as its own type reads them."""
    lists = {}
    for name, values in raw.items():
        key = f"na.{name}"
        if name not in TYPES and name not in points:
            findings.unknown(key, name, [*points, *TYPES])
        elif (numbers := _RAW.read(values)) is None:
            findings.add(key, values, _RAW.expected)
        else:
            lists[name] = numbers
    return {name: replace(point, na=_signed(findings, lists, point))
            for name, point in points.items()}


def _signed(findings: Findings, lists: dict[str, tuple[int, ...]], point: Point) -> tuple[int, ...]:
    _, low, high = TYPES[point.kind]
    raws = []
    for raw in lists.get(point.kind, ()) + lists.get(point.name, ()):
        pattern = 1 << 16 * registers(point.kind)
        value = raw - pattern if low < 0 and high < raw < pattern else raw
        if not low <= value <= high:
            findings.add(f"na of {point.name}", raw, f"a raw value of type {point.kind}")
        raws.append(value)
    return tuple(raws)


def _words(findings: Findings, key: str, raw: dict[str, Any], shape: Shape) -> dict[str, str]:
    """Read `name = "word"` lines and leave out the bad ones."""
    words = {}
    for name, word in raw.items():
        value = shape.read(word)
        if value is None:
            findings.add(f"{key}.{name}", word, shape.wish(word))
            findings.spoiled.add(name)
        else:
            words[name] = value
    return words


def _control(findings: Findings, raw: dict[str, Any]) -> Control:
    got = table(findings, "control", raw, _CONTROL)
    timer = None
    if got["dead_man"]:
        timer = DeadMan(**table(findings, "control.dead_man", got["dead_man"], _DEAD_MAN))
    beat = got.pop("heartbeat")
    if beat:
        beat = table(findings, "control.heartbeat", beat, _HEARTBEAT)
        got |= {"beat_s": beat["every_s"], "beat": beat["write"]}
    return Control(**(got | {"dead_man": timer}))


def read(raw: dict[str, Any], findings: Findings) -> Profile:
    """Turn a parsed TOML file, its decimals as Decimal, into a profile."""
    top = table(findings, "", raw, _TOP)
    link = table(findings, "link", top["link"], _LINK)
    slow = table(findings, "slow", top["slow"], _SLOW)
    frozen = table(findings, "frozen", top["frozen"], _FROZEN)
    points = _points(findings, "points", top["points"], READ_CODES)
    for name in [name for name in top["signals"] if name not in SIGNALS]:
        findings.unknown(f"signals.{name}", name, SIGNALS)
        del top["signals"][name]
    return Profile(
        id=top["id"], vendor=top["vendor"], model=top["model"], kind=top["class"],
        source=top["source"], unverified=top["unverified"], quirks=top["quirks"],
        rtu=Rtu(**table(findings, "link.rtu", link["rtu"], _RTU)) if link["rtu"] else None,
        tcp=Tcp(**table(findings, "link.tcp", link["tcp"], _TCP)) if link["tcp"] else None,
        max_regs=link["max_regs"], max_gap=link["max_gap"],
        points=_with_na(findings, top["na"], points),
        writes=_points(findings, "writes", top["writes"], WRITE_CODES),
        sign=_words(findings, "sign", top["sign"], choice(DIRECTIONS)),
        signals=_words(findings, "signals", top["signals"], TEXT),
        slow=slow["points"], every=slow["every"],
        frozen_s=frozen["after_s"], watch=frozen["watch"],
        areas=top["areas"], holes=top["holes"],
        identity=top["identity"], constants=top["constants"],
        control=_control(findings, top["control"]) if top["control"] else None,
    )
