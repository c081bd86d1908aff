"""The outbox's storage on a gateway's file system: one small file a sector.

On littlefs a write in the middle of a large file copies all that follows it, and a log written
into one file would wear the flash out. A sector's file only grows until it is begun anew.
Runs on MicroPython and CPython.
"""

import errno
import os

from edge.compat import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import IO, Any

    from edge.blocks import Buffer, Bytes


class SectorFiles:
    """A block device (edge/blocks.py) in a folder, made at the first use. Errors are OSError."""

    def __init__(self, folder: str, sector_size: int = 4096, sectors: int = 32):
        self.sector_size = sector_size
        self.sectors = sectors
        self.align = 4
        self._folder = folder
        self._open_sector = -1
        self._file: IO[bytes] | Any = None
        try:
            os.mkdir(folder)
        except OSError as error:
            if error.args[0] != errno.EEXIST:
                raise

    def read(self, sector: int, offset: int, into: "Buffer") -> None:
        """Fill `into` from `offset` of the sector on; what was never programmed is 0xFF."""
        self.sync()
        n = 0
        try:
            with open(self._path(sector), "rb") as file:
                file.seek(offset)
                n = file.readinto(into) or 0
        except OSError as error:
            if error.args[0] != errno.ENOENT:
                raise
        for at in range(n, len(into)):
            into[at] = 0xFF

    def program(self, sector: int, offset: int, buf: "Bytes", n: int) -> None:
        """Write buf[:n]."""
        if sector != self._open_sector:
            self._open(sector, "r+b")
        end = self._file.seek(0, 2)
        if end < offset:
            self._file.write(b"\xff" * (offset - end))
        self._file.seek(offset)
        if self._file.write(memoryview(buf)[:n]) != n:
            raise OSError(errno.EIO)

    def erase(self, sector: int) -> None:
        """Set the sector to 0xFF, safely before anything that follows."""
        self._open(sector, "w+b")
        self.sync()

    def sync(self) -> None:
        """Return when all that was programmed survives a loss of power."""
        if self._file is not None:
            self._file.flush()
            if hasattr(os, "fsync"):  # MicroPython's flush commits by itself
                os.fsync(self._file.fileno())

    def close(self) -> None:
        """Let go of the open sector."""
        if self._file is not None:
            self._file.close()
        self._file = None
        self._open_sector = -1

    def _open(self, sector: int, mode: str) -> None:
        self.close()
        try:
            self._file = open(self._path(sector), mode)  # noqa: SIM115
        except OSError as error:
            if error.args[0] != errno.ENOENT:
                raise
            self._file = open(self._path(sector), "w+b")  # noqa: SIM115
        self._open_sector = sector

    def _path(self, sector: int) -> str:
        return self._folder + "/" + str(sector)
