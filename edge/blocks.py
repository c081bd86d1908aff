"""Storage in sectors that are erased whole and programmed piece by piece, as flash is.

What the outbox needs of a device (`Blocks`), and two devices: memory, and a preallocated file.
An erased byte reads 0xFF. Errors of the medium are OSError.
"""

import errno
import os

from edge.compat import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import IO, Protocol

    Buffer = bytearray | memoryview  # to write into
    Bytes = bytes | bytearray | memoryview  # to read from

    class Blocks(Protocol):
        """A block device. Sectors count from 0, offsets and lengths are bytes.

        `align`: every program starts at a multiple of it and is as long as a multiple of it (a
        power of two; the smallest unit the flash programs at once, 4 where it does not matter).
        """

        sector_size: int
        sectors: int
        align: int

        def read(self, sector: int, offset: int, into: "Buffer") -> None:
            """Fill `into` from `offset` on."""

        def program(self, sector: int, offset: int, buf: "Bytes", n: int) -> None:
            """Write buf[:n] where nothing was programmed since the last erase."""

        def erase(self, sector: int) -> None:
            """Set the sector to 0xFF, before anything that is programmed afterwards."""

        def sync(self) -> None:
            """Return when all that was programmed survives a loss of power."""


class RamBlocks:
    """A device in memory, forgotten with the process: for emulators and tests."""

    def __init__(self, sector_size: int = 4096, sectors: int = 16):
        self.sector_size = sector_size
        self.sectors = sectors
        self.align = 4
        self.memory = bytearray(b"\xff" * (sector_size * sectors))

    def read(self, sector: int, offset: int, into: "Buffer") -> None:
        """Fill `into` from `offset` of the sector on."""
        at = sector * self.sector_size + offset
        into[:] = memoryview(self.memory)[at:at + len(into)]

    def program(self, sector: int, offset: int, buf: "Bytes", n: int) -> None:
        """Write buf[:n]."""
        at = sector * self.sector_size + offset
        memoryview(self.memory)[at:at + n] = memoryview(buf)[:n]

    def erase(self, sector: int) -> None:
        """Set the sector to 0xFF."""
        at = sector * self.sector_size
        memoryview(self.memory)[at:at + self.sector_size] = b"\xff" * self.sector_size

    def sync(self) -> None:
        """Nothing to do."""


class FileBlocks:
    """A device in a file of fixed size, made at the first use; one process at a time.

    `sync` is real: fsync on CPython; on MicroPython `flush` itself is fsync (Unix port) or the file
    system's own commit (littlefs, FAT). ValueError when the file there has another size.
    """

    def __init__(self, path: str, sector_size: int = 4096, sectors: int = 256):
        self.sector_size = sector_size
        self.sectors = sectors
        self.align = 4
        size = sector_size * sectors
        try:
            found = os.stat(path)[6]
        except OSError:
            self._create(path)
            found = size
        if found != size:
            raise ValueError(
                path + " has " + str(found) + " bytes instead of " + str(size)
                + ": configure its old size, or move it away to begin anew")
        self._file = open(path, "r+b")  # noqa: SIM115 - it stays open

    def read(self, sector: int, offset: int, into: "Buffer") -> None:
        """Fill `into` from `offset` of the sector on."""
        self._file.seek(sector * self.sector_size + offset)
        if self._file.readinto(into) != len(into):
            raise OSError(errno.EIO)

    def program(self, sector: int, offset: int, buf: "Bytes", n: int) -> None:
        """Write buf[:n]."""
        self._file.seek(sector * self.sector_size + offset)
        if self._file.write(memoryview(buf)[:n]) != n:
            raise OSError(errno.EIO)

    def erase(self, sector: int) -> None:
        """Set the sector to 0xFF, safely before what follows: no old bytes behind a new header."""
        self._file.seek(sector * self.sector_size)
        _write_blank(self._file, self.sector_size)
        self.sync()

    def sync(self) -> None:
        """Return when the file is on the medium."""
        _flush(self._file)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _create(self, path: str) -> None:
        """Make the file under another name first: it is there whole or not at all."""
        with open(path + ".new", "w+b") as file:
            try:
                _write_blank(file, self.sector_size * self.sectors)
                _flush(file)
            except OSError:
                os.remove(path + ".new")  # the disk is full: not with half of it
                raise
        os.rename(path + ".new", path)
        if hasattr(os, "fsync"):  # the new name must survive as well
            folder = os.open(path[:path.rfind("/") + 1] or ".", 0)  # to read
            os.fsync(folder)
            os.close(folder)


def _write_blank(file: "IO[bytes]", n: int) -> None:
    """Write n erased bytes, in pieces: a whole sector of them is too dear to keep in memory."""
    blank = memoryview(b"\xff" * 256)
    while n > 0:
        written = file.write(blank[:n])
        if not written:
            raise OSError(errno.EIO)
        n -= written


def _flush(file: "IO[bytes]") -> None:
    file.flush()
    if hasattr(os, "fsync"):
        os.fsync(file.fileno())
