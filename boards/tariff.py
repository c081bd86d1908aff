"""Tariff files: what a kilowatt-hour costs at each quarter-hour of each day, and what demand costs.

A tariff is data with a source and a validity. Beside the site file or in edge/tariffs. The simplest
one has `periods` and `demand_price`, the same every day. Where days differ, [days.NAME] are their
profiles and [[season]] says which days have which (boards/tariff_calendar.py); where demand is
billed in another way there is a table [demand] (boards/tariff_demand.py).
"""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from boards import tariff_image
from boards.shapes import MAYBE_TEXT, TABLE, TEXT, Findings, Shape, list_of, table, text, toml
from boards.tariff_calendar import FOLDER, Calendar, always, read_calendar
from boards.tariff_days import (
    PRICE,
    PRICE_KWH_MAX,
    SLOTS,
    Day,
    money,
    read_day,
    read_days,
    slot_of,
    spans,
)
from boards.tariff_demand import PRICE_MAX, Demand, read_demand

_ONLY = "every day"  # the profile of a tariff whose days are all alike


@dataclass(frozen=True)
class Push:
    """What may be pushed for a day, before quarter-hour `until_slot` of the day before: one of the
    profiles `days`, or prices between two limits (1e-4 currency a kWh). `daily`: it comes for every
    day, and one for which it does not is marked."""

    days: tuple[str, ...]
    until_slot: int
    prices_e4: tuple[int, ...]
    daily: bool = False


@dataclass(frozen=True)
class Tariff:
    """Day profiles, which date has which, what demand costs. Prices exactly, in 1e-4 of the
    currency a kWh; `export_e4` where a profile says nothing else."""

    file: str
    name: str
    currency: str
    days: Mapping[str, Day]
    calendar: Calendar
    export_e4: int
    demand: Demand
    push: Push | None
    source: str
    valid_from: datetime.date | None
    valid_to: datetime.date | None
    illustrative: bool

    def day(self, date: datetime.date) -> Day:
        """The profile of a date. Outside the validity days go on as in the nearest week inside."""
        if self.valid_to and date > self.valid_to:
            return self.days[self.calendar.weekly(self.valid_to, date)]
        if self.valid_from and date < self.valid_from:
            return self.days[self.calendar.weekly(self.valid_from, date)]
        return self.days[self.calendar.profile(date)]

    @property
    def prices_e4(self) -> list[int]:
        """Every price there is, of all profiles."""
        return [price for day in self.days.values() for price in day.prices_e4]

    @property
    def demand_e4(self) -> int:
        """What a kW more of demand costs at most, above what is paid for anyway."""
        return self.demand.rising_e4 + max(self.demand.charges_e4.values(), default=0)

    @property
    def simple(self) -> bool:
        """Whether all days are alike and nothing but a month's highest demand is billed."""
        return len(self.days) == 1 and self.push is None and not self.billed

    @property
    def billed(self) -> bool:
        """Whether the bill asks more than the price of import and a month's highest demand."""
        return not self.demand.plain or any(
            price != self.export_e4 for day in self.days.values() for price in day.exports_e4)

    def free(self) -> "Tariff":
        """The same with energy that costs nothing."""
        return replace(self, push=None, days={
            name: replace(day, prices_e4=(0,) * SLOTS) for name, day in self.days.items()})

    def image(self, first: datetime.date) -> dict[str, Any]:
        """The tariff as a gateway loads it; days are known from `first` on."""
        return tariff_image.compile_tariff(self, first)


def shipped() -> list[str]:
    """The tariff files that come with parkedge."""
    return sorted(path.name for path in FOLDER.glob("*.toml"))


def find(file: str, beside: Path, shipped_in: Path = FOLDER) -> Path | None:
    """Where a file lies: beside the site file, or among the shipped ones (of tariffs)."""
    for folder in (beside, shipped_in):
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
    return parse(raw, findings, path.parent)


def parse(raw: Mapping[str, Any], findings: Findings, beside: Path = FOLDER) -> Tariff | None:
    """Check what a tariff file holds; decimals are read exactly."""
    before = len(findings.lines)
    got = table(findings, "", dict(raw), _SHAPES)
    demand = _demand(findings, raw, got)
    days, calendar = _days(findings, raw, got, demand, beside)
    push = _push(findings, raw, days) if "push" in raw else None
    start, end = got["valid_from"], got["valid_to"]
    if start and end and end < start:
        findings.add("valid_to", str(end), f"a date not before valid_from = {start}")
    if len(findings.lines) > before:
        return None
    tariff = Tariff(findings.file, got["name"], got["currency"], days, calendar,
                    got["export_price"], demand, push, got["source"], start, end,
                    got["illustrative"])
    _fit(findings, tariff)
    return tariff if len(findings.lines) == before else None


def _date(value: Any) -> datetime.date | None:
    return value if type(value) is datetime.date else None


_YES_NO = Shape("true or false", lambda value: value if isinstance(value, bool) else None, False)
_ANY = Shape("anything", lambda value: value)  # read, and judged, elsewhere
_SHAPES = {
    "name": TEXT, "currency": Shape("an ISO 4217 code, e.g. CNY", lambda value: value
                                    if isinstance(value, str) and len(value) == 3
                                    and value.isascii() and value.isupper() else None, "", True),
    "demand_price": money(0, PRICE_MAX, False),
    "export_price": money(-PRICE_KWH_MAX, PRICE_KWH_MAX, False),
    "periods": spans("price per kWh"), "demand": _ANY, "days": TABLE, "season": _ANY,
    "holidays": _ANY, "workdays": _ANY, "dates": _ANY, "push": TABLE,
    "source": MAYBE_TEXT, "note": MAYBE_TEXT,
    "valid_from": Shape("a date, e.g. 2025-01-01", _date),
    "valid_to": Shape("a date, e.g. 2025-12-31", _date),
    "illustrative": _YES_NO,
}


def _demand(findings: Findings, raw: Mapping[str, Any], got: Mapping[str, Any]) -> Demand:
    if "demand" not in raw:
        if "demand_price" not in raw:
            findings.add("demand_price", None, _SHAPES["demand_price"].expected
                         + ", or a table [demand]")
        return Demand(got["demand_price"])
    if "demand_price" in raw:
        findings.add("demand_price", raw["demand_price"], "it or a table [demand], not both")
    return read_demand(findings, raw["demand"])


def _days(findings: Findings, raw: Mapping[str, Any], got: Mapping[str, Any], demand: Demand,
          beside: Path) -> tuple[dict[str, Day], Calendar]:
    """The profiles, and which date has which."""
    if "days" in raw:
        if "periods" in raw:
            findings.add("periods", raw["periods"], "it or tables [days.NAME], not both")
        days = read_days(findings, got["days"], got["export_price"], list(demand.charges_e4))
        return days, read_calendar(findings, raw, list(days), beside)
    for key in ("season", "holidays", "workdays", "dates", "push"):
        if key in raw:
            findings.add(key, raw[key], "day profiles [days.NAME] beside it")
    if "periods" not in raw:
        findings.add("periods", None, _SHAPES["periods"].expected + ", or tables [days.NAME]")
    day = read_day(findings, _ONLY, "", got["periods"], [], got["export_price"], [], [])
    return {_ONLY: day}, always(_ONLY)


def _push(findings: Findings, raw: Mapping[str, Any], days: Mapping[str, Day]) -> Push:
    got = table(findings, "push", raw["push"] if isinstance(raw["push"], dict) else {}, {
        "days": list_of("names of profiles", text), "prices": list_of(
            "the lowest and the highest price a kWh", PRICE.read),
        "until": Shape('a quarter-hour "00:15" .. "24:00" of the day before',
                       lambda value: slot_of(value) or None, SLOTS),
        "daily": _YES_NO})
    for name in got["days"]:
        if name not in days:
            findings.add("push.days", name, "one of the profiles " + " ".join(days))
    prices = got["prices"]
    if prices and (len(prices) != 2 or prices[0] >= prices[1]):
        findings.add("push.prices", raw["push"]["prices"], "the lowest and the highest price a kWh")
    if not prices and not got["days"]:
        findings.add("push", None, "days, prices, or both")
    return Push(got["days"], got["until"], prices, got["daily"])


def _fit(findings: Findings, tariff: Tariff) -> None:
    """What must hold between the parts."""
    distinct = len(tariff_image.levels(tariff))
    if distinct > tariff_image.LEVELS_MAX:
        findings.add("periods" if tariff.simple else "days", f"{distinct} different prices",
                     f"at most {tariff_image.LEVELS_MAX}")
    if tariff.demand_e4 > PRICE_MAX * 10_000:
        findings.add("demand", f"{tariff.demand_e4 / 10_000:g} for a kW more",
                     f"at most {PRICE_MAX}")
    named = {name for season in tariff.calendar.seasons for name in season.days.values()}
    named |= set(tariff.calendar.dates.values()) | set(tariff.push.days if tariff.push else ())
    for name in tariff.days:
        if name not in named:
            findings.add(f"days.{name}", "a profile that no day has", "it in a season, in dates or "
                         "in push")
    used = {name for day in tariff.days.values() for name in day.charges}
    for name in tariff.demand.charges_e4:
        if name not in used:
            findings.add(f"demand.charges.{name}", "a charge that no hour has",
                         "it among the charges of a profile")
