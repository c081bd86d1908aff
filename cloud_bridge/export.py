"""`export`: a gateway's evidence, and its figures, out of the store into files."""

import json
from collections.abc import Callable
from pathlib import Path

import click

from cloud_bridge.databases import KEPT, Database
from cloud_bridge.evidence import bundle, gathered, judge, tables
from cloud_bridge.fields import DocumentError
from cloud_bridge.intake import StoreError, TroubleError
from cloud_bridge.said import refusing

FORMATS = ("csv", "parquet", "certificates")


@click.command()
@click.option("--store", "open_store", type=KEPT, required=True,
              help="The bridge's SQLite file, or the address of its PostgreSQL.")
@click.option("--gateway", required=True, metavar="PARK/GATEWAY")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True,
              help="The folder; signed documents that are in it already stay.")
@click.option("--table", "formats", type=click.Choice(FORMATS), multiple=True,
              help="Figures beside the evidence: energies and carbon of each quarter-hour as CSV "
                   "or Parquet; generation and storage by the hour, shaped as granular "
                   "certificates.")
@click.option("--json", "as_json", is_flag=True, help="Say so as JSON.")
def main(open_store: Callable[[], Database], gateway: str, out: Path, formats: tuple[str, ...],
         as_json: bool) -> None:
    """Write the evidence of one gateway to a folder that `audit` takes, on any machine.

    \b
    Example:
      python -m cloud_bridge export --store park.db --gateway demo/foundry --out evidence --table csv
    """  # noqa: E501  # a command is one line
    park, _, name = gateway.partition("/")
    with refusing():
        try:
            with open_store() as store:
                found = gathered.gather(store, park, name)
        except (StoreError, TroubleError) as error:
            raise DocumentError(str(error)) from None
        if not found.leaves:
            raise DocumentError(f"the store has no ledger of {gateway}")
        out.mkdir(parents=True, exist_ok=True)
        found.write(out)
        if formats:
            told = bundle.read(out)
            accounts = judge.read_accounts(told).accounts
            for form in formats:
                tables.write(form, out, accounts)
    said = {"gateway": gateway, "leaves": len(found.leaves), "heads": len(found.heads),
            "skipped": found.skipped, "faults": found.faults, "out": str(out)}
    click.echo(json.dumps(said) if as_json else
               f"{gateway}: {said['leaves']} leaves, {said['heads']} heads"
               + (f", {found.skipped} messages skipped" if found.skipped else "") + f": {out}"
               + "".join(f"\nthe gateway told: {one}" for one in found.faults))
