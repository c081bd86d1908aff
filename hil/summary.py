"""The figures of an emulation in words: the lines that terminal and page have in common."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

Figures = Mapping[str, Any]

_THIN_SPACE, _MINUS = "\u202f", "\u2212"
HEADS = ("without", "with", "saved", "best")
COMPARED = (("peak_kw", "peak, 15-minute mean", "kW"), ("demand", "demand charge", ""),
            ("energy", "energy", ""), ("refill", "refilling the store", ""),
            ("wear", "battery wear", ""), ("total", "total", ""))
_PLACES = {"inproc": ("emulated", "in process"), "micropython": ("emulated", "in MicroPython"),
           "wire": ("on the wire", "on real Modbus")}


def amount(value: float, decimals: int = 1) -> str:
    """A figure with thin thousands; its decimals are the same whatever its size, for a table."""
    shown = f"{value:,.{decimals}f}"
    if not shown.strip("-0."):
        shown = shown.lstrip("-")
    return shown.replace(",", _THIN_SPACE).replace("-", _MINUS)


def cell(value: float | None) -> str:
    """A figure of a comparison; a dash where it cannot be told."""
    return "-" if value is None else amount(value)


def money(value: float) -> str:
    """An amount of a bill: to a hundredth, so that its lines add up to its total."""
    return amount(value, 2)


def percent(share: float) -> str:
    """A share in whole per cent."""
    return f"{round(share * 100)} %".replace("-", _MINUS)


def title(found: Figures) -> tuple[str, str]:
    """Which site, and what was done."""
    start = datetime.fromisoformat(found["start"])
    days = f"{found['days']:g} day{'' if found['days'] == 1 else 's'}"
    warm_up = f" after {found['warm_up_days']} days of warm-up" if found["warm_up_days"] else ""
    how, where = _PLACES[found["dut"]]
    return (f"{found['site']}, {how}",
            f"{start:%Y-%m-%d}, {days} at {found['beat_s']} s a beat{warm_up}; load: "
            f"{found['load']}; the real controller {where}; tariff {found['tariff']}")


def remark(found: Figures) -> str:
    """What explains a poor result: nothing was learned before, or a peak is billed already. "" when
    neither is so."""
    if found["billed_kw"]:
        return (f"In the month's days before these the peak was {found['billed_kw']:.0f} kW: it is "
                "billed already, so nothing lower is held; a warm-up that ends with a month shows "
                "what can be.")
    if found["warm_up_days"] or found["dut"] == "wire":
        return ""
    return ("The controller began without knowing any day; --warm-up 14 lets it learn before it is "
            "judged.")


def headline(found: Figures) -> list[tuple[str, str]]:
    """The few figures that matter, value and label."""
    without, with_, best = found["without"], found["with"], found["best"]
    energy, share = found["energy_kwh"], found["share_of_best"]["bill"]
    carbon = found["carbon"]
    said = [
        (f"{with_['peak_kw']:.0f} kW",
         f"peak; {without['peak_kw']:.0f} without"
         + ("" if best is None else f", {best['peak_kw']:.0f} at best")),
        _against_nothing(without["total"] - with_["total"], found["currency"],
                         "" if share is None else f"; {percent(share)} of the best possible"),
        (f"{amount(energy['discharged'])} kWh",
         f"discharged; {amount(energy['charged'])} charged, {amount(energy['lost'])} lost"),
        _against_nothing(carbon["saved_kg"], "kg CO₂",
                         f"; {amount(carbon['without_kg'])} without")]
    return said


def _against_nothing(saved: float, unit: str, more: str) -> tuple[str, str]:
    """What was saved against doing nothing, or spent on top."""
    words = "saved against doing nothing" if saved >= 0 else "more than doing nothing"
    return f"{amount(abs(saved))} {unit}", words + more


def compared(found: Figures) -> list[tuple[str, str, list[float | None]]]:
    """The table: label, unit, and what it is without, with, saved and at best."""
    carbon = found["carbon"]
    rows: list[tuple[str, str, list[float | None]]] = []
    for key, label, unit in COMPARED:
        without, with_, best = found["without"][key], found["with"][key], found["best"]
        rows.append((label, unit or found["currency"],
                     [without, with_, without - with_, best and best[key]]))
    rows.append(("carbon of imports", "kg CO₂", [
        carbon["without_kg"], carbon["with_kg"] + carbon["refill_kg"], carbon["saved_kg"], None]))
    return rows


def bill_lines(found: Figures) -> list[str]:
    """The bill of each month, line by line, beside what it would have been without the battery."""
    lines = []
    for month in found["months"]:
        width = max(40, *(len(line["item"]) for line in month["lines"]))
        lines += [f"{'bill of ' + month['month']:<{width}}{'quantity':>12} {'':<4}{'price':>9}"
                  f"{found['currency']:>14}{'without':>14}"]
        lines += [f"{line['item']:<{width}}{amount(line['quantity']):>12} {line['unit']:<4}"
                  f"{line['price']:>9.4f}{money(line['amount']):>14}{money(line['without']):>14}"
                  for line in month["lines"]]
        lines += [f"{'total':<{width}}{'':>12} {'':<4}{'':>9}{money(month['total']):>14}"
                  f"{money(month['without']):>14}", ""]
    return lines


def energy_lines(found: Figures) -> list[str]:
    """Where the energy went, and that none is missing."""
    kwh, ledger = found["energy_kwh"], found["ledger"]
    balance = found["balance_uj"]
    blind = " It counts what it has read: less while a meter was silent." \
        if found["dut"] == "wire" else ""
    closed = "closes to 0 µJ" if balance == 0 else f"does NOT close: {balance} µJ from nowhere"
    return [
        f"Import {amount(kwh['import'])}, export {amount(kwh['export'])}, PV {amount(kwh['pv'])}, "
        f"load {amount(kwh['load'])} kWh. Battery: charged {amount(kwh['charged'])}, discharged "
        f"{amount(kwh['discharged'])}, lost {amount(kwh['lost'])}, in store "
        f"{amount(kwh['stored_start'])} at the start and {amount(kwh['stored_end'])} at the end. "
        f"The plant's balance {closed}.",
        f"The controller's own ledger: import {amount(ledger['import_kwh'])} kWh, export "
        f"{amount(ledger['export_kwh'])} kWh, energy {amount(ledger['energy_cost'])} "
        f"{found['currency']}, carbon {amount(ledger['carbon_kg'])} kg.{blind}"]


def price_lines(found: Figures) -> list[str]:
    """What is to be known of the prices beside the tariff."""
    said, lines = found["prices"], []
    if said["unpriced_h"]:
        lines.append(f"Prices: {said['unpriced_h']:g} hours lie outside the tariff's validity. Its "
                     "last prices went on in bill and account, and nothing was traded.")
    if said["unpushed_h"]:
        lines.append(f"Prices: for {said['unpushed_h']:g} hours prices were to be pushed and did "
                     "not come: the calendar's were planned with and accounted.")
    for push in said["pushed"]:
        at, what = push["at"][:16].replace("T", " "), "taken"
        if push["refused"]:
            what = f"refused, {push['refused']}"
        lines.append(f"Prices pushed {at} for {push['day']}: {what}.")
    return lines


def island_lines(found: Figures) -> list[str]:
    """What became of the hours without the grid."""
    life = found["island"]
    if not life:
        return []
    gen = f", {amount(life['gen_wh'] / 1000)} kWh from the generator (starts: {life['starts']})" \
        if "gen_wh" in life else ""
    if "charged_wh" in life:
        return [f"Vehicles were charged with {life['charged_wh'] / 1000:.1f} kWh."]
    return [f"Without the grid for {life['island_s'] // 60} min, of these {life['black_s']} s in "
            f"the dark{gen}; {amount(life['unserved_wh'] / 1000)} kWh of connected load not "
            f"supplied, {amount(life['curtailed_wh'] / 1000)} kWh of sun not used. Load is told "
            "less what the generator gave; \"without\" and \"best\" count it as import, as if the "
            "grid had been there."]


def carbon_line(found: Figures) -> str:
    """The factor and whose it is."""
    carbon = found["carbon"]
    return (f"Carbon: imported energy at {carbon['factor_kg_per_kwh']:g} kg CO₂/kWh of "
            f"{carbon['year']} ({carbon['source']}).")


def ledger_lines(found: Figures) -> list[str]:
    """What the carbon ledger says in each view, whether it stands, and what it does not hide."""
    kept = found["carbon_ledger"]
    if kept is None:
        return []
    stands = "the books stand" if kept["stands"] else f"FAILED: {kept['faults'][0]}"
    lines = [f"Carbon ledger, {kept['quarters']} quarter-hours in {kept['leaves']} leaves under "
             f"{kept['heads']} signed heads; audited: {stands} ({kept['folder']})."]
    for one in kept["views"]:
        each = one["hidden_g_per_kwh"]
        said = "" if each is None else f", {amount(each)} g for each kWh delivered"
        lines.append(
            f"{one['name']}: load {amount(one['load_kg'])} kg CO₂, export "
            f"{amount(one['export_kg'])}, lost in the battery {amount(one['loss_kg'])}, still in "
            f"it {amount(one['in_store_kg'])}; of all this {amount(one['adjusted_kg'])} "
            f"unexplained. An account that takes the battery for green hides "
            f"{amount(one['hidden_kg'])} kg{said}.")
    return lines


def plan_lines(found: Figures) -> list[str]:
    """What the plan has saved against doing nothing, a line a month, and what a kWh cost."""
    plan = found["plan"]
    lines = [f"{month['month']}, plan \"{plan['mode']}\" against doing nothing: "
             f"{amount(month['money'])} {found['currency']} and {amount(month['kg'])} kg CO₂ saved."
             for month in plan["months"]]
    if plan["g_per_kwh"] is not None:
        cost = plan["g_per_kwh"]
        lines.append(f"Each kWh that the battery delivered has {'cost' if cost >= 0 else 'saved'} "
                     f"{amount(abs(cost))} g CO₂.")
    return lines


def text(found: Figures) -> str:
    """What is printed."""
    heads = "".join(f"{head:>12}" for head in HEADS)
    lines = [*title(found), "", f"{'':<30}{heads}"]
    for label, unit, cells in compared(found):
        lines.append(f"  {label:<21}{unit:<7}" + "".join(f"{cell(one):>12}" for one in cells))
    for key, label in (("peak", "peak saving"), ("bill", "bill saving")):
        share = found["share_of_best"][key]
        if share is not None:
            lines.append(f"  share of the best {label}: {percent(share)}")
    if found["best_hidden"]:
        lines.append(f"  best: not told, {found['best_hidden']}")
    lines += [f"  {line}" for line in price_lines(found)]
    lines += ["", *(f"  {line}".rstrip() for line in bill_lines(found))]
    lines += [*(f"  {line}" for line in energy_lines(found) + island_lines(found)),
              f"  {carbon_line(found)}",
              *(f"  {line}" for line in ledger_lines(found)),
              *(f"  {line}" for line in plan_lines(found)), ""]
    lines += [f"  {line['ruled'] * 100:5.1f} %  {line['rule']:<9} {line['words']}"
              for line in found["bounds"] if line["ruled"]]
    if remark(found):
        lines += ["", "  " + remark(found)]
    return "\n".join(lines)
