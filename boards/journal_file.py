"""Journal files: one line of JSON that says what the rows are, then the rows themselves.

A row is written exactly as the beat made it, little-endian int32, so a file of rows can be replayed
through today's code. A row that was cut off by a loss of power is not there.
"""

import json
import os
import sys
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from edge import journal

SUFFIX = ".journal"
_HEADER_MAX = 65536  # bytes; a longer first line is not ours
_CHUNK = 4096  # rows read at once


class JournalError(ValueError):
    """A file that is no journal, in one line."""


@dataclass(frozen=True)
class Header:
    """What a reader must know to understand the rows."""

    fields: Sequence[str]
    rules: Sequence[str]  # number in lo_by and hi_by -> name
    site: str  # hash of the image that ran
    beat_s: int
    name: str = ""
    sliding: int = 0  # 1: the demand window slides
    offsets: Sequence[Sequence[int]] = ((0, 0, 0),)  # [day, second, offset_s] of local time
    currency: str = ""  # of the prices below, 1e-4 of it; "": the tariff is not known
    demand_e4: int = 0  # a kW of the month's peak
    cheapest_e4: int = 0  # a kWh at the cheapest hour
    charges: int = 0  # 1: the demand of some hours has a charge of its own
    efficiency_pm: int = 1000  # of the battery, there and back
    factor: int = 0  # mg CO2 a kWh imported
    wear_e4: int = 0  # of a kWh discharged

    @classmethod
    def of(cls, image: Mapping[str, Any]) -> Self:
        """The header of a journal of today's code running a site image."""
        rules = ["device", *(name for name, _ in image["rules"])]
        tariff = image["tariff"]
        cheapest = tariff["days"]["levels"] if "days" in tariff else tariff["prices_e4"]
        charges = tariff.get("billing", {}).get("charges_e4", ())
        return cls(journal.FIELDS, rules, image["hash"], image["site"]["beat_s"], image["name"],
                   image["demand"]["sliding"], image["offsets"], tariff["currency"],
                   tariff["demand_e4"], min(cheapest), int(len(charges) > 1),
                   image["battery"]["efficiency_pm"], image["carbon"]["factor"],
                   image["battery"]["wear_e4"])

    def line(self) -> bytes:
        """The first line of the file."""
        text = json.dumps({"journal": journal.VERSION} | asdict(self), separators=(",", ":"))
        return text.encode("ascii") + b"\n"


class JournalWriter:
    """Writes one file, anew. `write(row)` is the file's own write.

    `buffered` = False hands every row to the kernel at once, so that a crash of the process loses
    none; a loss of power loses what the kernel has not written yet, some 30 s.
    """

    def __init__(self, path: Path | str, header: Header, buffered: bool = True) -> None:
        if sys.byteorder != "little":
            raise OSError("journals are little-endian, this machine is not")
        self._file = open(path, "wb", -1 if buffered else 0)  # noqa: SIM115
        self._file.write(header.line())
        self.write = self._file.write
        self.flush = self._file.flush
        self.close = self._file.close

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class JournalReader:
    """The rows of one file; it may grow while it is read. Raises JournalError, OSError."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self._file = open(path, "rb")  # noqa: SIM115
        try:
            self.header = _header(self._file.readline(_HEADER_MAX), self.path)
        except JournalError:
            self._file.close()
            raise
        self._start = self._file.tell()
        self._bytes = 4 * len(self.header.fields)
        self._day = self.header.fields.index("day")
        self._second = self.header.fields.index("second")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __len__(self) -> int:
        return (os.fstat(self._file.fileno()).st_size - self._start) // self._bytes

    def __getitem__(self, number: int) -> "array[int]":
        if not 0 <= number < len(self):
            raise IndexError(number)
        return self._read(number, 1)

    def __iter__(self) -> Iterator["array[int]"]:
        width = len(self.header.fields)
        total = len(self)
        for first in range(0, total, _CHUNK):
            rows = self._read(first, min(_CHUNK, total - first))
            for at in range(0, len(rows), width):
                yield rows[at:at + width]

    def moment(self, number: int) -> tuple[int, int]:
        """When a row was written: UTC day since 2000-01-01, second of the day."""
        row = self[number]
        return row[self._day], row[self._second]

    def find(self, day: int, second: int) -> int:
        """The last row not after a moment, by bisection; -1 when all are after it.

        Where the clock was set back rows stand twice; one of them is found.
        """
        low, high = -1, len(self)
        while high - low > 1:
            middle = (low + high) // 2
            if self.moment(middle) <= (day, second):
                low = middle
            else:
                high = middle
        return low

    def _read(self, first: int, count: int) -> "array[int]":
        self._file.seek(self._start + first * self._bytes)
        rows = array("i")
        rows.frombytes(self._file.read(count * self._bytes))
        return rows


def _header(line: bytes, path: Path) -> Header:
    try:
        raw = json.loads(line)
        if raw.pop("journal") != journal.VERSION:
            raise JournalError(f"{path}: another version of journal, expected {journal.VERSION}")
        header = Header(**raw)
        named = {"day", "second"} <= set(header.fields)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        if isinstance(error, JournalError):
            raise
        raise JournalError(f"{path}: not a journal: its first line does not say what "
                           "the rows are") from None
    if not named:
        raise JournalError(f"{path}: not a journal: its rows have no day and second")
    return header


def files(path: Path) -> list[Path]:
    """The journal files of a folder, oldest first; a file is itself."""
    return sorted(path.glob("*" + SUFFIX)) if path.is_dir() else [path]
