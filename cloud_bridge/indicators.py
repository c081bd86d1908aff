"""`indicators`: a park's figures against a standard, and whether the year can still be kept."""

import datetime
import json
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import click

from cloud_bridge.carbon import carriers, opened, quarters, standard, stated, statement
from cloud_bridge.carbon.budget import Outlook, outlook
from cloud_bridge.carbon.indicators import COLUMNS, MISSED, Indicator, bills, indicators, shown
from cloud_bridge.carbon.measure import measure
from cloud_bridge.carbon.quarters import index_of
from cloud_bridge.said import FILE, refusing

_DAY = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.argument("file", type=FILE)
@click.option("--first", type=_DAY, required=True, metavar="YYYY-MM-DD",
              help="First local day.")
@click.option("--last", type=_DAY, required=True, metavar="YYYY-MM-DD",
              help="Last local day.")
@click.option("--factors", default="cn_910_fossil", show_default=True,
              help="Of edge/carbon/factors, or a document.")
@click.option("--standard", "standard_name", default="cn_park_standard", show_default=True,
              help="Of edge/carbon, or a file.")
@click.option("--statement", "papers", type=FILE, multiple=True,
              help="A document, signed or not (.toml); any number of them.")
@click.option("--carriers", "carriers_file", type=FILE, help="Fuels and heat, in another file.")
@click.option("--park-tce", type=click.IntRange(1), metavar="N",
              help="What the park uses in a year.")
@click.option("--trust", "keys", type=FILE, multiple=True,
              help="A public key: statements by others are refused.")
@click.option("--rotation", "rotations", type=FILE, multiple=True,
              help="A document by which a key was followed by another.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document, with exact fractions.")
def main(file: Path, first: datetime.datetime, last: datetime.datetime, factors: str,
         standard_name: str, papers: tuple[Path, ...], carriers_file: Path | None,
         park_tce: int | None, keys: tuple[Path, ...], rotations: tuple[Path, ...],
         as_json: bool) -> None:
    """Tell a park's indicators from quarter-hours of energy (a line of JSON each) and statements.
    What is measured, declared and contractual stands side by side. From the 1st of January on the
    rest of the year is looked at, too. Exit status 1 when a limit is missed.

    \b
    Example:
      python -m cloud_bridge indicators examples/papers/quarters.jsonl --first 2026-01-01 --last 2026-01-01 --park-tce 250000
    """  # noqa: E501  # a command is one line
    with refusing():
        believed = opened.trust(keys, rotations) if keys or rotations else None
        factor_set, by = opened.open_factors(factors, believed)
        rules = standard.load(standard_name)
        found = carriers.load(carriers_file) if carriers_file else carriers.load()
        offset = factor_set.utc_offset_min
        days = first.date(), last.date()
        start, end = index_of(days[0], offset), index_of(days[1] + datetime.timedelta(1), offset)
        with file.open(encoding="utf-8", errors="replace") as lines:
            rows = list(quarters.parse(lines, file.name))
        measured = measure(rows, factor_set, start, end, rules.method.deduct_export)
        signed = [opened.open_document(path, believed) for path in papers]
        extra = stated.state([statement.read(one.document) for one in signed], found,
                             rules.method, *days)
        year_tce = Fraction(park_tce) if park_tce else None
        table = indicators(measured, extra, rules, year_tce)
        year = start, index_of(datetime.date(days[0].year + 1, 1, 1), offset)
        ahead = {}
        if days[0].replace(month=1, day=1) == days[0] and end < year[1]:
            so_far = [one for one in rows if one.index < end]
            ahead = {column: outlook(so_far, factor_set, rules, extra, year, column, year_tce)
                     for column in COLUMNS[1:]}
    said: dict[str, Any] = {
        "first": str(days[0]), "last": str(days[1]),
        "standard": {"name": rules.name, "region": rules.region, "source": rules.source,
                     "valid_from": str(rules.valid_from or "unknown date")},
        "factor_set": {"id": factor_set.id.hex(), "name": factor_set.name, "by": by,
                       "region": factor_set.region, "recorded": sorted(measured.sets),
                       "sources": [{"energy": one.energy, "basis": one.basis, "year": one.year,
                                    "source": one.source} for one in factor_set.factors]},
        "complete": str(measured.complete),
        "indicators": [_row(one) for one in table],
        "bills": [{"account": account, "billed_wh": str(billed), "measured_wh": wh}
                  for account, billed, wh in bills(measured, extra)],
        "statements": [{"id": one.document.id.hex(), "subject": one.document.body["subject"],
                        "by": one.by} for one in signed],
        "left_out": list(extra.left_out),
        "outlook": {column: _ahead(one) for column, one in ahead.items()}}
    click.echo(json.dumps(said, indent=1, ensure_ascii=False) if as_json else
               "\n".join([*_text(said, table, measured.complete),
                          *(line for column, one in ahead.items()
                            for line in _outlook(column, one))]))
    sys.exit(1 if any(one.verdict == MISSED for one in table) else 0)


def _row(one: Indicator) -> dict[str, Any]:
    return {"name": one.name, "unit": one.unit, "limit": _exact(one.limit),
            "complete": _exact(one.complete),
            "values": {column: _exact(value) for column, value in
                       zip(COLUMNS, one.values, strict=True)},
            "answers": dict(zip(COLUMNS, one.answers, strict=True)), "verdict": one.verdict,
            "why": one.why}


def _ahead(one: Outlook | None) -> dict[str, Any] | None:
    if one is None:
        return None
    return {"state": one.state, "limit": _exact(one.limit), "park_tce": _exact(one.park_tce),
            "so_far": _exact(one.so_far), "projected": _exact(one.projected),
            "over_t": _exact(one.over_t), "grid_left_kwh": one.grid_left_kwh,
            "grid_expected_kwh": _exact(one.grid_expected_kwh), "days_left": one.days_left,
            "complete": _exact(one.complete)}


def _exact(value: Fraction | None) -> str | None:
    return None if value is None else str(value)


def _text(said: dict[str, Any], table: list[Indicator], complete: Fraction) -> list[str]:
    factor_set, rules = said["factor_set"], said["standard"]
    lines = [f"{said['first']} .. {said['last']}, {shown(complete * 100, 1, False)} % of the time "
             f"measured; {rules['name']} of {rules['valid_from']}; factors {factor_set['name']} "
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
    lines += [f"statement {one['id']}, {one['subject']}: by {one['by']}"
              for one in said["statements"]]
    return lines + [f"not counted: {one}" for one in said["left_out"]]


def _cell(one: Indicator, value: Fraction | None, up: bool) -> str:
    if value is None:
        return "-"
    return shown(value, 4, up) if one.unit == "t/tce" else shown(value * 100, 2, up) + " %"


def _outlook(column: str, one: Outlook | None) -> list[str]:
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
