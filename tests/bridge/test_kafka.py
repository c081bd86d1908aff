"""What is stored goes on to Kafka once its stream is whole, against librdkafka's mock cluster.

The mock speaks Kafka's protocol over real sockets, but it is no broker that keeps anything: what a
real cluster does when it loses a node is not shown here.
"""

import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition

from cloud_bridge.databases import opener
from cloud_bridge.intake import TroubleError
from cloud_bridge.kafka import Copier
from tests.sync.test_mqtt_store import TOPIC, gap, message

ROOT = Path(__file__).resolve().parents[2]
OPTIONS = {"enable.idempotence": True, "acks": "all", "linger.ms": 1, "log_level": 0}


@pytest.fixture(scope="module")
def cluster():
    """The addresses of a mock cluster of three; it lives as long as its first client."""
    first = Producer({"test.mock.num.brokers": 3, "log_level": 0})
    found = first.list_topics(timeout=10)
    yield ",".join(f"{one.host}:{one.port}" for one in found.brokers.values())
    first.flush(1)


@pytest.fixture
def topic(request):
    return request.node.name.replace("[", "-").replace("]", "")


def received(cluster, topic, n):
    """{key: [(seq, body)]} of the first n messages, in their order."""
    consumer = Consumer({"bootstrap.servers": cluster, "group.id": topic, "log_level": 0})
    parts = consumer.list_topics(topic, 10).topics[topic].partitions
    consumer.assign([TopicPartition(topic, part, OFFSET_BEGINNING) for part in parts])
    found = defaultdict(list)
    try:
        while n:
            got = consumer.poll(20)
            assert got is not None, (n, dict(found))
            assert got.error() is None
            found[got.key()].append((int(dict(got.headers())["seq"]), got.value()))
            n -= 1
        assert consumer.poll(0.3) is None
    finally:
        consumer.close()
    return dict(found)


def copy_all(copier, store):
    while copier.step(store):
        pass


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_each_gateway_in_its_order_from_its_own_place(request, tmp_path, cluster, topic, database):
    where = (str(tmp_path / "park.db") if database == "sqlite"
             else request.getfixturevalue("postgres_url"))
    with opener(where)() as store:
        copier = Copier(Producer({**OPTIONS, "bootstrap.servers": cluster}), topic, "kafka")
        other = "parkedge/demo/gw08/b"
        store.commit([(TOPIC, message(n)) for n in (3, 1, 5)], 1_000)
        store.commit([(other, message(n)) for n in range(1, 601)], 1_000)
        copy_all(copier, store)
        assert copier.copied == 601  # 3 and 5 wait for what is before them
        store.commit([(TOPIC, message(2)), (TOPIC, gap(4, 4))], 1_000)
        copy_all(copier, store)
        store.commit([(TOPIC, message(4))], 1_000)  # it came after all: from there once more
        copy_all(copier, store)
    found = received(cluster, topic, 606)
    assert found[b"demo/gw07"] == [(n, b"body %d" % n) for n in (1, 2, 3, 5, 4, 5)]
    assert found[b"demo/gw08"] == [(n, b"body %d" % n) for n in range(1, 601)]


def test_what_kafka_did_not_take_is_not_counted_as_copied(tmp_path, cluster, topic):
    with opener(str(tmp_path / "park.db"))() as store:
        store.commit([(TOPIC, message(1))], 1_000)
        nowhere = Producer({**OPTIONS, "bootstrap.servers": "127.0.0.1:1",
                            "message.timeout.ms": 300})
        with pytest.raises(TroubleError, match="Kafka"):
            Copier(nowhere, topic, "kafka").step(store)
        copier = Copier(Producer({**OPTIONS, "bootstrap.servers": cluster}), topic, "kafka", [1])
        copy_all(copier, store)
        assert copier.copied == 1
    assert received(cluster, topic, 1) == {b"demo/gw07": [(1, b"body 1")]}


def test_as_a_command(tmp_path, cluster, topic):
    path = tmp_path / "park.db"
    with opener(str(path))() as store:
        store.commit([(TOPIC, message(1)), (TOPIC, message(2, kind=3))], 1_000)
    command = [sys.executable, "-m", "cloud_bridge", "kafka", "--store", path, "--bootstrap",
               cluster, "--topic", topic, "--kind", "3", "--once"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "1 messages\n"
    assert received(cluster, topic, 1) == {b"demo/gw07": [(2, b"body 2")]}
    wrong = tmp_path / "wrong.json"
    wrong.write_text('{"no.such.option": 1}')
    done = subprocess.run([*command, "--config", wrong], cwd=ROOT, capture_output=True, text=True,
                          check=False)
    assert done.returncode == 2
    assert "no.such.option" in done.stderr
