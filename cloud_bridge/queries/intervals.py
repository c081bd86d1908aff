"""Rows become intervals of equal length: exact sums of integers, nothing interpolated.

A row speaks from its second until the next one, if that comes in time, else for its period; what
no row speaks for is not covered. Registers stand as they were at the last full minute (see
edge/journal.py), so what one moved by between two rows belongs to the interval in which the later
row's minute ended. Across a restart of the gateway, or a register that went back, nothing is booked
to any interval; what moved across a hole is booked by queries/filled.py.
"""

from collections.abc import Iterable, Iterator
from operator import mul
from typing import Any, NamedTuple

from cloud_bridge.queries.births import Birth
from cloud_bridge.queries.measures import CODE, REGISTER, RISING, RULE, Measure, measures
from cloud_bridge.store import DAY_0_UTC

QUARTER_S = 900
_DAY_S = 86_400


class Row(NamedTuple):
    """One row of the journal, at `utc`, of the gateway's life that began with `birth`; `seq` is its
    batch."""

    utc: int
    epoch: int
    seq: int
    birth: Birth
    values: list[int]


# By name: a gauge [seconds, sum of value * seconds, min, max], a register [moved, last], a code
# [last]. Where nothing fresh was there: 0 s, and None.
Cells = dict[str, list[Any]]


class Interval(NamedTuple):
    """`covered_s` of it rows speak for; `rows` began in it. In `energies_s` more the registers are
    known, and no row is there (queries/bridges.py)."""

    start: int
    covered_s: int
    rows: int
    cells: Cells
    energies_s: int = 0

    def plus(self, later: "Interval") -> "Interval":
        """Both as one, beginning where this one does."""
        cells = joined_cells(self.cells, later.cells)
        return Interval(self.start, self.covered_s + later.covered_s, self.rows + later.rows, cells,
                        self.energies_s + later.energies_s)


def joined_cells(old: Cells, new: Cells) -> Cells:
    """Of two stretches of time, one after the other."""
    cells = dict(old)
    for name, cell in new.items():
        cells[name] = _sum(cells[name], cell) if name in cells else cell
    return cells


def _sum(old: list[Any], new: list[Any]) -> list[Any]:
    if len(old) != len(new) or len(new) == 1:
        return new  # a name has changed its kind with another birth: the later word
    if len(new) == 2:
        return [new[0] if old[0] is None else old[0] if new[0] is None else old[0] + new[0],
                old[1] if new[1] is None else new[1]]
    if not (old[0] or old[2] is not None):
        return new
    if new[2] is None:
        return old
    return [old[0] + new[0], old[1] + new[1], min(old[2], new[2]), max(old[3], new[3])]


class _Open:
    """An interval that rows are still added to."""

    def __init__(self) -> None:
        self.pieces: list[tuple[Row, int]] = []  # a row and how long it speaks in here
        self.rows = 0
        self.moved: dict[str, int] = {}

    def close(self, start: int) -> Interval:
        cells: Cells = {}
        covered_s = first = 0
        pieces = self.pieces
        while first < len(pieces):
            birth, end = pieces[first][0].birth, first
            while end < len(pieces) and pieces[end][0].birth == birth:
                end += 1
            spans = [span for _, span in pieces[first:end]]
            columns = list(zip(*(row.values for row, _ in pieces[first:end]), strict=True))
            covered_s += sum(spans)
            for one in measures(birth.fields):
                cell = _cell(one, birth, columns, spans)
                cells[one.name] = _sum(cells[one.name], cell) if one.name in cells else cell
            first = end
        for name, value in self.moved.items():
            cells[name][0] = value
        return Interval(start, covered_s, self.rows, cells)


def _cell(one: Measure, birth: Birth, columns: list[tuple[int, ...]],
          spans: list[int]) -> list[Any]:
    column = columns[one.at]
    if one.kind == REGISTER:
        return [None, columns[one.whole][-1] * one.scale + column[-1]]
    if one.kind == RULE:
        return [named(birth, column[-1])]
    if one.kind == CODE:
        return [column[-1]]
    if one.fresh:
        flags = columns[birth.fields.index("flags")]
        fresh = [flag & one.fresh == one.fresh for flag in flags]
        if not all(fresh):
            column = tuple(value for value, good in zip(column, fresh, strict=True) if good)
            spans = [span for span, good in zip(spans, fresh, strict=True) if good]
            if not column:
                return [0, 0, None, None]
    return [sum(spans), sum(map(mul, column, spans)), min(column), max(column)]


def utcs_of(rows: Any) -> Any:
    """The times of rows, which begin with their day since 2000 and the second of that day; a list
    of lists, an array of an array."""
    if isinstance(rows, list):
        return [DAY_0_UTC + row[0] * _DAY_S + row[1] for row in rows]
    return rows[:, 0].astype("int64") * _DAY_S + rows[:, 1] + DAY_0_UTC


def named(birth: Birth, number: int) -> str | int:
    """The rule of that number, as far as the gateway has told."""
    return birth.rules[number] if 0 <= number < len(birth.rules) else number


def moved(a: Row, b: Row) -> dict[str, int] | None:
    """What each register moved by between two rows; None when they have begun anew."""
    if a.birth != b.birth or a.epoch != b.epoch:
        return None
    found = {one.name: one.value(b.values) - one.value(a.values)
             for one in measures(a.birth.fields) if one.kind == REGISTER}
    return None if any(found.get(name, 0) < 0 for name in RISING) else found


def speaks_until(row: Row, following: Row | None) -> int:
    """The second before which a row is the newest word."""
    if following and following.utc - row.utc <= row.birth.hold_s:
        return following.utc
    return row.utc + row.birth.period_s


def intervals(rows: Iterable[Row], size_s: int) -> Iterator[Interval]:
    """Intervals of `size_s` that any of the rows, which are in order of time, speaks in."""
    opened: dict[int, _Open] = {}
    last: Row | None = None
    for row in rows:
        if last:
            until = speaks_until(last, row)
            _speak(opened, last, until, size_s)
            if until == row.utc:
                _move(opened, last, row, size_s)
            for number in [number for number in opened if number < row.utc // size_s]:
                yield opened.pop(number).close(number * size_s)
        last = row
    if last:
        _speak(opened, last, speaks_until(last, None), size_s)
    for number, one in opened.items():
        yield one.close(number * size_s)


def _speak(opened: dict[int, _Open], row: Row, until: int, size_s: int) -> None:
    at = row.utc
    number = at // size_s
    opened.setdefault(number, _Open()).rows += 1
    while True:
        end = min(until, (number + 1) * size_s)
        opened.setdefault(number, _Open()).pieces.append((row, end - at))
        if end == until:
            return
        at, number = end, number + 1


def _move(opened: dict[int, _Open], last: Row, row: Row, size_s: int) -> None:
    """Book what registers moved by; the interval of `last` at the earliest is still open."""
    change = moved(last, row)
    if change is None:
        return
    number = max((row.utc // 60 * 60 - 1) // size_s, last.utc // size_s)
    booked = opened[number].moved
    for name, value in change.items():
        booked[name] = booked.get(name, 0) + value


def mean(cell: list[Any]) -> int | None:
    """The mean of a gauge, to the nearest unit, halves up."""
    return (2 * cell[1] + cell[0]) // (2 * cell[0]) if cell[0] else None
