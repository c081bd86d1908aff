"""One store and its index: what is new is read in, and rows and quarter-hours come out.

All times are seconds since 1970, UTC; every range is start <= t < end.
"""

from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from cloud_bridge.batches import BadMessage, decode_batch, has_numpy
from cloud_bridge.queries.births import Birth
from cloud_bridge.queries.index import AROUND_S, Index, Place
from cloud_bridge.queries.intervals import QUARTER_S, Interval, Row, intervals, utcs_of
from cloud_bridge.queries.messages import (
    Message,
    Messages,
    NotFoundError,
    SqliteMessages,
    TroubleError,
)
from cloud_bridge.queries.reader import Reader
from cloud_bridge.queries.sheets import Sheet, Sheets
from cloud_bridge.store import Stream

_SLICE_S = 7_200  # of rows in memory
_RUN = 96  # intervals worked out at once
_LIVES = 256  # births kept
_FOREVER = 1 << 50  # no row has such a time


class Archive:
    """A context manager. `index`: the file of cloud_bridge/queries/index.py."""

    def __init__(self, messages: Messages, index: Index) -> None:
        self.messages = messages
        self.index = index
        self._births: OrderedDict[tuple[Stream, int], Birth] = OrderedDict()
        self._sheets = Sheets(messages, index, self.birth)
        self._firsts: dict[int, int] = {}
        self._reader = Reader(messages, index, self._forget)

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
        is_done = self._reader.refresh(number, park, gateway, until_s)
        first = self.index.first_stream(number)
        if self._firsts.setdefault(number, first) != first:  # somebody else found another store
            self._forget()
            self._firsts[number] = first
        return is_done

    def rows(self, park: str, gateway: str, start: int, end: int) -> Iterator[Row]:
        """In order of time; of one second in order of (epoch, number)."""
        number = self.gateway(park, gateway)
        while True:
            begin = self.index.following(number, start, end)
            if begin is None:
                return
            start = min(end, begin // _SLICE_S * _SLICE_S + _SLICE_S)
            found = [row for sheet, first, last in self._stretches(number, park, gateway, begin,
                                                                   start)
                     for row in sheet.between(first, last)]
            found.sort(key=lambda row: row.utc)  # of one second they keep their order
            yield from found

    def row_before(self, park: str, gateway: str, utc: int) -> Row | None:
        """The last row before that time."""
        number = self.gateway(park, gateway)
        places = self.index.places(number, utc, utc)  # they begin before it, and end behind
        places += self.index.places_before(number, utc)
        first = min((one.first_utc for one in places), default=utc)
        found: Row | None = None
        for sheet, begin, last in self._stretches(number, park, gateway, first, utc, places):
            for row in sheet.between(begin, last):
                if found is None or (row.utc, row.epoch, row.seq) >= found[:3]:
                    found = row
        return found

    def row_from(self, park: str, gateway: str, utc: int) -> Row | None:
        """The first row from that time on."""
        return next(self.rows(park, gateway, utc, _FOREVER), None)

    def quarters(self, park: str, gateway: str, start: int, end: int) -> Iterator[Interval]:
        """The quarter-hours that rows speak in; start and end are whole ones."""
        number = self.gateway(park, gateway)
        for first, end_of_run in self._runs(number, start, end, QUARTER_S):
            found = self.index.quarters(number, first, end_of_run)
            missing = [at for at in range(first, end_of_run, QUARTER_S) if at not in found]
            if missing:
                found.update(self._work_out(park, gateway, missing[0], missing[-1] + QUARTER_S))
            yield from (one for at in range(first, end_of_run, QUARTER_S) if (one := found[at]))

    def minutes(self, park: str, gateway: str, start: int, end: int) -> Iterator[Interval]:
        """Likewise the minutes; they are kept nowhere."""
        number = self.gateway(park, gateway)
        for first, end_of_run in self._runs(number, start, end, 60):
            yield from self._intervals(park, gateway, first, end_of_run, 60)

    def _runs(self, number: int, start: int, end: int, size_s: int) -> Iterator[tuple[int, int]]:
        """Stretches of a hundred intervals at most, without those far from any row."""
        while start < end:
            begin = self.index.following(number, start - AROUND_S, end)
            if begin is None:
                return
            first = max(start, begin // size_s * size_s)
            start = min(end, first + _RUN * size_s)
            yield first, start

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
        rows = decode_batch(message.body).rows
        if len(rows[0]) < 2:
            raise BadMessage("rows without a time")
        birth = self.birth(stream, self.messages.birth_before(stream, message.seq))
        return [Row(utc, stream.epoch, message.seq, birth.of(len(row)), row)
                for utc, row in zip(utcs_of(rows), rows, strict=True)]

    def _forget(self) -> None:
        self._sheets.clear()
        self._births.clear()

    def _stretches(self, number: int, park: str, gateway: str, start: int, end: int,
                   places: list[Place] | None = None) -> Iterator[tuple[Sheet, int, int]]:
        """Sheets, and from when to when each has rows of start <= t < end, in order of (epoch,
        number)."""
        if places is None:
            places = self.index.places(number, start, end)
        for place, sheet in zip(places, self._sheets.of(number, park, gateway, places),
                                strict=True):
            if sheet:
                yield sheet, max(start, place.first_utc), min(end - 1, place.last_utc)

    def _intervals(self, park: str, gateway: str, start: int, end: int,
                   size_s: int) -> Iterator[Interval]:
        """Intervals of start <= t < end that rows speak in, all worked out from their rows."""
        first, last = start - AROUND_S, end + AROUND_S
        if has_numpy():
            from cloud_bridge.queries import interval_bulk

            number = self.gateway(park, gateway)
            made = interval_bulk.intervals(
                [*self._stretches(number, park, gateway, first, last)], size_s)
        else:
            made = intervals(self.rows(park, gateway, first, last), size_s)
        return (one for one in made if start <= one.start < end)

    def _work_out(self, park: str, gateway: str, start: int,
                  end: int) -> dict[int, Interval | None]:
        number = self.gateway(park, gateway)
        revision = self.index.revision(number)
        made: dict[int, Interval | None] = dict.fromkeys(range(start, end, QUARTER_S))
        made.update((one.start, one)
                    for one in self._intervals(park, gateway, start, end, QUARTER_S))
        with self.index.writing():
            if self.index.revision(number) == revision:  # or somebody has read more in meanwhile
                self.index.keep_quarters(number, made.items())
        return made
