"""What messages mean for a store: which are kept, what will never come, what a gateway may forget.

This is the one place that says so; a database (`Tables`) only does what it is told, within one
transaction. A message is kept opaque under (park, gateway, epoch, seq), and what comes twice once.
A gateway may forget all up to its cursor, and the ranges ahead of it, as soon as the transaction
is durable: `commit` returns then. Times are seconds since 1970, UTC.
"""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import pairwise
from typing import NamedTuple, Protocol

from cloud_bridge.batches import TELEMETRY, BadMessage, decode_gap, decode_message
from edge.outbox import GAP
from edge.sync import RESUME
from edge.sync import VERSION as ACK_VERSION

RANGES = 4  # ahead of the cursor, in one acknowledgement
DROPPABLE = TELEMETRY  # the kind that may be dropped with age; all others are kept for good
QUARANTINE_ROWS = 10_000  # kept for inspection, the newest
QUARANTINE_BYTES = 8_192  # of each
_AHEAD = 256  # ranges remembered of one stream; what is beyond comes again and is found stored
_TOPIC = re.compile(r"parkedge/([a-z0-9-]{1,32})/([a-z0-9-]{1,32})/b")
_TOPIC_CHARS = 256


class StoreError(Exception):
    """This is no store of ours, or a newer one; the text says what it is instead."""


class TroubleError(Exception):
    """A database is out of reach or takes nothing; nothing of that call is stored, try again."""


class Stream(NamedTuple):
    """One life of one ring of a gateway's outbox; its messages are numbered from 1."""

    park: str
    gateway: str
    epoch: int


class Kept(NamedTuple):
    """One message to store, opaque."""

    stream: Stream
    seq: int
    kind: int
    body: bytes


class Refused(NamedTuple):
    """What is put aside for inspection, and why; `topic` is made harmless to print."""

    topic: str
    payload: bytes
    why: str  # "topic", "message", "number" or "datagram": the class of `reason`
    reason: str


class Gap(NamedTuple):
    """Messages first to last may never come: "overwritten" on the gateway, or sent "elsewhere"."""

    stream: Stream
    first: int
    last: int
    reason: str


class Place(NamedTuple):
    """How far a copier is with a stream: all up to `seq` of the `last` that it may copy. `turn`
    tells whether something below has come since."""

    seq: int
    last: int
    turn: int


class Receipt(NamedTuple):
    """What became of the messages of one commit."""

    acks: dict[Stream, int]  # up to which number each gateway may forget
    ranges: dict[Stream, list[int]]  # [first, last, ...] that it may forget beside
    tally: Counter[str]  # "stored", "doubled", "gaps", "resumed", "quarantined"
    refused: Counter[str]  # the quarantined, by class

    def answers(self) -> Iterator[tuple[Stream, list[int]]]:
        """The acknowledgement to each gateway: [version, epoch, cursor, first, last, ...]."""
        for stream in {**self.acks, **self.ranges}:
            yield stream, [ACK_VERSION, stream.epoch, self.acks.get(stream, 0),
                           *self.ranges.get(stream, ())]


class Cursor:
    """Which numbers of a stream have come or never will: 1 to `seq`, and the ranges `ahead`."""

    def __init__(self, seq: int = 0, ahead: Sequence[int] = ()) -> None:
        """`ahead` is flat: [first, last, first, last ...], ascending."""
        self.seq = seq
        self._runs = list(zip(ahead[::2], ahead[1::2], strict=True))

    @property
    def ahead(self) -> list[int]:
        """As the constructor takes it."""
        return [number for run in self._runs for number in run]

    def holes(self, end: int) -> list[tuple[int, int]]:
        """First and last of what has not come, from the cursor to before `end`."""
        edges = [(0, self.seq), *(run for run in self._runs if run[0] < end), (end, end)]
        return [(low[1] + 1, high[0] - 1) for low, high in pairwise(edges)
                if low[1] + 1 < high[0]]

    def cover(self, first: int, last: int) -> None:
        """Take in first to last."""
        runs = self._runs
        if first > self.seq + 1:
            low = bisect_left(runs, first - 1, key=lambda run: run[1])
            high = bisect_left(runs, last + 2, key=lambda run: run[0])
            met = runs[low:high]
            if met:
                first, last = min(first, met[0][0]), max(last, met[-1][1])
            runs[low:high] = [(first, last)]
            del runs[_AHEAD:]
        else:
            self.seq = max(self.seq, last)
        while runs and runs[0][0] <= self.seq + 1:
            self.seq = max(self.seq, runs.pop(0)[1])


class Tables(Protocol):
    """What a database does for `commit`. All is within `transaction`."""

    def transaction(self) -> AbstractContextManager[object]:
        """All or nothing, and durable when it ends."""
    def cursors(self, streams: Sequence[Stream]) -> dict[Stream, Cursor]:
        """Where these streams are; nobody else moves them before the transaction ends."""
    def put(self, messages: Collection[Kept], received_utc: int) -> tuple[list[Kept], list[Kept]]:
        """Store what has a new number. Which were stored, and whose number another one has."""
    def dropped(self, messages: Sequence[Kept]) -> list[Kept]:
        """Those that were stored once, and dropped because of their age."""
    def late(self, stream: Stream, seq: int) -> None:
        """A number below the cursor has come after all: who copies from here must see it."""
    def gap(self, gap: Gap, received_utc: int) -> None:
        """Record a gap; the same one only once."""
    def refuse(self, refused: Sequence[Refused], received_utc: int) -> None:
        """Put these aside, and forget the oldest of such."""
    def move(self, cursors: Mapping[Stream, Cursor]) -> None:
        """Write down where streams are now."""


class _Sorted:
    """Arrivals by what is to be done with them. Nothing here trusts the sender."""

    def __init__(self, arrivals: Iterable[tuple[str, bytes]]) -> None:
        self.kept: dict[tuple[Stream, int], Kept] = {}
        self.origin: dict[Kept, tuple[str, bytes]] = {}
        self.gaps: list[Gap] = []
        # All before the number will not come again, here or elsewhere; a reason for the holes.
        self.resumed: list[tuple[Stream, int, str]] = []
        self.refused: list[Refused] = []
        self.doubled = 0
        for topic, payload in arrivals:
            who = _TOPIC.fullmatch(topic)
            if not who:
                self.refuse(topic, payload, "topic",
                            "topic that is not parkedge/<park>/<gateway>/b")
                continue
            try:
                self._sort(who[1], who[2], topic, payload)
            except BadMessage as reason:
                self.refuse(topic, payload, "message", str(reason))

    def streams(self, more: Iterable[Stream] = ()) -> list[Stream]:
        """Each once and in order, so that two who lock them never wait for each other."""
        return sorted({*more, *(kept.stream for kept in self.kept.values()),
                       *(gap.stream for gap in self.gaps),
                       *(stream for stream, _, _ in self.resumed)})

    def refuse(self, topic: str, payload: bytes, why: str, reason: str) -> None:
        """Put it aside."""
        self.refused.append(Refused(ascii(topic)[1:-1][:_TOPIC_CHARS],
                                    payload[:QUARANTINE_BYTES], why, reason))

    def usurped(self, message: Kept) -> None:
        """Put aside a message whose number another one has."""
        topic, payload = self.origin[message]
        self.refuse(topic, payload, "number", f"another message has the number {message.seq}: is"
                                              " the name or the storage of the gateway used twice?")

    def _sort(self, park: str, gateway: str, topic: str, payload: bytes) -> None:
        message = decode_message(payload)
        stream = Stream(park, gateway, message.epoch)
        if message.kind == RESUME:
            reason = "unseen" if message.body else "elsewhere"  # a body: it came one way
            self.resumed.append((stream, message.seq, reason))
        elif message.kind == GAP:
            told = decode_gap(message.body)
            if told.last != message.seq:
                raise BadMessage(f"gap to {told.last} in message {message.seq}")
            self.gaps.append(Gap(stream, told.first, told.last, "overwritten"))
        else:
            kept = Kept(stream, message.seq, message.kind, message.body)
            first = self.kept.setdefault((stream, message.seq), kept)
            if first is kept:
                self.origin[kept] = topic, payload
            elif first == kept:
                self.doubled += 1
            else:
                self.origin[kept] = topic, payload
                self.usurped(kept)


def commit(tables: Tables, arrivals: Iterable[tuple[str, bytes]], received_utc: int) -> Receipt:
    """Store (topic, payload) pairs durably, all or none."""
    work = _Sorted(arrivals)
    tally = Counter(gaps=len(work.gaps), resumed=len(work.resumed), doubled=work.doubled)
    with tables.transaction():
        cursors = tables.cursors(work.streams())
        before = {stream: cursor.seq for stream, cursor in cursors.items()}
        old = tables.dropped([kept for kept in work.kept.values()
                              if kept.seq <= before[kept.stream]])
        for kept in old:
            del work.kept[kept.stream, kept.seq]
        stored, usurpers = tables.put(work.kept.values(), received_utc)
        for kept in usurpers:
            work.usurped(kept)
            del work.kept[kept.stream, kept.seq]
        tally["doubled"] += len(old) + len(work.kept) - len(stored)
        tally["stored"] = len(stored)
        for kept in stored:
            if kept.seq <= before[kept.stream]:
                tables.late(kept.stream, kept.seq)
        _move(tables, work, cursors, received_utc)
        moved = {stream: cursors[stream] for stream in work.streams({kept.stream for kept in old})}
        tables.move(moved)
        if work.refused:
            tables.refuse(work.refused, received_utc)
    tally["quarantined"] = len(work.refused)
    return Receipt({stream: cursor.seq for stream, cursor in moved.items() if cursor.seq},
                   {stream: cursor.ahead[:2 * RANGES] for stream, cursor in moved.items()
                    if cursor.ahead},
                   +tally, Counter(refused.why for refused in work.refused))


def put_aside(tables: Tables, refused: Iterable[tuple[str, bytes, str]], received_utc: int
              ) -> None:
    """Keep what never became a message, as (from where, bytes, reason), for inspection."""
    kept = [Refused(place, data[:QUARANTINE_BYTES], "datagram", reason)
            for place, data, reason in refused]
    with tables.transaction():
        tables.refuse(kept, received_utc)


def _move(tables: Tables, work: _Sorted, cursors: dict[Stream, Cursor], received_utc: int) -> None:
    """Move the cursors over what has come and over what never will."""
    for stream, seq in work.kept:
        cursors[stream].cover(seq, seq)
    for gap in work.gaps:
        tables.gap(gap, received_utc)
        cursors[gap.stream].cover(gap.first, gap.last)
    for stream, seq, reason in work.resumed:
        for first, last in cursors[stream].holes(seq):
            tables.gap(Gap(stream, first, last, reason), received_utc)
        cursors[stream].cover(1, seq - 1)
