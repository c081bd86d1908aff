"""Any bytes as a message of a gateway: refused with a reason, or what encodes to the same again."""

from contextlib import suppress

from cloud_bridge.batches import (
    BadMessage,
    Message,
    decode_gap,
    decode_message,
    decode_told,
)
from edge.outbox import GAP

SEEDS = [Message(kind, 7, seq, body).encode() for kind, seq, body in (
    (1, 1, b"\x02\x01\x00"), (9, 1 << 31, bytes(300)), (99, 12, b""),
    (99, 12, b"\x93\x01\x0c\x00"), (GAP, 5, b"\x93\x01\x02\x04"))]
SEEDS += [b"\x93\x01\x02\x04", b"\x93\x01\xce\xff\xff\xff\xff\x01"]
_U32 = range(1, 1 << 32)


def one(data: bytes) -> None:
    """As a message, and as the body of those whose body is read at once."""
    _bodies(data)
    try:
        message = decode_message(data)
    except BadMessage as reason:
        assert str(reason).isprintable()
        return
    assert 0 < message.kind <= GAP
    assert message.epoch in _U32
    assert message.seq in _U32
    assert decode_message(message.encode()) == message
    assert len(message.body) < len(data)
    _bodies(message.body)


def _bodies(body: bytes) -> None:
    with suppress(BadMessage):
        gap = decode_gap(body)
        assert 0 < gap.first <= gap.last
        assert gap.last in _U32
    with suppress(BadMessage):
        told = decode_told(body)
        assert min(told) >= 0
        assert max(told) < 1 << 32
