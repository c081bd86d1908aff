"""What registers moved by where no row is: as quarter-hour energies and the rows around tell it.

Readings that follow each other in time make a piece, if both are of one life of the gateway: else
the registers began anew between them. Two energies are of one life when neither a birth nor a
missing number, which might be one, lies between them; likewise two rows. The rows have a stream of
their own, so a row and an energy are of one life when one of them lies between two of the other's:
a gateway runs one life at a time. No register that only rises may have gone back.
"""

from collections.abc import Iterator
from typing import NamedTuple

from cloud_bridge.queries.archive import Archive
from cloud_bridge.queries.energies import Energy
from cloud_bridge.queries.holes import Hole
from cloud_bridge.queries.intervals import QUARTER_S, Row
from cloud_bridge.queries.measures import REGISTER, RISING, measures, registers
from cloud_bridge.store import Stream

_MINUTE_S = 60
_EARLIER_S = QUARTER_S - _MINUTE_S  # so what moved is of this quarter-hour or the one before


class Piece(NamedTuple):
    """Registers `moved` after minute `first` and until minute `last` had ended (seconds since
    1970), and stood at `stood` then if an energy says so. start <= t < end of it no row speaks
    for."""

    first: int
    last: int
    start: int
    end: int
    moved: dict[str, int]
    stood: dict[str, int]


class _Reading(NamedTuple):
    """`life` tells a run of the gateway, as far as its own stream can; `order` counts in it."""

    utc: int
    life: tuple[object, ...]
    order: int
    registers: dict[str, int]
    energy: Energy | None

    @property
    def minute(self) -> int:
        return self.utc - self.utc % _MINUTE_S


def pieces(archive: Archive, park: str, gateway: str, hole: Hole, start: int,
           end: int) -> Iterator[Piece]:
    """The pieces that end in start <= t < end of a hole, in order of time: each in one such stretch
    of it, however it is cut."""
    start, end = max(start, hole.start), min(end, hole.end)
    if start < end:
        yield from _Bridge(archive, park, gateway, hole).pieces(start, end)


class _Bridge:
    def __init__(self, archive: Archive, park: str, gateway: str, hole: Hole) -> None:
        self._archive, self._park, self._gateway = archive, park, gateway
        self._number = archive.gateway(park, gateway)
        self._hole = hole
        self._before = self._row(hole.before)
        self._after = self._row(hole.after)

    def pieces(self, start: int, end: int) -> Iterator[Piece]:
        """Energies count from shortly before the hole on, as far as the row before it speaks."""
        hole, table = self._hole, self._archive.index.energies
        least = hole.start - _EARLIER_S
        if hole.before:
            least = max(least, hole.before.utc)
        begin = least if start == hole.start else start
        prior = table.before(self._number, begin)
        last = self._energy(prior) if prior and prior.utc >= least else self._before
        for one in table.between(self._number, begin, end):
            reading = self._energy(one)
            if last and reading and (piece := self._piece(last, reading)):
                yield piece
            last = reading
        if end == hole.end and self._after and last and (piece := self._piece(last, self._after)):
            yield piece

    def _piece(self, a: _Reading, b: _Reading) -> Piece | None:
        moved = {name: b.registers[name] - value for name, value in a.registers.items()
                 if name in b.registers}
        if not moved or not _rises(a, b) or not self._is_one_life(a, b):
            return None
        hole = self._hole
        first = hole.start if a is self._before else min(max(a.minute, hole.start), hole.end)
        until = hole.end if b is self._after else min(max(b.minute, hole.start), hole.end)
        return Piece(a.minute, b.minute, first, max(first, until), moved,
                     b.registers if b.energy else {})

    def _is_one_life(self, a: _Reading, b: _Reading) -> bool:
        if a.energy and b.energy:
            return a.life == b.life and b.energy.prior == a.order
        rows = (self._before, self._after)
        if _are_one(*rows) and _rises(rows[0], a) and _rises(b, rows[1]):
            return True
        table = self._archive.index.energies
        before = a if a.energy else self._energy(table.before(self._number, a.utc + 1))
        after = b if b.energy else self._energy(table.after(self._number, b.utc))
        return _are_one(before, after) and _rises(before, a) and _rises(b, after)

    def _row(self, row: Row | None) -> _Reading | None:
        if row is None:
            return None
        life = (row.epoch, row.birth.seq,
                self._archive.index.hole_before(self._number, row.epoch, row.seq))
        return _Reading(row.utc, life, row.seq, {
            one.name: one.value(row.values) for one in measures(row.birth.fields)
            if one.kind == REGISTER}, None)

    def _energy(self, one: Energy | None) -> _Reading | None:
        """Of its registers those that rows have as well. None: nobody has said what it tells."""
        if one is None:
            return None
        birth = self._archive.birth(Stream(self._park, self._gateway, one.epoch), one.birth_seq)
        if len(birth.energies) != len(one.values):
            return None
        told = registers(birth.energies)
        return _Reading(one.utc, (one.epoch, one.birth_seq, one.hole), one.order, {
            name: told[name](one.values) for name in (
                measure.name for measure in measures(birth.fields) if measure.kind == REGISTER)
            if name in told}, one)


def _are_one(a: _Reading | None, b: _Reading | None) -> bool:
    return a is not None and b is not None and a.life == b.life and a.order <= b.order


def _rises(a: _Reading | None, b: _Reading | None) -> bool:
    return a is not None and b is not None and all(
        b.registers[name] >= a.registers[name] for name in RISING
        if name in a.registers and name in b.registers)
