"""Runs on MicroPython: rows through the batch encoder; what `hil bench --only wire` measures.

With `rows` or `fields` a byte is written to standard error twice before and once after each row or
field, between which an emulator counts instructions; with `heap` it prints what the encoder takes
of the heap beside its output and tables, and what coding took. Rows are read from a file, quanta
are given as digits.
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


def _encoder(quanta: bytes, n_fields: int = 9) -> BatchEncoder:
    if not quanta:
        return BatchEncoder(SCHEMA, _CAPACITY, n_fields)
    from edge.wire.quanta import QuantaEncoder  # loaded only then, as a gateway does

    return QuantaEncoder(SCHEMA, _CAPACITY, quanta, n_fields)


def _counted(rows: "list[Any]", encoder: BatchEncoder) -> None:
    mark = sys.stderr.buffer.write
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


def _heap(rows: "list[Any]", quanta: bytes) -> None:
    _encoder(quanta)  # so that its code is loaded
    gc.collect()
    before: int = gc.mem_alloc()  # type: ignore[attr-defined]  # only MicroPython tells
    encoder = _encoder(quanta)
    gc.collect()
    state = gc.mem_alloc() - before - len(encoder.buffer)  # type: ignore[attr-defined]
    before = gc.mem_alloc()  # type: ignore[attr-defined]
    for row in rows:
        if not encoder.add(row):
            encoder.finish()
            encoder.reset()
    print(state, gc.mem_alloc() - before)  # type: ignore[attr-defined]


def main(mode: str, path: str, digits: str) -> None:
    """One measurement."""
    gc.disable()
    quanta = bytes.fromhex(digits)
    if mode == "heap":
        _heap(_rows(path), quanta)
    else:
        _counted(_rows(path), _encoder(quanta, 1 if mode == "fields" else _N))


main(*sys.argv[1:])
