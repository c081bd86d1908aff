"""Answers as tables: CSV as it comes, Parquet by DuckDB. Neither is ever in memory as a whole."""

import csv
from collections.abc import Callable, Iterable, Sequence
from io import StringIO
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cloud_bridge.fields import DocumentError

Line = list[Any]
_AT_ONCE = 1_000  # lines of a file in memory
_TEXTS = ("time", "lo_by", "hi_by", "lo_by.last", "hi_by.last")


def cell(value: object) -> object:
    """Nothing is an empty cell. A text is one line, and none that a spreadsheet takes for a formula
    (CWE-1236)."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return value
    text = "".join(one if one.isprintable() else " " for one in value)
    return "'" + text if text.lstrip()[:1] in ("=", "+", "-", "@") else text


def chosen(names: Sequence[str], fields: Sequence[str]) -> list[str]:
    """The columns of these fields, or all; the time and what tells of the interval always."""
    if not fields:
        return list(names)
    always = ("time", "covered_s", "energies_s", "rows")
    return [name for name in names if name in always or name.partition(".")[0] in fields]


def csv_text(names: Sequence[str], lines: Iterable[Line] | None = None) -> str:
    """Lines of these columns, or the head where there are none to tell of. Only those of _TEXTS may
    hold texts."""
    buffer = StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    if lines is None:
        writer.writerow(map(cell, names))
    else:
        texts = [at for at, name in enumerate(names) if name in _TEXTS]
        for line in lines:
            for at in texts:
                line[at] = cell(line[at])
            writer.writerow(line)
    return buffer.getvalue()


def write(path: Path, names: Sequence[str], lines: Iterable[Line]) -> None:
    """A file of the kind that its name ends in. DocumentError; OSError."""
    writers: dict[str, Callable[[Path, Sequence[str], Iterable[Line]], None]] = {
        ".csv": _csv, ".parquet": _parquet}
    writer = writers.get(path.suffix)
    if writer is None:
        raise DocumentError(f"{path}: expected a name that ends in .csv or .parquet")
    writer(path, names, lines)


def _csv(path: Path, names: Sequence[str], lines: Iterable[Line]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(csv_text(names))
        rest = iter(lines)
        while some := [*islice(rest, _AT_ONCE)]:
            file.write(csv_text(names, some))


def _parquet(path: Path, names: Sequence[str], lines: Iterable[Line]) -> None:
    """Whole numbers stay whole: every column is a 64-bit integer, but the time and names."""
    try:
        import duckdb
    except ImportError:
        raise DocumentError(f"{path}: needs duckdb: pip install 'parkedge[parquet]'") from None
    kinds = {name: "VARCHAR" if name in _TEXTS else "BIGINT" for name in names}
    with TemporaryDirectory() as folder, duckdb.connect() as db:
        source = Path(folder, "rows.csv")
        _csv(source, names, lines)
        try:
            db.read_csv(str(source), header=True, columns=kinds).write_parquet(
                str(path), compression="zstd")
        except duckdb.IOException as error:
            raise DocumentError(f"{path}: {str(error).splitlines()[0]}") from None
