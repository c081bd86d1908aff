"""What a batch of version 2 or 3 is made of, and by which schema its rows are coded."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from edge.wire import batch, quanta, schema_journal, schema_meters
from edge.wire.range_encoder import _PART_HEAD as PART_HEAD

ENTRY, ROWS_MAX = batch._ENTRY, batch._ROWS_MAX
VERSIONS = (batch._VERSION, quanta._VERSION)
SCHEMAS = {schema[0]: schema for schema in (schema_journal.SCHEMA, schema_meters.SCHEMA)}


class BadCode(ValueError):  # noqa: N818 - it reads better in every sentence it is in
    """No gateway codes rows so; the text says why."""


class Part(NamedTuple):
    """So many rows in these bytes."""

    rows: int
    code: bytes


class Entry(NamedTuple):
    """What a schema says of a field, and its quantum."""

    field: int
    kind: int
    a: int
    b: int
    of_a: int
    of_b: int
    first: int
    start: int
    level: int
    quantum: int


def opened(body: bytes) -> tuple[tuple[Entry, ...], list[Part]]:
    """The schema and the parts of a body; BadCode when it has none."""
    if len(body) < batch._HEAD or body[0] not in VERSIONS:
        raise BadCode(f"version {body[0] if body else 'missing'}, not 2 or 3")
    begun = head(body)
    parts = list(_parts(body, len(begun)))
    rows = sum(part.rows for part in parts)
    if not 0 < rows <= ROWS_MAX:
        raise BadCode(f"{rows} rows, not 1 to {ROWS_MAX}")
    return entries_of(begun), parts


def head(body: bytes) -> bytes:
    """What comes before the parts. Bodies with the same head are coded alike."""
    if body[:1] == bytes((quanta._VERSION,)):
        return body[:quanta._HEAD + 2 * body[2] if len(body) > 2 else None]
    return body[:batch._HEAD]


@lru_cache(256)
def entries_of(begun: bytes) -> tuple[Entry, ...]:
    """The schema that a head names, in the order of coding; BadCode when there is none."""
    number = begun[1]
    if 0 < number < 128:
        schema = batch.plain(number)
    elif number in SCHEMAS:
        schema = SCHEMAS[number]
    else:
        raise BadCode(f"schema {number} is unknown here")
    steps = dict(_steps(begun, len(schema) // ENTRY))
    return tuple(Entry(*(*schema[at:at + ENTRY], steps.get(schema[at], 1)))
                 for at in range(1, len(schema), ENTRY))


def _steps(begun: bytes, n_fields: int) -> Iterator[tuple[int, int]]:
    """Each field that has a quantum, and it."""
    if begun[0] == batch._VERSION:
        return
    pairs = begun[quanta._HEAD:]
    if not pairs or len(pairs) != 2 * begun[2]:
        raise BadCode("no quanta, or fewer than it says")
    last = -1
    for field, byte in zip(pairs[::2], pairs[1::2], strict=True):
        step = quanta.quantum(byte)
        if not last < field < n_fields or step == 0:
            raise BadCode(f"quantum {byte} of field {field} after field {last}")
        yield field, step
        last = field


def _parts(body: bytes, at: int) -> Iterator[Part]:
    while at < len(body):
        end = at + PART_HEAD + int.from_bytes(body[at + 1:at + PART_HEAD])
        if end > len(body) or end <= at + PART_HEAD or body[at] == 0:
            raise BadCode(f"part at byte {at} of {len(body)} has no rows or no end")
        yield Part(body[at], body[at + PART_HEAD:end])
        at = end
