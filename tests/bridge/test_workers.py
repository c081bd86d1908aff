"""Several bridges for the same gateways, every part the real one, and killed in turn.

What was appended on a gateway must be in PostgreSQL once, and nothing may be freed on a gateway
that is not there.
"""

import signal
import threading
import time

import psycopg
import pytest

from cloud_bridge.databases import opener
from cloud_bridge.intake import Stream
from tests.sync.test_end_to_end import Gateway
from tests.sync.test_mqtt_store import message
from tests.sync.test_serve import Bridges
from tests.sync.test_serve import Gateway as Client

FIRST_CLOSES = "import cloud_bridge.postgres as p; p.PostgresStore.move = lambda *_: os._exit(9)"


@pytest.fixture
def serve():
    with Bridges() as bridges:
        yield bridges.start


class Gateways(list):
    """Several, worked in turn."""

    def __init__(self, brokers, folder, n=4):
        super().__init__(Gateway(brokers[i % len(brokers)], folder, name=f"gw{i}")
                         for i in range(n))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for one in self:
            one.power_cut()

    def append(self, n):
        for one in self:
            one.append(n)

    def work(self, until, timeout_s=60):
        deadline = time.monotonic() + timeout_s
        while not until():
            assert time.monotonic() < deadline, [one.state() for one in self]
            for one in self:
                one.work(iter((False, True)).__next__)

    def work_for(self, seconds):
        end = time.monotonic() + seconds
        self.work(lambda: time.monotonic() > end)

    def deliver(self):
        self.work(lambda: all(one.outbox.backlog() == 0 for one in self))


def stored(url):
    """{gateway: {seq: body}}; `count` and the keys of `numbers` say that nothing is there twice."""
    with psycopg.connect(url) as db:
        found = db.execute("SELECT gateway, seq, body FROM messages ORDER BY 1, 2").fetchall()
        (keys,) = db.execute("SELECT count(*) FROM numbers").fetchone()
    made = {}
    for gateway, seq, body in found:
        made.setdefault(gateway, {})[seq] = body
    assert sum(map(len, made.values())) == len(found) == keys
    return made


def test_bridges_share_and_die(mosquitto, postgres_url, serve, tmp_path):
    workers = [serve(mosquitto.url, postgres_url, more=("--share", "park")) for _ in range(3)]
    for worker in workers:
        worker.wait("ready")
    with Gateways([mosquitto], tmp_path) as gateways:
        for turn in range(3):
            gateways.append(15)
            gateways.work_for(0.1)
            workers[turn].end(signal.SIGKILL)
            workers[turn] = serve(mosquitto.url, postgres_url, more=("--share", "park"))
        gateways.deliver()
        assert stored(postgres_url) == {one.name: one.appended for one in gateways}
        assert [one.sync.strange_acks for one in gateways] == [0] * len(gateways)
    for worker in workers:
        worker.wait("ready")
        assert worker.end() == 0


@pytest.mark.parametrize("nats", [3], indirect=True)
def test_a_cluster_loses_a_server_and_a_bridge(nats, postgres_url, serve, tmp_path):
    more = ("--replicas", "3")
    workers = [serve(nats.url, postgres_url, more=more) for _ in range(2)]
    for worker in workers:
        worker.wait("ready", 60)
    with Gateways(nats.servers[:2], tmp_path, 2) as gateways:
        gateways.append(10)
        gateways.deliver()
        nats.servers[2].kill()
        workers[0].end(signal.SIGKILL)
        gateways.append(10)
        gateways.deliver()  # two servers are a majority, one bridge is enough
        workers[0] = serve(nats.url, postgres_url, more=more)
        workers[0].wait("ready", 60)
        nats.servers[2].start()
        gateways.append(5)
        gateways.deliver()
        assert stored(postgres_url) == {one.name: one.appended for one in gateways}
    assert [worker.end() for worker in workers] == [0, 0]


def test_postgres_is_killed_over_and_over(mosquitto, postgres_server, serve, tmp_path):
    url = postgres_server.fresh()
    bridge = serve(mosquitto.url, url)
    bridge.wait("ready")
    with Gateways([mosquitto], tmp_path, 2) as gateways:
        for _ in range(2):
            gateways.append(15)
            gateways.work_for(0.1)
            postgres_server.kill()
            gateways.append(5)
            gateways.work_for(0.1)
            postgres_server.start()
        gateways.deliver()
        assert stored(url) == {one.name: one.appended for one in gateways}
    assert bridge.end() == 0


def test_a_bridge_that_dies_within_a_commit_leaves_nothing(mosquitto, postgres_url, serve,
                                                           tmp_path):
    serve(mosquitto.url, postgres_url, FIRST_CLOSES).wait("ready")
    with Gateways([mosquitto], tmp_path, 1) as gateways:
        gateways.append(8)
        gateways.work_for(0.5)
        assert stored(postgres_url) == {}
        assert gateways[0].outbox.backlog() == 8
        serve(mosquitto.url, postgres_url)
        gateways.deliver()
        assert stored(postgres_url) == {"gw0": gateways[0].appended}


def test_many_writers_of_the_same_streams_never_wait_for_each_other(postgres_url):
    """Each commits a part of every stream, in another order, twice over: a wait in a circle would
    be an error, a number that is stored twice a wrong count."""
    n, writers = 40, 4
    streams = [Stream("demo", f"gw{i}", 9) for i in range(6)]
    stored_by, errors = [], []
    acks = {}
    lock = threading.Lock()

    def write(me):
        try:
            with opener(postgres_url)() as store:
                for seq in range(1, n + 1):
                    order = streams[me:] + streams[:me]
                    arrivals = [(f"parkedge/demo/{stream.gateway}/b", message(1 + (seq + me) % n))
                                for stream in (order if seq % 2 else order[::-1])]
                    receipt = store.commit(arrivals, 1_000)
                    with lock:
                        stored_by.append(receipt.tally["stored"])
                        for stream, ack in receipt.acks.items():
                            acks[stream] = max(ack, acks.get(stream, 0))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(me,)) for me in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert sum(stored_by) == n * len(streams)
    assert acks == dict.fromkeys(streams, n)
    assert stored(postgres_url) == {stream.gateway: {seq: b"body %d" % seq
                                                     for seq in range(1, n + 1)}
                                    for stream in streams}


def test_answers_name_what_is_ahead(mosquitto, postgres_url, serve):
    serve(mosquitto.url, postgres_url).wait("ready")
    with Client(mosquitto.host, mosquitto.port) as gateway:
        gateway.publish(message(1), message(3), message(4))
        gateway.wait([1, 9, 1, 3, 4])
        assert gateway.acks[-1] == [1, 9, 1, 3, 4]
        assert all(told[2] <= 1 for told in gateway.acks), "nothing beyond the hole is freed"
