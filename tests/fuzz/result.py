"""Any bytes as the body of a frame of kind RESULT: refused, or a result of bounded size, which is
believed only when a key of the gateway's stands behind it."""

import msgpack

from cloud_bridge.batches import BadMessage
from cloud_bridge.command_codec import decode_result
from edge.tags import result_tag
from tests.attacks.commanded import BY_NUMBER

_RESULTS = ([1, 0, "", 1, 7, 6, 900, 0, 0], [1, 1, "clock", 2, 9, 1, 0, 12345, 3])


def _signed(body: bytes, key: int = 1) -> bytes:
    return body + result_tag(BY_NUMBER[key], body)


SEEDS = [_signed(msgpack.packb(result), result[3]) for result in _RESULTS]


def one(data: bytes) -> None:
    """As it is, and with the tag it asks for."""
    for body, is_ours in ((data, False), (_signed(data), True)):
        try:
            result = decode_result(body, BY_NUMBER)
        except BadMessage as reason:
            assert str(reason)
            continue
        assert len(body) <= 64
        assert len(result.reason) <= 48
        if is_ours:
            assert result.is_true == (result.key_id == 1)
        if result.is_true:
            assert _signed(body[:-16], result.key_id) == body
