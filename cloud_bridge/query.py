"""`query`: what a store knows, for people and scripts."""

import json
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from cloud_bridge.carbon import readings
from cloud_bridge.fields import DocumentError
from cloud_bridge.queries import answers, files, media, spans
from cloud_bridge.queries.archive import Archive
from cloud_bridge.queries.gaps import gaps as find_gaps
from cloud_bridge.queries.messages import NAME, QueryError
from cloud_bridge.queries.spans import RESOLUTIONS, Span
from cloud_bridge.said import refusing

T = TypeVar("T")
_PAGE = 2_000  # rows in memory
_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON document.")
_STORE = click.option("--store", "path", default="park.db", show_default=True,
                      envvar="PARKEDGE_STORE",
                      metavar="FILE|postgresql://...", help="The bridge's; it is only read.")
_INDEX = click.option("--index", type=click.Path(dir_okay=False, path_type=Path),
                      help="What queries have worked out; may be deleted.  [default: STORE.index]")


def _asking(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command the archive; what it refuses is one line."""
    @_STORE
    @_INDEX
    @_JSON
    @wraps(function)
    def command(path: str, index: Path | None, **keys: Any) -> None:
        with refusing():
            try:
                with Archive.open(path, index) as archive:
                    function(archive, **keys)
            except (QueryError, sqlite3.Error) as error:
                raise DocumentError(str(error)) from None
    return command


def _ranged(function: Callable[..., None]) -> Callable[..., None]:
    for option in (
            click.option("--zone", default="UTC", show_default=True,
                         help="Whose days, e.g. Asia/Shanghai."),
            click.option("--end", metavar="TIME", help="[default: now]"),
            click.option("--start", metavar="TIME",
                         help="A date or an RFC 3339 time.  [default: a day before the end]")):
        function = option(function)
    return function


@click.group()
def main() -> None:
    """What a store knows: last values, ranges, gaps, how late gateways are.

    \b
    Example:
      python -m cloud_bridge query last demo/foundry --store park.db
    """


@main.command()
@click.argument("gateway", metavar="PARK/GATEWAY")
@_asking
def last(archive: Archive, gateway: str, as_json: bool) -> None:
    """The newest values and how old they are.

    \b
    Example:
      python -m cloud_bridge query last demo/foundry --store park.db
    """
    told = answers.last(archive, *_names(gateway), int(time.time()))
    if as_json:
        click.echo(json.dumps(told))
        return
    click.echo(f"{told['park']}/{told['gateway']}  {told['time']}, {_s(told['age_s'])} old")
    for name, value in told["values"].items():
        click.echo(f"{name:<18} {'-' if value is None else value:>14}")
    for name, one in told["media"].items():
        click.echo(f"{name:<18} {one['reading']:>14} {one['unit']} of {one['medium']}, "
                   f"{_s(one['age_s'])} old")


@main.command("range")
@click.argument("gateway", metavar="PARK/GATEWAY")
@_ranged
@click.option("--resolution", type=click.Choice(RESOLUTIONS), default="15min", show_default=True)
@click.option("--fields", metavar="A,B", default="", help="Only these, e.g. grid_w,import_wh.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path),
              help="Write it to a .csv or .parquet file.")
@_asking
def within(archive: Archive, gateway: str, start: str | None, end: str | None, zone: str,
           resolution: str, fields: str, out: Path | None, as_json: bool) -> None:
    """Rows, or their means, extremes and what registers moved by, over a time.

    Without --out it is CSV on the standard output. An empty interval stands for the whole time
    until the next line: nothing is interpolated. Where rows are missing, energies of quarter-hours
    tell what registers moved by: energies_s says for how many seconds.

    \b
    Example:
      python -m cloud_bridge query range demo/foundry --start 2026-03-01 --end 2026-04-01 --resolution 1d --zone Asia/Shanghai --out march.csv
    """  # noqa: E501  # a command is one line
    park, name = _names(gateway)
    asked = spans.span(start, end, resolution, zone, int(time.time()))
    archive.refresh(park, name)
    known = answers.columns(archive, park, name, resolution)
    wanted = [field for field in fields.split(",") if field]
    for field in wanted:
        if field not in {one.partition(".")[0] for one in known}:
            raise QueryError(f"--fields: found {field!r}, expected some of"
                             f" {', '.join(dict.fromkeys(n.partition('.')[0] for n in known))}")
    names = files.chosen(known, wanted)
    if as_json and not out:
        rows = _all(lambda asked: answers.page(archive, park, name, asked, _PAGE), asked)
        _echo_list({key: row.get(key) for key in names if key in row} for row in rows)
        return
    lines = _all(lambda asked: answers.table(archive, park, name, asked, names, _PAGE), asked)
    if out:
        n = _Count(lines)
        files.write(out, names, n)
        said = {"file": str(out), "lines": n.n}
        click.echo(json.dumps(said) if as_json else f"{out}: {n.n} lines")
    else:
        click.echo(files.csv_text(names), nl=False)
        for line in lines:
            click.echo(files.csv_text(names, [line]), nl=False)


@main.command()
@click.argument("gateway", metavar="PARK/GATEWAY")
@_ranged
@_asking
def gaps(archive: Archive, gateway: str, start: str | None, end: str | None, zone: str,
         as_json: bool) -> None:
    """Which messages never came, and which time no row speaks for. Exit status 1 if any.

    What registers moved by meanwhile is told as far as energies and rows prove it.

    \b
    Example:
      python -m cloud_bridge query gaps demo/foundry --store park.db --start 2026-03-01
    """
    park, name = _names(gateway)
    now = int(time.time())
    archive.refresh(park, name)
    told = find_gaps(archive, park, name, spans.span(start, end, "raw", zone, now), now)
    if as_json:
        click.echo(json.dumps(told))
    else:
        for one in told["messages"]:
            click.echo("messages {first} to {last} of epoch {epoch}: {reason}".format(**one))
        for one in told["uncovered"]:
            moved = "".join(f", {register} moved {n}" for register, n in one["moved"].items() if n)
            click.echo(f"{one['start']} to {one['end']}: no row for {one['s']} s{_known(one)}"
                       f"{moved}")
        click.echo(f"{len(told['messages'])} holes in the numbers, {told['uncovered_s']} s without"
                   f" a row{_known(told)}, {told['unreadable']} messages that nobody can read"
                   + (", and more" if told["next"] or told["more_messages"] else ""))
    if told["messages"] or told["uncovered"] or told["unreadable"]:
        raise SystemExit(1)


@main.command("media")
@click.argument("gateway", metavar="PARK/GATEWAY")
@_ranged
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True,
              help="The file, a line of JSON a reading.")
@_asking
def media_(archive: Archive, gateway: str, start: str | None, end: str | None, zone: str,
           out: Path, as_json: bool) -> None:
    """What meters of water, heat, cold, gas and steam showed, and once before and behind; for
    `indicators --readings`.

    \b
    Example:
      python -m cloud_bridge query media demo/steam --start 2026-01-01 --end 2027-01-01 --zone Asia/Shanghai --out readings.jsonl
    """  # noqa: E501  # a command is one line
    park, name = _names(gateway)
    asked = spans.span(start, end, "15min", zone, int(time.time()))
    archive.refresh(park, name)
    found = media.readings(archive, park, name, asked.start, asked.end)
    out.write_text("".join(readings.line(meter, one) + "\n" for meter, some in found.items()
                           for one in some), encoding="utf-8")
    n = sum(map(len, found.values()))
    click.echo(json.dumps({"file": str(out), "meters": len(found), "readings": n}) if as_json
               else f"{out}: {n} readings of {len(found)} meters")


@main.command()
@click.argument("gateway", metavar="[PARK/GATEWAY]", required=False)
@click.option("--late", "late_s", type=click.IntRange(1), default=answers.LATE_S,
              show_default=True, help="Seconds without a new row that make a gateway late.")
@_asking
def lag(archive: Archive, gateway: str | None, late_s: int, as_json: bool) -> None:
    """How far behind gateways are, all or one. Exit status 1 when one is late or silent.

    \b
    Example:
      python -m cloud_bridge query lag --store park.db --late 3600
    """
    now = int(time.time())
    names = [_names(gateway)] if gateway else archive.messages.names()
    told = [answers.lag(archive, *one, now, late_s) for one in names]
    if as_json:
        click.echo(json.dumps(told))
    else:
        for one in told:
            click.echo(f"{one['park'] + '/' + one['gateway']:<34} {one['state']:<7}"
                       f" row {one['row'] or 'none':<20} {_s(one['row_age_s'])} ago,"
                       f" message {_s(one['message_age_s'])} ago, {_s(one['transit_s'])} under way")
    if any(one["state"] != "ok" for one in told):
        raise SystemExit(1)


def _known(told: dict[str, Any]) -> str:
    return f" (energies are known for {told['energies_s']} s)" if told["energies_s"] else ""


def _names(gateway: str) -> tuple[str, str]:
    park, _, name = gateway.partition("/")
    if not (NAME.fullmatch(park) and NAME.fullmatch(name)):
        raise QueryError(f"found {gateway!r}, expected PARK/GATEWAY")
    return park, name


def _all(page_of: Callable[[Span], answers.Page[T]], asked: Span) -> Iterator[T]:
    """All of it, a page at a time, so that no read of the store lasts."""
    while True:
        page = page_of(asked)
        yield from page.found
        if page.next is None:
            return
        asked = asked._replace(start=page.next)


class _Count:
    """Counts what it hands on."""

    def __init__(self, rows: Iterable[list[Any]]) -> None:
        self._rows = rows
        self.n = 0

    def __iter__(self) -> Iterator[list[Any]]:
        for row in self._rows:
            self.n += 1
            yield row


def _echo_list(rows: Iterable[dict[str, Any]]) -> None:
    """One JSON list, a row a line, without having it whole."""
    head = "[\n"
    for row in rows:
        click.echo(head + json.dumps(row), nl=False)
        head = ",\n"
    click.echo("[]" if head == "[\n" else "\n]")


def _s(seconds: int | None) -> str:
    """A time as people say it."""
    if seconds is None:
        return "-"
    for unit, s in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if abs(seconds) >= 2 * s:
            return f"{seconds / s:.0f} {unit}"
    return f"{seconds} s"
