"""The indicators on one page, for people and for a machine."""

from fractions import Fraction
from typing import Any

from cloud_bridge.carbon.budget import Outlook
from cloud_bridge.carbon.factors import FactorSet
from cloud_bridge.carbon.indicators import COLUMNS, Indicator, shown
from cloud_bridge.carbon.metered import Told
from cloud_bridge.carbon.standard import Standard
from cloud_bridge.media import WORDS, time_text

_MOST = 10  # times that nobody knows, on a page for people


def rules(standard: Standard) -> dict[str, str]:
    """A standard, for a machine."""
    return {"name": standard.name, "region": standard.region, "source": standard.source,
            "valid_from": str(standard.valid_from or "unknown date")}


def factors(factor_set: FactorSet, by: str) -> dict[str, Any]:
    """A factor set and whose word it is, for a machine."""
    return {"id": factor_set.id.hex(), "name": factor_set.name, "by": by,
            "region": factor_set.region,
            "sources": [{"energy": one.energy, "basis": one.basis, "year": one.year,
                         "source": one.source} for one in factor_set.factors]}


def row(one: Indicator) -> dict[str, Any]:
    """One indicator, for a machine: exact fractions."""
    return {"name": one.name, "unit": one.unit, "limit": _exact(one.limit),
            "complete": _exact(one.complete),
            "values": {column: _exact(value) for column, value in
                       zip(COLUMNS, one.values, strict=True)},
            "answers": dict(zip(COLUMNS, one.answers, strict=True)), "verdict": one.verdict,
            "why": one.why}


def meter(one: Told) -> dict[str, Any]:
    """A meter of water, heat ..., for a machine: exact fractions."""
    return {"name": one.meter.name, "medium": one.meter.medium, "use": one.meter.use,
            "account": one.meter.account, "unit": one.meter.unit, "amount": str(one.amount),
            "covered": str(one.covered), "not_counted": one.why, "oldest_s": one.oldest_s,
            "refused": one.refused, "unknown": _spans(one.unknown), "bridged": _spans(one.bridged),
            "events": [{"time": time_text(utc), "what": what} for utc, what in one.events]}


def _spans(found: tuple[tuple[int, int], ...]) -> list[dict[str, Any]]:
    return [{"start": time_text(start), "end": time_text(end), "s": end - start}
            for start, end in found]


def ahead(one: Outlook | None) -> dict[str, Any] | None:
    """The rest of the year, for a machine."""
    if one is None:
        return None
    return {"state": one.state, "limit": _exact(one.limit), "park_tce": _exact(one.park_tce),
            "so_far": _exact(one.so_far), "projected": _exact(one.projected),
            "over_t": _exact(one.over_t), "grid_left_kwh": one.grid_left_kwh,
            "grid_expected_kwh": _exact(one.grid_expected_kwh), "days_left": one.days_left,
            "complete": _exact(one.complete)}


def _exact(value: Fraction | None) -> str | None:
    return None if value is None else str(value)


def text(said: dict[str, Any], table: list[Indicator], complete: Fraction) -> list[str]:
    """Lines for people. `said`: everything else that is told, as for a machine."""
    factor_set, asked = said["factor_set"], said["standard"]
    lines = [f"{said['first']} .. {said['last']}, {shown(complete * 100, 1, False)} % of the time "
             f"measured; {asked['name']} of {asked['valid_from']}; factors {factor_set['name']} "
             f"{factor_set['id']} ({factor_set['by']})",
             "rounded to where it flatters least; --json has exact fractions",
             f"{'':<22}{'limit':>10}" + "".join(f"{column:>13}" for column in COLUMNS)
             + "  complete"]
    for one in table:
        up = one.unit == "t/tce"
        cells = [f"{_cell(one, value, up):>13}" for value in one.values]
        verdict = f"{one.verdict}: {one.why}" if one.why else one.verdict
        lines.append(f"{one.name:<22}{_cell(one, one.limit, up):>10}{''.join(cells)}"
                     f"{shown(one.complete * 100, 1, False):>8} %  {verdict}".rstrip())
    if factor_set["recorded"] not in ([], [factor_set["id"]]):
        lines.append(f"a view: the records were made with {' '.join(factor_set['recorded'])}")
    for bill in said["bills"]:
        lines.append(f"bill of {bill['account']}: {shown(Fraction(bill['billed_wh']), 0, True)} Wh"
                     f" billed, {bill['measured_wh']} Wh measured")
    for each in said["media"]:
        lines += _meter(each)
    if said["media"]:
        lines.append("readings of meters are what the store has of them: no ledger signs them")
    lines += [f"in place of a statement: {one}" for one in said["media_for_statements"]]
    lines += [f"statement {one['id']}, {one['subject']}: by {one['by']}"
              for one in said["statements"]]
    return lines + [f"not counted: {one}" for one in said["left_out"]]


def _meter(one: dict[str, Any]) -> list[str]:
    """A meter for people: how much, of how much of the time, what was found."""
    covered, unit = shown(Fraction(one["covered"]) * 100, 2, False), one["unit"]
    unit = WORDS.get(unit, unit)
    line = (f"meter {one['name']}: {shown(Fraction(one['amount']), 3, True)} {unit} of "
            f"{one['medium']}, {one['use']} of {one['account']}; {covered} % of the time measured")
    if one["not_counted"]:
        line += f"; not counted: {one['not_counted']}"
    if one["refused"]:
        line += f"; {one['refused']} readings or pulses refused"
    if one["oldest_s"]:
        line += f"; readings up to {one['oldest_s']} s old"
    if one["bridged"]:
        longest_h = Fraction(max(gap["s"] for gap in one["bridged"]), 3600)
        line += (f"; {len(one['bridged'])} gaps in its readings, the longest "
                 f"{shown(longest_h, 2, True)} h, bridged by its register")
    unknown = [f"  {gap['start']} to {gap['end']}: not known" for gap in one["unknown"][:_MOST]]
    if len(one["unknown"]) > _MOST:
        unknown.append(f"  and {len(one['unknown']) - _MOST} times more; --json has them")
    return [line, *(f"  {event['time']}: {event['what']}" for event in one["events"]), *unknown]


def _cell(one: Indicator, value: Fraction | None, up: bool) -> str:
    if value is None:
        return "-"
    return shown(value, 4, up) if one.unit == "t/tce" else shown(value * 100, 2, up) + " %"


def outlook(column: str, one: Outlook | None) -> list[str]:
    """The rest of the year in one column, for people."""
    if one is None:
        return [f"the year, {column}: nothing is measured"]
    complete = shown(one.complete * 100, 1, False)
    if one.projected is None or one.so_far is None:
        return [f"the year, {column}: {one.state} ({int(one.park_tce)} tce a year, {complete} % of "
                "the time measured)"]
    until = "" if one.days_left is None else f", {one.days_left} days at the present rate"
    return [f"the year, {column}: {one.state}; so far {shown(one.so_far, 4, True)}, projected "
            f"{shown(one.projected, 4, True)} t/tce, {shown(one.over_t, 1, True)} t above the path;"
            f" {complete} % of the time measured",
            f"  grid energy left {one.grid_left_kwh} kWh{until}; expected "
            f"{shown(one.grid_expected_kwh, 0, True)} kWh"]
