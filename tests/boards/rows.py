"""Journal rows and files for the tests."""

from __future__ import annotations

import functools
from array import array
from pathlib import Path

from boards.image import compile_site
from boards.journal_file import Header, JournalWriter
from edge import journal
from edge.snapshot import CLOCK_OK, GRID_FRESH, READY, SOC_FRESH, STORE_FRESH, TRUSTED
from tests.boards.sites import FOUNDRY, valid

DAY = 9457  # 2025-11-22
WELL = GRID_FRESH | STORE_FRESH | SOC_FRESH | TRUSTED | READY | CLOCK_OK


@functools.cache
def header(path: Path = FOUNDRY) -> Header:
    """The header of a journal of an example site."""
    return Header.of(compile_site(valid(path)))


def by(name: str) -> int:
    """The number a rule of the foundry signs with."""
    return list(header().rules).index(name)


def row(day: int = DAY, second: int = 0, **fields: int) -> array[int]:
    """A row with these fields, everything well and idle otherwise."""
    values = dict.fromkeys(journal.FIELDS, 0) | {
        "flags": WELL, "lo_w": -180_000, "hi_w": 180_000, "charge_max_w": 180_000,
        "discharge_max_w": 180_000, "soc_pm": 500} | fields | {"day": day, "second": second}
    return array("i", values.values())


def write(path: Path, rows: list[array[int]], head: Header | None = None) -> Path:
    """A journal file of these rows."""
    with JournalWriter(path, head or header()) as writer:
        for one in rows:
            writer.write(one)
    return path
