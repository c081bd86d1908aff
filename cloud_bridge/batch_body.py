"""What a batch of version 2 is made of, and by which schema its rows are coded."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from edge.wire import schema_journal, schema_meters
from edge.wire.batch import (
    _ENTRY as ENTRY,
)
from edge.wire.batch import (
    _HEAD as HEAD,
)
from edge.wire.batch import (
    _ROWS_MAX as ROWS_MAX,
)
from edge.wire.batch import (
    _VERSION as VERSION,
)
from edge.wire.batch import (
    plain,
)
from edge.wire.range_encoder import _PART_HEAD as PART_HEAD

SCHEMAS = {schema[0]: schema for schema in (schema_journal.SCHEMA, schema_meters.SCHEMA)}


class BadCode(ValueError):  # noqa: N818 - it reads better in every sentence it is in
    """No gateway codes rows so; the text says why."""


class Part(NamedTuple):
    """So many rows in these bytes."""

    rows: int
    code: bytes


class Entry(NamedTuple):
    """What a schema says of a field."""

    field: int
    kind: int
    a: int
    b: int
    of_a: int
    of_b: int
    first: int
    start: int
    level: int


def opened(body: bytes) -> tuple[tuple[Entry, ...], list[Part]]:
    """The schema and the parts of a body; BadCode when it has none."""
    if len(body) < HEAD or body[0] != VERSION:
        raise BadCode(f"version {body[0] if body else 'missing'}, not {VERSION}")
    parts = list(_parts(body))
    rows = sum(part.rows for part in parts)
    if not 0 < rows <= ROWS_MAX:
        raise BadCode(f"{rows} rows, not 1 to {ROWS_MAX}")
    return entries_of(body[1]), parts


@cache
def entries_of(number: int) -> tuple[Entry, ...]:
    """The schema of that number; BadCode when there is none."""
    if 0 < number < 128:
        schema = plain(number)
    elif number in SCHEMAS:
        schema = SCHEMAS[number]
    else:
        raise BadCode(f"schema {number} is unknown here")
    return tuple(Entry(*schema[at:at + ENTRY]) for at in range(1, len(schema), ENTRY))


def _parts(body: bytes) -> Iterator[Part]:
    at = HEAD
    while at < len(body):
        end = at + PART_HEAD + int.from_bytes(body[at + 1:at + PART_HEAD])
        if end > len(body) or end <= at + PART_HEAD or body[at] == 0:
            raise BadCode(f"part at byte {at} of {len(body)} has no rows or no end")
        yield Part(body[at], body[at + PART_HEAD:end])
        at = end
