"""A whole gateway at the door of each cloud, with a real broker behind it."""

import re
import threading
import time
from dataclasses import replace

import msgpack
import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from cloud_bridge.command_codec import decode_result
from cloud_bridge.store import Store
from edge.mqtt_client import MqttClient, Options
from edge.port import TcpPort
from edge.tags import command_key
from edge.ticks import ticks_ms
from tests.attacks.commanded import KEYS, command
from tests.clouds.accounts import CLOUDS
from tests.clouds.door import Door

NOW_S = 1_780_000_000
DAY_FRAMES = 96  # of 60 rows, at a row every 15 s
each = pytest.mark.parametrize("cloud", CLOUDS, ids=lambda cloud: cloud.name)
FIGURES = {False: {}, True: {"json_s": 1}}  # where our messages cannot pass
bridged = pytest.mark.parametrize("cloud", [cloud for cloud in CLOUDS if cloud.down],
                                  ids=lambda cloud: cloud.name)


class Rules:
    """What stands behind a cloud: its rule engine hands our messages to the bridge's store, and
    the bridge's answers to the device."""

    def __init__(self, broker, cloud, path):
        self.store = Store(path)
        self.cloud = cloud
        self.got = []
        self.client = paho.Client(CallbackAPIVersion.VERSION2, "rules")
        self.client.on_message = lambda _, __, message: self.got.append(message.payload)
        ready = threading.Event()
        self.client.on_subscribe = lambda *_: ready.set()
        self.client.connect(broker.host, broker.port)
        self.client.subscribe(cloud.up, 1)
        self.client.loop_start()
        assert ready.wait(10), "what came before would be lost, and asked for after 30 s"

    def settle(self):
        arrivals = [("parkedge/p/g/b", self.got.pop(0)) for _ in range(len(self.got))]
        if arrivals:
            for stream, seq in self.store.commit(arrivals, NOW_S).acks.items():
                self.client.publish(self.cloud.down, msgpack.packb([1, stream.epoch, seq]), 1)

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()
        self.store.close()


@bridged
def test_a_day_of_frames_through_each_cloud(cloud, broker, mosquitto, gateway, tmp_path):
    """Connected, acknowledged by the cloud's own way down, and again after the credentials are
    over; nothing that the cloud would not take was ever said."""
    behind = mosquitto if cloud.limits.retain else broker
    rules = Rules(behind, cloud, tmp_path / "park.db")
    with Door(cloud, behind.port, NOW_S) as door:
        one = gateway(cloud, door.port)
        bodies = [b"frame %d " % n * 100 for n in range(DAY_FRAMES)]
        outbox = one.app.outbox
        for body in bodies:
            outbox.append(1, body, len(body))
        one.until(lambda: outbox.backlog() < DAY_FRAMES // 2, rules.settle)
        if not cloud.expires:
            door.cut()
        door.now_s = one.now_s = NOW_S + 18_000  # five hours later
        door.mend()
        one.until(lambda: outbox.backlog() == 0, rules.settle)
        assert [body for _, body in rules.store.bodies("p", "g", [1])] == bodies
        assert door.wrong == ["expired"] * cloud.expires
        assert one.app.client.sessions == len(door.admitted) == 2
        first, second = door.admitted
        assert (first.password != second.password) == cloud.renews
        assert one.app.sync.strange_acks == one.app.client.strays == 0
    rules.close()


@pytest.mark.parametrize("cloud", [cloud for cloud in CLOUDS if cloud.name in (
    "plain", "aws", "iothub", "alibaba", "huawei")], ids=lambda cloud: cloud.name)
def test_commands_come_down_beside_acknowledgements(cloud, broker, mosquitto, gateway, tmp_path):
    """By a way of their own, or, on IoT Hub, by the one that there is for all."""
    behind = mosquitto if cloud.limits.retain else broker
    rules = Rules(behind, cloud, tmp_path / "park.db")
    with Door(cloud, behind.port, NOW_S) as door:
        one = gateway(cloud, door.port, sections={"commands": KEYS})
        one.app.outbox.append(1, b"a batch", 7)
        one.until(lambda: one.app.outbox.backlog() == 0, rules.settle)
        one.app.beat()
        down = re.sub("/ack$", "/cmd", cloud.down)
        issued_s, root = NOW_S - 946_684_800, one.app.commands._root
        commands = one.app.commands
        for sent in (command("stop", issued=issued_s, root=root),
                     command("stop", issued=issued_s, counter=2, root=b"another's")):
            rules.client.publish(down, sent, 1)
        one.until(lambda: commands.refused, rules.settle)
        commands.step(ticks_ms())
        one.until(lambda: one.app.outbox.backlog() == 0, rules.settle)
        assert (commands.accepted, commands.refused, commands.reason) == (1, 1, "tag")
        results = [decode_result(body, {1: command_key(root, 1)})
                   for _, body in rules.store.bodies("p", "g", [9])]
        assert [result.done for result in results] == [True, False]
        assert all(result.is_true for result in results)
        assert one.app.sync.strange_acks == one.app.client.strays == 0
        assert door.wrong == []
    rules.close()


def test_what_iot_hub_adds_to_a_topic_leaves_room(broker, gateway, tmp_path):
    """Its properties, at their longest, stand in the topic of every message to the device."""
    cloud = by_name("iothub")
    longest = cloud.down + "&x=" + "p" * (256 - len(cloud.down) - 3)
    rules = Rules(broker, replace(cloud, down=longest), tmp_path / "park.db")
    with Door(cloud, broker.port, NOW_S) as door:
        one = gateway(cloud, door.port)
        one.app.outbox.append(1, b"a batch", 7)
        one.until(lambda: one.app.outbox.backlog() == 0, rules.settle)
        assert one.app.client.oversized == 0
    rules.close()


BREACHES = {
    "payload": lambda limits: {"payload": b"x" * (limits.payload + 1)},
    "topic": lambda limits: {"topic": b"t" * (limits.topic + 1)},
    "levels": lambda limits: {"topic": b"/".join([b"t"] * (limits.levels + 1))},
    "subscription": lambda limits: {"down": b"t" * (limits.topic + 1)},
    "keepalive": lambda limits: {"keepalive_s": limits.keepalive_s + 1},
    "retain": lambda limits: {"retain": True},
    "will": lambda limits: {"will": b"w"},
    "qos": lambda limits: {"qos": 2},
    "name": lambda limits: {"client_id": b"stranger"},
    "secret": lambda limits: {"password": b"wrong"},
}
PAIRS = [(cloud, what) for cloud in CLOUDS[1:] for what in BREACHES
         if getattr(cloud.limits, what, None) is not True
         and (what != "secret" or cloud.secret)
         and (what, cloud.name) != ("name", "thingsboard")]  # where the token says who it is


class Careless:
    """A client that is admitted and then says one thing too much."""

    def __init__(self, cloud, port, hello, payload=b"x", topic=b"", down=b"", keepalive_s=60,
                 retain=False, will=b"", qos=1, password=None, client_id=b""):
        options = Options(client_id or hello.client_id, hello.user,
                          hello.password if password is None else password, will, keepalive_s)
        options.slot_bytes = len(payload) + 1_000
        options.retry_ms = 10
        self.client = MqttClient(TcpPort("127.0.0.1", port), options)
        if down:
            self.client.subscribe(down, None)
        self.message = topic or cloud.up.encode(), payload, retain, qos

    def step(self):
        topic, payload, retain, qos = self.message
        self.client.step(ticks_ms())
        at = self.client.begin(topic)
        if at >= 0:
            self.client.slot[at:at + len(payload)] = payload
            self.client.commit(at + len(payload), ticks_ms(), retain)
            if qos == 2:
                self.client.slot[self.client._slot_start] ^= 6


@pytest.mark.parametrize(("cloud", "what"), PAIRS,
                         ids=[f"{cloud.name}-{what}" for cloud, what in PAIRS])
def test_the_door_shuts_on_each_breach_of_a_limit(cloud, what, lax, gateway):
    """So the day above, at which it did not, stayed within each of them."""
    with Door(cloud, lax.port, NOW_S) as door:
        one = gateway(cloud, door.port, **FIGURES[not cloud.down])
        options = one.app.client.options
        one.app.account.renew(options.hello)
        careless = Careless(cloud, door.port, options.hello, **BREACHES[what](cloud.limits))
        deadline = time.monotonic() + 10
        while not door.wrong and time.monotonic() < deadline:
            careless.step()
            time.sleep(0.001)
        careless.client.leave(ticks_ms())
        assert door.wrong, "nobody minded"


def by_name(name):
    return next(cloud for cloud in CLOUDS if cloud.name == name)


def test_a_token_waits_for_the_clock(broker, gateway):
    cloud = by_name("iothub")
    with Door(cloud, broker.port, NOW_S) as door:
        one = gateway(cloud, door.port, now_s=0)
        one.until(lambda: one.app.client.failures >= 3)
        assert one.app.client.fault == "no connection"
        assert one.app.account.fault == "the clock is not set: no token can be made"
        assert one.app.account.untimed == 3
        one.app.beat()
        assert one.app.site.fault is None
        assert door.admitted == []
        one.now_s = NOW_S
        one.until(one.app.client.is_up)
        assert door.wrong == []
        assert one.app.account.fault == ""


@each
def test_a_missing_secret_ends_in_one_line_and_control_goes_on(cloud, gateway, capsys):
    bare = replace(cloud, secret=b"")
    one = gateway(bare, 1, **FIGURES[not cloud.down])
    said = capsys.readouterr().out
    if cloud.name in ("plain", "aws", "eventgrid"):
        assert said == ""
        assert one.app.client is not None
        return
    assert said.startswith("parkedge: broker: password: found nothing, expected ")
    assert said.count("\n") == 1
    assert one.app.client is None
    one.app.beat()
    assert one.app.site.fault is None
    waiting = one.app.outbox.backlog()
    one.app.outbox.append(1, b"kept", 4)
    assert one.app.uplink.step(ticks_ms(), True) > 0
    assert one.app.outbox.backlog() > waiting
