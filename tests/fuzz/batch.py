"""Any bytes as a batch: refused with a reason, or rows that are coded in the only way there is; and
among others the same as alone.

    python -m tests.fuzz.batch -runs=1000000

with atheris (pip install atheris); tests/sync/test_batch.py runs a slice of it.
"""

import sys

from cloud_bridge.batch_body import SCHEMAS, BadCode, opened
from cloud_bridge.batch_bulk import decode_all
from edge.wire.batch import BatchEncoder

_SCHEMAS = (1, 2, 9, 128, 129)


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
    together = decode_all([body] * 16)
    if isinstance(told, BadCode):
        assert [str(found) for found in together] == [str(told)] * 16
        return
    assert together == [told] * 16
    encoder = BatchEncoder(SCHEMAS.get(body[1], body[1]), 0xFFFF)
    at = 0
    for part in opened(body)[1]:
        for row in told[at:at + part.rows]:
            assert encoder.add(row)
        encoder.part()
        at += part.rows
    assert encoder.buffer[:encoder.finish()] == body


if __name__ == "__main__":
    import atheris

    atheris.instrument_all()
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
