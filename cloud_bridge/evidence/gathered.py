"""The evidence of one gateway out of a store: what its messages say, judged by nobody yet.

A leaf that came twice is kept once. Two different leaves for one quarter-hour are both kept: that
is what an audit must see.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cloud_bridge import notes
from cloud_bridge.batches import FAULT, HEAD, KEY, LEDGER, TERMS
from cloud_bridge.databases import Database
from cloud_bridge.evidence import bundle
from cloud_bridge.notes import NoteError
from edge.ledger.leaf import SITE, unpack


@dataclass
class Gathered:
    """`faults`: what the gateway told of its faults, in its words. `skipped`: messages that hold
    nothing of the kind they say."""

    leaves: list[bytes] = field(default_factory=list)
    heads: dict[int, bytes] = field(default_factory=dict)
    terms: list[bytes] = field(default_factory=list)
    key: str = ""
    faults: list[str] = field(default_factory=list)
    skipped: int = 0

    def write(self, folder: Path) -> None:
        """As a folder that `audit` takes. OSError."""
        bundle.write(folder, self.leaves, self.heads, self.terms, self.key)


def gather(store: Database, park: str, gateway: str) -> Gathered:
    """All the evidence of a gateway."""
    return sort(store.bodies(park, gateway, (LEDGER, HEAD, TERMS, KEY, FAULT)))


def sort(messages: Iterable[tuple[int, bytes]]) -> Gathered:
    """The evidence in (kind, body) in order of arrival."""
    found = Gathered()
    leaves: dict[bytes, tuple[int, int, int]] = {}
    for number, (kind, body) in enumerate(messages):
        if kind == LEDGER:
            place = _place(body)
            if place is None:
                found.skipped += 1
            else:
                leaves.setdefault(body, (*place, number))
        elif kind == HEAD:
            _head(found, body)
        elif kind == TERMS and body not in found.terms:
            found.terms.append(body)
        elif kind == KEY:
            found.key = body.decode("ascii", "replace")
        elif kind == FAULT:
            found.faults.append(ascii(body.decode("utf-8", "replace"))[1:-1])
    found.leaves = sorted(leaves, key=lambda leaf: leaves[leaf])
    return found


def _place(leaf: bytes) -> tuple[int, int] | None:
    """Where a leaf belongs: by quarter-hour, the site's before its tenants'."""
    try:
        kind, numbers, _, _ = unpack(leaf)
        return numbers[0], int(kind != SITE)
    except (ValueError, IndexError):
        return None


def _head(found: Gathered, note: bytes) -> None:
    """By its size; a second one that differs is kept beside, for an audit to find."""
    try:
        size = notes.checkpoint(notes.parse(note).text).size
    except NoteError:
        found.skipped += 1
        return
    for at in _free(size):
        if found.heads.setdefault(at, note) == note:
            return


def _free(size: int) -> Iterator[int]:
    """The size itself, then places that no size has."""
    yield size
    at = 10**10 + size
    while True:
        yield at
        at += 10**10
