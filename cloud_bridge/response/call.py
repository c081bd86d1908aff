"""`dr call` and `dr events`: a response handed to a gateway, and what the gateway says of it."""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from cloud_bridge.batches import BadMessage
from cloud_bridge.command import exchange, reaching, say
from cloud_bridge.command_codec import Command
from cloud_bridge.command_state import Sender
from cloud_bridge.databases import KEPT, Database
from cloud_bridge.fields import DocumentError, mistake
from cloud_bridge.identity import NAME
from cloud_bridge.intake import StoreError, TroubleError
from cloud_bridge.mqtt import Broker
from cloud_bridge.queries import messages
from cloud_bridge.response import announced, settle
from cloud_bridge.response.adjust import NONE
from cloud_bridge.response.announced import Announced
from cloud_bridge.response.asking import Asked, asking
from cloud_bridge.response.curve import SHAVE, clock, utc
from cloud_bridge.response.targets import targets
from cloud_bridge.said import FOLDER, refusing
from edge.response.event import ALL_OR_NOTHING, LOCKED

_TTL_S = 60  # a message that comes later is refused; the event is not


@click.command()
@click.argument("gateway", metavar="PARK/GATEWAY")
@asking
@click.option("--event", "event_name", required=True, metavar="NAME",
              help="What the programme calls it.")
@click.option("--rev", type=click.IntRange(0, 65_535), default=0, show_default=True,
              help="Higher than that of the targets it replaces.")
@click.option("--priority", type=click.IntRange(0, 255), default=100, show_default=True,
              help="A lower number is more important.")
@click.option("--all-or-nothing", is_flag=True,
              help="Left out where less than 0.8 of it can be delivered.")
@click.option("--locked", is_flag=True, help="The site may not opt out.")
@click.option("--cancel", is_flag=True, help="Call it off.")
@click.option("--keys", "folder", type=FOLDER,
              help="The folder `cloud` of `keys gateway`; without it nothing is sent.")
@reaching(60)
def call(gateway: str, asked: Callable[[], Asked], event_name: str, rev: int, priority: int,
         all_or_nothing: bool, locked: bool, cancel: bool, folder: Path | None, broker: str,
         ca: str | None, wait_s: int, as_json: bool) -> None:
    """Work out what GATEWAY has to hold at its meter in each interval, and hand it over as a signed
    command. It answers, keeps it through a power cut, and delivers it without any cloud.

    \b
    Example:
      python -m cloud_bridge dr call demo/mill --event 2026-0715-1 --programme cn_anhui --start 2026-07-15T12:00 --end 2026-07-15T13:00 --reply-kw 200 --load examples/papers/load.csv
    """  # noqa: E501  # a command is one line
    with refusing(2):
        if not NAME.fullmatch(gateway):
            raise mistake("PARK/GATEWAY", gateway, "e.g. demo/mill")
        wanted = asked()
        settle.check(wanted.programme, wanted.curve, wanted.response)
        made = _announced(wanted, event_name, rev, priority,
                          ALL_OR_NOTHING * all_or_nothing | LOCKED * locked, cancel)
        if folder is None:
            _show(wanted, made, as_json)
            return
        try:
            place = Broker.parse(broker)
        except ValueError as error:
            raise DocumentError(f"broker: {error}") from None
        sender = Sender(folder, gateway)
        key_id = sender.key_id()

        def sign(issued: int, nonce: int, at_least: int) -> tuple[Command, bytes]:
            return sender.sign(Command(gateway, key_id, 0, issued, _TTL_S, announced.VERB,
                                       made.arguments(), nonce), at_least)

        answer = exchange(place, gateway, sender.keys, ca, wait_s, sign)
    say(f"event {event_name}", answer, wait_s, as_json)


@click.command()
@click.argument("gateway", metavar="PARK/GATEWAY")
@click.option("--store", "open_store", type=KEPT, required=True,
              help="The bridge's SQLite file, or the address of its PostgreSQL.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def events(gateway: str, open_store: Callable[[], Database], as_json: bool) -> None:
    """Tell every change of an event that a gateway has recorded. Exit status 1 when a record cannot
    be read.

    \b
    Example:
      python -m cloud_bridge dr events demo/mill --store park.db
    """
    park, _, name = gateway.partition("/")
    unread = 0
    with refusing():
        if not (messages.NAME.fullmatch(park) and messages.NAME.fullmatch(name)):
            raise mistake("PARK/GATEWAY", gateway, "e.g. demo/mill")
        try:
            with open_store() as store:
                for _, body in store.bodies(park, name, (announced.KIND,)):
                    try:
                        one = announced.decode(body)
                    except BadMessage:
                        unread += 1
                        continue
                    click.echo(json.dumps(one._asdict()) if as_json else
                               f"{one.utc} event {one.number} rev {one.rev} {one.phase}, "
                               f"{one.soc_pm / 10:g} %" + (f": {one.reason}" if one.reason else "")
                               + (f", {one.untold} untold" if one.untold else ""))
        except (StoreError, TroubleError) as error:
            raise DocumentError(str(error)) from None
    if unread:
        click.echo(f"{unread} records that nobody can read", err=True)
        sys.exit(1)


def _announced(wanted: Asked, name: str, rev: int, priority: int, flags: int, cancel: bool
               ) -> Announced:
    programme, response = wanted.programme, wanted.response
    adjust = programme.adjust
    return Announced(
        name, rev, utc(wanted.curve.zone, response.day, response.start), int(time.time()),
        response.reply_w, priority, flags, 0 if adjust.kind == NONE else adjust.from_min,
        () if cancel else targets(programme, wanted.curve, response, wanted.calendar))


def _show(wanted: Asked, made: Announced, as_json: bool) -> None:
    """What would be sent."""
    minute, lines = wanted.response.start, []
    for minutes, _, w in made.intervals:
        lines.append((clock(minute), clock(minute + minutes), w))
        minute += minutes
    if as_json:
        said: dict[str, Any] = {**made._asdict(), "number": announced.number(made.name),
                                "intervals": [list(one) for one in made.intervals]}
        click.echo(json.dumps(said))
        return
    click.echo(f"event {made.name}, number {announced.number(made.name)}, rev {made.rev}: "
               f"{'called off' if not lines else 'not sent without --keys'}")
    bound = "at most" if wanted.response.kind == SHAVE else "at least"
    for start, end, w in lines:
        click.echo(f"  {start} .. {end}  import {bound} {w / 1000:,.3f} kW")
