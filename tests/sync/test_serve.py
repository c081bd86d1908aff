"""The bridge: as a process and in a thread, against real brokers, with accidents."""

import json
import queue
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import msgpack
import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from cloud_bridge.broker import EmbeddedBroker
from cloud_bridge.mqtt import Broker, MqttInbox
from cloud_bridge.serve import Bridge
from cloud_bridge.store import Store
from tests.sync.test_mqtt_store import TOPIC, message, numbers

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "park.db"


class Served:
    """`python -m cloud_bridge serve --json` as a process, and what it says."""

    def __init__(self, url, path, prelude="", more=()):
        code = f"import os, signal, sys; sys.argv[0] = 'serve'\n{prelude}\n" \
               "from cloud_bridge.__main__ import main; main()"
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, "serve",
             "--nats" if url.startswith("nats:") else "--broker", url,
             "--store", str(path), "--json", *more],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.events = queue.Queue()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.events.put(json.loads(line) if line.startswith("{") else {"event": line})

    def wait(self, event, timeout_s=15):
        """Wait until it says so; what it says."""
        deadline, said = time.monotonic() + timeout_s, []
        while time.monotonic() < deadline:
            try:
                said.append(self.events.get(timeout=0.05))
            except queue.Empty:
                continue
            if said[-1]["event"] == event:
                return said[-1]
        raise AssertionError(f"no {event} in {said}")

    def end(self, number=signal.SIGTERM):
        """Send a signal; the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(15)
        self.reader.join(5)
        self.process.stdout.close()
        return code


class Bridges(list):
    """Starts bridges; none outlives its test."""

    def start(self, *args, **keys):
        self.append(Served(*args, **keys))
        return self[-1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for one in self:
            if not one.process.stdout.closed:
                one.end(signal.SIGKILL)


@pytest.fixture
def serve():
    with Bridges() as bridges:
        yield bridges.start


class Gateway:
    """Another client, to publish and to see acknowledgements."""

    def __init__(self, host, port, user=None):
        self.acks = []
        self.client = paho.Client(CallbackAPIVersion.VERSION2, "gw07", clean_session=False)
        self.client.on_message = lambda _, __, got: self.acks.append(msgpack.unpackb(got.payload))
        ready = threading.Event()
        self.client.on_subscribe = lambda *_: ready.set()
        if user:
            self.client.username_pw_set(user)
        self.client.connect(host, port)
        self.client.subscribe("parkedge/demo/gw07/ack", 1)
        self.client.loop_start()
        assert ready.wait(10)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.disconnect()
        self.client.loop_stop()

    def publish(self, *payloads):
        for payload in payloads:
            self.client.publish(TOPIC, payload, 1).wait_for_publish(10)

    def wait(self, ack):
        deadline = time.monotonic() + 15
        while ack not in self.acks:
            assert time.monotonic() < deadline, (ack, self.acks)
            time.sleep(0.005)


def test_serve_stores_acknowledges_and_ends_in_good_order(mosquitto, serve, path):
    bridge = serve(mosquitto.url, path)
    bridge.wait("ready")
    with Gateway(mosquitto.host, mosquitto.port) as gateway:
        gateway.publish(*map(message, range(1, 101)), b"nonsense")
        gateway.wait([1, 9, 100])
        gateway.publish(message(50))
        time.sleep(0.2)
        assert gateway.acks[-1] == [1, 9, 100]
    assert bridge.end() == 0
    said = bridge.wait("stopped")
    assert (said["stored"], said["doubled"], said["quarantined"]) == (100, 1, 1)
    assert said["commits"] < 102
    assert numbers(path) == list(range(1, 101))
    again = serve(mosquitto.url, path)  # all was acknowledged to the broker, nonsense too
    again.wait("ready")
    time.sleep(0.3)
    assert again.end(signal.SIGINT) == 0
    assert again.wait("stopped").keys() == {"event", "utc"}


def test_what_was_not_committed_was_not_acknowledged_to_anybody(mosquitto, serve, path):
    Store(path).close()
    bridge = serve(mosquitto.url, path)
    bridge.wait("ready")
    locker = sqlite3.connect(path, isolation_level=None)
    locker.execute("BEGIN IMMEDIATE")
    with Gateway(mosquitto.host, mosquitto.port) as gateway:
        gateway.publish(message(1), message(2))
        time.sleep(0.7)
        assert gateway.acks == []
        assert bridge.end(signal.SIGKILL) == -signal.SIGKILL
        locker.execute("ROLLBACK")
        locker.close()
        assert numbers(path) == []
        serve(mosquitto.url, path)  # the broker has kept both
        gateway.wait([1, 9, 2])
    assert numbers(path) == [1, 2]


def test_stopped_with_messages_on_their_way(mosquitto, serve, path):
    bridge = serve(mosquitto.url, path)
    bridge.wait("ready")
    with Gateway(mosquitto.host, mosquitto.port) as gateway:
        for n in range(1, 301):
            gateway.client.publish(TOPIC, message(n), 1)
            if n == 150:
                bridge.process.send_signal(signal.SIGTERM)
        assert bridge.end() == 0
        stored = numbers(path)
        assert gateway.acks == [] or gateway.acks[-1][2] <= max(stored)
        serve(mosquitto.url, path)
        gateway.wait([1, 9, 300])
    assert numbers(path) == list(range(1, 301))


def test_told_to_stop_again_and_again(mosquitto, serve, path):
    bridge = serve(mosquitto.url, path)
    bridge.wait("ready")
    while bridge.process.poll() is None:  # until the very end of its interpreter
        bridge.process.send_signal(signal.SIGTERM)
    assert bridge.end() == 0
    assert bridge.wait("stopped")


class Threaded:
    """A bridge in a thread, for what a process would make slow: short patience, its own store."""

    def __init__(self, broker, open_store):
        self.said = []
        self.bridge = Bridge(lambda: MqttInbox(broker), open_store, self._hear)
        self.thread = threading.Thread(target=self.bridge.run)

    def _hear(self, event, **keys):
        self.said.append((event, keys))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.bridge.stop()
        self.thread.join(20)
        assert not self.thread.is_alive()

    def wait(self, event, times=1):
        deadline = time.monotonic() + 15
        while sum(name == event for name, _ in self.said) < times:
            assert time.monotonic() < deadline, self.said
            time.sleep(0.005)


def test_locked_store_is_waited_for(mosquitto, path):
    Store(path).close()
    with Gateway(mosquitto.host, mosquitto.port) as gateway, \
            Threaded(Broker.parse(mosquitto.url), lambda: Store(path, patience_s=0.05)) as bridge:
        bridge.wait("ready")
        locker = sqlite3.connect(path, isolation_level=None)
        locker.execute("BEGIN IMMEDIATE")
        gateway.publish(message(1), message(2))
        bridge.wait("trouble", 2)
        assert gateway.acks == []
        locker.execute("ROLLBACK")
        locker.close()
        gateway.wait([1, 9, 2])
    assert {keys["place"] for event, keys in bridge.said if event == "trouble"} == {"store"}
    assert numbers(path) == [1, 2]


def test_full_disk_is_waited_for(mosquitto, path):
    full = threading.Event()

    def open_store():
        store = Store(path)
        if full.is_set():
            store._db.execute("PRAGMA max_page_count = 1")
        return store

    full.set()
    with Gateway(mosquitto.host, mosquitto.port) as gateway, \
            Threaded(Broker.parse(mosquitto.url), open_store) as bridge:
        bridge.wait("ready")
        gateway.publish(*(message(n, body=bytes(60_000)) for n in range(1, 6)))
        bridge.wait("trouble")
        assert gateway.acks == []
        full.clear()
        gateway.wait([1, 9, 5])
    assert "full" in str(bridge.said)
    assert bridge.bridge.counts["doubled"] == 0  # what was not committed was let go of


def test_broker_may_come_later_and_go(mosquitto, path):
    mosquitto.stop()
    with Threaded(Broker.parse(mosquitto.url), lambda: Store(path)) as bridge:
        bridge.wait("trouble")
        mosquitto.start()
        bridge.wait("ready")
        mosquitto.stop()
        bridge.wait("trouble", 2)
        mosquitto.start()
        bridge.wait("ready", 2)
        with Gateway(mosquitto.host, mosquitto.port) as gateway:
            gateway.publish(message(1))
            gateway.wait([1, 9, 1])
    assert numbers(path) == [1]


def test_serve_on_the_embedded_broker(serve, path):
    with EmbeddedBroker() as broker:
        bridge = serve(broker.url, path)
        bridge.wait("ready")
        with Gateway(broker.host, broker.port, broker.user) as gateway:
            gateway.publish(*map(message, range(1, 21)))
            gateway.wait([1, 9, 20])
        assert bridge.end() == 0
    assert numbers(path) == list(range(1, 21))


def test_embedded_broker_says_when_its_port_is_taken():
    with EmbeddedBroker() as broker, pytest.raises(OSError, match="start"), \
            EmbeddedBroker(broker.port):
        pass
