"""A tariff compiled to what a gateway looks up (edge/prices.py, edge/price_calendar.py)."""

import datetime
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from boards.tariff_days import ALL_HOURS, SLOTS, runs

if TYPE_CHECKING:
    from boards.tariff import Tariff

LEVELS_MAX = 16  # distinct prices that a gateway plans with
YEARS = 15  # how far ahead days are listed at most
_ENDLESS = 1 << 20  # a last day that never comes
_EPOCH = datetime.date(2000, 1, 1)
_WEEK = ("saturday", "sunday", *5 * ("workday",))  # as day % 7: day 0 was a Saturday


def compile_tariff(tariff: "Tariff", first: datetime.date) -> dict[str, Any]:
    """The tariff of a site image; days are known from `first` on."""
    image: dict[str, Any] = {
        "name": tariff.name, "currency": tariff.currency, "demand_e4": tariff.demand_e4,
        "export_e4": tariff.export_e4}
    if tariff.simple:
        return image | {"prices_e4": list(next(iter(tariff.days.values())).prices_e4),
                        "valid": valid(tariff)}
    image["days"] = _days(tariff, first)
    if tariff.billed:
        image["billing"] = _billing(tariff)
    return image


def levels(tariff: "Tariff") -> list[int]:
    """The prices to plan with, rising: those of all profiles."""
    return sorted({price for day in tariff.days.values() for price in day.prices_e4})


def valid(tariff: "Tariff") -> list[int]:
    """The first and the last day of a tariff."""
    return [number(tariff.valid_from) if tariff.valid_from else 0,
            number(tariff.valid_to) if tariff.valid_to else _ENDLESS]


def number(date: datetime.date) -> int:
    """Days since 2000-01-01."""
    return (date - _EPOCH).days


def _days(tariff: "Tariff", first: datetime.date) -> dict[str, Any]:
    last = first + datetime.timedelta(days=round(YEARS * 365.25))
    if tariff.valid_to:
        last = min(last, tariff.valid_to)
    known, names = levels(tariff), list(tariff.days)
    place = {price: at for at, price in enumerate(known)}
    weeks: list[list[int]] = []
    dates = []
    for date in _dates(first, last):
        week = [names.index(tariff.calendar.usual(date, kind)) for kind in _WEEK]
        if not weeks or weeks[-1][1:] != week:
            weeks.append([number(date), *week])
        profile = names.index(tariff.calendar.profile(date))
        if profile != week[number(date) % 7]:
            dates.append([number(date), profile])
    days: dict[str, Any] = {
        "first": number(first), "last": number(last), "levels": known, "weeks": weeks,
        "dates": dates, "profiles": [_runs([place[price] for price in day.prices_e4])
                                     for day in tariff.days.values()]}
    if tariff.push:
        days["push"] = {"days": {name: names.index(name) for name in tariff.push.days},
                        "until_s": tariff.push.until_slot * 86400 // SLOTS,
                        "prices": list(tariff.push.prices_e4), "daily": int(tariff.push.daily)}
    return days


def _dates(first: datetime.date, last: datetime.date) -> Iterator[datetime.date]:
    for days in range((last - first).days + 1):
        yield first + datetime.timedelta(days)


def _billing(tariff: "Tariff") -> dict[str, Any]:
    demand = tariff.demand
    charges = [ALL_HOURS, *demand.charges_e4]
    exports = sorted({price for day in tariff.days.values() for price in day.exports_e4})
    return {
        "day": demand.day, "months": demand.months, "paid_w": demand.paid_w,
        "charges_e4": [tariff.demand.rising_e4, *demand.charges_e4.values()],
        "charges": [_runs([charges.index(name) for name in day.charges])
                    for day in tariff.days.values()],
        "exports_e4": exports,
        "exports": [_runs([exports.index(price) for price in day.exports_e4])
                    for day in tariff.days.values()]}


def _runs(values: Sequence[int]) -> list[list[int]]:
    return [[end, value] for end, value in runs(values)]
