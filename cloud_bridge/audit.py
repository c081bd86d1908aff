"""`audit`: whether a gateway's books stand, with nothing but its files and a public key."""

import datetime
import json
import sys
from collections import Counter
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path

import click

from cloud_bridge import keyfiles
from cloud_bridge.carbon import carriers, factors, quarters, standard, stated, statement
from cloud_bridge.carbon.factors import FactorSet
from cloud_bridge.carbon.indicators import COLUMNS, Indicator, indicators, shown
from cloud_bridge.carbon.measure import measure
from cloud_bridge.carbon.opened import open_factors
from cloud_bridge.carbon.quarters import EPOCH
from cloud_bridge.carbon.standard import Standard
from cloud_bridge.evidence import anew, bundle, report
from cloud_bridge.evidence.bundle import Bundle
from cloud_bridge.evidence.figures import quarters_of
from cloud_bridge.evidence.judge import judge
from cloud_bridge.evidence.verdict import Verdict
from cloud_bridge.fields import DocumentError
from cloud_bridge.keyfiles import Trust
from cloud_bridge.notes import Key, NoteError, key_from
from cloud_bridge.said import FILE, refusing
from edge.evidence.note import COSIGNATURE
from edge.ledger.leaf import TIME_SYNCED

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command()
@click.argument("folder", type=_FOLDER)
@click.option("--key", "keys", required=True, multiple=True, metavar="KEY",
              help="The log's public key, NAME+ID+BASE64, or a file with it; again for one that "
                   "followed it.")
@click.option("--witness", "witnesses", multiple=True, metavar="KEY",
              help="A witness's key, or a file with it; its cosignatures are counted.")
@click.option("--quorum", type=click.IntRange(0), default=None, metavar="N",
              help="So many of the witnesses must have signed the newest head; all, without it.")
@click.option("--trust", "trusted", type=FILE, multiple=True,
              help="A public key (PEM): factor sets and statements by others are refused.")
@click.option("--standard", "standard_name", default="cn_park_standard", show_default=True,
              help="What is asked of a park.")
@click.option("--view", "others", multiple=True, metavar="SET",
              help="Another factor set, shipped or a document, by which the carbon is worked out "
                   "anew; its factors may change by the hour.")
@click.option("--quarters", "lines_file", type=click.Path(dir_okay=False, path_type=Path),
              help="Write the quarter-hours that are signed to this file, for `indicators`, if the "
                   "books stand.")
@click.option("--report", "page", type=click.Path(dir_okay=False, path_type=Path),
              help="Write the page to this file as well.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def main(folder: Path, keys: tuple[str, ...], witnesses: tuple[str, ...], quorum: int | None,
         trusted: tuple[Path, ...], standard_name: str, others: tuple[str, ...],
         lines_file: Path | None, page: Path | None, as_json: bool) -> None:
    """Audit the evidence in FOLDER (`export` makes one): the chain of leaves and its signed heads,
    registers against flows, the whole account worked out again, the indicators. It takes the files
    and a public key: neither the gateway nor the database. Figures are of what is signed. Exit
    status 0: the books stand; 1: something is wrong with them; 2: they could not be audited.

    \b
    Example:
      python -m cloud_bridge audit evidence --key evidence/key.txt
    """
    with refusing(2):
        log = [_key(one) for one in keys]
        seen = [_key(one) for one in witnesses]
        quorum = len(seen) if quorum is None else quorum
        if quorum > len(seen):
            raise click.UsageError(f"--quorum {quorum} with {len(seen)} --witness")
        if len({one.public for one in (*log, *seen)}) < len(log) + len(seen):
            raise click.UsageError("--key, --witness: found one public key twice")
        for one in seen:
            if one.kind != COSIGNATURE:
                raise click.UsageError(f"--witness {one.name}: found the key of a log")
        for one in log:
            if one.kind == COSIGNATURE:
                raise click.UsageError(f"--key {one.name}: found the key of a witness")
        found = bundle.read(folder)
        trust = Trust(keyfiles.public(path) for path in trusted) if trusted else None
        rules = standard.load(standard_name)
        verdict = judge(found, log, seen, quorum, trust)
        table, used = _indicators(found, verdict, rules)
        views = _anew(others, verdict, trust)
        lines = _told(table, used, verdict) if used else []
        if views:
            lines = ["worked out anew, by other factors; it changes no leaf",
                     *report.carbon(views), *([""] if lines else []), *lines]
        text = report.text(log[0].name, verdict, lines)
        if lines_file is not None and not verdict.faults:
            lines_file.write_text("".join(
                quarters.line(one) + "\n" for one in quarters_of(verdict.proven, verdict.terms)),
                encoding="utf-8")
        if page is not None:
            page.write_text(text, encoding="utf-8")
    said = {**_json(verdict, table), "anew_ug": views}
    click.echo(json.dumps(said, indent=1) if as_json else text, nl=as_json)
    sys.exit(1 if verdict.faults else 0)


def _key(text: str) -> Key:
    try:
        return key_from(text)
    except NoteError as error:
        raise DocumentError(str(error)) from None


def _anew(names: tuple[str, ...], verdict: Verdict, trust: Trust | None
          ) -> dict[str, dict[str, int]]:
    """The carbon of what is proven, by other sets; only of books that stand."""
    found = [open_factors(name, trust)[0] for name in names]
    if verdict.faults:
        return {}
    sites = [site for site, _ in verdict.proven]
    return {one.name: anew.totals(sites, one) for one in found}


def _set(verdict: Verdict) -> FactorSet | None:
    """The set of the account's first view: a document in the folder, or a shipped one."""
    wanted = verdict.terms[verdict.proven[-1][0].terms_id].sets[0]
    return verdict.sets.get(wanted) or factors.by_id(wanted)


def _indicators(found: Bundle, verdict: Verdict, rules: Standard
                ) -> tuple[list[Indicator], FactorSet | None]:
    """A park's indicators over the whole days of what is proven, recomputed from its leaves."""
    used = _set(verdict) if verdict.proven else None
    if used is None:
        return [], None
    rows = quarters_of(verdict.proven, verdict.terms)
    offset = used.utc_offset_min // 15
    start = -(-(rows[0].index - rows[0].span + 1 + offset) // 96)
    end = (rows[-1].index + 1 + offset) // 96
    if end <= start:
        verdict.notes.append("no whole local day is proven yet: no indicators")
        return [], None
    first = EPOCH.date() + datetime.timedelta(start)
    last = EPOCH.date() + datetime.timedelta(end - 1)
    papers = []
    for file, document in found.documents:
        if document.kind == "statement" and file not in verdict.refused:
            try:
                papers.append(statement.read(document))
            except DocumentError as error:
                verdict.fault(f"{file}: {error}")
    try:
        measured = measure(rows, used, 96 * start - offset, 96 * end - offset)
        extra = stated.state(papers, carriers.load(), rules.method, first, last)
    except DocumentError as error:
        verdict.notes.append(f"no indicators: {error}")
        return [], None
    return list(indicators(measured, extra, rules, None)), used


def _told(table: list[Indicator], used: FactorSet, verdict: Verdict) -> list[str]:
    lines = [f"{'indicator':<22}{'asked':>10}" + "".join(f"{one:>13}" for one in COLUMNS)
             + "   verdict"]
    for one in table:
        cells = "".join(f"{_cell(one, value):>13}" for value in one.values)
        lines.append(f"{one.name:<22}{_cell(one, one.limit):>10}{cells}   {one.verdict}")
    return [*lines, f"(whole local days; factors {used.name} {used.id.hex()}, "
            + ("a document here)" if used.id in verdict.sets else "shipped with this program)")]


def _cell(one: Indicator, value: Fraction | None) -> str:
    if value is None:
        return "-"
    up = one.unit == "t/tce"
    return shown(value, 4, up) if up else shown(value * 100, 2, up) + " %"


def _json(verdict: Verdict, table: list[Indicator]) -> dict[str, object]:
    """All of it; amounts in Wh and µg, sums over what is proven."""
    sites = [site for site, _ in verdict.proven]
    sums = Counter[str]()
    for site in sites:
        sums.update({name: value for name, value in site.values.items()
                     if name.endswith("_wh") and "register" not in name and "owed" not in name
                     and not name.startswith("in_store")})
    return {
        "stands": not verdict.faults, "faults": verdict.faults, "notes": verdict.notes,
        "leaves": verdict.leaves, "signed": verdict.signed, "witnessed": verdict.witnessed,
        "heads": verdict.heads, "quorum": verdict.quorum,
        "signers": [{"key": str(key), "first": low, "last": high, "time": time_s}
                    for key, (low, high, time_s) in verdict.signers.items()],
        "accounts": len(sites),
        "quarters": sum(site.values["span"] for site in sites),
        "minutes": sum(site.values["steps"] for site in sites),
        "unsynced": sum(site.values["span"] for site in sites
                        if site.values["time"] != TIME_SYNCED),
        "first_quarter": sites[0].quarter - sites[0].values["span"] + 1 if sites else None,
        "last_quarter": sites[-1].quarter if sites else None,
        "missing": [asdict(one) for one in verdict.missing],
        "energy": dict(sums),
        "registers": report.registers(sites) if sites else {},
        "carbon": report.views(sites, verdict),
        "indicators": [{"name": one.name, "unit": one.unit, "verdict": one.verdict, "why": one.why,
                        "limit": None if one.limit is None else str(one.limit),
                        "complete": str(one.complete),
                        "values": {column: None if value is None else str(value)
                                   for column, value in zip(COLUMNS, one.values, strict=True)}}
                       for one in table]}
