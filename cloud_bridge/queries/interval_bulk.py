"""What queries/intervals.py makes of rows, with numpy: each step for all rows of a run at once.

Sums are of 64 bits. A value has 32 and an interval at most 900 s, so no sum of a gauge can leave
them; of registers plain integers are summed where they might.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from cloud_bridge.queries.births import Birth
from cloud_bridge.queries.intervals import Cells, Interval, joined_cells, named
from cloud_bridge.queries.measures import CODE, REGISTER, RISING, RULE, Measure, measures
from cloud_bridge.queries.sheets import Sheet

try:
    import numpy as np
except ImportError:  # then nobody asks
    np = None  # type: ignore[assignment]

_SAFE = 1 << 62
_I64 = 1 << 63


class _Rows:
    """Rows in order of time; `kind` numbers their births, `values` has the rows of each."""

    def __init__(self, parts: Iterable[tuple[Sheet, int, int]]) -> None:
        births: dict[Birth, int] = {}
        utcs, kinds, epochs, values = [], [], [], []
        for sheet, first, last in parts:
            some = (sheet.utcs >= first) & (sheet.utcs <= last)
            n = int(some.sum())
            utcs.append(sheet.utcs[some])
            kinds.append(np.full(n, births.setdefault(sheet.birth, len(births))))
            epochs.append(np.full(n, sheet.epoch))
            values.append(sheet.rows[some])
        utc, kind, epoch = (np.concatenate(one) if one else np.zeros(0, np.int64)
                            for one in (utcs, kinds, epochs))
        order = np.argsort(utc, kind="stable")  # of one second they keep their order
        self.births = [*births]
        self.utc, self.kind, self.epoch = utc[order], kind[order], epoch[order]
        self.values, self.place = [], np.zeros(len(utc), np.int64)
        for number in range(len(births)):
            mine = np.concatenate([rows for rows, its in zip(values, kinds, strict=True)
                                   if len(its) and its[0] == number] or [np.zeros((0, 2))])
            back = np.argsort(np.argsort(order[self.kind == number], kind="stable"))
            self.values.append(mine[back].astype(np.int64))
            self.place[self.kind == number] = np.arange(len(mine))


def intervals(parts: Iterable[tuple[Sheet, int, int]], size_s: int) -> Iterator[Interval]:
    """Intervals of `size_s` that any row speaks in, of sheets whose rows of first <= t <= last
    count; those in order of (epoch, number)."""
    rows = _Rows(parts)
    if not len(rows.utc):
        return
    utc = rows.utc
    hold, period = (np.array([getattr(birth, name) for birth in rows.births])[rows.kind]
                    for name in ("hold_s", "period_s"))
    until = utc + period
    joined = utc[1:] - utc[:-1] <= hold[:-1]
    until[:-1][joined] = utc[1:][joined]
    number = utc // size_s
    n = np.maximum(until - 1, utc) // size_s - number + 1  # intervals that each speaks in
    row = np.repeat(np.arange(len(utc)), n)
    piece = number[row] + np.arange(len(row)) - np.repeat(np.cumsum(n) - n, n)
    span = np.minimum(until[row], (piece + 1) * size_s) - np.maximum(utc[row], piece * size_s)
    starts = _starts(piece)
    covered = np.add.reduceat(span, starts)
    begun = np.searchsorted(number, piece[starts], "right") \
        - np.searchsorted(number, piece[starts], "left")
    cells = _cells(rows, row, piece, span)
    for at, moved in _moved(rows, joined, size_s).items():
        for name, value in moved.items():
            cells[at][name][0] = value
    for at, covered_s, rows_n in zip(piece[starts].tolist(), covered.tolist(), begun.tolist(),
                                     strict=True):
        yield Interval(at * size_s, covered_s, rows_n, cells[at])


def _starts(number: Any) -> Any:
    """Where another number begins."""
    return np.flatnonzero(np.concatenate(([True], number[1:] != number[:-1])))


def _cells(rows: _Rows, row: Any, piece: Any, span: Any) -> dict[int, Cells]:
    """Of each interval, one birth after the other."""
    kind = rows.kind[row]
    starts = np.flatnonzero(np.concatenate(
        ([True], (piece[1:] != piece[:-1]) | (kind[1:] != kind[:-1]))))
    made: list[list[Cells]] = []
    for which, birth in enumerate(rows.births):
        mine = kind == which
        heads = (np.cumsum(mine) - 1)[starts[kind[starts] == which]]
        columns = rows.values[which][rows.place[row[mine]]]
        made.append(_told(birth, columns, span[mine], heads) if len(heads) else [])
    turns = [iter(some) for some in made]
    found: dict[int, Cells] = {}
    for at, which in zip(piece[starts].tolist(), kind[starts].tolist(), strict=True):
        new = next(turns[which])
        found[at] = joined_cells(found[at], new) if at in found else new
    return found


def _told(birth: Birth, columns: Any, span: Any, heads: Any) -> list[Cells]:
    """The cells of pieces of rows of one birth, an interval from each head to the next."""
    names, cells = [], []
    for one in measures(birth.fields):
        names.append(one.name)
        cells.append(_cell(one, birth, columns, span, heads))
    return [dict(zip(names, some, strict=True)) for some in zip(*cells, strict=True)] \
        if cells else [{} for _ in range(len(heads))]


def _cell(one: Measure, birth: Birth, columns: Any, span: Any, heads: Any) -> list[list[Any]]:
    column = columns[:, one.at]
    last = np.append(heads[1:], len(column)) - 1
    if one.kind == REGISTER:
        return [[None, value]
                for value in (columns[last, one.whole] * one.scale + column[last]).tolist()]
    if one.kind in (RULE, CODE):
        values = column[last].tolist()
        return [[named(birth, value) if one.kind == RULE else value] for value in values]
    fresh = None
    if one.fresh:
        fresh = columns[:, birth.fields.index("flags")] & one.fresh == one.fresh
        if fresh.all():
            fresh = None
        else:
            span = np.where(fresh, span, 0)
    low = column if fresh is None else np.where(fresh, column, _I64 - 1)
    high = column if fresh is None else np.where(fresh, column, -_I64)
    seconds, sums = (np.add.reduceat(some, heads) for some in (span, column * span))
    least, most = np.minimum.reduceat(low, heads), np.maximum.reduceat(high, heads)
    some = zip(seconds.tolist(), sums.tolist(), least.tolist(), most.tolist(), strict=True)
    return [[*cell] if cell[2] <= cell[3] else [0, 0, None, None] for cell in some]


def _moved(rows: _Rows, joined: Any, size_s: int) -> dict[int, dict[str, int]]:
    """What registers moved by between joined rows of one life, by interval and name."""
    utc, found = rows.utc, dict[int, dict[str, int]]()
    together = joined & (rows.kind[1:] == rows.kind[:-1]) & (rows.epoch[1:] == rows.epoch[:-1])
    for which, birth in enumerate(rows.births):
        first = np.flatnonzero(together & (rows.kind[1:] == which))
        values, place = rows.values[which], rows.place
        grown = {one.name: _value(one, values, place[first + 1]) - _value(one, values, place[first])
                 for one in measures(birth.fields) if one.kind == REGISTER}
        good = np.ones(len(first), bool)
        for name in RISING:
            if name in grown:
                good &= grown[name] >= 0
        first = first[good]
        if not grown or not len(first):
            continue
        number = np.maximum((utc[first + 1] // 60 * 60 - 1) // size_s, utc[first] // size_s)
        heads = _starts(number)
        for name, growth in grown.items():
            growth = growth[good]
            if int(np.abs(growth).max()) * len(growth) >= _SAFE:
                growth = growth.astype(object)
            for at, value in zip(number[heads].tolist(),
                                 np.add.reduceat(growth, heads).tolist(), strict=True):
                told = found.setdefault(at, {})
                told[name] = told.get(name, 0) + value
    return found


def _value(one: Measure, values: Any, some: Any) -> Any:
    last = values[some, one.at]
    return values[some, one.whole] * one.scale + last if one.scale else last
