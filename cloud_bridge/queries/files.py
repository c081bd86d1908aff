"""Answers as tables: CSV as it comes, Parquet by DuckDB. Neither is ever in memory as a whole."""

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cloud_bridge.fields import DocumentError

Told = dict[str, Any]
_TEXTS = ("time", "lo_by", "hi_by", "lo_by.last", "hi_by.last")


def cell(value: object) -> object:
    """What a spreadsheet would take for a formula becomes a text to it; nothing is a cell too."""
    if value is None:
        return ""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r", "\n"):
        return "'" + value
    return value


def chosen(names: Sequence[str], fields: Sequence[str]) -> list[str]:
    """The columns of these fields, or all; the time and what tells of the interval always."""
    if not fields:
        return list(names)
    always = ("time", "covered_s", "rows")
    return [name for name in names if name in always or name.partition(".")[0] in fields]


def csv_lines(names: Sequence[str], rows: Iterable[Told]) -> Iterator[str]:
    """The head, then a line for each row."""
    buffer = StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(map(cell, names))
    for row in rows:
        writer.writerow([cell(row.get(name)) for name in names])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()


def write(path: Path, names: Sequence[str], rows: Iterable[Told]) -> None:
    """A file of the kind that its name ends in. DocumentError; OSError."""
    writers: dict[str, Callable[[Path, Sequence[str], Iterable[Told]], None]] = {
        ".csv": _csv, ".parquet": _parquet}
    writer = writers.get(path.suffix)
    if writer is None:
        raise DocumentError(f"{path}: expected a name that ends in .csv or .parquet")
    writer(path, names, rows)


def _csv(path: Path, names: Sequence[str], rows: Iterable[Told]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        file.writelines(csv_lines(names, rows))


def _parquet(path: Path, names: Sequence[str], rows: Iterable[Told]) -> None:
    """Whole numbers stay whole: every column is a 64-bit integer, but the time and names."""
    try:
        import duckdb
    except ImportError:
        raise DocumentError(f"{path}: needs duckdb: pip install 'parkedge[parquet]'") from None
    kinds = {name: "VARCHAR" if name in _TEXTS else "BIGINT" for name in names}
    with TemporaryDirectory() as folder, duckdb.connect() as db:
        source = Path(folder, "rows.csv")
        _csv(source, names, rows)
        try:
            db.read_csv(str(source), header=True, columns=kinds).write_parquet(
                str(path), compression="zstd")
        except duckdb.IOException as error:
            raise DocumentError(f"{path}: {str(error).splitlines()[0]}") from None
