"""Reading in: the index learns what has come into the store, what is missing and what was dropped.
"""

import time
from collections.abc import Callable
from typing import Any

from cloud_bridge.batches import BIRTH, TELEMETRY, BadMessage, decode_tables, listed
from cloud_bridge.queries.index import STRETCH_S, Index, Known
from cloud_bridge.queries.intervals import utcs_of
from cloud_bridge.queries.messages import Message, Messages
from cloud_bridge.store import Stream
from edge.energies import ENERGY
from edge.media import MEDIA

_CHUNK = 512  # messages read in at once: as many as are decoded side by side
_OLDEST = 16  # batches that are looked for at once, whether the store still has them
_APART_S = 7_200  # rows so far apart are two stretches of time


class Reader:
    """`forget` is called when the store turns out to be another one."""

    def __init__(self, messages: Messages, index: Index, forget: Callable[[], None]) -> None:
        self._messages = messages
        self._index = index
        self._forget = forget

    def refresh(self, number: int, park: str, gateway: str, until_s: float | None = None) -> bool:
        """Read in what has come since; False when there was more than could be done until the
        monotonic time `until_s`."""
        for stream in self._messages.streams(park, gateway):
            known = self._index.stream(number, stream)
            if self._is_another_store(stream, known):
                with self._index.writing():
                    self._index.forget(number)
                self._forget()
                return self.refresh(number, park, gateway, until_s)
            self._drop(number, stream, known)
            if not self._read_late(number, stream, known, until_s):
                return False
            if not self._read_on(number, stream, known, until_s):
                return False
        return True

    def _is_another_store(self, stream: Stream, known: Known) -> bool:
        if not known.seen:
            return False
        seen = self._messages.message(stream, known.seen)
        newest = self._messages.newest(stream)
        return seen is None or seen.received_utc != known.seen_utc \
            or newest is None or newest.seq < known.upto

    def _drop(self, number: int, stream: Stream, known: Known) -> None:
        """Forget the batches that the store has dropped with age, the oldest first."""
        while seqs := self._index.oldest(known.id, _OLDEST):
            here = {*self._messages.numbers(stream, seqs[0], seqs[-1])}
            if seqs[-1] in here and seqs[0] in here:
                return
            with self._index.writing():
                for seq in seqs:
                    if seq not in here:
                        self._index.drop_batch(number, known.id, seq)
                self._index.revise(number)
            if here:
                return

    def _read_late(self, number: int, stream: Stream, known: Known,
                   until_s: float | None) -> bool:
        """What has come into the holes that there were."""
        cursor, gaps = self._messages.cursor(stream), self._messages.gaps(stream)
        for begin, last in self._index.holes(known.id):
            first = begin
            here = self._messages.numbers(stream, first, last)
            for i in range(0, len(here), _CHUNK):
                some = here[i:i + _CHUNK]
                found = [self._messages.message(stream, seq) for seq in some]
                self._add(number, known, [one for one in found if one], (first, some[-1]))
                first = some[-1] + 1
                if _is_late(until_s):
                    return False
            if first <= last <= cursor and \
                    not any(one.first <= last and first <= one.last for one in gaps):
                with self._index.writing():  # what is not there now was, and was dropped with age
                    self._index.fill_holes(known.id, begin, last)
        return True

    def _read_on(self, number: int, stream: Stream, known: Known,
                 until_s: float | None) -> bool:
        while found := self._messages.after(stream, known.upto, _CHUNK):
            top = found[-1].seq
            self._add(number, known, found, (known.upto + 1, top))
            known = known._replace(upto=top, seen=known.seen or top)
            if len(found) == _CHUNK and _is_late(until_s):
                return False
        return True

    def _add(self, number: int, known: Known, found: list[Message],
             span: tuple[int, int]) -> None:
        """Note what these messages cover; they are all that is here of the numbers of `span`."""
        if not found:
            return  # the store went back meanwhile; the next refresh will see it
        batches = [one for one in found if one.kind in (TELEMETRY, ENERGY, MEDIA)]
        rows = dict(zip((one.seq for one in batches),
                        decode_tables([one.body for one in batches]), strict=True))
        with self._index.writing():
            news = [one for one in found if one.kind in (TELEMETRY, BIRTH, ENERGY, MEDIA)
                    and not self._index.has(known.id, one.seq)]
            for one in news:
                if one.kind == BIRTH:
                    self._index.add_birth(number, known.id, one.seq)
                elif one.kind == TELEMETRY or not _is_dated(rows[one.seq]):
                    self._index.add_batch(number, known.id, one.seq, _stretches(rows[one.seq]))
                else:
                    table = self._index.energies if one.kind == ENERGY else self._index.media
                    table.add(number, known.id, one.seq, rows[one.seq])
            self._index.note(known.id, span, [one.seq for one in found],
                             (found[-1].seq, found[-1].received_utc))
            if news:
                self._index.revise(number)


def _is_dated(rows: Any) -> bool:
    """Whether there are rows of at least a time."""
    return not isinstance(rows, BadMessage) and len(rows[0]) >= 2


def _stretches(rows: Any) -> list[tuple[int, int]]:
    """The times that a batch covers, none of them longer than a day; none: nobody can read it."""
    if not _is_dated(rows):
        return []
    times = sorted(listed(utcs_of(rows)))
    found = [(times[0], times[0])]
    for utc in times:
        first, last = found[-1]
        if utc - last <= _APART_S and utc - first <= STRETCH_S:
            found[-1] = (first, utc)
        else:
            found.append((utc, utc))
    return found


def _is_late(until_s: float | None) -> bool:
    return until_s is not None and time.monotonic() > until_s
