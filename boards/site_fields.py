"""How one table of a site file is read: every value of its kind, every mistake with its cure."""

import difflib
import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from boards import iec104_points, schedule
from boards.shapes import TEXT, Findings, Shape, choice, list_of, one_of, table, text
from boards.site_tables import Field, clouds

_ID = re.compile("[a-z0-9-]{1,32}")
_ID_WORDS = "name of a-z, 0-9 and -, 1 .. 32 of them"
_WORDS = {"pm": "per mille", "0/1": "", "year": "", "port": "", "address": "", "bits": "",
          "phase": "", "gateways": "", "station": "", "object": ""}
# Units people write, as (unit of the key, factor to it).
_SCALES = {
    "kwh": ("Wh", "1000"), "mwh": ("Wh", "1000000"), "wh": ("Wh", "1"),
    "kw": ("W", "1000"), "mw": ("W", "1000000"), "w": ("W", "1"),
    "pct": ("pm", "10"), "percent": ("pm", "10"), "%": ("pm", "10"), "pm": ("pm", "1"),
    "s": ("ms", "1000"), "min": ("s", "60"), "ms": ("ms", "1"),
    "g": ("mg/kWh", "1000"), "kg": ("mg/kWh", "1000000"),
}
_QUANTITY = re.compile(r"\s*([+-]?[0-9][0-9_.]*)\s*([A-Za-z%]*)\s*")


def _ip(value: Any) -> Any:
    """An address as people write it; a number would pass for one."""
    try:
        return str(ipaddress.ip_address(value)) if isinstance(value, str) else None
    except ValueError:
        return None


# Units that are a choice of words, and those that are lists: what of, and how to read one.
WORDS = {"parity": tuple("NEO"), "cloud": tuple(clouds()), "version": ("3.1.1", "5"),
         "setpoint": ("C_SE_NC_1", "C_SE_NB_1"),
         "medium": ("water", "heat", "cold", "gas", "steam", "electricity"),
         "mode": ("cost", "carbon", "green_first", "cap", "price_carbon")}
LISTS = {"signals": ("names of signals", text),
         "peers": ("IP addresses", _ip),
         "points": (iec104_points.EXPECTED, iec104_points.line),
         "schedule": ('[days as "Mon-Fri", "HH:MM", "HH:MM", kW]', schedule.line)}
_ANY_TEXT = Shape("a text", lambda value: value if isinstance(value, str) else None, "")


@dataclass(frozen=True)
class _Quantity(Shape):
    """A whole number with a unit; its wish converts what was meant, where that can be told."""

    unit: str = ""

    def meant(self, found: object, unit: str = "") -> int | None:
        """What `found` is in this unit, from its own or from `unit`; None: there is no telling."""
        text = _QUANTITY.fullmatch(found) if isinstance(found, str) else None
        number, unit = (text[1], text[2] or unit) if text else (str(found), unit)
        own = unit in ("", self.unit)
        target, factor = (self.unit, "1") if own else _SCALES.get(unit.lower(), ("", "1"))
        try:
            value = Decimal(number) * Decimal(factor)
        except InvalidOperation:
            return None
        whole = value.is_finite() and abs(value) < 10**12 and value == int(value)
        fits = whole and target == self.unit and self.read(int(value)) is not None
        return int(value) if fits else None

    def wish(self, found: object) -> str:
        """What should have stood there instead of `found`."""
        given = None if type(found) is int else self.meant(found)
        return self.expected + (f"; give {given}" if given is not None else "")


def say(findings: Findings, key: str, text: str) -> None:
    """Note one line about a key."""
    findings.lines.append(f"{findings.file}: {key}: {text}")


def with_unit(value: object, unit: str) -> str:
    """A value as people say it: 400000 Wh, 900 per mille."""
    shown = " ".join(value) if isinstance(value, tuple) else value
    return f"{shown} {_WORDS.get(unit, unit)}".rstrip()


def _quantity(field: Field) -> Shape:
    _, unit, low, high, default, _ = field
    assert isinstance(low, int)
    assert isinstance(high, int)

    def read(value: Any) -> int | None:
        return value if type(value) is int and low <= value <= high else None

    words = "0 or 1" if unit == "0/1" else f"a whole number {with_unit(f'{low} .. {high}', unit)}"
    needed = default is None
    return _Quantity(words, read, low if needed else default, needed, (), unit)


def _id(value: Any) -> Any:
    return value if isinstance(value, str) and _ID.fullmatch(value) else None


def _line(value: Any) -> Any:
    whole = type(value) is int and 0 <= value <= 15
    return value if whole or (isinstance(value, str) and value) else None


def shape(field: Field, choices: Mapping[str, Iterable[str]]) -> Shape:
    """What one field may hold; `choices` names the words of units that are a choice."""
    _, unit, low, _, default, _ = field
    if low is not None:
        return _quantity(field)
    if unit == "id":
        return Shape(f"a {_ID_WORDS}", _id, "", True)
    if unit == "ip":
        return Shape("an IP address as 127.0.0.1", _ip, default, default is None)
    if unit == "gateways":
        return list_of(f"names of gateways, each a {_ID_WORDS}", _id, needed=True)
    if unit == "line":
        return Shape('a serial device as "/dev/ttyUSB0", or the number of a UART', _line, "", True)
    if unit in WORDS:
        one = choice(WORDS[unit])
        return Shape(one.expected, one.read, default, choices=one.choices)
    if unit in LISTS:
        return list_of(*LISTS[unit])
    if unit in choices:
        words = tuple(choices[unit])
        return choice(words) if words else Shape("one of none at all", lambda value: None, "", True)
    return TEXT if default is None else _ANY_TEXT


def read_table(findings: Findings, key: str, raw: object, fields: Iterable[Field],
               choices: Mapping[str, Iterable[str]] | None = None) -> dict[str, Any]:
    """Read one table. What is wrong with it becomes findings, and None in what is returned."""
    shapes = {field[0]: shape(field, choices or {}) for field in fields}
    if not isinstance(raw, dict):
        findings.add(key, raw, f"a table [{key}]")
        return dict.fromkeys(shapes)
    given = {name: value for name, value in raw.items() if name in shapes}
    lost = []  # keys that were meant, with no telling what value
    for name in raw:
        if name not in shapes:
            right, value = _unknown(findings, key, name, raw[name], shapes)
            if right and value is not None:
                given.setdefault(right, value)
            elif right not in raw:
                lost.append(right)
    sought = {name: kind for name, kind in shapes.items() if name not in lost}
    values: dict[str, Any] = table(findings, key, given, sought)
    for name, kind in shapes.items():
        wrong = kind.read(given[name]) is None if name in given else kind.needed
        if wrong or name in lost:
            values[name] = None
    return values


def _unknown(findings: Findings, key: str, name: str, value: object,
             shapes: Mapping[str, Shape]) -> tuple[str, Any]:
    """Say what a key that nobody reads was meant to be; return that key ("" when there is no
    telling) and its value (None)."""
    right, unit = _other_unit(name, shapes)
    right = right or near(name, shapes)
    kind = shapes.get(right)
    if kind is None:
        say(findings, f"{key}.{name}", f"unknown key, expected {one_of(shapes)}")
        return "", None
    given = kind.meant(value, unit) if isinstance(kind, _Quantity) else kind.read(value)
    hint = ""
    if isinstance(kind, _Quantity) and given is not None and given != value:
        hint = f" give {with_unit(given, kind.unit)}"
    say(findings, f"{key}.{name}", f"unknown key; did you mean {right}?{hint}")
    return right, given


def _other_unit(name: str, shapes: Mapping[str, Shape]) -> tuple[str, str]:
    """The key that `name` would be in another unit, and that unit."""
    stem, _, unit = name.rpartition("_")
    if unit.lower() in _SCALES:
        for right, kind in shapes.items():
            same = stem in (right, right.rpartition("_")[0])
            if isinstance(kind, _Quantity) and same and _SCALES[unit.lower()][0] == kind.unit:
                return right, unit
    return "", ""


def near(name: str, known: Iterable[str]) -> str:
    """The known name that is most like another one, "" when none is."""
    return (difflib.get_close_matches(name, list(known), 1) or [""])[0]
