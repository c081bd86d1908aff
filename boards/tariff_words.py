"""A tariff in words: its structure in one line, and what its calendar does not cover."""

import datetime
from collections.abc import Iterator

from boards.tariff import Tariff
from boards.tariff_days import clock
from boards.tariff_demand import Demand

_SOON_DAYS = 60  # before its end a tariff is asked for


def structure(tariff: Tariff) -> str:
    """What a tariff is made of."""
    return "; ".join([_days(tariff), *_push(tariff), *_demand(tariff.demand)])


def _days(tariff: Tariff) -> str:
    if tariff.simple or len(tariff.days) == 1:
        return "every day alike"
    calendar = tariff.calendar
    seasons = [f"{season.name} {_date(season.first)} .. {_date(season.last)}"
               for season in calendar.seasons]
    said = f"{len(tariff.days)} day profiles; " + (", ".join(seasons) if len(seasons) > 1
                                                   else "all year")
    listed = ((len(calendar.holidays), "holidays"), (len(calendar.workdays), "working weekend "
              "days"), (len(calendar.dates), "single dates"))
    return ", ".join([said, *(f"{count} {what}" for count, what in listed if count)])


def _push(tariff: Tariff) -> Iterator[str]:
    push = tariff.push
    if push is None:
        return
    what = list(push.days)
    if push.prices_e4:
        low, high = (price / 10_000 for price in push.prices_e4)
        what.append(f"prices {low:g} .. {high:g}")
    yield (f"pushed {'every day ' if push.daily else ''}until {clock(push.until_slot)} the day "
           f"before: {', '.join(what)}")


def _demand(demand: Demand) -> Iterator[str]:
    price = demand.price_e4 / 10_000
    period = "year" if demand.months == 12 else "month"
    if demand.by == "capacity":
        yield f"capacity {demand.capacity_kva} kVA at {price:g} a {period}: a peak costs nothing"
    elif demand.by == "contract":
        yield (f"contract {demand.contract_kw} kW at {price:g} a {period}, above "
               f"{demand.over_pm / 10:g} % of it {demand.over_times} times as dear")
    else:
        least = f", at least {demand.least_kw:g} kW" if demand.least_pm else ""
        yield f"highest demand at {price:g} a kW and {period}{least}"
    for name, charge_e4 in demand.charges_e4.items():
        yield f"demand of {name} hours at {charge_e4 / 10_000:g}"
    if demand.use_kwh_per_kva:
        yield f"{demand.use_price_pm / 10:g} % of that from {demand.use_kwh_per_kva} kWh a kVA on"
    if demand.day > 1:
        yield f"billing month from day {demand.day}"


def gaps(tariff: Tariff, today: datetime.date) -> Iterator[str]:
    """What the tariff does not cover, from today on."""
    start, end = tariff.valid_from, tariff.valid_to
    if end and end < today:
        yield (f"was valid until {end}: since then nothing is traded, and its last prices are "
               "accounted; enter the new ones")
    elif end and (end - today).days <= _SOON_DAYS:
        yield (f"is valid until {end}, {(end - today).days} days more: after it nothing is traded; "
               "enter the new prices")
    if start and start > today:
        yield f"is valid from {start} on, and does not cover today"
    calendar = tariff.calendar
    if not any("holiday" in season.days for season in calendar.seasons):
        return
    last = max(calendar.holidays, default=None)
    if last is None:
        yield "has a profile for holidays, but lists none"
    elif last < today and (end is None or end > today):
        yield f"lists no holiday after {last}: add those to come"


def _date(day: tuple[int, int]) -> str:
    return f"{day[0]:02d}-{day[1]:02d}"
