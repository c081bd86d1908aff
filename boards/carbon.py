"""Carbon as data: how a grid emits over the day, and what a standard allows a park."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from boards import day_table, tariff
from boards.shapes import MAYBE_TEXT, TABLE, TEXT, Findings, Shape, table, toml, whole

FOLDER = Path(__file__).parent.parent / "edge" / "carbon"
_FACTOR = "kg CO2 per kWh, 0 .. 2 with at most four decimals"


@dataclass(frozen=True)
class Profile:
    """`factors`: of each quarter-hour of the local day, mg CO2 per kWh imported."""

    name: str
    factors: tuple[int, ...]
    source: str
    year: int
    illustrative: bool


@dataclass(frozen=True)
class Standard:
    """`limits`: (tce a year from, below, t CO2 per tce)."""

    name: str
    kgce_per_kwh: Decimal
    limits: tuple[tuple[int, int, Decimal], ...]
    source: str

    def limit(self, park_tce: int) -> Decimal | None:
        """t CO2 per tce for a park that uses so much in a year; None: it has no limit."""
        return next((limit for low, high, limit in self.limits if low <= park_tce < high), None)


def find(file: str, beside: Path) -> Path | None:
    """Where a profile lies: beside the site file, or among the shipped ones."""
    return tariff.find(file, beside, FOLDER)


def shipped() -> list[str]:
    """The files that come with parkedge."""
    return sorted(path.name for path in FOLDER.glob("*.toml"))


def profile(path: Path, findings: Findings) -> Profile | None:
    """Read a profile; None, and findings, when anything is wrong with it."""
    got = _read(path, findings, _PROFILE)
    if got is None:
        return None
    before = len(findings.lines)
    e4 = day_table.day(findings, "periods", got["periods"], _factor_e4, _FACTOR)
    if len(findings.lines) > before:
        return None
    return Profile(got["name"], tuple(100 * one for one in e4), got["source"], got["year"],
                   got["illustrative"])


def standard(path: Path, findings: Findings) -> Standard | None:
    """Read a standard; None, and findings, when anything is wrong with it."""
    got = _read(path, findings, _STANDARD)
    if got is None:
        return None
    limits: list[tuple[int, int, Decimal]] = []
    for number, limit in enumerate(got["limits"]):
        if _is_limit(limit) and (not limits or limit[0] >= limits[-1][1]):
            limits.append((limit[0], limit[1], Decimal(limit[2])))
        else:
            findings.add(f"limits[{number}]", limit,
                         "[tce from, tce below, t CO2 per tce], rising, without overlap")
            return None
    return Standard(got["name"], got["kgce_per_kwh"], tuple(limits), got["source"])


def _read(path: Path, findings: Findings, shapes: dict[str, Shape]) -> Mapping[str, Any] | None:
    try:
        raw = toml(path.read_bytes(), Decimal)
    except (OSError, ValueError, ArithmeticError) as error:
        findings.lines.append(f"{findings.file}: cannot be read: {error}")
        return None
    before = len(findings.lines)
    got: Mapping[str, Any] = table(findings, "", raw, shapes)
    return got if len(findings.lines) == before else None


def _number(value: Any) -> Decimal | None:
    """A finite number, exactly."""
    if type(value) is int or (isinstance(value, Decimal) and value.is_finite()):
        return Decimal(value)
    return None


def _factor_e4(value: Any) -> int | None:
    number = _number(value)
    if number is None or not 0 <= number <= 2 or number * 10_000 % 1:
        return None
    return int(number * 10_000)


def _coefficient(value: Any) -> Decimal | None:
    number = _number(value)
    return number if number is not None and 0 < number <= 1 else None


def _is_limit(limit: Any) -> bool:
    if not isinstance(limit, list) or len(limit) != 3:
        return False
    low, high, most = limit
    number = _number(most)
    return (type(low) is int and type(high) is int and 0 <= low < high
            and number is not None and 0 < number <= 100)


_LIST = Shape("a list", lambda value: value if isinstance(value, list) and value else None, [],
              True)
_FLAG = Shape("true or false", lambda value: value if isinstance(value, bool) else None, False)
_PROFILE = {"name": TEXT, "source": TEXT, "year": whole(1990, 2100), "illustrative": _FLAG,
            "note": MAYBE_TEXT, "periods": _LIST}
# "shares" and "method" are for whoever judges a whole year: cloud_bridge/carbon/standard.py.
_STANDARD = {"name": TEXT, "source": TEXT, "note": MAYBE_TEXT, "region": MAYBE_TEXT,
             "shares": TABLE, "method": TABLE,
             "valid_from": Shape("a date, e.g. 2025-07-08", lambda value: value
                                 if type(value) is datetime.date else None),
             "kgce_per_kwh": Shape("kgce per kWh, above 0, at most 1", _coefficient, Decimal(1),
                                   True),
             "limits": _LIST}
