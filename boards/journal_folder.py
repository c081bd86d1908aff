"""The journal of a running gateway: a folder with one file a day, the oldest thrown away.

Nothing that happens to the disk reaches the control: rows that cannot be kept are counted, and a
minute later it is tried again.
"""

from array import array
from contextlib import suppress
from pathlib import Path

from boards.journal_file import SUFFIX, Header, JournalWriter
from boards.local_time import local

KEEP_DAYS = 90
_RETRY_ROWS = 60


class JournalFolder:
    """Keeps every row of one run. Files are named after their first row, in UTC."""

    def __init__(self, folder: Path, header: Header, keep_days: int = KEEP_DAYS) -> None:
        self.lost = 0  # rows that could not be kept
        self._folder = folder
        self._header = header
        self._keep_days = keep_days
        self._writer: JournalWriter | None = None
        self._day = -1
        self._rest = 0  # rows to let pass before the next try

    def keep(self, row: "array[int]") -> None:
        """Write one row; never raises for a disk that fails."""
        if self._rest:
            self._rest -= 1
            self.lost += 1
            return
        try:
            if self._writer is None or row[0] != self._day:
                self._open(row)
            assert self._writer is not None
            if self._writer.write(row) != len(row) * row.itemsize:
                raise OSError("the disk took only part of a row")
        except OSError:
            self.lost += 1
            self._rest = _RETRY_ROWS
            self.close()

    def _open(self, row: "array[int]") -> None:
        self.close()
        self._folder.mkdir(parents=True, exist_ok=True)
        stem = local((row[0], row[1]), ((0, 0, 0),)).strftime("%Y%m%d-%H%M%S")
        path, again = self._folder / (stem + SUFFIX), 1
        while path.exists():
            path, again = self._folder / f"{stem}.{again}{SUFFIX}", again + 1
        self._writer = JournalWriter(path, self._header, buffered=False)
        self._day = row[0]
        for old in sorted(self._folder.glob("*" + SUFFIX))[:-self._keep_days]:
            old.unlink()

    def close(self) -> None:
        """Close the file of the day."""
        if self._writer is not None:
            with suppress(OSError):
                self._writer.close()
        self._writer = None
