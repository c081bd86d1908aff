"""Tariff files: what a kilowatt-hour costs at each quarter-hour, and a kilowatt of demand a month.

A tariff is data with a source and a validity. Beside the site file or in edge/tariffs.
"""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from boards.shapes import MAYBE_TEXT, TEXT, Findings, Shape, table, toml

FOLDER = Path(__file__).parent.parent / "edge" / "tariffs"
SLOTS = 96  # quarter-hours of a day
_MINUTES = 15


@dataclass(frozen=True)
class Tariff:
    """Prices in 1e-4 of the currency, exactly: a kWh imported in each quarter-hour of the local
    day, a kWh exported, a kW of the month's highest 15-minute mean import."""

    file: str
    name: str
    currency: str
    prices_e4: tuple[int, ...]
    export_e4: int
    demand_e4: int
    source: str
    valid_from: datetime.date | None
    valid_to: datetime.date | None
    illustrative: bool

    def image(self) -> dict[str, Any]:
        """The tariff as a gateway loads it."""
        return {"name": self.name, "currency": self.currency, "prices_e4": list(self.prices_e4),
                "demand_e4": self.demand_e4, "export_e4": self.export_e4}


def shipped() -> list[str]:
    """The tariff files that come with parkedge."""
    return sorted(path.name for path in FOLDER.glob("*.toml"))


def find(file: str, beside: Path) -> Path | None:
    """Where a tariff file lies: beside the site file, or among the shipped ones."""
    for folder in (beside, FOLDER):
        try:
            if (folder / file).is_file():
                return folder / file
        except (OSError, ValueError):  # a name that no file can have
            return None
    return None


def read(path: Path, findings: Findings) -> Tariff | None:
    """Read a tariff file. None, and findings, when anything is wrong with it."""
    try:
        raw = toml(path.read_bytes(), Decimal)
    except (OSError, ValueError, ArithmeticError) as error:
        findings.lines.append(f"{findings.file}: cannot be read: {error}")
        return None
    return parse(raw, findings)


def parse(raw: Mapping[str, Any], findings: Findings) -> Tariff | None:
    """Check what a tariff file holds; decimals are read exactly."""
    before = len(findings.lines)
    got = table(findings, "", dict(raw), _SHAPES)
    prices = _prices(findings, got["periods"]) if got["periods"] else {}
    start, end = got["valid_from"], got["valid_to"]
    if start and end and end < start:
        findings.add("valid_to", str(end), f"a date not before valid_from = {start}")
    if len(findings.lines) > before:
        return None
    return Tariff(findings.file, got["name"], got["currency"],
                  tuple(prices[slot] for slot in range(SLOTS)), got["export_price"],
                  got["demand_price"], got["source"], start, end, got["illustrative"])


def _money(low: int, high: int, needed: bool = True) -> Shape:
    def read(value: Any) -> int | None:
        number = (isinstance(value, Decimal) and value.is_finite()) or type(value) is int
        if not number or not low <= value <= high or value * 10000 % 1:
            return None
        return int(value * 10000)

    return Shape(f"a price {low} .. {high} with at most four decimals", read, 0, needed)


def _date(value: Any) -> datetime.date | None:
    return value if type(value) is datetime.date else None


_PRICE = _money(-1000, 1000)
_SHAPES = {
    "name": TEXT, "currency": Shape("an ISO 4217 code, e.g. CNY", lambda value: value
                                    if isinstance(value, str) and len(value) == 3
                                    and value.isascii() and value.isupper() else None, "", True),
    "demand_price": _money(0, 10000), "export_price": _money(-1000, 1000, False),
    "periods": Shape('a list of ["HH:MM", "HH:MM", price per kWh]',
                     lambda value: value if isinstance(value, list) and value else None, [], True),
    "source": MAYBE_TEXT, "note": MAYBE_TEXT,
    "valid_from": Shape("a date, e.g. 2025-01-01", _date),
    "valid_to": Shape("a date, e.g. 2025-12-31", _date),
    "illustrative": Shape("true or false", lambda value: value if value is True or value is False
                          else None, False),
}


def _prices(findings: Findings, periods: list[Any]) -> dict[int, int]:
    """Price of each quarter-hour, 1e-4 currency per kWh; holes and overlaps are findings."""
    before = len(findings.lines)
    prices: dict[int, int] = {}
    for number, period in enumerate(periods):
        key = f"periods[{number}]"
        if not isinstance(period, list) or len(period) != 3:
            findings.add(key, period, '["HH:MM", "HH:MM", price per kWh]')
            continue
        start, end = (_slot(findings, key, part) for part in period[:2])
        price = _PRICE.read(period[2])
        if price is None:
            findings.add(key, period[2], _PRICE.expected)
        if start is None or end is None:
            continue
        if end <= start:
            findings.add(key, period, "an end after the start; split a period at midnight")
        twice = [slot for slot in range(start, end) if slot in prices]
        if twice:
            findings.add(key, f"{_clock(twice[0])} - {_clock(twice[-1] + 1)}",
                         "times that no other period has")
        prices |= dict.fromkeys(range(start, end), price or 0)
    holes = [slot for slot in range(SLOTS) if slot not in prices]
    if holes and len(findings.lines) == before:
        end = next((slot for slot in range(holes[0], SLOTS) if slot in prices), SLOTS)
        findings.add("periods", f"no price {_clock(holes[0])} - {_clock(end)}",
                     "a price for every quarter-hour from 00:00 to 24:00")
    return prices


def _slot(findings: Findings, key: str, text: object) -> int | None:
    """The quarter-hour that begins at a time of day, 0 .. 96."""
    if isinstance(text, str) and len(text) == 5 and text[2] == ":" and text.isascii():
        hours, minutes = text[:2], text[3:]
        if hours.isdigit() and minutes.isdigit() and int(minutes) < 60:
            slot, rest = divmod(int(hours) * 60 + int(minutes), _MINUTES)
            if rest == 0 and slot <= SLOTS:
                return slot
    findings.add(key, text, 'a quarter-hour "00:00" .. "24:00"')
    return None


def _clock(slot: int) -> str:
    return f"{slot // 4:02d}:{slot % 4 * 15:02d}"
