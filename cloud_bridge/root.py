"""`root`: what a gateway does for the holder of the root key alone."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from cloud_bridge import keyfiles
from cloud_bridge.command import exchange, reaching, say
from cloud_bridge.command_codec import RootCommand
from cloud_bridge.command_state import Sender
from cloud_bridge.identity import NAME
from cloud_bridge.mqtt import Broker
from cloud_bridge.said import FILE, FOLDER, refusing
from edge.root import KEYS, LIMITS

_TTL_S = 900
_F = TypeVar("_F", bound=Callable[..., Any])


def _options(command: _F) -> _F:
    for option in reversed((
            click.option("--key", type=FILE, required=True, help="The secret root key, PEM."),
            click.option("--keys", "folder", type=FOLDER, required=True,
                         help="The folder `cloud` of `keys gateway`, to know its answer by."),
            reaching(120))):
        command = option(command)
    return command


@click.group()
def main() -> None:
    """Orders by the root key, whose public half stands in a site's [commands] root.

    \b
    Example:
      python -m cloud_bridge root keys demo/mill 3 --key root.pem --keys mill/cloud
    """


@main.command()
@click.argument("gateway")
@click.argument("first", type=click.IntRange(2, 126))
@_options
def keys(gateway: str, first: int, **where: Any) -> None:
    """Let GATEWAY believe no command key below number FIRST: when present and next are lost.

    Make the new ones before, where root.key is, so that its answer can be read.

    \b
    Example:
      python -m cloud_bridge keys gateway demo/mill --out mill --first 3
      python -m cloud_bridge root keys demo/mill 3 --key root.pem --keys mill/cloud
    """
    _order("keys", gateway, KEYS, (first,), **where)


@main.command()
@click.argument("gateway")
@click.option("--import-kw", type=float, help="Import limit; without it the image's.")
@click.option("--export-kw", type=float, help="Export limit.")
@click.option("--floor", type=float, help="Lowest state of charge, per cent.")
@click.option("--ceiling", type=float, help="Highest state of charge, per cent.")
@_options
def limits(gateway: str, import_kw: float | None, export_kw: float | None, floor: float | None,
           ceiling: float | None, **where: Any) -> None:
    """Set limits of GATEWAY from its next start on, inside the nameplate of its gate, until it is
    flashed with another image. What is not given is as in the image.

    \b
    Example:
      python -m cloud_bridge root limits demo/mill --import-kw 650 --key root.pem --keys mill/cloud
    """
    values = tuple(-1 if value is None else round(value * factor) for value, factor in (
        (import_kw, 1000), (export_kw, 1000), (floor, 10), (ceiling, 10)))
    _order("limits", gateway, LIMITS, values, **where)


def _order(name: str, gateway: str, verb: int, args: tuple[int, ...], key: Path, folder: Path,
           broker: str, ca: str | None, wait_s: int, as_json: bool) -> None:
    if not NAME.fullmatch(gateway):
        raise click.BadParameter(f"found {gateway}, expected PARK/GATEWAY", param_hint="GATEWAY")
    try:
        place = Broker.parse(broker)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--broker") from None
    with refusing():
        secret, sender = keyfiles.secret(key), Sender(folder, gateway)

        def sign(issued: int, nonce: int, at_least: int) -> tuple[RootCommand, bytes]:
            """The counter is the time: it needs no memory, and is above all before it."""
            order = RootCommand(gateway, max(issued, at_least + 1), issued, _TTL_S, verb, args,
                                nonce)
            return order, order.encode(secret)

        answer = exchange(place, gateway, sender.keys, ca, wait_s, sign)
        if verb == KEYS and answer.result and answer.result.done:
            sender.move(args[0])
    say(name, answer, wait_s, as_json)
