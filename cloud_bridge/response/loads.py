"""A site's load for a settlement, from the bridge's store or from a CSV file.

A CSV has a column `time` (RFC 3339) and `grid_w`, or the columns of `query range --out`. Means come
from the meter's registers (`import_wh.moved`, `export_wh.moved`) of intervals of which every second
is known, and instants from `grid_w.mean` of the minute that begins there: what the meter counted is
worth more than samples of its power.
"""

import csv
import datetime
import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from itertools import count
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from cloud_bridge.fields import DocumentError, mistake
from cloud_bridge.queries import answers, spans
from cloud_bridge.queries.archive import Archive
from cloud_bridge.response.curve import HOUR, Curve

_NUMBER = re.compile(r"-?\d{1,12}(\.\d{1,6})?", re.ASCII)
_COLUMNS = ("time", "covered_s", "energies_s", "import_wh.moved", "export_wh.moved", "grid_w.mean")
_RESOLUTIONS = {15: "15min", 60: "1h"}
_PAGE = 2_000


def from_csv(path: Path, minutes: int, zone: ZoneInfo, instants: bool) -> Curve:
    """Read a file. DocumentError names its line; OSError."""
    values: dict[int, Fraction] = {}
    with path.open(newline="", encoding="utf-8-sig") as file:
        lines = csv.DictReader(file)
        try:
            for row in lines:
                where = f"{path.name} line {lines.line_num}"
                utc = _time(where, row.get("time"))
                if not instants and utc % (minutes * HOUR):
                    raise mistake(f"{where}: time", row["time"],
                                  f"the beginning of {minutes} minutes, each with their mean")
                power_w = _power_w(where, row, minutes, instants)
                if power_w is not None and values.setdefault(utc, power_w) != power_w:
                    raise DocumentError(f"{where}: found another value for {row['time']}, "
                                        "expected each time once")
        except (csv.Error, UnicodeDecodeError) as error:
            raise DocumentError(f"{path.name}: is not CSV: {error}") from None
    if not values:
        raise DocumentError(f"{path.name}: found no load, expected columns time and grid_w, or "
                            "those of query range")
    return Curve(values, minutes, zone, instants)


def from_store(archive: Archive, park: str, gateway: str, days: tuple[datetime.date, datetime.date],
               minutes: int, zone: ZoneInfo, instants: bool) -> Curve:
    """Ask the store for the local days from the first to the last. QueryError."""
    if not instants and minutes not in _RESOLUTIONS:
        raise mistake("programme: interval_min", minutes, "15 or 60, which a store can tell")
    archive.refresh(park, gateway)
    first, last = days
    asked = spans.span(first.isoformat(), (last + datetime.timedelta(1)).isoformat(),
                       "1min" if instants else _RESOLUTIONS[minutes], str(zone), 0)
    known = answers.columns(archive, park, gateway, asked.resolution)
    names = [name for name in _COLUMNS if name in known]
    values = {}
    for line in _lines(archive, park, gateway, asked, names):
        row = dict(zip(names, line, strict=True))
        utc = _time("store", row["time"])
        if utc % (minutes * HOUR):
            continue  # a minute between two instants
        power_w = _power_w("store", row, minutes, instants)
        if power_w is not None:
            values[utc] = power_w
    return Curve(values, minutes, zone, instants)


def _lines(archive: Archive, park: str, gateway: str, asked: spans.Span, names: list[str]
           ) -> Iterator[list[Any]]:
    for _ in count():
        page = answers.table(archive, park, gateway, asked, names, _PAGE)
        yield from page.found
        if page.next is None:
            return
        asked = asked._replace(start=page.next)


def _power_w(where: str, row: Mapping[str, Any], minutes: int, instants: bool) -> Fraction | None:
    """W, or None where nobody knows."""
    if row.get("grid_w") not in (None, ""):
        return _number(where, "grid_w", row["grid_w"])
    if instants:
        mean = row.get("grid_w.mean")
        if _seconds(where, row, "covered_s") > HOUR:
            raise mistake(f"{where}: covered_s", row["covered_s"], "means of a minute at most, as "
                          "instants are judged (query range --resolution 1min)")
        return None if mean in (None, "") else _number(where, "grid_w.mean", mean)
    moved = [row.get(f"{way}_wh.moved") for way in ("import", "export")]
    told_s = _seconds(where, row, "covered_s") + _seconds(where, row, "energies_s")
    if moved[0] in (None, "") or told_s < minutes * HOUR:
        return None
    energy_wh = [Fraction(0) if wh in (None, "") else _number(where, "wh.moved", wh)
                 for wh in moved]
    return (energy_wh[0] - energy_wh[1]) * HOUR / minutes


def _number(where: str, name: str, told: Any) -> Fraction:
    if not _NUMBER.fullmatch(str(told)):
        raise mistake(f"{where}: {name}", told, "a number with at most six decimals")
    return Fraction(str(told))


def _seconds(where: str, row: Mapping[str, Any], name: str) -> Fraction:
    return _number(where, name, row[name]) if row.get(name) not in (None, "") else Fraction(0)


def _time(where: str, told: Any) -> int:
    try:
        moment = datetime.datetime.fromisoformat(told or "")
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise mistake(f"{where}: time", told, "a time with an offset, e.g. 2026-03-01T06:00:00Z")
    return int(moment.timestamp())
