"""Quarter-hours in order, and between them what is known of the registers where no row is.

What moved across a hole, or across the part of it between two readings (queries/bridges.py), is
booked to the interval in which all of it lies, and to none if it reaches over a border.
"""

from collections.abc import Iterator

from cloud_bridge.queries.archive import Archive
from cloud_bridge.queries.bridges import Piece, pieces
from cloud_bridge.queries.holes import holes
from cloud_bridge.queries.intervals import QUARTER_S, Interval
from cloud_bridge.queries.spans import Span

_HELD = 96  # quarter-hours in memory


def filled(archive: Archive, park: str, gateway: str, asked: Span) -> Iterator[Interval]:
    """Stretches of asked.start <= t < asked.end in the order of their quarter-hours, those without
    a row among them; sums of an interval are sums of what begins in it."""
    for one in _filled(archive, park, gateway, asked):
        if asked.start <= one.start < asked.end:
            yield one


def _filled(archive: Archive, park: str, gateway: str, asked: Span) -> Iterator[Interval]:
    """One quarter-hour further: a row in its first minute tells what moved in the one before."""
    begin, held = asked.start, list[Interval]()  # since then not all has been covered
    end = asked.end + QUARTER_S
    for one in archive.quarters(park, gateway, begin, end):
        is_whole = one.covered_s == QUARTER_S
        if not is_whole:
            held.append(one)
        if is_whole or len(held) == _HELD:
            until = one.start + (0 if is_whole else QUARTER_S)
            yield from _merged(archive, park, gateway, asked, held, begin, until)
            begin, held = one.start + QUARTER_S, []
        if is_whole:
            yield one
    yield from _merged(archive, park, gateway, asked, held, begin, end)


def _merged(archive: Archive, park: str, gateway: str, asked: Span, held: list[Interval],
            begin: int, end: int) -> Iterator[Interval]:
    if begin < end:
        made = [*held, *(some for hole in holes(archive, park, gateway, begin, end)
                         for piece in pieces(archive, park, gateway, hole, begin, end)
                         for some in _booked(piece, asked))]
        yield from sorted(made, key=lambda one: one.start // QUARTER_S)  # rows first


def _booked(piece: Piece, asked: Span) -> Iterator[Interval]:
    """The registers of a piece, and its seconds, of which less than a minute may lie behind."""
    place = max(piece.last - 1, piece.first)
    begin = asked.begin(place)
    if begin != asked.begin(piece.first):
        return
    end = asked.next(begin)
    stood = piece.stood if piece.last % QUARTER_S == 0 else {}  # else rows may have a later word
    cells = {name: [moved, stood.get(name)] for name, moved in piece.moved.items()}
    yield Interval(place, 0, 0, cells, max(0, min(piece.end, end) - piece.start))
    if piece.end > end:
        yield Interval(end, 0, 0, {}, piece.end - max(piece.start, end))
