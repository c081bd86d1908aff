"""One store and its index: what is new is read in, and rows and quarter-hours come out.

All times are seconds since 1970, UTC; every range is start <= t < end.
"""

import time
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from cloud_bridge.batches import BIRTH, TELEMETRY, BadMessage, Batch, decode_batch, decode_batches
from cloud_bridge.queries.births import Birth
from cloud_bridge.queries.index import AROUND_S, STRETCH_S, Index, Known, Place
from cloud_bridge.queries.intervals import QUARTER_S, Interval, Row, intervals
from cloud_bridge.queries.messages import (
    Message,
    Messages,
    NotFoundError,
    SqliteMessages,
    TroubleError,
)
from cloud_bridge.store import DAY_0_UTC, Stream

_CHUNK = 512  # messages read in at once: as many as are decoded side by side
_OLDEST = 16  # batches that are looked for at once, whether the store still has them
_SLICE_S = 7_200  # of rows in memory
_RUN = 96  # quarter-hours worked out at once
_DECODED = 8  # batches kept for a moment: one that reaches over a slice is asked for twice
_LIVES = 256  # births kept


class Archive:
    """A context manager. `index`: the file of cloud_bridge/queries/index.py."""

    def __init__(self, messages: Messages, index: Index) -> None:
        self.messages = messages
        self.index = index
        self._decoded: OrderedDict[tuple[Stream, int, int], list[Row]] = OrderedDict()
        self._births: OrderedDict[tuple[Stream, int], Birth] = OrderedDict()

    @classmethod
    def open(cls, store: Path | str, index: Path | str | None = None) -> Self:
        """The SQLite file of a bridge, its index beside it unless told otherwise; or the address
        of its PostgreSQL, with an index. TroubleError."""
        if not str(store).startswith(("postgresql://", "postgres://")):
            return cls(SqliteMessages(store), Index(f"{store}.index" if index is None else index))
        if index is None:
            raise TroubleError("--index: expected a file beside a PostgreSQL")
        try:
            from cloud_bridge.queries.postgres import PostgresMessages
        except ImportError:
            raise TroubleError("PostgreSQL needs psycopg: pip install 'parkedge[scale]'") from None
        return cls(PostgresMessages(str(store)), Index(index))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Give both files back."""
        self.index.close()
        self.messages.close()

    def gateway(self, park: str, gateway: str) -> int:
        """Its number in the index. NotFoundError: the store has no such gateway."""
        if not self.messages.streams(park, gateway):
            raise NotFoundError(f"the store has no gateway {park}/{gateway}")
        return self.index.gateway(park, gateway)

    def refresh(self, park: str, gateway: str, until_s: float | None = None) -> bool:
        """Read in what has come since; False when there was more than could be done until the
        monotonic time `until_s`."""
        number = self.gateway(park, gateway)
        for stream in self.messages.streams(park, gateway):
            known = self.index.stream(number, stream)
            if self._is_another_store(stream, known):
                with self.index.writing():
                    self.index.forget(number)
                self._decoded.clear()
                self._births.clear()
                return self.refresh(park, gateway, until_s)
            self._drop(number, stream, known)
            if not self._read_late(number, stream, known, until_s):
                return False
            if not self._read_on(number, stream, known, until_s):
                return False
        return True

    def rows(self, park: str, gateway: str, start: int, end: int) -> Iterator[Row]:
        """In order of time; of one second in order of (epoch, number)."""
        number = self.gateway(park, gateway)
        while True:
            begin = self.index.following(number, start, end)
            if begin is None:
                return
            start = min(end, begin // _SLICE_S * _SLICE_S + _SLICE_S)
            found = [row for place in self.index.places(number, begin, start)
                     for row in self._rows_in(park, gateway, place) if begin <= row.utc < start]
            found.sort(key=lambda row: row.utc)  # of one second they keep their order
            yield from found

    def quarters(self, park: str, gateway: str, start: int, end: int) -> Iterator[Interval]:
        """The quarter-hours that rows speak in; start and end are whole ones."""
        number = self.gateway(park, gateway)
        while start < end:
            begin = self.index.following(number, start - AROUND_S, end)
            if begin is None:
                return
            first = max(start, begin // QUARTER_S * QUARTER_S)
            start = min(end, first + _RUN * QUARTER_S)
            found = self.index.quarters(number, first, start)
            missing = [at for at in range(first, start, QUARTER_S) if at not in found]
            if missing:
                found.update(self._work_out(park, gateway, missing[0], missing[-1] + QUARTER_S))
            yield from (one for at in range(first, start, QUARTER_S) if (one := found[at]))

    def births(self, park: str, gateway: str) -> list[Birth]:
        """Everything the gateway has said at its starts."""
        number = self.gateway(park, gateway)
        return [self.birth(Stream(park, gateway, epoch), seq)
                for epoch, seq in self.index.births(number)]

    def birth(self, stream: Stream, seq: int) -> Birth:
        """What message `seq` says; 0: nothing."""
        key = (stream, seq)
        if key not in self._births:
            message = self.messages.message(stream, seq) if seq else None
            self._births[key] = Birth.read(seq, message.body if message else b"")
            if len(self._births) > _LIVES:
                self._births.popitem(last=False)
        return self._births[key]

    def rows_of(self, stream: Stream, message: Message) -> list[Row]:
        """The rows of a batch. BadMessage when it is none."""
        values = _dated(decode_batch(message.body))
        birth = self.birth(stream, self.messages.birth_before(stream, message.seq))
        return [Row(utc_of(row), stream.epoch, birth.of(len(row)), row) for row in values]

    def _rows_in(self, park: str, gateway: str, place: Place) -> list[Row]:
        stream = Stream(park, gateway, place.epoch)
        born = self.messages.birth_before(stream, place.seq)
        key = (stream, place.seq, born)
        if key not in self._decoded:
            message = self.messages.message(stream, place.seq)
            if message is None:
                return []  # dropped with age this moment: the next refresh will know
            self._decoded[key] = self.rows_of(stream, message)
            if len(self._decoded) > _DECODED:
                self._decoded.popitem(last=False)
        return [row for row in self._decoded[key] if place.first_utc <= row.utc <= place.last_utc]

    def _work_out(self, park: str, gateway: str, start: int,
                  end: int) -> dict[int, Interval | None]:
        number = self.gateway(park, gateway)
        revision = self.index.revision(number)
        made: dict[int, Interval | None] = dict.fromkeys(range(start, end, QUARTER_S))
        for one in intervals(self.rows(park, gateway, start - AROUND_S, end + AROUND_S), QUARTER_S):
            if start <= one.start < end:
                made[one.start] = one
        with self.index.writing():
            if self.index.revision(number) == revision:  # or somebody has read more in meanwhile
                self.index.keep_quarters(number, made.items())
        return made

    def _is_another_store(self, stream: Stream, known: Known) -> bool:
        if not known.seen:
            return False
        seen = self.messages.message(stream, known.seen)
        newest = self.messages.newest(stream)
        return seen is None or seen.received_utc != known.seen_utc \
            or newest is None or newest.seq < known.upto

    def _drop(self, number: int, stream: Stream, known: Known) -> None:
        """Forget the batches that the store has dropped with age, the oldest first."""
        while seqs := self.index.oldest(known.id, _OLDEST):
            here = {*self.messages.numbers(stream, seqs[0], seqs[-1])}
            if seqs[-1] in here and seqs[0] in here:
                return
            with self.index.writing():
                for seq in seqs:
                    if seq not in here:
                        self.index.drop_batch(number, known.id, seq)
                self.index.revise(number)
            if here:
                return

    def _read_late(self, number: int, stream: Stream, known: Known,
                   until_s: float | None) -> bool:
        """What has come into the holes that there were."""
        cursor, gaps = self.messages.cursor(stream), self.messages.gaps(stream)
        for begin, last in self.index.holes(known.id):
            first = begin
            here = self.messages.numbers(stream, first, last)
            for i in range(0, len(here), _CHUNK):
                some = here[i:i + _CHUNK]
                found = [self.messages.message(stream, seq) for seq in some]
                self._add(number, known, [one for one in found if one], (first, some[-1]))
                first = some[-1] + 1
                if _is_late(until_s):
                    return False
            if first <= last <= cursor and \
                    not any(one.first <= last and first <= one.last for one in gaps):
                with self.index.writing():  # what is not there now was, and was dropped with age
                    self.index.fill_holes(known.id, begin, last)
        return True

    def _read_on(self, number: int, stream: Stream, known: Known,
                 until_s: float | None) -> bool:
        while found := self.messages.after(stream, known.upto, _CHUNK):
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
        rows = [one for one in found if one.kind == TELEMETRY]
        covers = {one.seq: _stretches(batch) for one, batch in
                  zip(rows, decode_batches([one.body for one in rows]), strict=True)}
        with self.index.writing():
            news = [one for one in found if one.kind in (TELEMETRY, BIRTH)
                    and not self.index.has(known.id, one.seq)]
            for one in news:
                if one.kind == TELEMETRY:
                    self.index.add_batch(number, known.id, one.seq, covers[one.seq])
                else:
                    self.index.add_birth(number, known.id, one.seq)
            self.index.note(known.id, span, [one.seq for one in found],
                            (found[-1].seq, found[-1].received_utc))
            if news:
                self.index.revise(number)


def utc_of(values: list[int]) -> int:
    """A row begins with its day since 2000 and the second of that day."""
    return DAY_0_UTC + values[0] * 86_400 + values[1]


def _dated(batch: Batch) -> list[list[int]]:
    """Rows of at least a time. BadMessage."""
    if batch.n_fields < 2:
        raise BadMessage("rows without a time")
    return batch.rows


def _stretches(batch: Batch | BadMessage) -> list[tuple[int, int]]:
    """The times that a batch covers, none of them longer than a day; none: nobody can read it."""
    try:
        if isinstance(batch, BadMessage):
            raise batch
        times = sorted(map(utc_of, _dated(batch)))
    except BadMessage:
        return []
    found = [(times[0], times[0])]
    for utc in times:
        first, last = found[-1]
        if utc - last <= _SLICE_S and utc - first <= STRETCH_S:
            found[-1] = (first, utc)
        else:
            found.append((utc, utc))
    return found


def _is_late(until_s: float | None) -> bool:
    return until_s is not None and time.monotonic() > until_s
