"""Any JSON as the prices that somebody pushes: refused in a line and nothing changed, or the prices
that were told, exactly."""

import json

from edge.price_push import push
from tests.core.tariffs import park

_site = park("de_rlm").site
_DAY = _site.now.local_day + 1
_LOW, _HIGH = _site.prices.days["push"]["prices"]
SEEDS = [json.dumps(what).encode() for what in (
    [1000] * 24, list(range(96)), [_LOW, _HIGH] * 12, "critical", None, [1000] * 23, [True] * 24,
    {"a": 1})]


def one(data: bytes) -> None:
    """As what somebody pushes for tomorrow."""
    site = _site
    try:
        what = json.loads(data)
    except (ValueError, RecursionError):
        return
    before = _told(site)
    reason = push(site, _DAY, what)
    if reason:
        assert _told(site) == before
        assert reason.isprintable() or isinstance(what, str)
        return
    assert _told(site) == [price for price in what for _ in range(96 // len(what))]
    assert all(_LOW <= price <= _HIGH for price in what)


def _told(site) -> list[int]:
    return [site.prices.price_e4(_DAY, slot) for slot in range(96)]
