"""Any bytes as a batch: refused with a reason, or rows that are coded in the only way there is; and
among others the same as alone."""

from cloud_bridge.batch_body import SCHEMAS, BadCode, entries_of, head, opened
from cloud_bridge.batch_bulk import decode_all
from edge.wire.batch import BatchEncoder
from edge.wire.quanta import QuantaEncoder

_HEADS = (*(bytes((2, schema)) for schema in (1, 2, 9, 128, 129)),
          b"\x03\x01\x01\x00\x21", b"\x03\x09\x02\x03\x05\x08\x4f",
          b"\x03\x80\x03\x04\x21\x0a\x11\x1c\x12", b"\x03\x81\x04\x02\x21\x03\x21\x0d\x12\x0f\x0f")


def encoder_of(begun: bytes) -> BatchEncoder:
    """One that writes bodies with that head."""
    schema = SCHEMAS.get(begun[1], begun[1])
    return (BatchEncoder(schema, 0xFFFF) if begun[0] == 2 else
            QuantaEncoder(schema, 0xFFFF, begun[3:]))


def _coded(begun: bytes, rows: list[list[int]], cut: int = 0) -> bytes:
    """A body by our own encoder; a part ends behind `cut` rows."""
    encoder = encoder_of(begun)
    for number, row in enumerate(rows):
        if number and number == cut:
            encoder.part()
        encoder.add(row)
    return bytes(encoder.buffer[:encoder.finish()])


def _rows(n: int, n_fields: int) -> list[list[int]]:
    return [[9657, 15 * at, *(place * at * at % 700 for place in range(2, n_fields))][:n_fields]
            for at in range(n)]


SEEDS = [*(_coded(begun, _rows(9 + at, len(entries_of(begun))), at)
           for at, begun in enumerate(_HEADS)),
         _coded(_HEADS[0], [[-(1 << 31)], [1 << 30]]), _coded(_HEADS[5], [[-(1 << 31)], [1 << 30]])]


def one(data: bytes) -> None:
    """The bytes as they are, and as a part of a batch."""
    check(data)
    if data:
        code = data[2:]
        begun = _HEADS[data[0] % len(_HEADS)]
        check(begun + bytes((len(code) % 16 + 1,)) + len(code).to_bytes(2) + code)


def check(body: bytes) -> None:
    """One body."""
    told = decode_all([body])[0]
    if sum(body) % 256 == 0:  # it takes fifty times as long as alone
        together = decode_all([body] * 16)
        assert [str(found) for found in together] == [str(told)] * 16
    if isinstance(told, BadCode):
        return
    encoder = encoder_of(head(body))
    at = 0
    for part in opened(body)[1]:
        for row in told[at:at + part.rows]:
            assert encoder.add(row)
        encoder.part()
        at += part.rows
    assert encoder.buffer[:encoder.finish()] == body
