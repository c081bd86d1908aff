"""`sign`: a document from its TOML source, under somebody's key."""

import json
from pathlib import Path

import click

from cloud_bridge import documents, keyfiles, source
from cloud_bridge.said import FILE, refusing


@click.command()
@click.argument("file", type=FILE)
@click.option("--key", type=FILE, required=True, help="The secret key (`keys new`).")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True,
              help="The signed document.")
@click.option("--json", "as_json", is_flag=True, help="Say so as JSON.")
def main(file: Path, key: Path, out: Path, as_json: bool) -> None:
    """Sign a factor set or a statement. What it must hold is checked first. To start from:
    edge/carbon/factors and examples/papers.

    \b
    Example:
      python -m cloud_bridge sign examples/papers/water.toml --key park.pem --out water.json
    """
    with refusing():
        signed = documents.sign(source.load(file), keyfiles.secret(key))
        out.write_bytes(signed.encode())
    said = {"id": signed.id.hex(), "kind": signed.kind, "issuer": signed.issuer.hex(),
            "file": str(out)}
    click.echo(json.dumps(said, ensure_ascii=False) if as_json else
               f"{signed.kind} {said['id']} signed by {said['issuer']}: {out}")
