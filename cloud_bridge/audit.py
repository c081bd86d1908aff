"""`audit`: whether a gateway's books stand, with nothing but its files and a public key."""

import datetime
import json
import sys
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path

import click

from cloud_bridge import keyfiles
from cloud_bridge.carbon import carriers, factors, standard, stated, statement
from cloud_bridge.carbon.factors import FactorSet
from cloud_bridge.carbon.indicators import COLUMNS, Indicator, indicators, shown
from cloud_bridge.carbon.measure import measure
from cloud_bridge.carbon.quarters import EPOCH
from cloud_bridge.evidence import bundle, report
from cloud_bridge.evidence.bundle import Bundle
from cloud_bridge.evidence.figures import quarters_of
from cloud_bridge.evidence.judge import Verdict, judge
from cloud_bridge.fields import DocumentError
from cloud_bridge.keyfiles import ROTATION, Trust
from cloud_bridge.notes import Key, NoteError, key_from
from cloud_bridge.said import FILE, refusing
from edge.evidence.note import COSIGNATURE

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command()
@click.argument("folder", type=_FOLDER)
@click.option("--key", "keys", required=True, multiple=True, metavar="KEY",
              help="The log's public key, NAME+ID+BASE64, or a file with it; again for one that "
                   "followed it.")
@click.option("--witness", "witnesses", multiple=True, metavar="KEY",
              help="A witness's key; its cosignatures are counted.")
@click.option("--quorum", type=click.IntRange(0), default=0, show_default=True,
              help="So many witnesses must have signed.")
@click.option("--trust", "trusted", type=FILE, multiple=True,
              help="A public key (PEM): factor sets and statements by others are refused.")
@click.option("--standard", "standard_name", default="cn_park_standard", show_default=True,
              help="What is asked of a park.")
@click.option("--report", "page", type=click.Path(dir_okay=False, path_type=Path),
              help="Write the page to this file as well.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def main(folder: Path, keys: tuple[str, ...], witnesses: tuple[str, ...], quorum: int,
         trusted: tuple[Path, ...], standard_name: str, page: Path | None, as_json: bool) -> None:
    """Audit the evidence in FOLDER (`export` makes one): the chain of leaves and its signed heads,
    registers against flows, the whole account worked out again, the indicators. It takes the files
    and a public key: neither the gateway nor the database. Exit status 1 when anything is wrong.

    \b
    Example:
      python -m cloud_bridge audit evidence --key evidence/key.txt
    """
    with refusing():
        log = [_key(one) for one in keys]
        seen = [_key(one) for one in witnesses]
        if quorum > len(seen):
            raise click.UsageError(f"--quorum {quorum} with {len(seen)} --witness")
        for one in seen:
            if one.kind != COSIGNATURE:
                raise click.UsageError(f"--witness {one.name}: found the key of a log")
        found = bundle.read(folder)
        trust = _trust(trusted, found) if trusted else None
        verdict = judge(found, log, seen, quorum, trust)
        table, used = _indicators(found, verdict, standard_name, trust)
    lines = _told(table, used) if used else []
    text = report.text(log[0].name, verdict, lines)
    if page is not None:
        page.write_text(text, encoding="utf-8")
    click.echo(json.dumps(_json(verdict, table), indent=1) if as_json else text, nl=as_json)
    sys.exit(1 if verdict.faults else 0)


def _key(text: str) -> Key:
    try:
        return key_from(text)
    except NoteError as error:
        raise DocumentError(str(error)) from None


def _trust(trusted: tuple[Path, ...], found: Bundle) -> Trust:
    trust = Trust(keyfiles.public(path) for path in trusted)
    trust.rotate([one for _, one in found.documents if one.kind == ROTATION])
    return trust


def _set(found: Bundle, verdict: Verdict) -> FactorSet | None:
    """The set of the account's first view: a document in the folder, or a shipped one."""
    wanted = verdict.terms[verdict.accounts[-1][0].terms_id].sets[0]
    for _, document in found.documents:
        if document.kind == "factors" and document.id == wanted:
            return factors.read(document)
    return factors.by_id(wanted)


def _indicators(found: Bundle, verdict: Verdict, name: str, trust: Trust | None
                ) -> tuple[list[Indicator], FactorSet | None]:
    """A park's indicators over the whole days of the account, recomputed from its leaves."""
    used = _set(found, verdict) if verdict.accounts else None
    if used is None:
        return [], None
    rows = quarters_of(verdict.accounts, verdict.terms)
    offset = used.utc_offset_min // 15
    start = -(-(rows[0].index - rows[0].span + 1 + offset) // 96)
    end = (rows[-1].index + 1 + offset) // 96
    if end <= start:
        return [], None
    measured = measure(rows, used, 96 * start - offset, 96 * end - offset)
    first = EPOCH.date() + datetime.timedelta(start)
    last = EPOCH.date() + datetime.timedelta(end - 1)
    rules = standard.load(name)
    papers = []
    for file, document in found.documents:
        if document.kind == "statement":
            try:
                if trust is not None:
                    trust.check(document)
                papers.append(statement.read(document))
            except DocumentError as error:
                verdict.fault(f"{file}: {error}")
    extra = stated.state(papers, carriers.load(), rules.method, first, last)
    return list(indicators(measured, extra, rules, None)), used


def _told(table: list[Indicator], used: FactorSet) -> list[str]:
    lines = [f"{'indicator':<20}{'asked':>10}" + "".join(f"{one:>13}" for one in COLUMNS)
             + f"   (factors {used.name})"]
    for one in table:
        cells = "".join(f"{_cell(one, value):>13}" for value in one.values)
        lines.append(f"{one.name:<20}{_cell(one, one.limit):>10}{cells}   {one.verdict}")
    return lines


def _cell(one: Indicator, value: Fraction | None) -> str:
    if value is None:
        return "-"
    up = one.unit == "t/tce"
    return shown(value, 4, up) if up else shown(value * 100, 2, up) + " %"


def _json(verdict: Verdict, table: list[Indicator]) -> dict[str, object]:
    return {"stands": not verdict.faults, "faults": verdict.faults, "notes": verdict.notes,
            "leaves": verdict.leaves, "signed": verdict.signed, "witnessed": verdict.witnessed,
            "heads": verdict.heads, "quarters": verdict.quarters, "minutes": verdict.minutes,
            "unsynced": verdict.unsynced,
            "missing": [asdict(one) for one in verdict.missing],
            "indicators": [{"name": one.name, "unit": one.unit, "verdict": one.verdict,
                            "values": {column: None if value is None else str(value)
                                       for column, value in
                                       zip(COLUMNS, one.values, strict=True)}}
                           for one in table]}
