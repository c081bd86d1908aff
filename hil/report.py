"""The report of an emulation: one page of HTML that needs nothing but itself.

Light and dark, on a phone and on A4; the same run gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from itertools import groupby
from pathlib import Path
from typing import Any

from boards.local_time import local
from boards.why_words import power
from hil import picture
from hil.emulation import Run
from hil.figures import name_of, names
from hil.summary import (
    HEADS,
    amount,
    carbon_line,
    cell,
    compared,
    energy_lines,
    headline,
    island_lines,
    ledger_lines,
    money,
    plan_lines,
    price_lines,
    remark,
    title,
)
from hil.trace import MINUTES, quarterly

_WIDE_PX, _NARROW_PX = 940, 358
_STYLE = Path(__file__).with_name("report.css")
_LEGEND = (("load", "load, minute means"), ("grid", "grid"), ("out", "battery discharging"),
           ("in", "battery charging"), ("demand", "demand, 15-minute means"),
           ("target", "demand target"), ("soc", "state of charge"))
_COLOURS = 9


def page(run: Run, found: Mapping[str, Any]) -> str:
    """The page; `found` are the run's figures."""
    order = [line["rule"] for line in found["bounds"] if line["rule"] != "idle"]
    body = [
        f"<header><h1>{_e(title(found)[0])}</h1><p>{_e(title(found)[1])}</p></header>",
        _tiles(found), _compared(found), _day(run, order), _bounds(run, found, order),
        _bill(found), _account(found)]
    return (f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
            f'<meta name="viewport" content="width=device-width,initial-scale=1">'
            f"<title>{_e(title(found)[0])}</title>"
            f"<style>{_STYLE.read_text(encoding='utf-8')}</style></head>"
            f"<body><main>{''.join(body)}</main></body></html>\n")


def _tiles(found: Mapping[str, Any]) -> str:
    tiles = [f'<div class="tile"><b>{_e(value)}</b><span>{_e(label)}</span></div>'
             for value, label in headline(found)]
    return f'<section class="tiles">{"".join(tiles)}</section>'


def _compared(found: Mapping[str, Any]) -> str:
    rows = []
    for label, unit, values in compared(found):
        kind = ' class="total"' if label == "total" else ""
        cells = "".join(f"<td>{_e(cell(value))}</td>" for value in values)
        rows.append(f"<tr{kind}><th>{_e(label)} <small>{_e(unit)}</small></th>{cells}</tr>")
    hidden = f"It is not told: {found['best_hidden']}. " if found["best_hidden"] else ""
    return _section(
        "Without, with, and the best possible",
        _table(("", *HEADS), rows),
        "Without: the battery does nothing. Best: each line by itself, with all loads known ahead, "
        "period by period, from the same store to the same store. Demand is charged by the month: "
        "a run of some days bears the charge of its highest quarter-hour. What the store lacks at "
        f"the end is bought back at the cheapest price, and its carbon counted. {hidden}"
        f"{remark(found)}")


def _day(run: Run, order: Sequence[str]) -> str:
    """The day with the highest demand the battery did not take away."""
    per_day = _days(run)
    demand = [ws / 900_000 for ws in quarterly(run.trace.import_ws)]
    first, end = max(per_day, key=lambda span: max(demand[span[0]:span[1]]))
    day = _view(run, order, demand, first, end)
    drawn = (f'<div class="wide">{picture.draw(day, _WIDE_PX)}</div>'
             f'<div class="narrow">{picture.draw(day, _NARROW_PX)}</div>')
    legend = [*_LEGEND, ("price", f"price, {run.image['tariff']['currency']} a kWh")]
    if day.dark:
        legend.append(("dark", "no grid"))
    items = [f'<li><i class="{kind}"></i>{_e(text)}</li>' for kind, text in legend]
    known = names(run)
    shown = {name_of(who, known) for who in run.bounds.strip[first:end]}
    whose = [f'<li><i class="who{number % _COLOURS}"></i>{_e(name)}</li>'
             for number, name in enumerate(order) if name in shown]
    which = f"The day: {run.times[first]:%A, %Y-%m-%d}"
    if len(per_day) > 1:
        which += f", the highest of {len(per_day)}"
    head = "<li>whose command stood (none: idle):</li>"
    return _section(which, f'{drawn}<ul class="legend">{"".join(items)}</ul>'
                    f'<ul class="legend">{head}{"".join(whose)}</ul>')


def _days(run: Run) -> list[tuple[int, int]]:
    """Quarter-hours first .. end of each local day."""
    spans = []
    for _, numbers in groupby(range(len(run.times)), key=lambda at: run.times[at].date()):
        listed = list(numbers)
        spans.append((listed[0], listed[-1] + 1))
    return spans


def _view(run: Run, order: Sequence[str], demand: Sequence[float], first: int, end: int
          ) -> picture.Day:
    trace, minutes = run.trace, slice(first * MINUTES, end * MINUTES)
    capacity_uj = run.image["battery"]["capacity_wh"] * 3600 * 10**6
    stored = [run.before.stored_uj, *trace.stored_uj]
    known = names(run)
    whose = [name_of(who, known) for who in run.bounds.strip[first:end]]
    return picture.Day(
        load=[ws / 60_000 for ws in trace.load_ws[minutes]],
        grid=[ws / 60_000 for ws in trace.grid_ws()[minutes]],
        battery=[ws / 60_000 for ws in trace.store_ws[minutes]],
        demand=demand[first:end], target=_targets(run, first, end),
        soc=[uj * 100 / capacity_uj for uj in stored[first:end + 1]],
        price=[price / 10_000 for price in run.prices_e4[first:end]],
        strip=[order.index(name) % _COLOURS if name in order else -1 for name in whose],
        dark=[(begin / 3600, end_s / 3600) for begin, end_s in run.order.outages])


def _targets(run: Run, first: int, end: int) -> list[float]:
    """The demand target, kW; 0 while it is above all that can flow: nothing is learned yet, and
    drawn it would flatten the day."""
    most_w = max(run.image["gate"]["import_max_w"], max(run.trace.load_ws) // 60)
    return [w / 1000 if w <= most_w else 0.0 for w in run.trace.target_w[first:end]]


def _bounds(run: Run, found: Mapping[str, Any], order: Sequence[str]) -> str:
    rows = []
    for line in found["bounds"]:
        shares = [f"{line[key] * 100:.1f}" for key in ("low", "high", "ruled")]
        mark = ""
        if line["rule"] in order:
            mark = f'<i class="who{order.index(line["rule"]) % _COLOURS}"></i>'
        rows.append(f"<tr><th>{mark}{_e(line['rule'])}</th>"
                    + "".join(f"<td>{share}</td>" for share in shares)
                    + f'<td class="words">{_e(line["words"])}{_example(run, line)}</td></tr>')
    return _section(
        "What bound, and how long",
        _table(("rule", "low %", "high %", "command %", "meaning"), rows, "bounds"),
        "Share of time in which a rule set the lower or the upper bound of the battery's power, "
        "and in which the command came from it.")


def _example(run: Run, line: Mapping[str, Any]) -> str:
    example = line.get("example")
    if not example:
        return ""
    moment = local((example["day"], example["second"]), run.image["offsets"])
    chosen_w = example["chosen_w"]
    did = f"{'discharge' if chosen_w > 0 else 'charge'} {power(abs(chosen_w))}"
    return f"<small>{moment:%d %b %H:%M:%S}: {_e(did)}; {_e(example['why'])}</small>"


def _bill(found: Mapping[str, Any]) -> str:
    tables = []
    for month in found["months"]:
        rows = [f"<tr><th>{_e(line['item'])}</th><td>{amount(line['quantity'])} "
                f"<small>{_e(line['unit'])}</small></td><td>{line['price']:.4f}</td>"
                f"<td>{money(line['amount'])}</td><td>{money(line['without'])}</td></tr>"
                for line in month["lines"]]
        rows.append(f'<tr class="total"><th>{month["month"]}</th><td></td><td></td>'
                    f"<td>{money(month['total'])}</td><td>{money(month['without'])}</td></tr>")
        heads = ("item", "quantity", "price", _e(found["currency"]), "without the battery")
        tables.append(_table(heads, rows, "figures bill"))
    return _section(f"The bill, line by line, tariff {_e(found['tariff'])}", "".join(tables))


def _account(found: Mapping[str, Any]) -> str:
    lines = [*price_lines(found), *energy_lines(found), *island_lines(found), carbon_line(found),
             *ledger_lines(found), *plan_lines(found)]
    return _section("Prices, energy and carbon", "".join(f"<p>{_e(line)}</p>" for line in lines))


def _section(head: str, content: str, note: str = "") -> str:
    said = f'<p class="hint">{_e(note)}</p>' if note else ""
    return f"<section><h2>{_e(head)}</h2>{content}{said}</section>"


def _table(heads: Sequence[str], rows: Sequence[str], kind: str = "figures") -> str:
    top = "".join(f"<th>{head}</th>" for head in heads)
    return (f'<div class="scroll"><table class="{kind}"><tr>{top}</tr>{"".join(rows)}</table>'
            "</div>")


def _e(text: object) -> str:
    return escape(str(text))
