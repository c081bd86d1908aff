"""Any bytes as a batch: refused with a reason, or rows that are coded in the only way there is; and
among others the same as alone."""

from cloud_bridge.batch_body import SCHEMAS, BadCode, entries_of, opened
from cloud_bridge.batch_bulk import decode_all
from edge.wire.batch import BatchEncoder

_SCHEMAS = (1, 2, 9, 128, 129)


def _coded(schema: int, rows: list[list[int]], cut: int = 0) -> bytes:
    """A body by our own encoder; a part ends behind `cut` rows."""
    encoder = BatchEncoder(SCHEMAS.get(schema, schema), 0xFFFF)
    for number, row in enumerate(rows):
        if number and number == cut:
            encoder.part()
        encoder.add(row)
    return bytes(encoder.buffer[:encoder.finish()])


def _rows(n: int, n_fields: int) -> list[list[int]]:
    return [[9657, 15 * at, *(place * at * at % 700 for place in range(2, n_fields))]
            for at in range(n)]


SEEDS = [_coded(2, _rows(4, 2)), _coded(9, _rows(12, 9), 5), _coded(1, [[-(1 << 31)], [1 << 30]]),
         *(_coded(schema, _rows(9, len(entries_of(schema))), 4) for schema in SCHEMAS)]


def one(data: bytes) -> None:
    """The bytes as they are, and as a part of a batch."""
    check(data)
    if data:
        code = data[2:]
        head = bytes((2, _SCHEMAS[data[0] % 5], len(code) % 16 + 1))
        check(head + len(code).to_bytes(2) + code)


def check(body: bytes) -> None:
    """One body."""
    told = decode_all([body])[0]
    if len(body) % 16 == 0:  # it takes fifty times as long as alone
        together = decode_all([body] * 16)
        assert [str(found) for found in together] == [str(told)] * 16
    if isinstance(told, BadCode):
        return
    encoder = BatchEncoder(SCHEMAS.get(body[1], body[1]), 0xFFFF)
    at = 0
    for part in opened(body)[1]:
        for row in told[at:at + part.rows]:
            assert encoder.add(row)
        encoder.part()
        at += part.rows
    assert encoder.buffer[:encoder.finish()] == body
