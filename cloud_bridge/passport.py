"""`passport`: what a batch has taken of energy and carbon, signed, as a file and a QR code."""

import datetime
import json
from pathlib import Path

import click
import segno

from cloud_bridge import documents, keyfiles
from cloud_bridge.carbon import opened, passport, quarters
from cloud_bridge.carbon.factors import FactorSet
from cloud_bridge.carbon.passport import Batch
from cloud_bridge.documents import Document
from cloud_bridge.evidence import bundle, proof
from cloud_bridge.evidence.figures import quarters_of
from cloud_bridge.evidence.judge import judge
from cloud_bridge.said import DAY, FILE, FOLDER, log_key, refusing


class _Instant(click.ParamType[int]):
    name = "time"

    def convert(self, value: object, param: click.Parameter | None,
                ctx: click.Context | None) -> int:
        index = value if isinstance(value, int) else passport.index_at(value)
        if index is None:
            self.fail(f"found {value!r}, expected UTC as 2026-01-31T00:15Z", param, ctx)
        return index


@click.command()
@click.argument("file", type=FILE, required=False)
@click.option("--evidence", type=FOLDER, help="In FILE's place: a gateway's evidence (`export`).")
@click.option("--log", "logs", multiple=True, metavar="KEY",
              help="With it: the log's public key, NAME+ID+BASE64 or a file; as for `audit`.")
@click.option("--product", required=True)
@click.option("--batch", "number", required=True)
@click.option("--quantity", required=True, help='Exact, e.g. "1200" or "12.5".')
@click.option("--unit", required=True)
@click.option("--first", type=_Instant(), required=True, help="Start, UTC: 2026-01-31T00:15Z.")
@click.option("--end", type=_Instant(), required=True, help="End, UTC, not included.")
@click.option("--line", default="", help="The sub-meter; without it the whole load.")
@click.option("--site", default="")
@click.option("--issued", type=DAY, required=True)
@click.option("--factors", default="cn_910_fossil", show_default=True,
              help="Of edge/carbon/factors, or a document.")
@click.option("--key", type=FILE, required=True, help="The secret key (`keys new`).")
@click.option("--trust", "keys", type=FILE, multiple=True,
              help="A public key: a factor set by others is refused.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True,
              help="A folder for passport.json, .svg and .png, and proof.json with --evidence.")
@click.option("--json", "as_json", is_flag=True, help="Say so as JSON.")
def main(file: Path | None, evidence: Path | None, logs: tuple[str, ...], product: str,
         number: str, quantity: str, unit: str, first: int, end: int, line: str, site: str,
         issued: datetime.date, factors: str, key: Path, keys: tuple[Path, ...], out: Path,
         as_json: bool) -> None:
    """Make a product's passport, from a gateway's evidence or from quarter-hours in FILE. The QR
    code holds the signed document itself; `verify` checks it with the public key alone.

    With --evidence the books are audited first. The passport then names the signed head its
    quarter-hours stand under, and proof.json proves each of them to whoever has the log's key.

    \b
    Example:
      python -m cloud_bridge passport examples/papers/quarters.jsonl --product gear --batch 7 --quantity 1200 --unit piece --line press --first 2026-01-01T00:00Z --end 2026-01-01T08:00Z --issued 2026-01-02 --key park.pem --out passport
      python -m cloud_bridge passport --evidence evidence --log evidence/key.txt --product gear --batch 7 --quantity 1200 --unit piece --line press --first 2026-07-01T00:00Z --end 2026-07-01T08:00Z --issued 2026-07-02 --key park.pem --out passport
    """  # noqa: E501  # a command is one line
    if (file is None) == (evidence is None) or bool(evidence) != bool(logs):
        raise click.UsageError("expected FILE, or --evidence with --log")
    with refusing():
        factor_set, _ = opened.open_factors(factors, opened.trust(keys, ()) if keys else None)
        batch = Batch(product, number, first, end, quantity, unit, line, site)
        proven = None
        if evidence is not None:
            made, proven = _from_evidence(evidence, logs, batch, factor_set, str(issued))
        elif file is not None:
            with file.open("rb") as lines:
                made = passport.make(batch, quarters.parse(lines, file.name), factor_set,
                                     str(issued))
        signed = documents.sign(made, keyfiles.secret(key))
        data = passport.payload(signed)
        out.mkdir(parents=True, exist_ok=True)
        (out / "passport.json").write_bytes(data)
        if proven is not None:
            (out / "proof.json").write_bytes(proven)
        code = segno.make(data.decode(), mode="byte", encoding="utf-8", error="l", micro=False)
        code.save(str(out / "passport.svg"), scale=4)
        code.save(str(out / "passport.png"), scale=4)
    said = {"id": signed.id.hex(), "bytes": len(data), "code": code.designator, "out": str(out),
            "energy_wh": made.body["energy_wh"], "carbon_ug": made.body["carbon_ug"]}
    click.echo(json.dumps(said) if as_json else
               f"passport {said['id']}: {said['energy_wh']} Wh, {said['carbon_ug']} ug CO2, "
               f"{said['bytes']} bytes in a code {said['code']}: {out}")


def _from_evidence(folder: Path, logs: tuple[str, ...], batch: Batch, factor_set: FactorSet,
                   issued: str) -> tuple[Document, bytes]:
    """The passport of audited books, and its proof, held against each other as a customer will."""
    keys = [log_key(one) for one in logs]
    found = bundle.read(folder)
    verdict = judge(found, keys)
    head, proven = proof.make(found, verdict, batch.first, batch.end, keys)
    rows = quarters_of(verdict.accounts, verdict.terms)
    made = passport.make(batch, rows, factor_set, issued, head)
    passport.prove(passport.read(made), *proof.check(proven, keys))
    return made, proven
