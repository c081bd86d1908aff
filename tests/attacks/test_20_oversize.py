"""Attack 20: a packet that claims 256 MB, a topic of 64 kB, retained garbage where the gateway
listens. Buffers stay as they are, nothing is freed in the outbox, and the next broker finds a
client that works."""

import time

import pytest

from edge import mqtt5_client, mqtt_client
from edge.blocks import RamBlocks
from edge.outbox import Outbox
from edge.port import TcpPort
from edge.sync import Sync
from edge.ticks import ticks_ms
from hil.mosquitto import Mosquitto
from tests.sync.test_mqtt5 import Bench5
from tests.sync.test_mqtt_brokers import Watcher
from tests.sync.test_mqtt_client import Bench

BOMB = b"\x32\xff\xff\xff\x7f\x00\x01t\x00\x07"
LONG = b"\x32\xff\xff\x03\xff\xf0" + b"t" * 65_533  # 65,535 bytes, of which 65,520 are the topic
SCRIPT = """
import sys
from edge import mqtt_client, mqtt5_client

class Port:
    said = left = 0
    def open(self, now_ms): self.said = 0
    def is_open(self): return True
    def close(self): pass
    def send(self, buf, n):
        if buf[0] == 0x10:
            self.said = self.connack
        elif buf[0] == 0x82:
            self.said = self.suback[0] + bytes(buf[2:4]) + self.suback[1] + self.bomb
        return n
    def recv(self, buf, at):
        if not self.said:
            return 0
        n = min(len(buf), len(self.said))
        buf[:n] = self.said[:n]
        self.said = self.said[n:] or bytes(400)
        self.left -= n
        return n

for version, connack, suback in (
        (mqtt_client, b"\\x20\\x02\\x00\\x00", (b"\\x90\\x03", b"\\x01")),
        (mqtt5_client, b"\\x20\\x03\\x00\\x00\\x00", (b"\\x90\\x04", b"\\x00\\x01"))):
    port = Port()
    port.connack, port.suback = connack, suback
    port.bomb = b"\\x32\\xff\\xff\\xff\\x7f\\x00\\x01t\\x00\\x07" + bytes(400)
    client = version.MqttClient(port, version.Options(b"gw"))
    client.subscribe(b"t", None)
    now_ms = 0
    while client.failures == 0:
        now_ms += client.step(now_ms)
    print(client.fault, now_ms // 10000)
"""


@pytest.mark.parametrize("kind", [Bench, Bench5])
def test_a_packet_that_claims_256_mb(kind):
    """It is counted past; the broker that sends it cannot answer a ping, and is left for that."""
    bench = kind(keepalive_s=60)
    bench.rise()
    bench.port.say(BOMB + bytes(1 << 20))
    sizes = len(bench.client._reader.body), len(bench.client._control)
    bench.run(60_000)
    assert bench.client.fault == "the broker is silent"
    assert bench.inbox == []
    assert (len(bench.client._reader.body), len(bench.client._control)) == sizes
    bench.rise()


def test_a_small_heap_stands_it(micropython, tmp_path):
    """MicroPython, with the client's buffers and little more: 256 MB begin, and never end."""
    (tmp_path / "bomb.py").write_text(SCRIPT)
    done = micropython.run(tmp_path / "bomb.py", heap="96k")
    assert done.stdout.splitlines() == ["the broker is silent 5"] * 2


@pytest.mark.parametrize("kind", [Bench, Bench5])
def test_a_topic_of_64_kb(kind):
    """None of ours; what cannot be acknowledged for want of its number is counted, and no more."""
    bench = kind()
    bench.rise()
    bench.port.say(LONG)
    bench.run(15_000)
    assert (bench.client.oversized, bench.client.failures, bench.inbox) == (1, 0, [])
    assert bench.port.packets() == []
    bench.publish()


@pytest.mark.parametrize("version", [mqtt_client, mqtt5_client])
def test_retained_garbage(mosquitto: Mosquitto, version):
    """Where acknowledgements are looked for; also one of all that could ever be sent."""
    outbox = Outbox(RamBlocks())
    outbox.mount()
    outbox.append(1, b"frame", 5)
    epoch = outbox.epoch.to_bytes(4, "big")
    with Watcher(mosquitto, "parkedge/demo/gw07/b") as watcher:
        for payload in (b"\xff" * 64, b"\x93\x01\x00", b"{}" * 400,
                        b"\x93\x01\xce" + epoch + b"\xce" + b"\xff" * 4):
            watcher.client.publish("parkedge/demo/gw07/ack", payload, 1, True).wait_for_publish(10)
            client = version.MqttClient(TcpPort(mosquitto.host, mosquitto.port),
                                        version.Options(b"gw07"))
            sync = Sync(client, (outbox,), "demo", "gw07")
            deadline = time.monotonic() + 10
            while not (sync.strange_acks and sync.frames_sent):
                assert time.monotonic() < deadline, client.fault
                sync.step(ticks_ms())
                time.sleep(0.001)
            assert (outbox.acked, client.failures) == (0, 0)
            client.leave(ticks_ms())
