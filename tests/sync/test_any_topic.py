"""Any bytes on any topic, through a real broker: to the bridge, which stores or puts aside and
acknowledges nothing else; and to a gateway on MicroPython, which counts it and goes on."""

from __future__ import annotations

import json
import random
import re
import socket
from collections import Counter
from itertools import count

import msgpack
from hypothesis import given, settings
from hypothesis import strategies as st

from boards import schedule
from cloud_bridge.batches import Message
from cloud_bridge.mqtt import Broker
from cloud_bridge.store import Store
from hil.mosquitto import Mosquitto
from tests.attacks.test_end_to_end import World, gateway, until, world  # noqa: F401 - a fixture
from tests.fuzz.downlink import SEEDS
from tests.sync.test_serve import Bridges, Gateway, Threaded
from tools.fuzz_one import mutated

_NAMES = count()
VALID = b"parkedge/demo/gw08/b"
NAMED = re.compile(rb"parkedge/[a-z0-9-]{1,32}/[a-z0-9-]{1,32}/b")
LONG = b"(60,000 letters)"  # and not so many in every report
LEVELS = st.one_of(
    st.sampled_from([b"demo", b"gw08", b"", b"..", b"DEMO", b"d" * 33, LONG, b"$SYS", b" ",
                     b"'; DROP TABLE messages; --", "größe".encode(), b"+", b"#", b"d\x00", b"\xff",
                     b"\xed\xa0\x80", b"demo\n", b"a.b", "\ufeff".encode()]),
    st.binary(max_size=9))
TOPICS = st.one_of(
    st.just(VALID), st.tuples(LEVELS, LEVELS).map(lambda two: b"parkedge/%b/%b/b" % two),
    st.tuples(LEVELS, LEVELS, LEVELS).map(lambda three: b"parkedge/%b/%b/%b" % three))
PAYLOADS = st.one_of(
    st.binary(max_size=80), st.integers(0, 65_536),  # so many bytes
    st.builds(Message, st.integers(1, 98), st.integers(1, 3), st.integers(1, 40),
              st.binary(max_size=20)).map(Message.encode))


def publish(broker: Mosquitto, topic: bytes, payload: bytes) -> bool:
    """Byte by byte, since no library would; whether the broker took it."""
    body = len(topic).to_bytes(2) + topic + b"\x00\x01" + payload
    size, length = len(body), b""
    while not length or size:
        length += bytes([size & 127 | (128 if size > 127 else 0)])
        size >>= 7
    with socket.create_connection((broker.host, broker.port), 20) as pipe:
        # A name of its own each time: a NATS server takes one that comes back at once for flapping.
        pipe.sendall(b"\x10\x10\x00\x04MQTT\x04\x02\x00\x3c\x00\x04%04d" % next(_NAMES))
        assert pipe.recv(4) == b"\x20\x02\x00\x00"
        try:
            pipe.sendall(b"\x32" + length + body)
            return pipe.recv(4) == b"\x40\x02\x00\x01"
        except ConnectionError:
            return False


def reaches(topic: bytes) -> bool:
    """Whether parkedge/+/+/b takes it."""
    levels = topic.split(b"/")
    return len(levels) == 4 and levels[0] == b"parkedge" and levels[3] == b"b"


def test_any_bytes_on_any_topic_are_stored_or_put_aside(mosquitto, tmp_path):
    path, sent = tmp_path / "park.db", Counter()
    with Threaded(Broker.parse(mosquitto.url), lambda: Store(path)) as bridge:
        bridge.wait("ready")
        with Gateway(mosquitto.host, mosquitto.port) as honest:
            told: set[str] = set()  # on which topics something was acknowledged
            honest.client.message_callback_add("parkedge/+/+/ack", lambda _, __, got: (
                told.add(got.topic), honest.acks.append(msgpack.unpackb(got.payload))))
            honest.client.subscribe("parkedge/+/+/ack", 1)

            @settings(max_examples=250)
            @given(TOPICS, PAYLOADS)
            def say(topic: bytes, payload: bytes | int) -> None:
                topic = topic.replace(LONG, b"d" * 60_000)[:65_535]
                payload = payload if isinstance(payload, bytes) else b"\x95" * payload
                if publish(mosquitto, topic, payload) and reaches(topic):
                    sent["all"] += 1
                    sent["valid"] += bool(NAMED.fullmatch(topic)) and payload[:2] == b"\x95\x01"

            say()
            honest.publish(Message(7, 9, 1, b"the last").encode())
            honest.wait([1, 9, 1])
        counts = bridge.bridge.counts
        outcomes = [counts[what] for what in ("stored", "doubled", "quarantined")]
        assert sum(outcomes) == sent["all"] + 1
        assert counts["quarantined"] >= sent["all"] - sent["valid"] > 0
        assert counts["stored"] > 1
        assert [event for event, _ in bridge.said if event == "trouble"] == []
    with Store(path, create=False) as store:
        names = ["parkedge/{}/{}/".format(*row) for row in store._db.execute(
            "SELECT DISTINCT park, gateway FROM messages")]
        assert all(NAMED.fullmatch(f"{name}b".encode()) for name in names)
        assert told <= {f"{name}ack" for name in names}
        assert len(told) > 1
        aside = store._db.execute("SELECT topic, reason FROM quarantine").fetchall()
    assert len(aside) == counts["quarantined"]
    assert all(reason and topic.isprintable() and topic.isascii() for topic, reason in aside)


def test_any_bytes_on_the_topics_of_a_gateway(world: World, micropython) -> None:  # noqa: F811
    """Through the real client, from MicroPython. It goes on: what it stored is still there to be
    acknowledged, and a command is obeyed."""
    rnd, topics = random.Random(1), ("ack", "cmd", "announce")
    plan = [["foresight", {"schedule": schedule.image("", 0, 800), "raise_w": 0, "topic": 1}]]
    command = [*micropython.command, "-X", "heapsize=512k"]
    with gateway(world, command, plan=plan) as lines, world.heard("ear") as ear:
        until(lines, "up", "free")
        for _ in range(120):  # it takes 128 bytes a step
            data = mutated(SEEDS, rnd)[1:600]
            ear.client.publish(f"parkedge/p/g/{rnd.choice(topics)}", data, rnd.randrange(2))
        done = world.ask("limit-charge", "--kw", "0", "--for", "5s")
        assert done.exit_code == 0, done.output
        assert json.loads(done.output)["outcome"] == "done"
    with Store(world.folder / "park.db") as store:
        assert store._db.execute("SELECT count(*) FROM gaps").fetchone() == (0,)
        assert store._db.execute("SELECT count(*) FROM quarantine").fetchone() == (0,)


def test_a_topic_that_is_no_text_stops_no_bridge_on_nats(nats, tmp_path):
    """The server hands such a subject on; a message that a bridge cannot read must not come back to
    it for ever and keep it from all others."""
    path, server = tmp_path / "park.db", nats.servers[0]
    with Bridges() as bridges:
        bridge = bridges.start(nats.url, path)
        bridge.wait("ready")
        for level in (b"\xff", b"\xc3\x28", b"a.b", b"a\x01", b"a b", b"*", b">", b"\xed\xa0\x80"):
            publish(server, b"parkedge/%b/g/b" % level, Message(7, 1, 1, b"").encode())
        with Gateway(server.host, server.port) as honest:
            honest.publish(Message(7, 9, 1, b"the last").encode())
            honest.wait([1, 9, 1])
        assert bridge.end() == 0
        assert "failures" not in bridge.wait("stopped")
