"""Replay a journal: what each beat saw, through today's code, and the first row that differs.

A row holds the readings with their ages, so it says what the roles knew (hil/recall.py). A row of
today's code that is not the same names the change: of the code, or of the site file.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from boards.journal_file import Header, JournalError, JournalReader
from boards.local_time import local
from edge.journal import FIELDS
from hil.emulate import image_of
from hil.recall import Recall

if TYPE_CHECKING:
    from boards.site import Site

_TOLD = 4096  # rows between two words on progress


class Difference(NamedTuple):
    """One field of the first row that differs."""

    field: str
    then: int
    now: int


@dataclass(frozen=True)
class Result:
    """What became of it; `differences` are those of the row at `time`."""

    rows: int  # compared, the differing one included
    time: str
    differences: tuple[Difference, ...]
    other_site: bool  # the journal was written by another image
    taken: tuple[str, ...] = ()  # what was not worked out anew, because no row holds what it needs

    def text(self) -> str:
        note = "\nthe journal is of another site file or another image format" \
            if self.other_site else ""
        if self.taken:
            note += "\nnot worked out anew, as no row holds what it goes by: " \
                + ", ".join(self.taken)
        if not self.differences:
            return f"{self.rows} rows, all the same{note}"
        lines = [f"first difference in row {self.rows}, {self.time}:"]
        lines += [f"  {one.field:<16} then {one.then:>12}  now {one.now:>12}"
                  for one in self.differences]
        return "\n".join(lines) + note

    def for_machine(self) -> dict[str, Any]:
        return {"rows": self.rows, "same": not self.differences, "time": self.time,
                "other_site": self.other_site, "taken": list(self.taken),
                "differences": [one._asdict() for one in self.differences]}


def rows(path: Path) -> int:
    """How many rows a journal holds. Raises JournalError, OSError."""
    with JournalReader(path) as reader:
        return len(reader)


def replay(path: Path, site: Site, done: Callable[[int], None]) -> Result:
    """Run a journal through the controller of a site until a row differs. Raises JournalError,
    OSError."""
    with JournalReader(path) as reader:
        header = reader.header
        image = image_of(site, header.beat_s)
        recall = Recall(image, header.fields)
        if recall.missing:
            raise JournalError(f"{path}: cannot be replayed: its rows have no "
                               + " ".join(recall.missing))
        places = {name: at for at, name in enumerate(header.fields)}
        shared = [(at, places[name]) for at, name in enumerate(FIELDS)
                  if name in places and name not in recall.unchecked]
        taken, other_site = (*recall.taken, *_told(image)), header.site != image["hash"]
        number = 0
        for number, row in enumerate(reader, 1):
            recall.beat(row)
            if row != recall.row and (found := _compare(row, recall.row, shared)):
                return Result(number, _when(row, places, header), found, other_site, taken)
            if number % _TOLD == 0:
                done(_TOLD)
        return Result(number, "", (), other_site, taken)


def _told(image: Mapping[str, Any]) -> list[str]:
    """What a site may have been told that changes its plans and stands in no row."""
    pushed = ["pushed prices"] if "push" in image["tariff"].get("days", {}) else []
    return pushed + ["announcements"] * any(keys.get("topic") for _, keys in image.get("plan", ()))


def _compare(then: array[int], now: array[int], shared: list[tuple[int, int]]
             ) -> tuple[Difference, ...]:
    return tuple(Difference(FIELDS[at], then[old], now[at])
                 for at, old in shared if then[old] != now[at])


def _when(row: array[int], places: Mapping[str, int], header: Header) -> str:
    moment = row[places["day"]], row[places["second"]]
    return local(moment, header.offsets).isoformat(" ")
