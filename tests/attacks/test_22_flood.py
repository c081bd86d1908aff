"""Attack 22: ten thousand messages, as fast as they go. Each step takes a few of them, what the
gateway has to say gets out between them, and the beat goes on without heap."""

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from edge.snapshot import FAULT
from edge.ticks import ticks_add
from hil.mosquitto import Mosquitto
from tests.shown.served import gateway
from tests.sync.test_mqtt5 import Bench5
from tests.sync.test_mqtt_client import Bench

MESSAGES = 10_000
MOST = 128  # bytes a step


@pytest.mark.parametrize(("kind", "message"), [
    (Bench, b"\x32\x06\x00\x01t\x00\x09x"), (Bench5, b"\x32\x07\x00\x01t\x00\x09\x00x"),
    (Bench, b"\x30\x04\x00\x01u?"), (Bench, b"\xd0\x00")])
def test_a_step_takes_a_few_and_everybody_gets_a_turn(kind, message):
    bench = kind()
    bench.rise()
    bench.port.say(message * MESSAGES)
    packet, sent = bench.publish(), []
    while bench.port.waiting and not bench.client.failures:
        waiting, got = len(bench.port.waiting), len(bench.inbox)
        assert bench.client.step(bench.now_ms) >= 20  # the others of the gateway have their turn
        bench.now_ms = ticks_add(bench.now_ms, 20)
        assert bench.client.failures or waiting - len(bench.port.waiting) <= MOST
        assert len(bench.inbox) - got <= MOST // len(message) + 1
        sent += bench.port.packets()
        bench.client.publish(b"now", b"{}")
    assert packet[0] == 0x32
    assert sum(one[0] == 0x30 for one in sent) > 100  # what it had to say has got out meanwhile
    # The answer to the packet stands behind them all; whoever floods for so long gets no more.
    assert bench.client.fault in ("", "no PUBACK in time")


def test_a_gateway_on_micropython_keeps_its_beat(mosquitto: Mosquitto, micropython, tmp_path):
    """Real sockets and a real broker. Heap on the beat would end in the safe state, for good."""
    command = [*micropython.command, "-X", "heapsize=512k"]
    keys = {"host": mosquitto.host, "port": mosquitto.port, "user": ""}
    flooder = paho.Client(CallbackAPIVersion.VERSION2, "flooder")
    flooder.connect(mosquitto.host, mosquitto.port)
    flooder.loop_start()
    try:
        with gateway(command, tmp_path, broker=keys) as served:
            served.live_on(1)
            for n in range(MESSAGES):
                flooder.publish("parkedge/p/g/ack", b"%d" % n, n % 2)
            served.live_on(3)
            rows = served.rows()
        assert not [row for row in rows if row["flags"] & FAULT]
    finally:
        flooder.disconnect()
        flooder.loop_stop()
