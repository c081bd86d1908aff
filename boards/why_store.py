"""Rows out of the bridge's store, for `why`: what the cloud got of a gateway's journal.

A store lies on the cloud's side of the house, which this side must not be built on: it is loaded
when somebody asks for one, and only where it is installed.
"""

import sqlite3
import time
from collections import deque
from collections.abc import Mapping
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import Any

from boards.journal_file import Header, JournalError
from boards.local_time import Moment, parse, seconds
from boards.parts import STORE, PartError

_UNIX_2000_S = 946_684_800
_MAGIC = b"SQLite format 3\0"
_SPANS_S = (3600, 86_400, 31 * 86_400, 3660 * 86_400)  # how far back to look, in turns
_UTC = ((0, 0, 0),)


def is_store(path: Path) -> bool:
    """Whether a file is a database."""
    if path.is_dir():
        return False
    with path.open("rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC


def find(path: Path, at: str | None, gateway: str | None) -> tuple[Moment, dict[str, int], Header]:
    """The last row of a gateway not after a time (UTC), and what is needed to read it.

    Raises JournalError, TimeError.
    """
    try:
        store_module = STORE.load()
        unpack = import_module("msgpack").unpackb
    except PartError as error:
        raise JournalError(f"{path}: {error}") from None
    try:
        births = _births(path, unpack)
        name = _choose(path, births, gateway)
        with store_module.Store(path, create=False) as store:
            newest = _last_row(store, name, int(time.time()))
            last = divmod(newest.utc - _UNIX_2000_S, 86_400)
            asked = parse(at, last, _UTC) if at else last
            row = _last_row(store, name, seconds(asked) + _UNIX_2000_S)
    except (sqlite3.Error, store_module.StoreError) as error:
        raise JournalError(f"{path}: {error}") from None
    birth = births[name]
    header = Header(row.fields, tuple(birth.get("rules", ())), str(birth.get("site", "")),
                    int(birth.get("beat_s", 1)), name)
    return asked, dict(zip(row.fields, row.values, strict=True)), header


def _births(path: Path, unpack: Any) -> dict[str, Mapping[str, Any]]:
    """The newest birth of each gateway: the names of its fields and rules."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        found = db.execute("SELECT park, gateway, body FROM messages WHERE kind = 2 "
                           "ORDER BY received_utc, epoch, seq").fetchall()
    return {f"{park}/{gateway}": unpack(body) for park, gateway, body in found}


def _choose(path: Path, births: Mapping[str, Any], gateway: str | None) -> str:
    if gateway in births:
        return str(gateway)
    if gateway is None and len(births) == 1:
        return next(iter(births))
    raise JournalError(f"{path}: name one with --gateway: {' '.join(births) or 'none is there'}")


def _last_row(store: Any, name: str, utc: int) -> Any:
    """The newest row at or before a time."""
    park, gateway = name.split("/")
    for span_s in _SPANS_S:
        newest = deque(store.rows(park, gateway, utc - span_s, utc + 1), 1)
        if newest:
            return newest[0]
    raise JournalError(f"{store.path}: no row of {name} before that time")
