"""Runs on MicroPython: rows through the batch encoder; what `hil bench --only wire` measures.

With `rows` or `fields` a byte is written to standard error twice before and once after each row or
field, between which an emulator counts instructions; with `heap` it prints what the encoder takes
of the heap beside its output and tables, and what coding took. Rows are read from a file.
"""

import gc
import sys
from array import array

from edge.compat import heap_lock, heap_unlock
from edge.wire.batch import BatchEncoder
from edge.wire.schema_meters import SCHEMA

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_N = len(SCHEMA) // 9
_CAPACITY = 2020


def _rows(path: str) -> "list[Any]":
    rows = []
    with open(path, "rb") as file:
        while data := file.read(4 * _N):
            rows.append(array("i", data))
    return rows


def _counted(rows: "list[Any]", n_fields: int) -> None:
    mark = sys.stderr.buffer.write
    encoder = BatchEncoder(SCHEMA, _CAPACITY, n_fields)
    for row in rows:
        if encoder.closed:
            encoder.reset()
        done = False
        while not done:
            mark(b".")
            mark(b".")  # what a mark costs
            heap_lock()
            done = encoder.code(row)
            heap_unlock()
            mark(b".")


def _heap(rows: "list[Any]") -> None:
    gc.collect()
    before: int = gc.mem_alloc()  # type: ignore[attr-defined]  # only MicroPython tells
    encoder = BatchEncoder(SCHEMA, _CAPACITY)
    gc.collect()
    state = gc.mem_alloc() - before - len(encoder.buffer)  # type: ignore[attr-defined]
    before = gc.mem_alloc()  # type: ignore[attr-defined]
    for row in rows:
        if not encoder.add(row):
            encoder.finish()
            encoder.reset()
    print(state, gc.mem_alloc() - before)  # type: ignore[attr-defined]


def main(mode: str, path: str) -> None:
    """One measurement."""
    gc.disable()
    if mode == "heap":
        _heap(_rows(path))
    else:
        _counted(_rows(path), 1 if mode == "fields" else _N)


main(sys.argv[1], sys.argv[2])
