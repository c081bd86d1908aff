"""Gateways that were sent away together come back apart."""

import collections

from edge.backoff import Backoff
from edge.mqtt_client import Options


def test_ten_thousand_gateways_do_not_come_back_at_once():
    """A broker goes away for a moment, and then for longer. In no tenth of a second do more than
    three times the mean of their time come, and they need seconds for it."""
    names = [b"park-%d-gw%02d" % (number // 20, number % 20) for number in range(10_000)]
    gateways = [Backoff(name, Options(name)) for name in names]
    for lasted, least_ms, most_ms in ((True, 500, 8_000), (False, 1_000, 2_000),
                                      (False, 2_000, 4_000), (False, 4_000, 8_000)):
        pauses = [backoff.failed(lasted) for backoff in gateways]
        assert least_ms <= min(pauses) < least_ms + 50
        assert most_ms - 50 < max(pauses) <= most_ms
        tenths = collections.Counter(pause // 100 for pause in pauses)
        assert max(tenths.values()) < 3 * 10_000 * 100 // (most_ms - least_ms)
