"""What a standard asks of a park: data by region and year, from the file the planner reads too.

`method` holds what the official method leaves open, or what could not be read in it: each is a
switch that stands on the answer that flatters least.
"""

import datetime
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import edge
from cloud_bridge import fields, source
from cloud_bridge.fields import AMOUNT, DATE, NAME, TEXT, Field

FOLDER = Path(edge.__file__).parent / "carbon"
_FLAG = Field("true or false", lambda value: value if isinstance(value, bool) else None)
_LIMIT = "[tce from, tce below, t CO2 per tce], rising, without overlap"
_PERCENT = Field("0 .. 100 %", lambda value: Fraction(value, 100)
                 if type(value) is int and 0 <= value <= 100 else None, None)
_TABLE = Field("a table", lambda value: value if isinstance(value, dict) else None, {})
_FILE = {"name": NAME, "source": TEXT, "note": TEXT.or_else(""), "region": TEXT.or_else(""),
         "valid_from": DATE.or_else(None), "kgce_per_kwh": AMOUNT,
         "limits": Field("a list of limits", lambda value: value
                         if isinstance(value, list) and value else None),
         "shares": _TABLE, "method": _TABLE}
SHARES = ("direct", "clean", "waste_heat", "water", "solid_waste")


@dataclass(frozen=True)
class Method:
    """See edge/carbon/cn_park_standard.toml."""

    deduct_export: bool = False
    certificates_of_stored: bool = False
    heat: str = "heat"
    least_complete: Fraction = Fraction(95, 100)


_METHOD = {name: field.or_else(getattr(Method, name)) for name, field in (
    ("deduct_export", _FLAG), ("certificates_of_stored", _FLAG), ("heat", NAME),
    ("least_complete", _PERCENT))}


@dataclass(frozen=True)
class Standard:
    """`limits`: (tce a year from, below, t CO2 per tce). `shares`: of SHARES, at least; a name that
    is missing is not asked for."""

    name: str
    region: str
    source: str
    valid_from: datetime.date | None
    kgce_per_kwh: Fraction
    limits: tuple[tuple[int, int, Fraction], ...]
    shares: dict[str, Fraction]
    method: Method

    def limit(self, park_tce: Fraction) -> Fraction | None:
        """t CO2 per tce for a park that uses so much in a year; None: there is no limit."""
        return next((limit for low, high, limit in self.limits if low <= park_tce < high), None)


def shipped() -> list[str]:
    """The standards that come with parkedge, by name."""
    return sorted(path.stem for path in FOLDER.glob("*_standard*.toml"))


def load(name: str) -> Standard:
    """A shipped standard by name, or one in a file. DocumentError; OSError."""
    path = FOLDER / f"{name}.toml" if name in shipped() else Path(name)
    if not path.is_file():
        raise fields.mistake("standard", name, "a file, or one of " + " ".join(shipped()))
    got = fields.read(path.name, source.toml(path), _FILE)
    shares = fields.read(f"{path.name}: shares", got["shares"], dict.fromkeys(SHARES, _PERCENT))
    method = fields.read(f"{path.name}: method", got["method"], _METHOD)
    if not 0 < got["kgce_per_kwh"] <= 1:
        raise fields.mistake(f"{path.name}: kgce_per_kwh", str(got["kgce_per_kwh"]),
                             "above 0, at most 1")
    asked = {name: share for name, share in shares.items() if share is not None}
    return Standard(got["name"], got["region"], got["source"], got["valid_from"],
                    got["kgce_per_kwh"], _limits(path.name, got["limits"]), asked,
                    Method(**method))


def _limits(file: str, raw: list[Any]) -> tuple[tuple[int, int, Fraction], ...]:
    found: list[tuple[int, int, Fraction]] = []
    for number, one in enumerate(raw):
        fits = isinstance(one, list) and len(one) == 3 and all(
            type(tce) is int and tce >= 0 for tce in one[:2])
        limit = fields.fraction(one[2]) if fits else None
        if not limit or one[0] >= one[1] or (found and one[0] < found[-1][1]):
            raise fields.mistake(f"{file}: limits[{number}]", one, _LIMIT)
        found.append((one[0], one[1], limit))
    return tuple(found)


