"""A disk that loses what was not synced, and the bridge's store on it.

SQLite writes to `Disk` through a file system of its own (apsw); what it does is written down. A
`Platter` takes these operations one by one and can be cut after any: what was synced stays, and of
what was not each sector of 512 bytes is there, is not there, or holds garbage, in any order. A disk
that `lies` takes a sync for said and does nothing.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from typing import Any, NamedTuple

import apsw

from cloud_bridge.store import Store

SECTOR = 512
PATH = "/park.db"
_CHECKPOINT_PAGES = 12  # a small log: the database file itself is written every few commits
_GARBAGE = 0.1  # of the sectors that are not there
_names = itertools.count()


class Op(NamedTuple):
    """What SQLite asked of the disk; `data` of a write, `at` its place or the new size."""

    what: str  # "write", "truncate", "sync", "delete"
    name: str
    at: int = 0
    data: bytes = b""


class Disk:
    """Files in memory. `trace` is what was done to them."""

    def __init__(self, files: dict[str, bytearray] | None = None) -> None:
        self.files = files if files is not None else {}
        self.trace: list[Op] = []
        self.name = f"parkedge-{next(_names)}"
        self._vfs = _FileSystem(self)

    def close(self) -> None:
        """Forget the file system."""
        self._vfs.unregister()


class Platter:
    """What survives of a trace."""

    def __init__(self, lies: bool = False) -> None:
        self._lies = lies
        self._hard: dict[str, bytearray] = {}
        self._soft: dict[str, list[Op]] = {}

    def do(self, op: Op) -> None:
        """Take the next operation."""
        if op.what == "delete":
            self._hard.pop(op.name, None)
            self._soft.pop(op.name, None)
        elif op.what != "sync":
            self._soft.setdefault(op.name, []).append(op)
        elif not self._lies:
            for soft in self._soft.pop(op.name, []):
                _apply(self._hard.setdefault(op.name, bytearray()), soft)

    def settle(self) -> None:
        """All is on the medium, as after a quiet while."""
        lies, self._lies = self._lies, False
        for name in list(self._soft):
            self.do(Op("sync", name))
        self._lies = lies

    def cut(self, chance: random.Random, shares: Sequence[float] = (0, .3, .7, .95, 1)
            ) -> dict[str, bytearray]:
        """The files as they are found after the power has failed now, with one of `shares` of what
        was not synced."""
        found = {name: bytearray(data) for name, data in self._hard.items()}
        share = chance.choice(shares)
        for name, ops in self._soft.items():
            data = found.setdefault(name, bytearray())
            for op in ops:
                for part in _sectors(op):
                    if chance.random() < share:
                        _apply(data, part)
                    elif share and part.data and chance.random() < _GARBAGE:
                        _apply(data, part._replace(data=chance.randbytes(len(part.data))))
        return found


class CrashStore(Store):
    """The bridge's store, code and shape, on such a disk. One connection, so that the index of the
    log is in memory: apsw's file systems have no shared one."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        super().__init__(PATH)

    def _connect(self, patience_s: float) -> Any:
        db = _Connection(apsw.Connection(PATH, vfs=self._disk.name))
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
        db.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        return db

    def signature(self) -> list[tuple[Any, ...]]:
        """All that is in it."""
        tables = ("messages", "cursors", "gaps", "dropped", "quarantine", "spans", "undated")
        return [(table, *row) for table in tables
                for row in self._db.execute(f"SELECT * FROM {table} ORDER BY 1, 2, 3, 4")]

    def is_sound(self) -> bool:
        """What SQLite itself says of it."""
        return bool(self._db.execute("PRAGMA integrity_check").fetchone() == ("ok",))


class _Connection:
    """As much of sqlite3's connection as the store uses."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db

    @property
    def in_transaction(self) -> bool:
        return self._db.in_transaction

    def execute(self, statement: str, values: Sequence[Any] = ()) -> _Cursor:
        return _Cursor(self._db.execute(statement, tuple(values)), self._db)

    def executemany(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        self._db.executemany(statement, [tuple(row) for row in rows])

    def close(self) -> None:
        self._db.close()


class _Cursor:
    """apsw's cursor with a rowcount."""

    def __init__(self, cursor: apsw.Cursor, db: apsw.Connection) -> None:
        self._cursor = cursor
        self.rowcount = db.changes()
        self.fetchone, self.fetchall = cursor.fetchone, cursor.fetchall

    def __iter__(self) -> Any:
        return iter(self._cursor)


class _FileSystem(apsw.VFS):
    def __init__(self, disk: Disk) -> None:
        super().__init__(disk.name, "unix")
        self._disk = disk

    def xOpen(self, name: Any, flags: list[int]) -> Any:  # noqa: N802 - as SQLite calls it
        path = name.filename() if isinstance(name, apsw.URIFilename) else str(name)
        flags[1] = flags[0]
        self._disk.files.setdefault(path, bytearray())
        return _File(self._disk, path)

    def xDelete(self, path: str, sync: bool) -> None:  # noqa: N802
        self._disk.files.pop(path, None)
        self._disk.trace.append(Op("delete", path))

    def xAccess(self, path: str, flags: int) -> bool:  # noqa: N802
        return path in self._disk.files

    def xFullPathname(self, name: str) -> str:  # noqa: N802
        return name


class _File:
    """One open file. Nobody else has it open, so there is nothing to lock."""

    def __init__(self, disk: Disk, name: str) -> None:
        self._disk = disk
        self._name = name

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802
        return bytes(self._disk.files[self._name][offset:offset + amount])

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        self._do(Op("write", self._name, offset, bytes(data)))

    def xTruncate(self, size: int) -> None:  # noqa: N802
        self._do(Op("truncate", self._name, size))

    def xSync(self, flags: int) -> None:  # noqa: N802
        self._disk.trace.append(Op("sync", self._name))

    def xFileSize(self) -> int:  # noqa: N802
        return len(self._disk.files[self._name])

    def xSectorSize(self) -> int:  # noqa: N802
        return SECTOR

    def xDeviceCharacteristics(self) -> int:  # noqa: N802
        return 0  # nothing is promised

    def xLock(self, level: int) -> None: ...  # noqa: N802
    def xUnlock(self, level: int) -> None: ...  # noqa: N802
    def xClose(self) -> None: ...  # noqa: N802

    def xCheckReservedLock(self) -> bool:  # noqa: N802
        return False

    def xFileControl(self, op: int, pointer: int) -> bool:  # noqa: N802
        return False

    def _do(self, op: Op) -> None:
        self._disk.trace.append(op)
        _apply(self._disk.files[self._name], op)


def _apply(data: bytearray, op: Op) -> None:
    if op.what == "truncate":
        del data[op.at:]
        return
    data.extend(bytes(max(0, op.at - len(data))))
    data[op.at:op.at + len(op.data)] = op.data


def _sectors(op: Op) -> list[Op]:
    """What the disk may do or leave for itself alone."""
    if op.what != "write":
        return [op]
    parts, at = [], op.at
    while at < op.at + len(op.data):
        end = min((at // SECTOR + 1) * SECTOR, op.at + len(op.data))
        parts.append(op._replace(at=at, data=op.data[at - op.at:end - op.at]))
        at = end
    return parts
