"""What a plan has saved against doing nothing, month by month: money and carbon.

What the store lacks at a month's end is bought back, or credited, at the cheapest price through the
loss of charging, with the carbon of that hour: an empty battery is no saving. What the battery has
aged is none either.
"""

from __future__ import annotations

from typing import Any

from hil import bill
from hil.emulation import Run
from hil.trace import MINUTES, kwh, quarterly, stored_kwh

_E4 = 10_000
_SLOTS = 96


def factors(run: Run) -> list[float]:
    """kg CO2 per kWh of each quarter-hour of a day: the plan's profile, or the ledger's factor."""
    for name, keys in run.image.get("plan", ()):
        if name == "tally":
            return [one / _E4 for one in keys["carbon_e4"]]
    constant: float = run.image["carbon"]["factor"] / 1e6
    return [constant] * _SLOTS


def figures(run: Run, bare: list[bill.Bill], held: list[bill.Bill]) -> dict[str, Any]:
    """Everything for a machine; `bare` and `held` are the months' bills without and with the
    battery, "g_per_kwh" what a kWh delivered by the battery has cost in g CO2 (below 0: saved)."""
    day = factors(run)
    prices = run.prices_e4
    cheapest = prices.index(min(prices))  # of all quarter-hours
    slots = [day[bill.slot(time)] for time in run.times]
    carbon = [[kwh(ws) * factor for ws, factor in zip(quarterly(column), slots, strict=True)]
              for column in (run.trace.bare_ws, run.trace.import_ws)]
    stored = [run.before.stored_uj, *run.trace.stored_uj]
    way = (run.image["battery"]["efficiency_pm"] / 1000) ** 0.5
    wear_e4 = run.image["battery"]["wear_e4"]
    months = []
    for month, without, with_ in zip(
            bill.months(run.times, run.tariff.demand.day), bare, held, strict=True):
        missing_kwh = stored_kwh(stored[month.first] - stored[month.end]) / way
        bare_kg, held_kg = (sum(kg[month.first:month.end]) for kg in carbon)
        discharged_kwh = kwh(sum(max(ws, 0) for ws in run.trace.store_ws[
            month.first * MINUTES:month.end * MINUTES]))
        months.append({
            "month": month.name, "money": without.total - with_.total
            - (missing_kwh * prices[cheapest] + discharged_kwh * wear_e4) / _E4,
            "kg": bare_kg - held_kg - missing_kwh * slots[cheapest],
            "without_kg": bare_kg, "with_kg": held_kg,
            "discharged_kwh": discharged_kwh})
    delivered = sum(one["discharged_kwh"] for one in months)
    kg = sum(one["kg"] for one in months)
    return {"mode": run.order.site.sections["plan"]["mode"], "months": months,
            "g_per_kwh": -1000 * kg / delivered if delivered else None}
