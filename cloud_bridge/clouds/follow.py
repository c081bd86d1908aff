"""The new rows of a park, in the order of each gateway's numbers, from a connection of its own that
only reads the store; how far it has come is kept in a file beside it.

Only what is before the first hole of a stream is told, so nothing is ever told twice or left out,
whatever order it came in. A file that is not there yet begins with each stream's newest batch.
"""

import json
import os
import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import quote

import msgpack

from cloud_bridge.batches import BIRTH, TELEMETRY, BadMessage, decode_batch
from cloud_bridge.clouds import Told
from cloud_bridge.clouds.figures import told

_STREAM = " WHERE park = ? AND gateway = ? AND epoch = ?"


class News(NamedTuple):
    """What one batch says of a gateway."""

    gateway: str
    rows: list[Told]


class Follower:
    """A context manager. sqlite3.Error passes: the store is locked, gone, or none of ours;
    ValueError, with one line, when the file of the cursor is none."""

    def __init__(self, store: Path, cursor: Path, park: str) -> None:
        self.counts: Counter[str] = Counter()
        self._park = park
        self._path = cursor
        self._db = sqlite3.connect(f"file:{quote(str(store))}?mode=ro", uri=True, timeout=5,
                                   isolation_level=None)
        self._at: dict[str, int] = {}  # "gateway epoch": seq
        self.sessions = 0  # connections a target has counted, modulo what it likes
        try:
            self._load()
        except (sqlite3.Error, ValueError):
            self._db.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._db.close()

    def news(self, most: int = 16) -> Iterator[News]:
        """Up to `most` new batches of each stream; `keep` makes it known that they were told."""
        for gateway, epoch, last in self._streams():
            key = f"{gateway} {epoch}"
            found = self._db.execute(
                "SELECT seq, body FROM messages" + _STREAM + " AND seq > ? AND seq <= ?"
                " AND kind = ? ORDER BY seq LIMIT ?",
                (self._park, gateway, epoch, self._at.get(key, 0), last, TELEMETRY, most)
            ).fetchall()
            for seq, body in found:
                rows = self._rows(gateway, epoch, seq, body)
                if rows:
                    yield News(gateway, rows)
                self._at[key] = seq
            if len(found) < most:
                self._at[key] = last

    def keep(self) -> None:
        """Remember durably how far `news` has come, and `sessions`."""
        fresh = self._path.with_name(self._path.name + ".new")
        with fresh.open("w", encoding="ascii") as file:
            json.dump({"park": self._park, "sessions": self.sessions, "at": self._at}, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)

    def _streams(self) -> list[tuple[str, int, int]]:
        return self._db.execute("SELECT gateway, epoch, seq FROM cursors WHERE park = ?"
                                " ORDER BY gateway, epoch", (self._park,)).fetchall()

    def _rows(self, gateway: str, epoch: int, seq: int, body: bytes) -> list[Told]:
        birth = self._db.execute(
            "SELECT body FROM messages" + _STREAM + " AND seq < ? AND kind = ?"
            " ORDER BY seq DESC LIMIT 1", (self._park, gateway, epoch, seq, BIRTH)).fetchone()
        try:
            fields = msgpack.unpackb(birth[0])["fields"] if birth else ()
            rows = [told(fields, values) for values in decode_batch(body).rows]
        except (BadMessage, ValueError, TypeError, KeyError):
            self.counts["unreadable"] += 1
            return []
        known = [row for row in rows if row is not None]
        self.counts["untold"] += len(rows) - len(known)
        return known

    def _load(self) -> None:
        if self._path.exists():
            self._read(self._path.read_text(encoding="utf-8", errors="replace"))
            return
        for gateway, epoch, last in self._streams():
            (newest,) = self._db.execute(
                "SELECT max(seq) FROM messages" + _STREAM + " AND seq <= ? AND kind = ?",
                (self._park, gateway, epoch, last, TELEMETRY)).fetchone()
            self._at[f"{gateway} {epoch}"] = newest - 1 if newest else last

    def _read(self, text: str) -> None:
        try:
            found: Any = json.loads(text)
            fits = found["park"] == self._park and isinstance(found["sessions"], int) and all(
                isinstance(seq, int) for seq in found["at"].values())
        except (ValueError, TypeError, KeyError, AttributeError):
            fits = False
        if not fits:
            raise ValueError(f"{self._path}: not the cursor of park {self._park}")
        self._at, self.sessions = found["at"], found["sessions"]
