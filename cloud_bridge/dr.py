"""`dr`: demand response, seen from the settlement desk."""

import datetime
import json
import sqlite3
import sys
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from cloud_bridge import fields
from cloud_bridge.fields import DocumentError, mistake
from cloud_bridge.queries.archive import Archive
from cloud_bridge.queries.messages import QueryError
from cloud_bridge.response import calendar, loads, programme, told
from cloud_bridge.response.curve import FILL, HOUR, SHAVE, Curve, Response
from cloud_bridge.response.programme import Programme
from cloud_bridge.response.settle import settle as work_out
from cloud_bridge.said import DAY, FILE, refusing


@click.group()
def main() -> None:
    """Demand response: what a programme makes of a delivery.

    \b
    Example:
      python -m cloud_bridge dr programmes
    """


@main.command()
def programmes() -> None:
    """The programmes that are known, and what of them could not be verified.

    \b
    Example:
      python -m cloud_bridge dr programmes
    """
    with refusing():
        for name in programme.shipped():
            one = programme.load(name)
            click.echo(f"{name:<20} {one.title}")
            for unsure in one.unverified:
                click.echo(f"{'':<20}   not verified: {unsure}")


@main.command()
@click.argument("gateway", metavar="[PARK/GATEWAY]", required=False)
@click.option("--programme", "name", required=True, help="Of edge/programmes, or a file.")
@click.option("--start", required=True, metavar="TIME",
              help="Local, e.g. 2026-07-15T12:00, or with an offset.")
@click.option("--end", required=True, metavar="TIME")
@click.option("--reply-kw", required=True, metavar="KW", help="What was promised.")
@click.option("--kind", type=click.Choice((SHAVE, FILL)), default=SHAVE, show_default=True)
@click.option("--price", metavar="AMOUNT", help="If the programme has none of its own.")
@click.option("--response-day", "responses", type=DAY, multiple=True,
              help="Another day with a response: no sample. Any number of them.")
@click.option("--load", type=FILE, help="A CSV with columns time and grid_w, in place of a store.")
@click.option("--store", default="park.db", show_default=True, envvar="PARKEDGE_STORE",
              metavar="FILE|postgresql://...", help="The bridge's; it is only read.")
@click.option("--index", type=click.Path(dir_okay=False, path_type=Path),
              help="What queries have worked out; may be deleted.  [default: STORE.index]")
@click.option("--json", "as_json", is_flag=True, help="One JSON document, with exact fractions.")
def settle(gateway: str | None, name: str, start: str, end: str, reply_kw: str, kind: str,
           price: str | None, responses: tuple[datetime.date, ...], load: Path | None, store: str,
           index: Path | None, as_json: bool) -> None:
    """Settle one response: every day that was looked at, every point, verdict and payment. Exit
    status 1 where it does not count, or not all points are known.

    \b
    Example:
      python -m cloud_bridge dr settle --programme cn_anhui --start 2026-07-15T12:00 --end 2026-07-15T13:00 --reply-kw 200 --price 4 --load examples/papers/load.csv
    """  # noqa: E501  # a command is one line
    with refusing(2):
        rules = programme.load(name)
        response = _response(rules, start, end, reply_kw, kind)
        days = calendar.load(rules.holidays, frozenset(responses))
        curve = _from_csv(rules, load) if load else \
            _from_store(rules, gateway, response.day, store, index)
        found = work_out(rules, curve, response, days, _amount("price", price) if price else None)
    if as_json:
        click.echo(json.dumps(told.plain(found), indent=1, ensure_ascii=False))
    else:
        for line in told.text(found):
            click.echo(line)
    sys.exit(0 if found.verdict and found.verdict.effective else 1)


def _from_csv(rules: Programme, path: Path) -> Curve:
    return loads.from_csv(path, rules.interval_min, ZoneInfo(rules.zone), rules.instants)


def _from_store(rules: Programme, gateway: str | None, day: datetime.date, store: str,
                index: Path | None) -> Curve:
    park, slash, unit = (gateway or "").partition("/")
    if not (park and slash and unit):
        raise mistake("PARK/GATEWAY", gateway, "e.g. demo/foundry, or --load")
    _, keys = rules.baseline
    first = day - datetime.timedelta(keys.get("look_back", 1) + 1)
    try:
        with Archive.open(store, index) as archive:
            return loads.from_store(archive, park, unit, (first, day + datetime.timedelta(1)),
                                    rules.interval_min, ZoneInfo(rules.zone), rules.instants)
    except (QueryError, sqlite3.Error) as error:
        raise DocumentError(str(error)) from None


def _response(rules: Programme, start: str, end: str, reply_kw: str, kind: str) -> Response:
    """The response in minutes of the programme's own day."""
    zone = ZoneInfo(rules.zone)
    first, last = _local("start", start, zone), _local("end", end, zone)
    midnight = first.replace(hour=0, minute=0)
    from_min, to_min = (int((one - midnight).total_seconds()) // HOUR for one in (first, last))
    return Response(first.date(), from_min, to_min, int(_amount("reply-kw", reply_kw) * 1000), kind)


def _local(name: str, text: str, zone: ZoneInfo) -> datetime.datetime:
    """A time on the wall, without an offset; seconds are none."""
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.second or moment.microsecond:
        raise mistake(name, text, "a time, e.g. 2026-07-15T12:00")
    return moment.astimezone(zone).replace(tzinfo=None) if moment.tzinfo else moment


def _amount(name: str, text: str) -> Fraction:
    amount = fields.fraction(text)
    if amount is None:
        raise mistake(name, text, fields.AMOUNT.expected)
    return amount
