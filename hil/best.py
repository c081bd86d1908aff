"""The best that could have been under a tariff, with all loads known ahead; or why nobody can say.

The optimum (hil/optimum.py) knows an energy price for each slot and one price a kW of the highest
demand of a billing period, free up to what is paid for anyway. What a tariff asks beyond that it
cannot express, and then there is no figure rather than a wrong one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

from boards.tariff import Tariff
from boards.tariff_demand import Demand
from hil import bill, optimum

_E4 = 10_000


class Best(NamedTuple):
    """Each line the best of its own: highest peak, and the sums of the periods' bills."""

    peak_kw: float
    demand: float
    energy: float
    total: float


def hidden(tariff: Tariff, net_kw: Sequence[float], prices_e4: Sequence[int],
           bills: Sequence[Sequence[bill.Bill]]) -> str:
    """Why the best cannot be told, "" when it can; `bills` without and with the battery."""
    if any(charge_e4 for charge_e4 in tariff.demand.charges_e4.values()):
        return "demand is charged by the hour of the day"
    if min(prices_e4) < 0:
        return "a price is below zero"
    if min(net_kw) < 0 and any(price for day in tariff.days.values() for price in day.exports_e4):
        return "export earns money"
    without, with_ = ([[line.price for line in month.lines if line.unit == "kW"][:1]
                       for month in months] for months in bills)
    if tariff.demand.use_kwh_per_kva and without != with_:
        return "the battery moves a month over the limit of the demand price"
    return ""


def best(tariff: Tariff, times: Sequence[datetime], net_kw: Sequence[float],
         prices_e4: Sequence[int], bills: Sequence[bill.Bill], battery: optimum.Battery) -> Best:
    """The best, one billing period after the other: from the store that the run began with to the
    one it ended with, and full where one period follows another; `bills` of the run's months tell
    which demand price each has."""
    demand = tariff.demand
    paid_kw = demand.paid_w / 1000
    months = bill.months(times, demand.day)
    peak = cost = energy = total = 0.0
    for _, numbers in groupby(range(len(months)),
                              key=lambda at: months[at].name[:4 if demand.months == 12 else 7]):
        there = list(numbers)
        first, end = months[there[0]].first, months[there[-1]].end
        load = net_kw[first:end]
        prices = [price / _E4 for price in prices_e4[first:end]]
        rising, fixed = _price(demand, bills[there[0]], len(there))
        own = battery._replace(short_kwh=battery.short_kwh if first == 0 else 0.0,
                               may_kwh=battery.may_kwh if end == len(net_kw) else 0.0)
        lowest = optimum.lowest_peak_kw(load, own)
        peak, cost = max(peak, lowest), cost + fixed + max(lowest - paid_kw, 0.0) * rising
        unlimited = max(*load, 0.0) + battery.power_kw
        energy += optimum.bill_at(load, unlimited, own, optimum.Tariff(prices, 0.0))
        total += fixed + optimum.lowest_bill(load, own, optimum.Tariff(prices, rising), paid_kw)
    return Best(peak, cost, energy, total)


def _price(demand: Demand, month: bill.Bill, months: int) -> tuple[float, float]:
    """What a kW more costs above what is paid for anyway, and what that costs, in a period of which
    so many months were run."""
    base = next(line.price for line in month.lines if line.unit in ("kW", "kVA"))
    if demand.by == "capacity":
        return 0.0, base * demand.capacity_kva
    if demand.by == "contract":
        return base * demand.over_times, base * demand.contract_kw
    base *= months
    return base, base * demand.paid_w / 1000
