"""Any bytes as the terms of a ledger: refused in one line, or the one form of what they say."""

import json

from cloud_bridge.documents import canonical
from cloud_bridge.evidence import terms
from cloud_bridge.fields import DocumentError

_LIMITS = ((1 << 32, 200_000), None, (1 << 32, 90_000), None, (1 << 24, 1), (1 << 32, 90_000), None)
SEEDS = [terms.make([(832_500, 832_500, 832_500, 0, 0)], ["cn_910_fossil"], [bytes(range(8))],
                    _LIMITS, [("press", (1 << 32, 50_000)), ("mühle", (999, 50_000))]),
         terms.make([(1, 2, 3, 4, 5)] * 4, list("abcd"), [bytes(8)] * 4, [None] * 7, [])]


def one(data: bytes) -> None:
    """As they are."""
    try:
        found = terms.parse(data)
    except DocumentError as reason:
        assert str(reason).isprintable()
        return
    assert terms.make(found.factors, found.names, found.sets, found.meters, found.tenants) == data
    assert 1 <= len(found.factors) <= terms.MOST_VIEWS
    assert len(found.tenants) <= terms.MOST_TENANTS
    assert canonical(json.loads(data)) == data
