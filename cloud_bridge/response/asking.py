"""What the commands of `dr` share: the response that is meant, and the load it is judged by."""

import datetime
import sqlite3
from collections.abc import Callable
from fractions import Fraction
from functools import wraps
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import click

from cloud_bridge import fields
from cloud_bridge.fields import DocumentError, mistake
from cloud_bridge.queries.archive import Archive
from cloud_bridge.queries.messages import QueryError
from cloud_bridge.response import calendar, loads, programme
from cloud_bridge.response.calendar import Calendar
from cloud_bridge.response.curve import FILL, HOUR, SHAVE, Curve, Response
from cloud_bridge.response.programme import Programme
from cloud_bridge.said import DAY, FILE

_OPTIONS = (
    click.option("--programme", "name", required=True, help="Of edge/programmes, or a file."),
    click.option("--start", required=True, metavar="TIME",
                 help="Local, e.g. 2026-07-15T12:00, or with an offset."),
    click.option("--end", required=True, metavar="TIME"),
    click.option("--reply-kw", required=True, metavar="KW", help="What was promised."),
    click.option("--kind", type=click.Choice((SHAVE, FILL)), default=SHAVE, show_default=True),
    click.option("--response-day", "responses", type=DAY, multiple=True,
                 help="Another day with a response: no sample. Any number of them."),
    click.option("--load", type=FILE, help="A CSV with columns time and grid_w, not a store."),
    click.option("--store", default="park.db", show_default=True, envvar="PARKEDGE_STORE",
                 metavar="FILE|postgresql://...", help="The bridge's; it is only read."),
    click.option("--index", type=click.Path(dir_okay=False, path_type=Path),
                 help="What queries have worked out; may be deleted.  [default: STORE.index]"),
)


class Asked(NamedTuple):
    """What a command is about."""

    programme: Programme
    response: Response
    calendar: Calendar
    curve: Curve


def asking(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that say which response it is about; it gets `asked`, which works
    them out. DocumentError; OSError."""
    @wraps(function)
    def command(gateway: str | None, name: str, start: str, end: str, reply_kw: str, kind: str,
                responses: tuple[datetime.date, ...], load: Path | None, store: str,
                index: Path | None, **keys: Any) -> None:
        def asked() -> Asked:
            rules = programme.load(name)
            response = _response(rules, start, end, reply_kw, kind)
            days = calendar.load(rules.holidays, frozenset(responses))
            curve = _from_csv(rules, load) if load else \
                from_store(rules, gateway, response.day, store, index)
            return Asked(rules, response, days, curve)

        function(gateway, asked, **keys)

    wrapped: Callable[..., None] = command
    for option in reversed(_OPTIONS):
        wrapped = option(wrapped)
    return wrapped


def amount(name: str, text: str) -> Fraction:
    """An exact number. DocumentError."""
    found = fields.fraction(text)
    if found is None:
        raise mistake(name, text, fields.AMOUNT.expected)
    return found


def from_store(rules: Programme, gateway: str | None, day: datetime.date, store: str,
                index: Path | None) -> Curve:
    """The load of a gateway round a day, as far back as the rules look. DocumentError."""
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


def _from_csv(rules: Programme, path: Path) -> Curve:
    return loads.from_csv(path, rules.interval_min, ZoneInfo(rules.zone), rules.instants)


def _response(rules: Programme, start: str, end: str, reply_kw: str, kind: str) -> Response:
    """The response in minutes of the programme's own day."""
    zone = ZoneInfo(rules.zone)
    first, last = _local("start", start, zone), _local("end", end, zone)
    midnight = first.replace(hour=0, minute=0)
    from_min, to_min = (int((one - midnight).total_seconds()) // HOUR for one in (first, last))
    return Response(first.date(), from_min, to_min, int(amount("reply-kw", reply_kw) * 1000), kind)


def _local(name: str, text: str, zone: ZoneInfo) -> datetime.datetime:
    """A time on the wall, without an offset; seconds are none."""
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.second or moment.microsecond:
        raise mistake(name, text, "a time, e.g. 2026-07-15T12:00")
    return moment.astimezone(zone).replace(tzinfo=None) if moment.tzinfo else moment
