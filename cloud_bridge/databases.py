"""The store of a name: a file of SQLite, or a PostgreSQL by its address."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self

import click

from cloud_bridge.intake import Place, Receipt, Stream
from cloud_bridge.store import Row, Store

if TYPE_CHECKING:
    from types import TracebackType

_SCHEMES = ("postgresql://", "postgres://")


class Database(Protocol):
    """What both can do; sqlite3.OperationalError or TroubleError: try again later."""

    def __enter__(self) -> Self: ...
    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None: ...
    def commit(self, arrivals: Iterable[tuple[str, bytes]], received_utc: int) -> Receipt: ...
    def put_aside(self, refused: Iterable[tuple[str, bytes, str]], received_utc: int) -> None: ...
    def rows(self, park: str, gateway: str, start_utc: int, end_utc: int) -> Iterator[Row]: ...
    def bodies(self, park: str, gateway: str, kinds: Iterable[int]
               ) -> Iterator[tuple[int, bytes]]: ...
    def drop(self, before_utc: int) -> int: ...
    def copied(self, name: str) -> dict[Stream, Place]: ...
    def between(self, stream: Stream, after: int, last: int, most: int
                ) -> list[tuple[int, int, bytes]]: ...
    def copy_done(self, name: str, stream: Stream, turn: int, seq: int) -> None: ...


def opener(where: str, create: bool = True) -> Callable[[], Database]:
    """How to open it, again and again. ValueError when the name can't be one."""
    if where.startswith(_SCHEMES):
        from cloud_bridge.postgres import PostgresStore

        return lambda: PostgresStore(where)
    if "://" in where:
        raise ValueError("is neither the path of a file nor postgresql://...")
    path = Path(where)
    if not path.absolute().parent.is_dir():
        raise ValueError(f"there is no folder {path.absolute().parent}")
    if path.is_dir():
        raise ValueError(f"{path} is a folder")
    return lambda: Store(path, create)


class _Store(click.ParamType[Callable[[], Database]]):
    name = "FILE|postgresql://..."

    def __init__(self, create: bool) -> None:
        self._create = create

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None
                ) -> Callable[[], Database]:
        if callable(value):
            return value
        try:
            return opener(str(value), self._create)
        except (ValueError, ImportError) as error:
            hint = ": pip install 'parkedge[scale]'" if isinstance(error, ImportError) else ""
            self.fail(f"{error}{hint}", param, ctx)


STORE = _Store(create=True)
KEPT = _Store(create=False)  # a file must be there
