"""`orders`: what a dispatch centre has ordered of a gateway, and what became of it."""

import datetime
import json
from collections.abc import Callable
from typing import NamedTuple

import click
import msgpack

from cloud_bridge.batches import BadMessage
from cloud_bridge.databases import KEPT, Database
from cloud_bridge.fields import DocumentError
from cloud_bridge.intake import StoreError, TroubleError
from cloud_bridge.queries.messages import NAME
from cloud_bridge.said import refusing
from edge.iec104 import records

_BYTES = 128
_OUTCOMES = {records.DONE: "in force", records.REFUSED: "refused", records.LAPSED: "lapsed",
             records.TAKEN: "control taken", records.RETURNED: "control given back"}
_EPOCH = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)
_LAST_DAY = 36_525


class Order(NamedTuple):
    """One record; `reason` and `peer` as the gateway says them, printable."""

    utc: str
    outcome: str
    value_w: int
    held_s: int  # unless it is renewed
    reason: str
    peer: str
    unsaid: int  # since the gateway's start, of which no record tells


def decode(body: bytes) -> Order:
    """The body of a frame of kind ORDER; BadMessage when it is none."""
    try:
        found = msgpack.unpackb(body) if len(body) <= _BYTES else None
    except (ValueError, msgpack.UnpackException) as error:
        raise BadMessage(f"order: {error or 'not MessagePack'}") from None
    kinds = [int, int, int, int, int, int, str, str, int]
    if not isinstance(found, list) or list(map(type, found)) != kinds \
            or found[0] != records.VERSION:
        raise BadMessage("order: not of version 1 of 9 items")
    _, day, second, outcome, value_w, held_s, reason, peer, unsaid = found
    if outcome not in _OUTCOMES or not (0 <= day <= _LAST_DAY and 0 <= second < 86_400) \
            or not (reason + peer).isprintable():
        raise BadMessage("order: found what no gateway says")
    at = _EPOCH + datetime.timedelta(days=day, seconds=second)
    return Order(f"{at:%Y-%m-%dT%H:%M:%SZ}", _OUTCOMES[outcome], value_w, held_s, reason, peer,
                 unsaid)


@click.command()
@click.argument("gateway", metavar="PARK/GATEWAY")
@click.option("--store", "open_store", type=KEPT, required=True,
              help="The bridge's SQLite file, or the address of its PostgreSQL.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def main(gateway: str, open_store: Callable[[], Database], as_json: bool) -> None:
    """Tell every order of a dispatch centre (IEC 104) that a gateway has recorded. Exit status 1
    when a record cannot be read.

    \b
    Example:
      python -m cloud_bridge orders demo/foundry --store park.db
    """
    park, _, name = gateway.partition("/")
    unread = 0
    with refusing():
        if not (NAME.fullmatch(park) and NAME.fullmatch(name)):
            raise DocumentError(f"found {gateway!r}, expected PARK/GATEWAY")
        try:
            with open_store() as store:
                for _, body in store.bodies(park, name, (records.ORDER,)):
                    try:
                        _say(decode(body), as_json)
                    except BadMessage:
                        unread += 1
        except (StoreError, TroubleError) as error:
            raise DocumentError(str(error)) from None
    if unread:
        click.echo(f"{unread} records that nobody can read", err=True)
        raise SystemExit(1)


def _say(order: Order, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(order._asdict()))
        return
    watts = f" {order.value_w / 1000:g} kW" if order.outcome in ("in force", "refused", "lapsed") \
        else ""
    more = [f"for {order.held_s} s" if order.held_s else "", order.reason,
            f"by {order.peer}" if order.peer else "",
            f"{order.unsaid} untold" if order.unsaid else ""]
    click.echo(f"{order.utc} {order.outcome}{watts}"
               + "".join(f", {part}" for part in more if part))
