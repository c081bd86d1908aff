"""Gateways that were sent away together come back apart."""

import collections

import pytest

from edge.backoff import Backoff
from edge.mqtt_client import Options
from tests.sync.test_mqtt_sync import Bench


def gateways():
    names = [b"park-%d-gw%02d" % (number // 20, number % 20) for number in range(10_000)]
    return [Backoff(name, Options(name)) for name in names]


def test_ten_thousand_gateways_do_not_come_back_at_once():
    """A broker goes away for a moment, and then for longer. In no tenth of a second do more than
    three times the mean of their time come, and they need seconds for it."""
    parted = gateways()
    for lasted, least_ms, most_ms in ((True, 500, 8_000), (False, 1_000, 2_000),
                                      (False, 2_000, 4_000), (False, 4_000, 8_000)):
        pauses = [backoff.failed(lasted) for backoff in parted]
        assert least_ms <= min(pauses) < least_ms + 50
        assert most_ms - 50 < max(pauses) <= most_ms
        tenths = collections.Counter(pause // 100 for pause in pauses)
        assert max(tenths.values()) < 3 * 10_000 * 100 // (most_ms - least_ms)


def test_nor_where_the_broker_goes_away_over_and_over_and_each_had_been_served():
    parted = gateways()
    for _ in range(20):
        pauses = [backoff.failed(True) for backoff in parted]
        tenths = collections.Counter(pause // 100 for pause in pauses)
        assert max(tenths.values()) < 3 * 10_000 * 100 // 7_500


@pytest.mark.parametrize(("a_second", "within_s"), [(100, 600), (400, 180)])
def test_a_broker_that_goes_under_when_more_come_than_it_can_take_gets_them_all(a_second, within_s):
    """Those who were in have been served, and come back at once; the rest come ever more rarely."""
    due = collections.defaultdict(list)
    for backoff in gateways():
        due[backoff.failed(True) // 1_000].append(backoff)
    there, second = [], 0
    while len(there) < 10_000:
        came = due.pop(second, [])
        if len(came) > a_second:
            for backoff in there:
                due[second + 1 + backoff.failed(True) // 1_000].append(backoff)
            for backoff in came:
                due[second + 1 + backoff.failed(False) // 1_000].append(backoff)
            there = []
        else:
            there += came
        second += 1
        assert second < within_s, len(there)


def served(seconds, acknowledges):
    """A broker that is killed every ten seconds, and back a second later; the frames stored, and
    how often it was asked for a connection."""
    bench = Bench()
    bench.cloud.acknowledges = acknowledges
    for _ in range(seconds // 10):
        bench.append()
        bench.run(9_000)
        bench.cloud.broken = True
        bench.run(1_000)
        bench.cloud.broken = False
    return bench


def test_a_gateway_that_is_served_comes_back_however_short_its_connections():
    bench = served(1_800, acknowledges=True)
    assert len(bench.stored()) > 170
    assert bench.client.sessions > 120


def test_one_that_is_not_served_comes_ever_more_rarely():
    bench = served(1_800, acknowledges=False)
    assert bench.client.sessions + bench.client.failures < 40
