"""The figures of an emulation: without a battery, with it, and the best that could have been."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from boards.journal_file import Header
from boards.site_tables import rules
from boards.why_words import meaning
from edge.gate import WORDS
from edge.journal import FIELDS
from hil import bill, laundered, optimum, saving
from hil.best import best, hidden
from hil.bounds import GATE, IDLE
from hil.emulate import window_pm
from hil.emulation import Run
from hil.trace import MINUTES, kwh, peak_kw, quarterly, stored_kwh

_E4 = 10_000
_UJ_PER_WS = 1_000_000


class Column(NamedTuple):
    """One way it could have gone. `refill` buys back what the store has lost meanwhile, `wear` is
    what the battery has aged."""

    peak_kw: float
    demand: float
    energy: float
    refill: float
    wear: float
    total: float


def figures(run: Run) -> dict[str, Any]:
    """Everything that is reported, for a machine; money in the tariff's currency."""
    tariff = run.image["tariff"]
    bare, held = bills(run, battery=False), bills(run)
    without, with_ = _without(run, bare), _with(run, held)
    hides, column = _best(run, bare, held)
    return {
        "site": run.image["name"], "load": run.load_name, "start": run.times[0].isoformat(),
        "days": run.trace.quarters / 96, "warm_up_days": run.order.warm_up_days,
        "beat_s": run.image["site"]["beat_s"], "dut": run.order.dut,
        "currency": tariff["currency"], "tariff": tariff["name"],
        "without": without._asdict(), "with": with_._asdict(),
        "best": column and column._asdict(), "best_hidden": hides,
        "share_of_best": {
            "peak": column and _share(without.demand, with_.demand, column.demand),
            "bill": column and _share(without.total, with_.total, column.total)},
        "energy_kwh": _energy(run), "carbon": _carbon(run), "ledger": _ledger(run),
        "billed_kw": _billed_kw(run),
        "carbon_ledger": _kept(run),
        "balance_uj": run.balance_uj, "fault": run.bounds.fault is not None,
        "island": run.life if run.order.outages else {},
        "bounds": _bounds(run), "verdicts": _verdicts(run),
        "months": [_month(*both) for both in zip(held, bare, strict=True)],
        "plan": saving.figures(run, bare, held), "prices": _prices(run),
    }


def bills(run: Run, battery: bool = True) -> list[bill.Bill]:
    """The bills of the run's months, with the battery or without."""
    imports = run.trace.import_ws if battery else run.trace.bare_ws
    grid, prices, tariff = run.trace.grid_ws(battery), run.prices_e4, run.tariff
    sliding = bool(run.image["demand"]["sliding"])
    found, before = [], (0.0, 0)
    for month in bill.months(run.times, tariff.demand.day):
        minutes = slice(month.first * MINUTES, month.end * MINUTES)
        if month.name.endswith("-01"):
            before = (0.0, 0)
        feed = bill.Feed(imports[minutes], grid[minutes], tariff.demand, before=before)
        before = (max(before[0], peak_kw(feed.import_ws, sliding)), before[1] + 1)
        found.append(bill.month_bill(month.name, [feed], run.times[month.first:month.end],
                                     prices[month.first:month.end], tariff, sliding))
    return found


def _without(run: Run, bare: Sequence[bill.Bill]) -> Column:
    peak = peak_kw(run.trace.bare_ws, bool(run.image["demand"]["sliding"]))
    return _column(peak, bare, 0.0, 0.0)


def _with(run: Run, held: Sequence[bill.Bill]) -> Column:
    """The store is valued at the cheapest price."""
    refill = _refill(run)
    peak = peak_kw(run.trace.import_ws, bool(run.image["demand"]["sliding"]))
    discharged_kwh = kwh(run.after.discharged_ws - run.before.discharged_ws)
    wear = discharged_kwh * run.image["battery"]["wear_e4"] / _E4
    return _column(peak, held, refill, wear)


def _refill_kwh(run: Run) -> float:
    """What would have to be bought to fill the store as it was, through the losses of charging."""
    return stored_kwh(run.before.stored_uj - run.after.stored_uj) / _way(run)


def _refill(run: Run) -> float:
    """What that costs at the cheapest price."""
    return _refill_kwh(run) * min(run.prices_e4) / _E4


def _column(peak: float, found: Sequence[bill.Bill], refill: float, wear: float) -> Column:
    demand, energy = sum(one.demand for one in found), sum(one.energy for one in found)
    return Column(peak, demand, energy, refill, wear, demand + energy + refill + wear)


def _best(run: Run, bare: Sequence[bill.Bill], held: Sequence[bill.Bill]
          ) -> tuple[str, Column | None]:
    """Each line the best of its own, period by period with all known ahead; or
    why there is no such figure."""
    tariff, prices_e4 = run.tariff, run.prices_e4
    net_kw = [ws / 900_000 for ws in quarterly(run.trace.grid_ws(battery=False))]
    hides = hidden(tariff, net_kw, prices_e4, (bare, held))
    if run.image["battery"]["wear_e4"]:
        hides = "wear has a price"
    if hides:
        return hides, None
    found = best(tariff, run.times, net_kw, prices_e4, bare, best_battery(run))
    refill = _refill(run)  # it begins and ends as the run did
    return "", Column(found.peak_kw, found.demand, found.energy, refill, 0.0, found.total + refill)


def best_battery(run: Run) -> optimum.Battery:
    """The battery as the optimum sees it: what the site file lets control use."""
    keys = run.image["battery"]
    floor_pm, ceiling_pm = window_pm(run.image)
    power_w = max(keys["charge_max_w"], keys["discharge_max_w"])
    store_kwh = keys["capacity_wh"] * (ceiling_pm - floor_pm) / 1e6
    full_kwh = keys["capacity_wh"] * ceiling_pm / 1e6
    short, may = (min(max(full_kwh - stored_kwh(meters.stored_uj), 0.0), store_kwh)
                  for meters in (run.before, run.after))
    return optimum.Battery(power_w / 1e3, store_kwh, _way(run), short, may)


def _way(run: Run) -> float:
    efficiency: float = (run.image["battery"]["efficiency_pm"] / 1000) ** 0.5
    return efficiency


def _share(without: float, with_: float, best: float) -> float | None:
    """How much of what was to be had was got; None where nothing was."""
    return (without - with_) / (without - best) if without - best > 1e-9 * abs(without) else None


def _billed_kw(run: Run) -> float:
    """The peak that the month had at the start; 0 when it is no more than what is paid for."""
    peak_w = run.opening[FIELDS.index("peak_w")]
    return peak_w / 1000 if peak_w > run.tariff.demand.paid_w else 0.0


def _energy(run: Run) -> dict[str, float]:
    before, after = run.before, run.after
    flows = ("import_ws", "export_ws", "pv_ws", "load_ws", "charged_ws", "discharged_ws")
    found = {name.removesuffix("_ws"): kwh(getattr(after, name) - getattr(before, name))
             for name in flows}
    return found | {"lost": kwh(after.lost_uj - before.lost_uj) / _UJ_PER_WS,
                    "stored_start": stored_kwh(before.stored_uj),
                    "stored_end": stored_kwh(after.stored_uj)}


def _carbon(run: Run) -> dict[str, Any]:
    """Emissions of imported energy at the site file's factor (mg/kWh), kg CO2. `saved_kg` is
    against doing nothing, with the store filled again."""
    factor = run.image["carbon"]["factor"]
    without_kg = kwh(sum(run.trace.bare_ws)) * factor / 1e6
    with_kg = kwh(run.after.import_ws - run.before.import_ws) * factor / 1e6
    refill_kg = _refill_kwh(run) * factor / 1e6
    return {"without_kg": without_kg, "with_kg": with_kg, "refill_kg": refill_kg,
            "saved_kg": without_kg - with_kg - refill_kg, "factor_kg_per_kwh": factor / 1e6,
            "source": run.image["carbon"]["source"], "year": run.image["carbon"]["year"]}


def _ledger(run: Run) -> dict[str, float]:
    """What the controller itself has accounted, from its first and last journal row."""
    def passed(whole: str, part: str, parts: int) -> float:
        at, rest = FIELDS.index(whole), FIELDS.index(part)
        return (run.closing[at] - run.opening[at]
                + (run.closing[rest] - run.opening[rest]) / parts)

    return {"import_kwh": passed("import_kwh", "import_wh", 1000),
            "export_kwh": passed("export_kwh", "export_wh", 1000),
            "carbon_kg": passed("carbon_kg", "carbon_g", 1000),
            "energy_cost": passed("cost_units", "cost_e4", _E4)}


def _kept(run: Run) -> dict[str, Any] | None:
    """The carbon ledger of a site that has one, and what an account that takes the battery for
    green would hide; kg CO2."""
    if run.kept is None:
        return None
    verdict = run.kept.verdict
    parts = ("load", "export", "loss", "in_store", "adjusted", "naive", "hidden")
    return {"folder": str(run.kept.folder), "stands": not verdict.faults, "faults": verdict.faults,
            "quarters": sum(site.values["span"] for site, _ in verdict.accounts),
            "leaves": verdict.leaves, "heads": verdict.heads,
            "views": [{"name": one.name, "delivered_kwh": one.delivered_wh / 1e3,
                       "hidden_g_per_kwh": one.hidden_g_per_kwh,
                       **{f"{part}_kg": getattr(one, part) / 1e9 for part in parts}}
                      for one in laundered.columns(verdict)]}


def names(run: Run) -> list[str]:
    """Rule names by their number in a row."""
    return ["device", *(name for name, _ in run.image["rules"])]


def name_of(who: int, known: Sequence[str]) -> str:
    """The rule, the gate, or nobody."""
    return {IDLE: "idle", GATE: "gate"}.get(who) or known[who]


def _bounds(run: Run) -> list[dict[str, Any]]:
    """A line a rule that ever bound, the busiest first: shares of time and an example."""
    found, known, header = run.bounds, names(run), Header.of(run.image)
    everyone = {*found.low, *found.high, *found.ruled}
    lines = []
    for who in sorted(everyone, key=lambda one: (-found.ruled[one], -found.low[one], one)):
        name = name_of(who, known)
        line = {"rule": name, "words": _words(name, run), "low": found.low[who] / found.beats,
                "high": found.high[who] / found.beats, "ruled": found.ruled[who] / found.beats}
        row = dict(zip(FIELDS, found.examples.get(who, ()), strict=False))
        if row and who >= 0:
            line["example"] = {"day": row["day"], "second": row["second"],
                               "chosen_w": row["chosen_w"],
                               "why": meaning(name, row, header,
                                              "lo" if row["lo_w"] > 0 else "hi")}
        lines.append(line)
    return lines


def _words(name: str, run: Run) -> str:
    cut = ", ".join(_verdicts(run)) or "the battery takes less"
    fixed = {"idle": "Nobody insists: the battery rests.",
             "device": "What the battery and its converter can do now.",
             "gate": f"The last, independent check changed the command: {cut}."}
    return fixed.get(name) or rules()[name].meaning


def _verdicts(run: Run) -> dict[str, float]:
    return {WORDS[number]: beats / run.bounds.beats
            for number, beats in run.bounds.verdicts.most_common() if number}


def _prices(run: Run) -> dict[str, Any]:
    """How far the prices are to be trusted: hours outside the tariff's validity, hours whose prices
    were to be pushed and did not come, and what became of what was pushed."""
    return {"unpriced_h": run.bounds.unpriced / 4, "unpushed_h": run.bounds.unpushed / 4,
            "pushed": [{"at": told.push.at.isoformat(), "day": told.push.day.isoformat(),
                        "refused": told.refused} for told in run.pushed]}


def _month(month: bill.Bill, bare: bill.Bill) -> dict[str, Any]:
    """A month's lines, each with its amount `without` the battery; one that only one of the two
    bills has is nothing on the other."""
    amounts = {line.item: line.amount for line in bare.lines}
    lines = [line._asdict() | {"without": amounts.pop(line.item, 0.0)} for line in month.lines]
    lines += [line._replace(quantity=0.0, amount=0.0)._asdict() | {"without": line.amount}
              for line in bare.lines if line.item in amounts]
    return {"month": month.month, "total": month.total, "without": bare.total, "lines": lines}
