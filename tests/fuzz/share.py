"""Any bytes as what another gateway behind a shared limit says: whole or not at all, and whatever
it says this one is never allowed more than the limit, nor lends more than it owns."""

import msgpack

from tests.core.share_trace import KEYS
from tests.core.test_share_link import link

SEEDS = [msgpack.packb([1, 77, at, number, 100_000, 20_000, echo, 50_000, echo, 50_000, echo, 9])
         for at, number, echo in ((1, 5, 501), (2, 1 << 29, -1), (0, 1, 7))]
_made, _part = link()
_now_ms = 1000


def one(data: bytes) -> None:
    """A message, then half a second, in which a turn may come."""
    global _now_ms
    share, strange = _made.share, _made.strange
    before = list(share.heard), list(share.spares_w), list(share.wants_w), list(share._loans_w)
    _made.receive(bytearray(b"xx" + data), 2, 2 + len(data), _now_ms)
    after = list(share.heard), list(share.spares_w), list(share.wants_w), list(share._loans_w)
    if _made.strange > strange or msgpack.unpackb(data)[2] == KEYS.get("at", 0):
        assert after == before
    _now_ms = (_now_ms + 500) & (1 << 30) - 1
    assert share.allowance_w(_now_ms) <= KEYS["limit_w"]
    _made.step(_now_ms)
    assert 0 <= share.given_w <= KEYS["safe_w"]
    assert sum(share.said_w) <= KEYS["safe_w"]
    assert len(_made.message()) <= 3 + 5 * 12
