"""Replay a journal: what each beat saw, through today's code, and the first row that differs.

A row holds the readings with their ages, so it says what the roles knew. A row of today's code that
is not the same names the change: of the code, or of the site file.
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
from edge.snapshot import CLOCK_OK, NEVER_MS, READY
from edge.ticks import ticks_add
from hil.dut import InProcess
from hil.emulate import image_of
from hil.inputs import OWN_RULES
from hil.lockstep import INPUTS

if TYPE_CHECKING:
    from boards.site import Site

_TOLD = 4096  # rows between two words on progress
# Inputs that stand in a row as they were, and stamps, which stand there as ages.
_SAME = tuple((INPUTS.index(name), name) for name in (
    "now_ms", "day", "second", "grid_w", "store_w", "soc_pm", "pv_w", "charge_max_w",
    "discharge_max_w"))
_AGED = tuple((INPUTS.index(f"{name}_ms"), f"{name}_age_ms")
              for name in ("grid", "store", "soc", "pv"))
_READY = INPUTS.index("ready")


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

    def text(self) -> str:
        note = "\nthe journal is of another site file or another image format" \
            if self.other_site else ""
        if not self.differences:
            return f"{self.rows} rows, all the same{note}"
        lines = [f"first difference in row {self.rows}, {self.time}:"]
        lines += [f"  {one.field:<16} then {one.then:>12}  now {one.now:>12}"
                  for one in self.differences]
        return "\n".join(lines) + note

    def for_machine(self) -> dict[str, Any]:
        return {"rows": self.rows, "same": not self.differences, "time": self.time,
                "other_site": self.other_site,
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
        places = {name: at for at, name in enumerate(header.fields)}
        _check(path, places, site)
        image = image_of(site, header.beat_s)
        if own := dict(image["rules"]).keys() & set(OWN_RULES):
            raise JournalError(f"{path}: cannot be replayed: its rows do not hold the signals that "
                               f"{' '.join(sorted(own))} went by")
        dut = InProcess(image)
        shared = [(at, places[name]) for at, name in enumerate(FIELDS) if name in places]
        inputs = array("i", bytes(4 * len(INPUTS)))
        number = 0
        for number, row in enumerate(reader, 1):
            _recall(inputs, row, places)
            dut.site.clock_set = bool(row[places["flags"]] & CLOCK_OK)
            dut.beat(inputs)
            if row != dut.row and (found := _compare(row, dut.row, shared)):
                return Result(number, _when(row, places, header), found,
                              header.site != image["hash"])
            if number % _TOLD == 0:
                done(_TOLD)
        return Result(number, "", (), header.site != image["hash"])


def _check(path: Path, places: Mapping[str, int], site: Site) -> None:
    if site.batteries:
        raise JournalError(f"{path}: cannot be replayed: its rows hold the sum of "
                           f"{len(site.batteries)} batteries, not what each of them said")
    needed = [*(name for _, name in _SAME), *(name for _, name in _AGED), "flags"]
    missing = [name for name in needed if name not in places]
    if missing:
        raise JournalError(f"{path}: cannot be replayed: its rows have no {' '.join(missing)}")


def _recall(inputs: array[int], row: array[int], places: Mapping[str, int]) -> None:
    """What the instruments had said when this row was written."""
    for at, name in _SAME:
        inputs[at] = row[places[name]]
    for at, name in _AGED:
        age_ms = row[places[name]]
        inputs[at] = -1 if age_ms >= NEVER_MS else ticks_add(inputs[0], -age_ms)
    inputs[_READY] = 1 if row[places["flags"]] & READY else 0


def _compare(then: array[int], now: array[int], shared: list[tuple[int, int]]
             ) -> tuple[Difference, ...]:
    return tuple(Difference(FIELDS[at], then[old], now[at])
                 for at, old in shared if then[old] != now[at])


def _when(row: array[int], places: Mapping[str, int], header: Header) -> str:
    moment = row[places["day"]], row[places["second"]]
    return local(moment, header.offsets).isoformat(" ")
