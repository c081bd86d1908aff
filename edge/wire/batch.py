"""A batch of rows in a message body, version 2: each value is predicted, and only the surprise is
coded, in as many bits as such a surprise deserves (a range coder; whole bits where there are many).

    body   = version (2), schema (1 byte), part, part, ...
    part   = rows (1 byte), length (2 bytes, high one first), code
    schema = 1-127: so many fields that nobody knows; from 128: a table of edge/wire/schema_*.py

Version 3 (edge/wire/quanta.py) names the fields that move in steps before the parts.

What was learned goes on from part to part; every part's code can be read without the next one, so
a body may end after any of them. At most 255 rows make a batch.

A schema is a byte that names it and nine for each field, in the order in which they are coded:
field, kind (edge/wire/row_encoder.py), a, b (fields coded before), of_a, of_b (see `weight`),
first (a first value is uncertain by 2^first, 2 to 26), start (it is expected there, in units of
2^first) and level (of the mean surprise at first: sixteenths of an octave above 1/16, 1 to 255).
"""

from edge.compat import TYPE_CHECKING, const
from edge.wire.row_encoder import RowEncoder

if TYPE_CHECKING:
    from array import array
    from typing import Any

_VERSION = const(2)
_ENTRY = const(9)
_HEAD = const(2)  # bytes of a body
_ROWS_MAX = const(255)
_PART_HEAD = const(3)  # and of a part
_NOTED = const(1)  # kinds of edge/wire/row_encoder.py
_RATIO = const(8)
_BOTTOM = const(1 << 20)  # of the range encoder
_FIELD_BITS = const(56)  # at most: 7 to wake, 12 of a rare size, 5 of its length, 32 of the value


def weight(byte: int) -> int:
    """A weight of a schema in 256ths; a ratio begins at eight times that, in 4096ths."""
    return (byte - 128) * 4


def plain(n_fields: int) -> bytes:
    """The schema of fields that nobody knows."""
    if not 0 < n_fields < 128:
        raise ValueError("a batch has 1 to 127 fields")
    schema = bytearray((n_fields,))
    for field in range(n_fields):
        schema.extend(bytes((field, 0, 0, 0, 128, 128, 10, 0, 32)))
    return bytes(schema)


def _states(schema: bytes) -> "list[Any]":
    """What is known of each field before the first row, in the order of coding."""
    states: list[Any] = []
    of_field: dict[int, Any] = {}
    for at in range(1, len(schema), _ENTRY):
        more = None
        if schema[at + 1] > _NOTED:
            more = [of_field.get(schema[at + 2]), of_field.get(schema[at + 3]), 0, 0]
        states.append([schema[at + 1], schema[at], 0, 0, 0, more])
        of_field[schema[at]] = states[-1]
    return states


class BatchEncoder(RowEncoder):
    """Codes rows of 32-bit integers by a schema, or so many fields, into at most `capacity_bytes`.

    The finished body is the beginning of `buffer`. Coding allocates nothing as long as the values
    and their changes fit 31 bits; values of 32 bits are coded just as well. A batch is `closed`
    when another row might not fit, or by `finish`. `code` does `at_once` fields a call.
    """

    def __init__(self, schema: "bytes | int", capacity_bytes: int, at_once: int = 9):
        self._schema = schema = plain(schema) if isinstance(schema, int) else schema
        n_fields = len(schema) // _ENTRY
        longest_row = (n_fields * _FIELD_BITS >> 3) + _PART_HEAD + 6
        if not _HEAD + longest_row <= capacity_bytes <= 0xFFFF:
            raise ValueError("a batch has room for a row, and at most 65535 B")
        self.buffer = bytearray(capacity_bytes)
        self._last_start = capacity_bytes - longest_row
        states = _states(schema)
        self._groups = [states[at:at + at_once] for at in range(0, n_fields, at_once)]
        self._n_groups = len(self._groups)
        self.reset()

    def reset(self) -> None:
        """Begin a new batch, in the same buffer."""
        schema = self._schema
        self.buffer[0] = _VERSION
        self.buffer[1] = schema[0]
        at = 1
        for group in self._groups:
            for state in group:
                more = state[5]
                state[2] = schema[at + 7] << schema[at + 6]
                state[3] = schema[at + 8]
                state[4] = schema[at + 6]
                if more:
                    more[2] = weight(schema[at + 4])
                    more[3] = weight(schema[at + 5])
                    if state[0] == _RATIO:
                        more[1] = 0
                        more[3] <<= 3
                at += _ENTRY
        self.rows = 0
        self.closed = False
        self._coded = 0  # groups of the row that is begun
        self._begin(_HEAD)

    def add(self, row: "array[int]") -> bool:
        """Code one more row; False when the batch is closed: `finish` it."""
        if self.closed:
            return False
        while not self.code(row):
            pass
        return True

    def code(self, row: "array[int]") -> bool:
        """Code the next fields of a row, of a batch that is not closed; True when that was all of
        it. The row must stay as it is until then."""
        coded, rows = self._coded, self.rows
        group = self._groups[coded]
        if rows:
            self._next(group, row)
        else:
            self._first(group, row)
        coded += 1
        if coded < self._n_groups:
            self._coded = coded
            return False
        self._coded = 0
        if self._span < _BOTTOM:
            self._bits(0, 0)  # room for as many quiet fields again
        rows += 1
        self.rows = rows
        self._part_rows += 1
        self.closed = self._at > self._last_start or rows == _ROWS_MAX
        return True

    def finish(self) -> int:
        """Close the batch; the length of the body that now begins `buffer`, 0 without a row."""
        self.closed = True
        return self.part() if self.rows else 0
