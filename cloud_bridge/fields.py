"""Kinds of values in a document, and one clear line when one is of another kind.

A document is believed as a whole or not at all, so the first mistake ends the reading.
"""

import datetime
import re
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any, NamedTuple

_DECIMAL = re.compile(r"(?:0|[1-9]\d{0,14})(?:\.\d{1,9})?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_HEX = re.compile(r"(?:[0-9a-f]{2})+")
_NEEDED = object()


class DocumentError(Exception):
    """Something is wrong with a document; the text says where, what was found, what expected."""


class Field(NamedTuple):
    """One kind of value: its words, how to read it (None: it does not fit), what stands for it
    when it is left out."""

    expected: str
    read: Callable[[Any], Any]
    default: Any = _NEEDED

    def or_else(self, default: Any) -> "Field":
        """The same, but it may be left out."""
        return self._replace(default=default)


def read(where: str, found: object, fields: Mapping[str, Field]) -> dict[str, Any]:
    """Read one table against its fields; nothing may be unknown or missing. DocumentError."""
    if not isinstance(found, dict):
        raise mistake(where, found, "a table")
    for name in found:
        if name not in fields:
            raise DocumentError(f"{where}: unknown key {_show(name)}, expected one of "
                                + " ".join(fields))
    values = {}
    for name, field in fields.items():
        if name not in found:
            if field.default is _NEEDED:
                raise mistake(f"{where}: {name}", None, field.expected)
            values[name] = field.default
            continue
        values[name] = field.read(found[name])
        if values[name] is None:
            raise mistake(f"{where}: {name}", found[name], field.expected)
    return values


def mistake(where: str, found: object, expected: str) -> DocumentError:
    """One line: where, found (None: nothing), expected."""
    return DocumentError(f"{where}: found {'nothing' if found is None else _show(found)}, "
                         f"expected {expected}")


def _show(found: object) -> str:
    shown = ascii(found)
    return shown if len(shown) <= 60 else shown[:57] + "..."


def whole(low: int, high: int) -> Field:
    """A whole number low .. high."""
    return Field(f"a whole number {low} .. {high}",
                 lambda value: value if type(value) is int and low <= value <= high else None)


def one_of(words: Iterable[str]) -> Field:
    """One of a few words."""
    known = tuple(words)
    return Field("one of " + " ".join(known),
                 lambda value: value if isinstance(value, str) and value in known else None)


def hexadecimal(n_bytes: int) -> Field:
    """`n_bytes` bytes, as bytes, from twice as many small hexadecimal digits."""
    def decode(value: Any) -> bytes | None:
        fits = isinstance(value, str) and len(value) == 2 * n_bytes and _HEX.fullmatch(value)
        return bytes.fromhex(value) if fits else None

    return Field(f"{2 * n_bytes} hexadecimal digits", decode)


def list_of(expected: str, read_one: Callable[[Any], Any], most: int) -> Field:
    """1 .. `most` values, as a tuple."""
    def parts(value: Any) -> tuple[Any, ...] | None:
        if not isinstance(value, list) or not 1 <= len(value) <= most:
            return None
        got = tuple(read_one(part) for part in value)
        return None if None in got else got

    return Field(f"a list of 1 .. {most} {expected}", parts)


def fraction(value: Any) -> Fraction | None:
    """An exact number that is not negative: a whole one, or a decimal as a text."""
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        return Fraction(value)
    return Fraction(value) if type(value) is int and 0 <= value < 10**15 else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= 500 and value.isprintable() \
        else None


def _name(value: Any) -> str | None:
    return value if isinstance(value, str) and _NAME.fullmatch(value) else None


def date(value: Any) -> datetime.date | None:
    """A day as YYYY-MM-DD; years that leave room to count from."""
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        return None
    try:
        day = datetime.date.fromisoformat(value)
    except ValueError:
        return None
    return day if 2000 <= day.year <= 2199 else None


TEXT = Field("a text of 1 .. 500 printable characters", _text)
NAME = Field("a name of small letters, digits and _", _name)
DATE = Field("a date from 2000 to 2199, e.g. 2026-01-31", date)
AMOUNT = Field('an amount, exact, e.g. "12.5", at most nine decimals', fraction)
TABLES = Field("a list of tables", lambda value: value if isinstance(value, list) and value and
               all(isinstance(one, dict) for one in value) else None)
