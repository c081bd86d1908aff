"""Stretches of time that no row speaks for, and the rows before and behind them."""

from collections.abc import Iterator
from typing import NamedTuple

from cloud_bridge.queries.archive import Archive
from cloud_bridge.queries.intervals import Row, speaks_until

FIRST, LAST = 0, 1 << 40  # where a hole begins before which, or ends behind which, no row is


class Hole(NamedTuple):
    """start <= t < end, whole, whatever was asked for."""

    start: int
    end: int
    before: Row | None
    after: Row | None


def holes(archive: Archive, park: str, gateway: str, start: int, end: int) -> Iterator[Hole]:
    """Those that have some of start <= t < end, in order of time."""
    last = archive.row_before(park, gateway, start)
    for row in archive.rows(park, gateway, start, end):
        if one := _between(last, row, start, end):
            yield one
        last = row
    if one := _between(last, archive.row_from(park, gateway, end), start, end):
        yield one


def _between(last: Row | None, row: Row | None, start: int, end: int) -> Hole | None:
    begin = speaks_until(last, row) if last else FIRST
    until = row.utc if row else LAST
    is_one = begin < until and begin < end and until > start
    return Hole(begin, until, last, row) if is_one else None
