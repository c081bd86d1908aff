"""`keys`: make them, show them, and hand over from one to the next."""

import datetime
import json
from pathlib import Path

import click

from cloud_bridge import documents, keyfiles, tokens
from cloud_bridge.documents import key_id
from cloud_bridge.said import DAY, FILE, refusing

_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON document.")


@click.group()
def main() -> None:
    """Keys that sign documents (Ed25519), and the secrets of a gateway.

    \b
    Examples:
      python -m cloud_bridge keys new park.pem
      python -m cloud_bridge keys gateway demo/mill --out mill
    """


@main.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@_JSON
def new(file: Path, as_json: bool) -> None:
    """Make a key: FILE is secret (0600), FILE.pub is to be given away.

    \b
    Example:
      python -m cloud_bridge keys new park.pem
    """
    with refusing():
        key = keyfiles.create(file)
        public = file.with_name(file.name + ".pub")
        public.write_bytes(keyfiles.public_pem(key.public_key()))
    _say({"id": key_id(key.public_key()).hex(), "secret": str(file), "public": str(public)},
         as_json)


@main.command()
@click.argument("file", type=FILE)
@_JSON
def show(file: Path, as_json: bool) -> None:
    """The id of a public key, by which documents name their issuer.

    \b
    Example:
      python -m cloud_bridge keys show park.pem.pub
    """
    with refusing():
        key = keyfiles.public(file)
    _say({"id": key_id(key).hex(), "algorithm": "Ed25519", "public": key.public_bytes_raw().hex()},
         as_json)


@main.command()
@click.option("--key", type=FILE, required=True, help="The old secret key.")
@click.option("--new", "new_key", type=FILE, required=True, help="The new public key.")
@click.option("--issued", type=DAY, required=True,
              help="The last day of the old key.")
@click.option("--reason", default="", help="Why, for the record.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True,
              help="The document of the rotation.")
@_JSON
def rotate(key: Path, new_key: Path, issued: datetime.date, reason: str, out: Path,
           as_json: bool) -> None:
    """Let the old key sign the new one: who trusts the old trusts the new with this document.

    \b
    Example:
      python -m cloud_bridge keys rotate --key park.pem --new park2.pem.pub --issued 2027-01-01 --out rotation.json
    """  # noqa: E501  # a command is one line
    with refusing():
        old, other = keyfiles.secret(key), keyfiles.public(new_key)
        signed = documents.sign(keyfiles.rotation(other, str(issued), reason), old)
        out.write_bytes(signed.encode())
    _say({"id": signed.id.hex(), "old": signed.issuer.hex(), "new": key_id(other).hex(),
          "file": str(out)}, as_json)


@main.command()
@click.argument("name", metavar="PARK/GATEWAY")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True,
              help="A folder for this gateway alone.")
@click.option("--first", default=1, show_default=True,
              help="The first of the two command keys the cloud gets.")
@_JSON
def gateway(name: str, out: Path, first: int, as_json: bool) -> None:
    """Make all secrets of a gateway: `gateway` goes onto it, `cloud` to who may command it,
    `mosquitto` holds its lines of the broker's password and ACL files; root.key stays at home.

    On a Raspberry Pi the files of `gateway` go into the folder of --journal, and the password into
    PARKEDGE_BROKER_PASSWORD; `parkedge flash --secrets mill/gateway` brings them onto a board. The
    site's broker.user is PARK.GATEWAY. A folder that has a root.key gets the same secrets again.

    \b
    Example:
      python -m cloud_bridge keys gateway demo/mill --out mill
    """
    from cloud_bridge import identity

    with refusing():
        made = identity.make(name, out, first)
    _say({what: str(path) for what, path in made.items()}, as_json)


@main.command()
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True,
              help="A folder for them.")
@_JSON
def services(out: Path, as_json: bool) -> None:
    """Make the broker's accounts of the bridge and of who sends commands.

    \b
    Example:
      python -m cloud_bridge keys services --out broker
    """
    from cloud_bridge import identity

    with refusing():
        made = identity.services(out)
    _say({what: str(path) for what, path in made.items()}, as_json)


@main.command()
@click.argument("name")
@click.option("--parks", default="*", show_default=True, metavar="A,B", help="Only these.")
@click.option("--gateways", default="*", show_default=True, metavar="A/X,B/Y",
              help="Only these, of those parks.")
@click.option("--role", type=click.Choice(tokens.ROLES), default=tokens.VIEWER, show_default=True,
              help="A monitor is told how gateways are, not what they measure.")
@click.option("--days", type=click.IntRange(1, tokens.MOST_DAYS), default=90, show_default=True)
@click.option("--tokens", "file", type=click.Path(dir_okay=False, path_type=Path), required=True,
              help="The file that `api` is given; a line is added.")
@_JSON
def token(name: str, parks: str, gateways: str, role: str, days: int, file: Path,
          as_json: bool) -> None:
    """Let NAME ask the API. The token is shown this once; delete its line to take it back.

    \b
    Example:
      python -m cloud_bridge keys token anna --parks demo --days 90 --tokens tokens.txt
    """
    until = datetime.datetime.now(datetime.UTC).date() + datetime.timedelta(days)
    with refusing():
        made = tokens.new(file, role, parks, gateways, until, name)
    _say({"token": made, "name": name, "role": role, "until": str(until), "file": str(file)},
         as_json)


def _say(said: dict[str, str], as_json: bool) -> None:
    click.echo(json.dumps(said) if as_json else
               "\n".join(f"{name:<9} {value}" for name, value in said.items()))
