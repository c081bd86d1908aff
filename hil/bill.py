"""The utility's bill, line by line: energy at each price, demand in all the ways it is billed,
export. Money in the tariff's currency; energies are exact until they are multiplied by a price."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import accumulate, pairwise
from typing import NamedTuple

from boards.tariff import Tariff
from boards.tariff_days import ALL_HOURS, SLOTS, Day, clock
from boards.tariff_demand import Demand
from hil.trace import MINUTES, kwh, quarterly

_E4 = 10_000
_WS_PER_KW_WINDOW = 900_000
_DEMAND = ("kW", "kVA")  # units of lines about demand


class Line(NamedTuple):
    """One line: `amount` = `quantity` in `unit` times `price`."""

    item: str
    quantity: float
    unit: str
    price: float
    amount: float


class Bill(NamedTuple):
    """One month, or as much of it as was run."""

    month: str
    lines: tuple[Line, ...]

    @property
    def demand(self) -> float:
        """What demand costs."""
        return sum(line.amount for line in self.lines if line.unit in _DEMAND)

    @property
    def energy(self) -> float:
        """What energy costs, less what was earned with export."""
        return sum(line.amount for line in self.lines if line.unit == "kWh")

    @property
    def total(self) -> float:
        return self.demand + self.energy


class Month(NamedTuple):
    """Quarter-hours `first` .. `end` - 1 of a run."""

    name: str
    first: int
    end: int


class Feed(NamedTuple):
    """What one meter saw in a month: gross and net imports of its minutes, W*s; `before`: the
    demand of the same year so far, kW, and how many months of it are billed (by the year only)."""

    import_ws: Sequence[int]
    grid_ws: Sequence[int]
    demand: Demand
    name: str = ""
    before: tuple[float, int] = (0.0, 0)


def months(times: Sequence[datetime], day: int = 1) -> list[Month]:
    """The billing months that quarter-hours with these local starts fall into; one begins on `day`
    of a calendar month and is named by it."""
    numbers = [12 * time.year + time.month - 1 - (time.day < day) for time in times]
    firsts = [at for at, number in enumerate(numbers) if at == 0 or number != numbers[at - 1]]
    return [Month(f"{numbers[first] // 12}-{numbers[first] % 12 + 1:02d}", first, end)
            for first, end in pairwise([*firsts, len(times)])]


def slot(time: datetime) -> int:
    """The quarter-hour of the day, 0 .. 95."""
    return (time.hour * 60 + time.minute) // MINUTES


def days(tariff: Tariff, times: Sequence[datetime]) -> list[Day]:
    """The day profile of each quarter-hour."""
    known: dict[object, Day] = {}
    for time in times:
        if time.date() not in known:
            known[time.date()] = tariff.day(time.date())
    return [known[time.date()] for time in times]


def prices(tariff: Tariff, times: Sequence[datetime]) -> list[int]:
    """The price of each quarter-hour, 1e-4 a kWh."""
    return [day.prices_e4[slot(time)]
            for day, time in zip(days(tariff, times), times, strict=True)]


def month_bill(name: str, feeds: Sequence[Feed], times: Sequence[datetime],
               prices_e4: Sequence[int], tariff: Tariff, sliding: bool = False) -> Bill:
    """The bill of one month of quarter-hours with these local starts and prices, from all that was
    metered in it: one sum of energies, and each feed's own demand."""
    there = days(tariff, times)
    profiles = list({day.name: day for day in there if not day.pushed}.values())
    imports = [quarterly(feed.import_ws) for feed in feeds]
    standing = [None if day.pushed else price for day, price in zip(there, prices_e4, strict=True)]
    lines = [_line("energy" + _when(price, {day.name: day.prices_e4 for day in profiles}),
                   kwh(ws), "kWh", price) for price, ws in _by_price(imports, standing)]
    lines += _pushed(imports, prices_e4, there)
    used_kwh = kwh(sum(map(sum, imports)))
    capacity = sum(feed.demand.capacity_kva for feed in feeds)
    for feed in feeds:
        lines += _demand(feed, used_kwh / capacity if capacity else 0.0, there, times, sliding)
    sold = [[a - b for a, b in zip(gross, quarterly(feed.grid_ws), strict=True)]
            for gross, feed in zip(imports, feeds, strict=True)]
    earned_e4 = [day.exports_e4[slot(time)] for day, time in zip(there, times, strict=True)]
    lines += [_line("export" + _when(price, {day.name: day.exports_e4 for day in profiles}),
                    kwh(ws), "kWh", -price) for price, ws in _by_price(sold, earned_e4) if ws]
    return Bill(name, tuple(lines))


def _by_price(columns: Sequence[Sequence[int]], prices_e4: Sequence[int | None]
              ) -> list[tuple[int, int]]:
    """Energy at each price, the highest first; what has none is left out."""
    sums: dict[int, int] = {}
    for column in columns:
        for ws, price in zip(column, prices_e4, strict=True):
            if price is not None:
                sums[price] = sums.get(price, 0) + ws
    return sorted(sums.items(), reverse=True)


def _pushed(columns: Sequence[Sequence[int]], prices_e4: Sequence[int], there: Sequence[Day]
            ) -> Iterator[Line]:
    """Energy at prices that were pushed for one day, all in one line at their mean."""
    names = {day.name for day in there if day.pushed}
    if not names:
        return
    parts = [(kwh(ws), price / _E4) for column in columns
             for ws, price, day in zip(column, prices_e4, there, strict=True) if day.pushed]
    used, amount = sum(part for part, _ in parts), sum(part * price for part, price in parts)
    yield Line(f"energy of {len(names)} day{'s' * (len(names) > 1)} at pushed prices, their mean",
               used, "kWh", amount / used if used else 0.0, amount)


def _demand(feed: Feed, kwh_per_kva: float, there: Sequence[Day], times: Sequence[datetime],
            sliding: bool) -> Iterator[Line]:
    """What one feed's demand costs, the way its tariff bills it."""
    demand, of = feed.demand, f" of {feed.name}" if feed.name else ""
    price_e4, at = float(demand.price_e4), ""
    if demand.use_kwh_per_kva and kwh_per_kva >= demand.use_kwh_per_kva:
        price_e4 = demand.price_e4 * demand.use_price_pm / 1000
        at = f", price at {demand.use_price_pm / 10:g} % from {demand.use_kwh_per_kva} kWh a kVA on"
    if demand.by == "capacity":
        yield _line(f"capacity{of}", demand.capacity_kva, "kVA", price_e4)
        return
    charges = [day.charges[slot(time)] for day, time in zip(there, times, strict=True)]
    peaks = peaks_kw(feed.import_ws, charges, sliding)
    peak = peaks[ALL_HOURS]
    if demand.by == "contract":
        yield _line(f"demand by contract{of}{at}", demand.contract_kw, "kW", price_e4)
        over = peak - demand.contract_kw * demand.over_pm / 1000
        if over > 0:
            yield _line(f"demand above {demand.over_pm / 10:g} % of the contract{of}{at}", over,
                        "kW", price_e4 * demand.over_times)
        return
    billed = max(peak, demand.least_kw)
    if demand.months == 1:
        least = "" if peak >= demand.least_kw else ", the least billed"
        yield _line(f"demand, highest 15-minute mean{of}{least}{at}", billed, "kW", price_e4)
    else:
        yield from _year(feed, billed, price_e4 / demand.months, of)
    for name, charge_e4 in demand.charges_e4.items():
        if name in charges:
            yield _line(f"demand of {name} hours{of}", peaks[name], "kW", charge_e4)


def _year(feed: Feed, billed: float, month_e4: float, of: str) -> Iterator[Line]:
    """Demand by the year: a month bears its part of the highest so far, and when that rises the
    months before it are billed the difference."""
    before, passed = feed.before
    billed = max(billed, before)
    yield _line(f"demand, the year's highest so far{of}", billed, "kW", month_e4)
    if passed and billed > before:
        yield _line(f"demand, {passed} months before billed again{of}", billed - before, "kW",
                    month_e4 * passed)


def peaks_kw(import_ws: Sequence[int], charges: Sequence[str], sliding: bool = False
             ) -> dict[str, float]:
    """The highest 15-minute mean of all hours (""), and of those of each charge; `charges`: which
    one counts in each quarter-hour. A sliding window belongs to the one it ends in."""
    total = [0, *accumulate(import_ws)]
    highest = dict.fromkeys([ALL_HOURS, *charges], 0)
    for end in range(MINUTES, len(total), 1 if sliding else MINUTES):
        ws = total[end] - total[end - MINUTES]
        for charge in (ALL_HOURS, charges[(end - 1) // MINUTES]):
            highest[charge] = max(highest[charge], ws)
    return {charge: ws / _WS_PER_KW_WINDOW for charge, ws in highest.items()}


def _when(price: int, profiles: Mapping[str, Sequence[int]]) -> str:
    """When a price holds; the profiles are named where it does not hold at the same hours in all
    of them."""
    spans: dict[str, list[str]] = {}
    for name, day in profiles.items():
        if price in day:
            spans.setdefault(hours(price, day), []).append(name)
    if len(spans) == 1 and len(profiles) == len(next(iter(spans.values()))):
        return next(iter(spans))
    return ";".join(f"{span} {', '.join(names)}" for span, names in spans.items())


def hours(price: int, day: Sequence[int]) -> str:
    """When a price holds, as " 00:00-08:00, 22:00-24:00"; nothing when it always does."""
    edges = [at for at in range(len(day) + 1)
             if (at < len(day) and day[at] == price) != (at > 0 and day[at - 1] == price)]
    if edges == [0, SLOTS]:
        return ""
    spans = [f"{clock(start)}-{clock(end)}"
             for start, end in zip(edges[::2], edges[1::2], strict=True)]
    return " " + ", ".join(spans)


def _line(item: str, quantity: float, unit: str, price_e4: float) -> Line:
    return Line(item, quantity, unit, price_e4 / _E4, quantity * price_e4 / _E4)
