"""`indicators`: a park's figures against a standard, and whether the year can still be kept."""

import datetime
import json
import sys
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import click

from cloud_bridge.carbon import (
    carriers,
    metered,
    opened,
    page,
    quarters,
    readings,
    standard,
    stated,
    statement,
)
from cloud_bridge.carbon.budget import outlook
from cloud_bridge.carbon.factors import FactorSet
from cloud_bridge.carbon.indicators import COLUMNS, MISSED, bills, indicators
from cloud_bridge.carbon.measure import measure
from cloud_bridge.carbon.quarters import index_of
from cloud_bridge.media import Meter, Reading
from cloud_bridge.said import DAY, FILE, refusing


@click.command()
@click.argument("file", type=FILE)
@click.option("--first", type=DAY, required=True, help="First local day.")
@click.option("--last", type=DAY, required=True, help="Last local day.")
@click.option("--factors", default="cn_910_fossil", show_default=True,
              help="Of edge/carbon/factors, or a document.")
@click.option("--standard", "standard_name", default="cn_park_standard", show_default=True,
              help="Of edge/carbon, or a file.")
@click.option("--statement", "papers", type=FILE, multiple=True,
              help="A document, signed or not (.toml); any number of them.")
@click.option("--readings", "readings_files", type=FILE, multiple=True,
              help="Of meters of water, heat, gas ..., from `query media`: they count in place of "
                   "what statements tell of the same.")
@click.option("--carriers", "carriers_file", type=FILE, help="Fuels and heat, in another file.")
@click.option("--park-tce", type=click.IntRange(1), metavar="N",
              help="What the park uses in a year.")
@click.option("--trust", "keys", type=FILE, multiple=True,
              help="A public key: statements by others are refused.")
@click.option("--rotation", "rotations", type=FILE, multiple=True,
              help="A document by which a key was followed by another.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document, with exact fractions.")
def main(file: Path, first: datetime.date, last: datetime.date, factors: str,
         standard_name: str, papers: tuple[Path, ...], readings_files: tuple[Path, ...],
         carriers_file: Path | None, park_tce: int | None, keys: tuple[Path, ...],
         rotations: tuple[Path, ...], as_json: bool) -> None:
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
        start, end = (index_of(day, factor_set.utc_offset_min)
                      for day in (first, last + datetime.timedelta(1)))
        with file.open("rb") as lines:
            rows = list(quarters.parse(lines, file.name))
        measured = measure(rows, factor_set, start, end, rules.method.deduct_export)
        signed = [opened.open_document(path, believed) for path in papers]
        extra, counted = _taken([statement.read(one.document) for one in signed],
                                readings_files, found, rules.method, (first, last), factor_set)
        year_tce = Fraction(park_tce) if park_tce else None
        table = indicators(measured, extra, rules, year_tce, counted)
        year_end = index_of(datetime.date(first.year + 1, 1, 1), factor_set.utc_offset_min)
        ahead = {}
        if (first.month, first.day) == (1, 1) and end < year_end:
            so_far = [one for one in rows if one.index < end]
            ahead = {column: outlook(so_far, factor_set, rules, extra, (start, year_end), column,
                                     year_tce, counted) for column in COLUMNS[1:]}
    said: dict[str, Any] = {
        "first": str(first), "last": str(last), "complete": str(measured.complete),
        "standard": page.rules(rules),
        "factor_set": {**page.factors(factor_set, by), "recorded": sorted(measured.sets)},
        "indicators": [page.row(one) for one in table],
        "bills": [{"account": account, "billed_wh": str(billed), "measured_wh": wh}
                  for account, billed, wh in bills(measured, extra)],
        "statements": [{"id": one.document.id.hex(), "subject": one.document.body["subject"],
                        "by": one.by} for one in signed],
        "left_out": list(extra.left_out), "media": [page.meter(one) for one in counted.told],
        "media_for_statements": list(counted.replaced),
        "outlook": {column: page.ahead(one) for column, one in ahead.items()}}
    if as_json:
        click.echo(json.dumps(said, indent=1, ensure_ascii=False))
    else:
        for line in page.text(said, table, measured.complete):
            click.echo(line)
        for column, one in ahead.items():
            click.echo("\n".join(page.outlook(column, one)))
    sys.exit(1 if any(one.verdict == MISSED for one in table) else 0)


def _taken(papers: list[statement.Statement], files: tuple[Path, ...],
           found: Mapping[str, carriers.Carrier], method: standard.Method,
           days: tuple[datetime.date, datetime.date], factor_set: FactorSet
           ) -> tuple[stated.Stated, metered.Metered]:
    """What statements add, and what meters count in their place."""
    shown: dict[Meter, list[Reading]] = {}
    for file in files:
        with file.open("rb") as lines:
            for meter, some in readings.parse(lines, file.name).items():
                shown.setdefault(meter, []).extend(some)
    offset_min = factor_set.utc_offset_min
    period = [quarters.utc_of(index_of(day, offset_min))
              for day in (days[0], days[1] + datetime.timedelta(1))]
    counted = metered.meter(shown, papers, found, method, (period[0], period[1]), offset_min)
    return stated.state(counted.statements, found, method, *days), counted
