"""The MQTT client on real sockets against real brokers."""

import asyncio
import socket
import threading
import time

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from boards import emulator
from cloud_bridge.broker import EmbeddedBroker
from edge import mqtt_client
from edge.app import App
from edge.blocks import RamBlocks
from edge.port import TcpPort
from edge.ticks import ticks_ms
from tests.core.park import image


class Inbox(list):
    """A receiver that keeps what it gets."""

    def receive(self, buf, start, end, now_ms):
        self.append(bytes(buf[start:end]))


class Talker:
    """Our client, stepped until something is so."""

    def __init__(self, broker, name=b"gw07", version=mqtt_client, port=None, **options):
        self.options = version.Options(name, **options)
        self.options.retry_ms = 50
        self.client = version.MqttClient(port or TcpPort(broker.host, broker.port), self.options)
        self.inbox = Inbox()
        self.client.subscribe(b"down/" + name, self.inbox)

    def until(self, condition, timeout_s=10):
        deadline = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < deadline, (self.client.state, self.client.fault)
            self.client.step(ticks_ms())
            time.sleep(0.001)

    def rise(self):
        sessions = self.client.sessions
        self.until(lambda: self.client.is_up() and self.client.sessions > sessions)
        return self

    def cut(self):
        """Break the connection under the client; nobody has said goodbye."""
        self.client._port._socket.shutdown(socket.SHUT_RDWR)

    def send(self, topic, payload):
        """Publish at QoS 1, and see it acknowledged."""
        self.until(lambda: self.client.begin(topic) > 0)
        at = self.client.begin(topic)
        self.client.slot[at:at + len(payload)] = payload
        self.client.commit(at + len(payload), ticks_ms())
        self.until(lambda: self.client.begin(topic) > 0)


class Watcher:
    """Another maker's client; what it got as (topic, payload, retained)."""

    def __init__(self, broker, *topics, user=None):
        self.got = []
        self.client = paho.Client(CallbackAPIVersion.VERSION2, "watcher")
        self.client.on_message = lambda _, __, message: self.got.append(
            (message.topic, message.payload, message.retain))
        if user:
            self.client.username_pw_set(user)
        self.client.connect(broker.host, broker.port)
        self.client.subscribe([(topic, 1) for topic in topics])
        self.client.loop_start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.disconnect()
        self.client.loop_stop()

    def wait(self, message):
        deadline = time.monotonic() + 10
        while message not in self.got:
            assert time.monotonic() < deadline, (message, self.got)
            time.sleep(0.005)


@pytest.fixture
def talk():
    """Make clients; none keeps its socket beyond the test."""
    made = []

    def make(*args, **options):
        made.append(Talker(*args, **options))
        return made[-1]

    yield make
    for talker in made:
        talker.client.leave(ticks_ms())


@pytest.fixture(params=["mosquitto", "embedded"])
def broker(request):
    """Each of the two brokers; the name the embedded one asks for does not trouble the other."""
    if request.param == "mosquitto":
        yield request.getfixturevalue("mosquitto")
        return
    with EmbeddedBroker() as embedded:
        yield embedded


def test_up_down_and_status(broker, talk):
    talker = talk(broker, user=b"demo", status_topic=b"up/status").rise()
    with Watcher(broker, "up/#", user="demo") as watcher:
        watcher.wait(("up/status", b"online", True))
        talker.send(b"up/data", b"x" * 8_000)
        watcher.wait(("up/data", b"x" * 8_000, False))
        assert talker.client.publish(b"up/state", b"{}", True)
        talker.until(lambda: ("up/state", b"{}", False) in watcher.got)
        watcher.client.publish("down/gw07", b"command", 1)
        watcher.client.publish("down/gw07", bytes(5_000), 1)  # more than the client takes in
        watcher.client.publish("down/gw07", b"last", 1)
        talker.until(lambda: talker.inbox == [b"command", b"last"])
        assert talker.client.oversized == 1
        talker.client.leave(ticks_ms())
        watcher.wait(("up/status", b"offline", False))
    assert talker.client.failures == 0


def test_will_speaks_for_a_client_that_vanished(broker, talk):
    talker = talk(broker, user=b"demo", status_topic=b"up/status").rise()
    talker.client.publish(b"up/other", b"1")  # so that what was said before has been sent
    talker.until(lambda: not talker.client._control_end)
    with Watcher(broker, "up/#", user="demo") as watcher:
        watcher.wait(("up/status", b"online", True))
        talker.cut()
        watcher.wait(("up/status", b"offline", False))


@pytest.mark.parametrize("mosquitto", ["persistent"], indirect=True)
def test_session_outlives_the_connection_and_the_broker(mosquitto, talk):
    """What was sent down while the gateway was away waits, though the broker was restarted."""
    talker = talk(mosquitto).rise()
    talker.cut()
    with Watcher(mosquitto, "up/#") as watcher:
        for n in range(30):
            watcher.client.publish("down/gw07", b"%d" % n, 1).wait_for_publish(10)
    mosquitto.stop()
    mosquitto.start()
    talker.rise()
    talker.until(lambda: len(talker.inbox) >= 30)
    assert talker.inbox[-30:] == [b"%d" % n for n in range(30)]
    talker.send(b"up/data", b"again")


def test_two_of_one_name_throw_each_other_out_and_slow_down(mosquitto, talk):
    """As section 3.1.4 demands of the broker; neither may hammer it."""
    one, two = talk(mosquitto), talk(mosquitto)
    deadline = time.monotonic() + 10
    while min(one.client.failures, two.client.failures) < 4:
        assert time.monotonic() < deadline
        one.client.step(ticks_ms())
        two.client.step(ticks_ms())
        time.sleep(0.001)
    for client in (one.client, two.client):
        assert client.sessions > 1
        assert client._backoff.tries == client.failures  # ever longer pauses


def test_nobody_listens(talk):
    class Nowhere:
        host, port = "127.0.0.1", 1  # a privileged port that nothing uses

    talker = talk(Nowhere)
    talker.until(lambda: talker.client.failures == 3)
    assert talker.client.fault == "no connection"


def test_a_gateway_that_stops_says_goodbye(mosquitto, monkeypatch):
    """Its socket stays open as long as the app is there, so the will cannot have said it."""
    made = image(broker={"host": mosquitto.host, "port": mosquitto.port, "user": ""})
    board = emulator.Board(made, None)
    monkeypatch.setattr(board, "flash_device", RamBlocks)
    app = App(made, board)
    with Watcher(mosquitto, "parkedge/#") as watcher:
        thread = threading.Thread(target=asyncio.run, args=(app.main(),))
        thread.start()
        watcher.wait(("parkedge/p/g/status", b"online", False))
        app.stop()
        thread.join(10)
        watcher.wait(("parkedge/p/g/status", b"offline", False))
    assert app.client.failures == 0
