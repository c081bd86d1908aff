"""Batches as sheets of rows. Who reads on from batch to batch finds the next ones decoded already,
many side by side (cloud_bridge/batch_bulk.py); who asks for few has none read in vain.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple

from cloud_bridge.batches import BadMessage, decode_tables, has_numpy, listed
from cloud_bridge.queries.births import Birth
from cloud_bridge.queries.index import Index, Place
from cloud_bridge.queries.intervals import Row, utcs_of
from cloud_bridge.queries.messages import Messages
from cloud_bridge.store import Stream

_AHEAD = (8, 64, 512)  # batches decoded at once, as long as who asks goes on where the last ended
_KEPT = 640  # and kept for a moment: a run of quarter-hours looks back and ahead
_FEW = 16  # of them as lists: they take ten times the memory, and gain nothing by being many


class Sheet(NamedTuple):
    """The rows of a batch, a list or an array of numpy; `utcs` are their times, likewise."""

    epoch: int
    seq: int
    birth: Birth
    utcs: Any
    rows: Any

    def between(self, first: int, last: int) -> list[Row]:
        """Those of first <= t <= last, in the order of the batch."""
        return [Row(utc, self.epoch, self.seq, self.birth, values)
                for utc, values in zip(listed(self.utcs), listed(self.rows), strict=True)
                if first <= utc <= last]


class Sheets:
    """Those of one store; `birth_of` tells what a life began with."""

    def __init__(self, messages: Messages, index: Index,
                 birth_of: Callable[[Stream, int], Birth]) -> None:
        self._messages = messages
        self._index = index
        self._birth_of = birth_of
        self._kept: OrderedDict[tuple[int, int, int], Any] = OrderedDict()
        self._next: tuple[int, int, int] | None = None  # behind what was decoded last
        self._step = 0

    def clear(self) -> None:
        """Forget all: the store is another one now."""
        self._kept.clear()
        self._next = None

    def of(self, number: int, park: str, gateway: str, places: list[Place]) -> list[Sheet | None]:
        """A sheet for each place; None: it was dropped with age this moment, the next refresh will
        know. BadMessage when the store has other bytes than were read in."""
        found = []
        for at, place in enumerate(places):
            key = (number, place.epoch, place.seq)
            if key not in self._kept:
                self._decode(number, park, gateway, places[at:])
            found.append(self._sheet(Stream(park, gateway, place.epoch), place.seq,
                                     self._kept.get(key)))
        return found

    def _sheet(self, stream: Stream, seq: int, kept: Any) -> Sheet | None:
        if kept is None:
            return None
        utcs, rows = kept
        birth = self._birth_of(stream, self._messages.birth_before(stream, seq))
        return Sheet(stream.epoch, seq, birth.of(len(rows[0])), utcs, rows)

    def _decode(self, number: int, park: str, gateway: str, wanted: list[Place]) -> None:
        """At least the first one."""
        first = (number, wanted[0].epoch, wanted[0].seq)
        self._step = min(self._step + 1, len(_AHEAD) - 1) if first == self._next else 0
        n = max(_AHEAD[self._step], min(len(wanted), _AHEAD[-1])) if has_numpy() else 1
        following = self._index.following_places(number, wanted[0], n + 1)
        self._next = (number, *following[n]) if len(following) > n else None
        keys = dict.fromkeys([first[1:], *((one.epoch, one.seq) for one in wanted[:n]),
                              *following[:n]])
        some = [key for key in keys if (number, *key) not in self._kept]
        seqs: dict[int, list[int]] = {}
        for epoch, seq in some:
            seqs.setdefault(epoch, []).append(seq)
        bodies = {(epoch, one.seq): one.body for epoch, numbers in seqs.items()
                  for one in self._messages.some(Stream(park, gateway, epoch), numbers)}
        for key, rows in zip(bodies, decode_tables([*bodies.values()]), strict=True):
            if isinstance(rows, BadMessage):
                raise rows
            self._kept[number, *key] = utcs_of(rows), rows
        while len(self._kept) > max(_KEPT if has_numpy() else _FEW, len(bodies)):
            self._kept.popitem(last=False)
