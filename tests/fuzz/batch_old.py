"""Any bytes as a batch of version 1, which lies in old stores: refused with a reason, or rows that
are coded in the only way there is."""

import msgpack

from cloud_bridge.batches import BadMessage, decode_batch
from tests.sync.test_batch_old import EXAMPLE, encoded

SEEDS = [EXAMPLE, encoded([[1, 2, 3], [1, 2, 300], [-(1 << 31), 2, (1 << 31) - 1]]),
         encoded([[0] * 127, list(range(127))])]


def one(data: bytes) -> None:
    """As a body, and as the rows of one."""
    _check(data)
    if data:
        _check(msgpack.packb([1, data[0] % 20 + 1, data[0] // 20 + 1, data[1:]]))


def _check(body: bytes) -> None:
    if body[:1] in {b"\x02", b"\x03"}:
        return  # tests/fuzz/batch.py
    try:
        batch = decode_batch(body)
    except BadMessage as reason:
        assert str(reason).isprintable()
        return
    assert {len(row) for row in batch.rows} == {batch.n_fields}
    assert len(batch.rows) <= len(body)
    again = encoded(batch.rows)
    assert decode_batch(again) == batch
    assert msgpack.unpackb(again) == msgpack.unpackb(body)
