"""`verify`: a signed document, with nothing but a public key."""

import json
from pathlib import Path
from typing import Any

import click

from cloud_bridge import documents, source
from cloud_bridge.carbon import opened, passport
from cloud_bridge.carbon.indicators import shown
from cloud_bridge.documents import Document
from cloud_bridge.evidence import proof
from cloud_bridge.said import FILE, log_key, refusing


@click.command()
@click.argument("file", type=click.File("rb"))
@click.option("--trust", "keys", type=FILE, multiple=True, required=True,
              help="A public key to believe.")
@click.option("--rotation", "rotations", type=FILE, multiple=True,
              help="A document by which a key was followed by another.")
@click.option("--proof", "proven", type=FILE, help="A passport's proof.json.")
@click.option("--log", "logs", multiple=True, metavar="KEY",
              help="With it: the public key of the gateway's log, NAME+ID+BASE64 or a file.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def main(file: Any, keys: tuple[Path, ...], rotations: tuple[Path, ...], proven: Path | None,
         logs: tuple[str, ...], as_json: bool) -> None:
    """Check a document, or the text of a passport's QR code (`-`: standard input), and say what it
    says. Exit status 1 when it cannot be believed. With --proof a passport's energy and carbon are
    worked out again from the gateway's leaves, and every leaf is in the head that its log signed.

    \b
    Example:
      python -m cloud_bridge verify passport.json --trust park.pem.pub
      python -m cloud_bridge verify passport.json --trust park.pem.pub --proof proof.json --log key.txt
    """  # noqa: E501  # a command is one line
    if bool(proven) != bool(logs):
        raise click.UsageError("expected --proof with --log")
    with refusing():
        document = documents.parse(file.read(documents.MOST_BYTES + 1).rstrip(b"\r\n"))
        opened.trust(keys, rotations).check(document)
        lines = _passport(document) if document.kind == "passport" else []
        source.check(document)
        if proven is not None:
            head, quarters = proof.check(proven.read_bytes(), [log_key(one) for one in logs])
            passport.prove(passport.read(document), head, quarters)
            lines.append(f"proven: {len(quarters)} leaves of {head.origin}, in its signed head of "
                         f"{head.size}")
    said = {"id": document.id.hex(), "kind": document.kind, "issuer": document.issuer.hex(),
            "issued": document.issued, "body": document.body, "proven": proven is not None}
    if as_json:
        click.echo(json.dumps(said, ensure_ascii=False, indent=1))
        return
    click.echo(f"{document.kind} {said['id']}: signed by {said['issuer']}, {document.issued}")
    for line in lines or [json.dumps(document.body, ensure_ascii=False, indent=1)]:
        click.echo(line)


def _passport(document: Document) -> list[str]:
    got = passport.read(document)
    grams = passport.g_per_unit(got)
    minutes = 15 * (got["end"] - got["first"])
    origins = ", ".join(f"{name} {wh}" for name, wh in got["from_wh"].items() if wh)
    return [f"{got['product']}, batch {got['batch']}: {document.body['quantity']} {got['unit']}",
            f"{document.body['first']} .. {document.body['end']}, "
            f"{got['minutes']} of {minutes} minutes measured",
            f"{got['energy_wh']} Wh ({origins or 'none'})",
            f"{shown(grams, 3, True)} g CO2 a unit, factor set {document.body['factor_set']}; "
            "rounded up" if grams is not None else "no product"]
