"""Day profiles of a tariff: import price, export price and demand charge of each quarter-hour."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from boards.shapes import Findings, Shape, one_of, table

SLOTS = 96  # quarter-hours of a day
ALL_HOURS = ""  # the name of a charge for the demand of all hours
_MINUTES = 15


@dataclass(frozen=True)
class Day:
    """A day profile. Prices in 1e-4 of the currency a kWh; `charges` names the demand charge that
    counts beside the one of all hours, "" where none does. `pushed`: its prices are of one day."""

    name: str
    prices_e4: tuple[int, ...]
    exports_e4: tuple[int, ...]
    charges: tuple[str, ...] = ("",) * SLOTS
    pushed: bool = False


def money(low: int, high: int, needed: bool = True) -> Shape:
    """A price with at most four decimals, read exactly, in 1e-4."""
    def read(value: Any) -> int | None:
        number = (isinstance(value, Decimal) and value.is_finite()) or type(value) is int
        if not number or not low <= value <= high or value * 10000 % 1:
            return None
        return int(value * 10000)

    return Shape(f"a price {low} .. {high} with at most four decimals", read, 0, needed)


# What a gateway can account within 31 bits in a minute of 16 MW: edge/ledger/account.py.
PRICE_KWH_MAX = 400
PRICE = money(-PRICE_KWH_MAX, PRICE_KWH_MAX)


def spans(words: str, needed: bool = False) -> Shape:
    """A list of periods of a day."""
    return Shape(f'a list of ["HH:MM", "HH:MM", {words}]',
                 lambda value: value if isinstance(value, list) and value else None, [], needed)


def read_days(findings: Findings, raw: Mapping[str, Any], export_e4: int, charges: Sequence[str]
              ) -> dict[str, Day]:
    """Read every [days.NAME]; `charges` are the names of demand charges."""
    shapes = {"periods": spans("price per kWh", needed=True), "export": spans("price per kWh"),
              "charges": spans("name of a demand charge")}
    days = {}
    for name, entry in raw.items():
        key = f"days.{name}"
        if not isinstance(entry, dict):
            findings.add(key, entry, f"a table [{key}]")
            continue
        got = table(findings, key, entry, shapes)
        days[name] = read_day(findings, name, f"{key}.", got["periods"], got["export"], export_e4,
                              got["charges"], charges)
    return days


def read_day(findings: Findings, name: str, place: str, periods: list[Any], export: list[Any],
             export_e4: int, hours: list[Any], charges: Sequence[str]) -> Day:
    """One profile; what stands under `place` + periods, export, charges."""
    prices = fill(findings, place + "periods", periods, PRICE.read, PRICE.expected, whole=True)
    earned: dict[int, Any] = dict.fromkeys(range(SLOTS), export_e4)
    if export:
        earned = fill(findings, place + "export", export, PRICE.read, PRICE.expected, whole=True)
    charged = fill(findings, place + "charges", hours,
                   lambda value: value if isinstance(value, str) and value in charges else None,
                   one_of(charges))
    return Day(name, tuple(prices.get(slot, 0) for slot in range(SLOTS)),
               tuple(earned.get(slot, 0) for slot in range(SLOTS)),
               tuple(charged.get(slot, ALL_HOURS) for slot in range(SLOTS)))


def fill(findings: Findings, place: str, periods: list[Any], read: Callable[[Any], Any],
         expected: str, whole: bool = False) -> dict[int, Any]:
    """The value of each quarter-hour; overlaps are findings, and holes where all is wanted."""
    before = len(findings.lines)
    values: dict[int, Any] = {}
    for number, period in enumerate(periods):
        key = f"{place}[{number}]"
        if not isinstance(period, list) or len(period) != 3:
            words = "price per kWh" if read is PRICE.read else "name"
            findings.add(key, period, f'["HH:MM", "HH:MM", {words}]')
            continue
        start, end = (_slot(findings, key, part) for part in period[:2])
        value = read(period[2])
        if value is None:
            findings.add(key, period[2], expected)
        if start is None or end is None:
            continue
        if end <= start:
            findings.add(key, period, "an end after the start; split a period at midnight")
        twice = [slot for slot in range(start, end) if slot in values]
        if twice:
            findings.add(key, f"{clock(twice[0])} - {clock(twice[-1] + 1)}",
                         "times that no other period has")
        values |= dict.fromkeys(range(start, end), value or 0)
    holes = [slot for slot in range(SLOTS) if slot not in values]
    if whole and periods and holes and len(findings.lines) == before:
        end = next((slot for slot in range(holes[0], SLOTS) if slot in values), SLOTS)
        findings.add(place, f"no price {clock(holes[0])} - {clock(end)}",
                     "a price for every quarter-hour from 00:00 to 24:00")
    return values


def runs(values: Sequence[Any]) -> Iterator[tuple[int, Any]]:
    """Values of the day's quarter-hours as (end, value), rising."""
    for slot, value in enumerate(values, 1):
        if slot == len(values) or values[slot] != value:
            yield slot, value


def _slot(findings: Findings, key: str, text: object) -> int | None:
    """The quarter-hour that begins at a time of day, 0 .. 96."""
    slot = slot_of(text)
    if slot is None:
        findings.add(key, text, 'a quarter-hour "00:00" .. "24:00"')
    return slot


def slot_of(text: object) -> int | None:
    """The quarter-hour that begins at "HH:MM", 0 .. 96; None when none does."""
    if isinstance(text, str) and len(text) == 5 and text[2] == ":" and text.isascii():
        hours, minutes = text[:2], text[3:]
        if hours.isdigit() and minutes.isdigit() and int(minutes) < 60:
            slot, rest = divmod(int(hours) * 60 + int(minutes), _MINUTES)
            if rest == 0 and slot <= SLOTS:
                return slot
    return None


def clock(slot: int) -> str:
    """Time of day at which a quarter-hour begins."""
    return f"{slot // 4:02d}:{slot % 4 * 15:02d}"
