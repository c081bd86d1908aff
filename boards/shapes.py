"""Kinds of values in a hand-written TOML file, and what to say when one is of another kind.

Nothing stops at the first mistake: what is wrong becomes one line each in `Findings` and a harmless
stand-in in the result, so that whatever comes after can still say everything else.
"""

import difflib
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

_MANY = 12  # more choices than fit a line that somebody reads


class Findings:
    """What is wrong with one file, a line each: file, key, what was found, what was expected."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.lines: list[str] = []
        self.spoiled: set[str] = set()  # points that are only stand-ins: what they say is not meant

    def add(self, key: str, found: object, expected: str) -> None:
        """Note one mistake; `found` None means there was nothing."""
        shown = "nothing" if found is None else _show(found)
        self.lines.append(f"{self.file}: {key}: found {shown}, expected {expected}")

    def unknown(self, key: str, name: str, known: Iterable[str]) -> None:
        """Note a key that nobody reads."""
        self.lines.append(f"{self.file}: {key}: unknown key, expected {one_of(known, name)}")


def toml(content: bytes, parse_float: Callable[[str], Any] = float) -> dict[str, Any]:
    """Read a TOML file; the byte order mark that some editors write is passed over. Raises
    ValueError, in one line, whatever else it may be."""
    try:
        return tomllib.loads(content.decode("utf-8-sig"), parse_float=parse_float)
    except UnicodeDecodeError as error:
        raise ValueError(f"byte {error.start + 1} is not UTF-8 text") from None
    except RecursionError:
        raise ValueError("nested too deep") from None


def _show(found: object) -> str:
    if isinstance(found, list | tuple):
        return "[" + ", ".join(_show(part) for part in found) + "]"
    if isinstance(found, bool):
        return str(found).lower()
    return f'"{found}"' if isinstance(found, str) else str(found)


def one_of(words: Iterable[object], found: object = None) -> str:
    """Words for a choice, with the likeliest one when `found` looks like a slip of the pen."""
    names = [str(word) for word in words]
    near = difflib.get_close_matches(str(found), names, 1) if found is not None else []
    if near and len(names) > _MANY:
        return f'one of {len(names)} names; did you mean "{near[0]}"?'
    hint = f'; did you mean "{near[0]}"?' if near else ""
    return "one of " + (" ".join(names) or "none at all") + hint


@dataclass(frozen=True)
class Shape:
    """One kind of value: its words, how to read it (None: it does not fit) and its stand-in."""

    expected: str
    read: Callable[[Any], Any]
    fallback: Any = None
    needed: bool = False
    choices: tuple[Any, ...] = ()

    def wish(self, found: object) -> str:
        """What should have stood there instead of `found`."""
        return one_of(self.choices, found) if self.choices else self.expected


def whole(low: int, high: int, fallback: int | None = None) -> Shape:
    """A whole number low .. high; needed unless there is a fallback."""

    def read(value: Any) -> int | None:
        return value if type(value) is int and low <= value <= high else None

    needed = fallback is None
    return Shape(f"a whole number {low} .. {high}", read, low if needed else fallback, needed)


def choice(words: Iterable[Any]) -> Shape:
    """One of a few words or numbers; always needed."""
    allowed = tuple(words)

    def read(value: Any) -> Any:
        return value if value in allowed and not isinstance(value, bool) else None

    return Shape(one_of(allowed), read, allowed[0], needed=True, choices=allowed)


def list_of(expected: str, read_one: Callable[[Any], Any], needed: bool = False) -> Shape:
    """A list, read part by part; an empty one does not do when it is needed."""

    def read(value: Any) -> Any:
        if not isinstance(value, list) or (needed and not value):
            return None
        parts = tuple(read_one(part) for part in value)
        return None if None in parts else parts

    return Shape(f"a list of {expected}", read, (), needed)


def text(value: Any) -> Any:
    """Read a text that says something."""
    return value if isinstance(value, str) and value else None


def number(value: Any) -> Any:
    """Read a whole number of any size."""
    return value if type(value) is int else None


TEXT = Shape("a text", text, "", needed=True)
MAYBE_TEXT = Shape("a text", text, "")
TABLE = Shape("a table", lambda value: value if isinstance(value, dict) else None, {})


def table(findings: Findings, key: str, raw: dict[str, Any], shapes: dict[str, Shape]) -> Any:
    """Read one table against its shapes; unknown and missing keys are findings."""
    place = f"{key}." if key else ""
    for name in raw:
        if name not in shapes:
            findings.unknown(place + name, name, shapes)
    values = {}
    for name, shape in shapes.items():
        value = shape.read(raw[name]) if name in raw else None
        if value is None and (name in raw or shape.needed):
            findings.add(place + name, raw.get(name), shape.wish(raw.get(name)))
        values[name] = shape.fallback if value is None else value
    return values
