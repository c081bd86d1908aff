"""The figures of an emulation in words: the lines that terminal and page have in common."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

Figures = Mapping[str, Any]

_THIN_SPACE, _MINUS = "\u202f", "\u2212"
COMPARED = (("peak_kw", "peak, 15-minute mean", "kW"), ("demand", "demand charge", ""),
            ("energy", "energy", ""), ("refill", "refilling the store", ""),
            ("wear", "battery wear", ""), ("total", "total", ""))
_PLACES = {"inproc": ("emulated", "in process"), "micropython": ("emulated", "in MicroPython"),
           "wire": ("on the wire", "on real Modbus")}


def amount(value: float) -> str:
    """A figure with thin thousands, and one decimal whatever its size: they stand in tables."""
    shown = f"{value:,.1f}"
    shown = "0.0" if shown == "-0.0" else shown
    return shown.replace(",", _THIN_SPACE).replace("-", _MINUS)


def cell(column: Mapping[str, float] | None, key: str) -> str:
    """A figure of one of the columns of a comparison; a dash where it cannot be told."""
    return "-" if column is None else amount(column[key])


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
    said = [
        (f"{with_['peak_kw']:.0f} kW",
         f"peak; {without['peak_kw']:.0f} without"
         + ("" if best is None else f", {best['peak_kw']:.0f} at best")),
        (f"{amount(without['total'] - with_['total'])} {found['currency']}",
         "saved" + ("" if share is None else f"; {percent(share)} of the best possible")),
        (f"{amount(energy['discharged'])} kWh",
         f"discharged; {amount(energy['charged'])} charged, {amount(energy['lost'])} lost"),
        (f"{amount(found['carbon']['with_kg'])} kg CO₂",
         f"imported; {amount(found['carbon']['without_kg'])} without")]
    return said


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


def carbon_line(found: Figures) -> str:
    """The factor and whose it is."""
    carbon = found["carbon"]
    return (f"Carbon: imported energy at {carbon['factor_kg_per_kwh']:g} kg CO₂/kWh of "
            f"{carbon['year']} ({carbon['source']}).")


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
    lines = [*title(found), "", f"{'':<30}{'without':>12}{'with':>12}{'best':>12}"]
    for key, label, unit in COMPARED:
        cells = [cell(found[column], key) for column in ("without", "with", "best")]
        lines.append(f"  {label:<23}{unit or found['currency']:<5}"
                     + "".join(f"{shown:>12}" for shown in cells))
    for key, label in (("peak", "peak saving"), ("bill", "bill saving")):
        share = found["share_of_best"][key]
        if share is not None:
            lines.append(f"  share of the best {label}: {percent(share)}")
    if found["best_hidden"]:
        lines.append(f"  best: not told, {found['best_hidden']}")
    lines += ["", *(f"  {line}" for line in energy_lines(found)), f"  {carbon_line(found)}",
              *(f"  {line}" for line in plan_lines(found)), ""]
    lines += [f"  {line['ruled'] * 100:5.1f} %  {line['rule']:<9} {line['words']}"
              for line in found["bounds"] if line["ruled"]]
    if remark(found):
        lines += ["", "  " + remark(found)]
    return "\n".join(lines)
