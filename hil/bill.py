"""The utility's bill, line by line: energy at each price, demand, export. Money in the tariff's
currency; energies are exact until they are multiplied by a price."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any, NamedTuple

from hil.trace import kwh, peak_kw, quarterly

_E4 = 10_000
_SLOT_MINUTES = 15


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
        """What the month's highest demand costs."""
        return sum(line.amount for line in self.lines if line.unit == "kW")

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


def months(times: Sequence[datetime]) -> list[Month]:
    """The months that quarter-hours with these local starts fall into."""
    firsts = [number for number, time in enumerate(times) if number == 0
              or (time.year, time.month) != (times[number - 1].year, times[number - 1].month)]
    return [Month(f"{times[first]:%Y-%m}", first, end)
            for first, end in pairwise([*firsts, len(times)])]


def slot(time: datetime) -> int:
    """The quarter-hour of the day, 0 .. 95."""
    return (time.hour * 60 + time.minute) // _SLOT_MINUTES


def month_bill(name: str, import_ws: Sequence[int], grid_ws: Sequence[int],
               prices_e4: Sequence[int], tariff: Mapping[str, Any], sliding: bool = False) -> Bill:
    """The bill of one month from the minutes' gross and net imports, W*s, and the price of each
    quarter-hour. `tariff` as in a site's image."""
    bought: dict[int, int] = {}
    for ws, price in zip(quarterly(import_ws), prices_e4, strict=True):
        bought[price] = bought.get(price, 0) + ws
    lines = [_line("energy" + hours(price, tariff["prices_e4"]), kwh(ws), "kWh", price)
             for price, ws in sorted(bought.items(), reverse=True)]
    lines.append(_line("demand, highest 15-minute mean", peak_kw(import_ws, sliding), "kW",
                       tariff["demand_e4"]))
    exported_ws = sum(import_ws) - sum(grid_ws)
    if exported_ws:
        lines.append(_line("export", kwh(exported_ws), "kWh", -tariff["export_e4"]))
    return Bill(name, tuple(lines))


def hours(price: int, prices: Sequence[int]) -> str:
    """When a price holds, as " 00:00-08:00, 22:00-24:00"; nothing when it always does."""
    edges = [at for at in range(len(prices) + 1)
             if (at < len(prices) and prices[at] == price)
             != (at > 0 and prices[at - 1] == price)]
    if edges == [0, len(prices)]:
        return ""
    spans = [f"{_clock(start)}-{_clock(end)}"
             for start, end in zip(edges[::2], edges[1::2], strict=True)]
    return " " + ", ".join(spans)


def _clock(at: int) -> str:
    return f"{at * _SLOT_MINUTES // 60:02d}:{at * _SLOT_MINUTES % 60:02d}"


def _line(item: str, quantity: float, unit: str, price_e4: int) -> Line:
    return Line(item, quantity, unit, price_e4 / _E4, quantity * price_e4 / _E4)
