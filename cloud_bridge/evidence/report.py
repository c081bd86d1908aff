"""What an audit found, on one page, for somebody who has to decide whether to believe it."""

import datetime
from collections.abc import Iterable, Sequence
from itertools import groupby

from cloud_bridge.carbon.passport import time
from cloud_bridge.evidence.judge import Missing, Verdict
from edge.ledger.leaf import METERS
from edge.ledger.matrix import CHARGE, EXPORT, GRID, LOAD

_MOST_MISSING = 20
_LIMITS = """What no signature can show: a current transformer of another ratio, a meter that is
bypassed or wired the wrong way, or that somebody else has the key. Hold the import register against
the utility's bill, and heads against the witness's. Whoever holds a board with a plain
microcontroller can read the key in its flash."""


def text(name: str, verdict: Verdict, indicators: Sequence[str] = ()) -> str:
    """The page, at most some 60 lines of text."""
    lines = [f"AUDIT OF {name}: " + ("FAILED" if verdict.faults else "the books stand"), ""]
    if verdict.faults:
        lines += [f"  {one}" for one in verdict.faults[:10]]
        if len(verdict.faults) > 10:
            lines.append(f"  and {len(verdict.faults) - 10} more")
        lines.append("")
    if verdict.accounts:
        lines += [*_period(verdict), "", *_energy(verdict), ""]
    lines += [*indicators, *([""] if indicators else [])]
    lines += _missing(verdict.missing)
    lines += [f"note: {one}" for one in verdict.notes]
    return "\n".join([*lines, "", _LIMITS]) + "\n"


def _period(verdict: Verdict) -> list[str]:
    first, last = verdict.accounts[0][0], verdict.accounts[-1][0]
    start = first.quarter - first.values["span"] + 1
    whole = verdict.quarters * 15
    return [f"period      {time(start)} .. {time(last.quarter + 1)}, {verdict.quarters} "
            f"quarter-hours in {verdict.leaves} leaves",
            f"signed      {verdict.signed} leaves under {verdict.heads} heads"
            + (f", {verdict.witnessed} of them witnessed" if verdict.quorum else
               "; no witness was asked for"),
            f"measured    {verdict.minutes} of {whole} minutes, "
            f"{verdict.minutes * 1000 // whole / 10 if whole else 0:.1f} %",
            f"clock       not known to be set in {verdict.unsynced} quarter-hours"]


def _energy(verdict: Verdict) -> list[str]:
    """Every kWh and gram by what the leaves say; exact, the last digit is a Wh or a µg."""
    flows = [0] * 15
    for site, _ in verdict.accounts:
        for at, wh in enumerate(site.flows):
            flows[at] += wh
    lines = [f"energy      import {_kwh(sum(flows[3 * GRID:3 * GRID + 3]))}, load "
             f"{_kwh(sum(flows[LOAD::3]))}, export {_kwh(sum(flows[EXPORT::3]))}, charged "
             f"{_kwh(sum(flows[CHARGE::3]))} kWh"]
    first, last = verdict.accounts[0][0], verdict.accounts[-1][0]
    registers = [f"{name} {_kwh(first.values[key])} -> {_kwh(last.values[key])}"
                 for name in METERS if (key := f"{name}_register_wh") in last.values
                 and key in first.values]
    lines.append("registers   " + ", ".join(registers[:2]) + " kWh")
    if len(registers) > 2:
        lines.append("            " + ", ".join(registers[2:]) + " kWh")
    terms = verdict.terms[last.terms_id]
    for number, name in enumerate(terms.names):
        sums = {part: sum(site.values.get(f"{part}_ug_{number}", 0)
                          for site, _ in verdict.accounts) for part in
                ("load", "export", "loss", "adjusted")}
        lines.append(f"carbon      {name}: load {_kg(sums['load'])} kg, export "
                     f"{_kg(sums['export'])}, lost in the battery {_kg(sums['loss'])}, still in "
                     f"it {_kg(last.values[f'inventory_ug_{number}'])}; of all this "
                     f"{_kg(sums['adjusted'])} unexplained")
    return lines


def _missing(missing: Iterable[Missing]) -> list[str]:
    """Runs of the same reason as one line."""
    lines = []
    found = list(missing)
    for why, group in groupby(found, lambda one: one.why):
        run = list(group)
        start = run[0]
        for one, after in zip(run, [*run[1:], None], strict=True):
            if after is None or after.first != one.last + 1:
                lines.append(f"missing     {time(start.first)} .. {time(one.last + 1)}: {why}")
                start = after or start
    more = len(lines) - _MOST_MISSING
    return lines[:_MOST_MISSING] + [f"missing     and {more} more, see --json"] * (more > 0)


def _kwh(wh: int) -> str:
    return f"{wh // 1000}.{wh % 1000:03}"


def _kg(ug: int) -> str:
    return f"{ug // 10**9}.{ug % 10**9:09}"


def today() -> str:
    """When the audit was made."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
