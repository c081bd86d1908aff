"""From the outbox of a gateway into the bridge's database and back: every part is the real one.

Gateway (outbox on a file, sync, MQTT client, TCP) - mosquitto - `cloud_bridge serve` as a process -
SQLite. What was appended must be in the database once, whatever is killed on the way.
"""

import signal
import sqlite3
import time

import pytest

from cloud_bridge.broker import EmbeddedBroker
from cloud_bridge.store import Store
from edge.blocks import FileBlocks
from edge.mqtt_client import MqttClient, Options
from edge.outbox import Outbox
from edge.port import TcpPort
from edge.sync import Sync
from edge.ticks import ticks_ms
from tests.sync.test_serve import Bridges

DIES_AFTER_COMMIT = """
import paho.mqtt.client
paho.mqtt.client.Client.publish = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
"""


class Gateway:
    """A gateway's way up, with little patience so that a test need not have more."""

    def __init__(self, broker, folder, sectors=64, user=b"", name="gw07"):
        self.broker, self.user, self.sectors, self.name = broker, user, sectors, name
        self.file = folder / f"{name}.outbox"
        self.appended = {}
        self.boot()

    def boot(self):
        """Start; also after a power cut, with what is on the file."""
        self.device = FileBlocks(str(self.file), 4096, self.sectors)
        self.outbox = Outbox(self.device)
        self.outbox.mount()
        options = Options(self.name.encode(), self.user,
                          status_topic=f"parkedge/demo/{self.name}/status".encode())
        options.retry_ms, options.retry_max_ms, options.reply_ms = 50, 200, 2_000
        self.port = TcpPort(self.broker.host, self.broker.port)
        self.sync = Sync(MqttClient(self.port, options), (self.outbox,), "demo", self.name,
                         patience_ms=300)

    def append(self, n):
        for _ in range(n):
            body = b"frame %d " % len(self.appended) * 40
            self.appended[self.outbox.append(1, body, len(body))] = body

    def work(self, until, timeout_s=20):
        deadline = time.monotonic() + timeout_s
        while not until():
            assert time.monotonic() < deadline, self.state()
            wait_ms = self.sync.step(ticks_ms())
            time.sleep(min(wait_ms, 5) / 1000)

    def state(self):
        """What a failed test shows."""
        shown = {**vars(self.sync), **vars(self.sync._client)}
        numbers = {name: value for name, value in shown.items() if isinstance(value, int | str)}
        return {**numbers, "backlog": self.outbox.backlog(), "acked": self.outbox.acked}

    def deliver(self):
        """Work until the outbox is empty."""
        self.work(lambda: self.outbox.backlog() == 0)

    def power_cut(self):
        """All that is not on the file is gone."""
        self.port.close()
        self.device.close()


@pytest.fixture
def serve():
    with Bridges() as bridges:
        yield bridges.start


@pytest.fixture
def store(tmp_path):
    """The database, empty."""
    Store(tmp_path / "park.db").close()
    return tmp_path / "park.db"


@pytest.fixture
def gateway(mosquitto, tmp_path):
    made = Gateway(mosquitto, tmp_path)
    yield made
    made.power_cut()


def stored(store):
    """{seq: body} of everything in the database; a number there twice is impossible by its key."""
    db = sqlite3.connect(f"file:{store}?mode=ro", uri=True)
    try:
        found = db.execute("SELECT seq, body FROM messages ORDER BY received_utc, seq").fetchall()
    finally:
        db.close()
    assert len(dict(found)) == len(found)
    return dict(found)


def test_all_frames_arrive(mosquitto, serve, store, gateway):
    gateway.append(60)
    bridge = serve(mosquitto.url, store)
    gateway.deliver()
    assert stored(store) == gateway.appended
    assert bridge.end() == 0
    said = bridge.wait("stopped")
    assert said["stored"] == 60
    assert gateway.sync.strange_acks == 0


def test_broker_killed_without_a_memory(mosquitto, serve, store, gateway):
    """Frames it had acknowledged and not yet passed on are gone with it: the gateway has them."""
    bridge = serve(mosquitto.url, store)
    bridge.wait("ready")
    bridge.process.send_signal(signal.SIGSTOP)  # takes nothing, while the broker takes all
    gateway.append(20)
    gateway.work(lambda: gateway.sync.frames_sent >= 8)
    time.sleep(0.1)
    mosquitto.kill()
    gateway.append(20)
    bridge.process.send_signal(signal.SIGCONT)
    mosquitto.start()
    gateway.deliver()
    assert stored(store) == gateway.appended


def test_bridge_killed_between_commit_and_acknowledgement(mosquitto, serve, store, gateway):
    gateway.append(30)
    for _ in range(2):
        bridge = serve(mosquitto.url, store, prelude=DIES_AFTER_COMMIT)
        gateway.work(lambda bridge=bridge: bridge.process.poll() is not None)
        assert bridge.process.returncode == -signal.SIGKILL
        assert stored(store)
        assert gateway.outbox.acked == 0
    serve(mosquitto.url, store)
    gateway.deliver()
    assert stored(store) == gateway.appended


def test_store_locked_for_a_while(mosquitto, serve, store, gateway):
    serve(mosquitto.url, store).wait("ready")
    locker = sqlite3.connect(store, isolation_level=None)
    locker.execute("BEGIN IMMEDIATE")
    gateway.append(20)
    began = time.monotonic()
    gateway.work(lambda: time.monotonic() > began + 1.5)
    assert gateway.outbox.backlog() == 20
    assert stored(store) == {}
    locker.execute("ROLLBACK")
    locker.close()
    gateway.deliver()
    assert stored(store) == gateway.appended


def test_everything_fails_in_turn(mosquitto, serve, store, gateway):
    """Gateway, broker and bridge are killed over and over while frames are being appended."""
    bridge = serve(mosquitto.url, store)
    for turn in range(9):
        gateway.append(8)
        began = time.monotonic()
        gateway.work(lambda began=began: time.monotonic() > began + 0.15)
        if turn % 3 == 0:
            mosquitto.kill()
            mosquitto.start()
        elif turn % 3 == 1:
            bridge.end(signal.SIGKILL)
            bridge = serve(mosquitto.url, store)
        else:
            gateway.power_cut()
            gateway.boot()
    gateway.deliver()
    assert stored(store) == gateway.appended
    assert gateway.outbox.lost() == 0


def test_history_longer_than_the_outbox(mosquitto, serve, store, tmp_path):
    """What was overwritten is reported, the rest arrives, and nothing waits for what can't come."""
    gateway = Gateway(mosquitto, tmp_path, sectors=4)
    gateway.append(120)
    lost = gateway.outbox.lost()
    assert lost > 50
    serve(mosquitto.url, store)
    gateway.deliver()
    gateway.power_cut()
    assert stored(store) == {seq: body for seq, body in gateway.appended.items() if seq > lost}
    db = sqlite3.connect(store)
    assert db.execute("SELECT first, last, reason FROM gaps").fetchall() == [
        (1, lost, "overwritten")]
    db.close()


def test_new_database_for_an_old_gateway(mosquitto, serve, store, gateway, tmp_path):
    bridge = serve(mosquitto.url, store)
    gateway.append(20)
    gateway.deliver()
    bridge.end()
    serve(mosquitto.url, tmp_path / "new.db")
    gateway.append(20)
    gateway.deliver()
    assert sorted(stored(tmp_path / "new.db")) == list(range(21, 41))


def test_embedded_broker_is_enough_for_a_demo(serve, store, tmp_path):
    with EmbeddedBroker() as broker:
        gateway = Gateway(broker, tmp_path, user=broker.user.encode())
        gateway.append(10)
        bridge = serve(broker.url, store)
        gateway.deliver()
        bridge.end(signal.SIGKILL)
        gateway.append(10)
        serve(broker.url, store)
        gateway.deliver()
        gateway.power_cut()
    assert stored(store) == gateway.appended
