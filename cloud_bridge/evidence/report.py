"""What an audit found, on one page, for somebody who has to decide whether to believe it."""

import datetime
from collections.abc import Sequence
from itertools import groupby
from textwrap import wrap

from cloud_bridge.carbon.passport import time
from cloud_bridge.evidence.accounts import Account
from cloud_bridge.evidence.verdict import MOST_FAULTS, Missing, Verdict
from edge.evidence.note import COSIGNATURE
from edge.ledger.leaf import METERS, TIME_SYNCED
from edge.ledger.matrix import CHARGE, EXPORT, GRID, LOAD

WIDTH = 100
_MOST = {"fault": 7, "missing": 6, "note": 6, "witness": 3}  # lines of each
_INDENT = 12
_CARBON = ("load", "export", "loss", "adjusted")  # the parts of a view that sum up over time
_LIMITS = """\
NOT PROVEN by any signature: that no meter is bypassed, wired the wrong way or of another ratio;
which source fed which sink within a quarter-hour, beyond what the registers allow; that nobody else
has the key (whoever holds a board with a plain microcontroller can read it in its flash); that
nothing was cut off at the end together with its heads, or another history shown to somebody else.
Hold the import register against the utility's bill, and the heads against a witness's."""


def text(name: str, verdict: Verdict, indicators: Sequence[str] = ()) -> str:
    """The page, at most 60 lines of 100 characters; figures are of leaves under a good head."""
    stands = not verdict.faults
    count = len(verdict.faults)
    least = "at least " if count == MOST_FAULTS else ""
    lines = [f"AUDIT OF {name}: " + ("the books stand" if stands else
                                     f"FAILED, {least}{count} fault{'s' * (count > 1)}"), ""]
    lines += [*_some("fault", verdict.faults), *([] if stands else [""])]
    proven = [site for site, _ in verdict.proven]
    lines += [*_signed(verdict), *(_period(proven) if proven else [])]
    lines += _some("missing", _missing(verdict.missing))
    lines += _some("note", verdict.notes)
    if proven:
        lines += ["", *_energy(proven), "", *_carbon(proven, verdict)]
    lines += [*([""] if indicators else []), *indicators, "", *_LIMITS.split("\n")]
    return "".join(f"{_short(line)}\n" for line in lines)


def _some(label: str, told: Sequence[str]) -> list[str]:
    """The first of them, at most two lines each, and how many more there are."""
    lines: list[str] = []
    for number, one in enumerate(told):
        first, *more = wrap(one, WIDTH - _INDENT) or [""]
        fresh = [f"{label:<{_INDENT}}{first}", *(" " * _INDENT + line for line in more[:1])]
        if len(more) > 1:
            fresh[1] = fresh[1][:WIDTH - 3] + "..."
        if len(lines) + len(fresh) + (number < len(told) - 1) > _MOST[label]:
            return [*lines, f"{label:<{_INDENT}}and {len(told) - number} more: see --json"]
        lines += fresh
    return lines


def _short(line: str) -> str:
    line = line.rstrip()
    return line if len(line) <= WIDTH else line[:WIDTH - 3] + "..."


def _signed(verdict: Verdict) -> list[str]:
    lines = [f"signed      {verdict.signed} of {verdict.leaves} leaves, under {verdict.heads} good "
             "heads" + ("" if verdict.quorum else "; no witness was asked for")]
    witnesses = []
    for key, (low, high, time_s) in verdict.signers.items():
        if key.kind == COSIGNATURE:
            seen = datetime.datetime.fromtimestamp(min(time_s, 2**37), datetime.UTC)
            witnesses.append(f"{high} leaves seen by {key.name}, {seen:%Y-%m-%dT%H:%MZ}")
        elif sum(one.kind != COSIGNATURE for one in verdict.signers) > 1:
            witnesses.append(f"(the log's key {key.id.hex()} signed {low} .. {high} leaves)")
    return lines + _some("witness", witnesses)


def _period(proven: Sequence[Account]) -> list[str]:
    first, last = proven[0], proven[-1]
    quarters = sum(site.values["span"] for site in proven)
    minutes = sum(site.values["steps"] for site in proven)
    free = sum(site.values["span"] for site in proven if site.values["time"] != TIME_SYNCED)
    return [f"period      {time(first.quarter - first.values['span'] + 1)} .. "
            f"{time(last.quarter + 1)}, {quarters} quarter-hours in {len(proven)} accounts",
            f"measured    {minutes} of {15 * quarters} minutes, "
            f"{_share(minutes, 15 * quarters)} %; clock not known to be set in {free} "
            "quarter-hours"]


def _share(part: int, whole: int) -> str:
    """Per cent with one decimal, rounded down: what was not measured is never rounded away."""
    return f"{part * 1000 // whole / 10 if whole else 0:.1f}"


def _energy(proven: Sequence[Account]) -> list[str]:
    """What flowed, and what the registers show of it; exact to the Wh."""
    flows = [sum(parts) for parts in zip(*(site.flows for site in proven), strict=True)]
    lines = [f"energy      import {_kwh(sum(flows[3 * GRID:3 * GRID + 3]))}, load "
             f"{_kwh(sum(flows[LOAD::3]))}, export {_kwh(sum(flows[EXPORT::3]))}, charged "
             f"{_kwh(sum(flows[CHARGE::3]))} kWh"]
    return lines + [f"register    {name:<10} {_kwh(start):>20} -> {_kwh(end):>20} kWh"
                    for name, (start, end) in registers(proven).items()]


def registers(proven: Sequence[Account]) -> dict[str, tuple[int, int]]:
    """Of each meter what its register showed when the account was opened, by what has flowed since,
    and what it shows now, Wh."""
    first, last = proven[0], proven[-1]
    return {name: (max(first.register_wh(meter) - first.counted_wh(meter, (0, 0)), 0),
                   last.register_wh(meter))
            for meter, name in enumerate(METERS)
            if (first.values["meters"] & last.values["meters"]) >> meter & 1}


def views(proven: Sequence[Account], verdict: Verdict) -> dict[str, dict[str, int]]:
    """Each view's sums in µg, and its `inventory`, what is in the battery at the end."""
    found: dict[str, dict[str, int]] = {}
    for site in proven:
        for number, name in enumerate(verdict.terms[site.terms_id].names):
            view = found.setdefault(name, dict.fromkeys(_CARBON, 0))
            for part in _CARBON:
                view[part] += site.values[f"{part}_ug_{number}"]
            view["inventory"] = site.values[f"inventory_ug_{number}"]
    return found


def _carbon(proven: Sequence[Account], verdict: Verdict) -> list[str]:
    return carbon(dict(list(views(proven, verdict).items())[-5:]))


def carbon(found: dict[str, dict[str, int]]) -> list[str]:
    """A table of views by name, as `views` gives them."""
    lines = [f"{'carbon, kg':<24}{'load':>17}{'export':>14}{'lost':>14}{'in battery':>14}"
             f"{'unexplained':>16}"]
    for name, view in found.items():
        cells = [view[part] for part in ("load", "export", "loss", "inventory", "adjusted")]
        widths = (17, 14, 14, 14, 16)
        lines.append(f"  {name[:21]:<22}" + "".join(
            f"{_kg(cell):>{width}}" for cell, width in zip(cells, widths, strict=True)))
    return lines


def _missing(missing: Sequence[Missing]) -> list[str]:
    """Runs of the same reason as one line."""
    lines = []
    for why, group in groupby(missing, lambda one: one.why):
        run = list(group)
        start = run[0]
        for one, after in zip(run, [*run[1:], None], strict=True):
            if after is None or after.first != one.last + 1:
                lines.append(f"{time(start.first)} .. {time(one.last + 1)}: {why}")
                start = after or start
    return lines


def _kwh(wh: int) -> str:
    return f"{wh // 1000}.{wh % 1000:03}"


def _kg(ug: int) -> str:
    """Kilograms to the gram, rounded up; --json has the µg."""
    grams = -(-ug // 10**6)
    return f"{grams // 1000}.{grams % 1000:03}"
