"""The live topic: any MQTT tool reads it, and the outbox is served all the same."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from boards import emulator
from edge.app import App
from edge.blocks import RamBlocks
from edge.broker import _LIVE_BYTES
from edge.live import Live
from edge.mqtt_client import MqttClient, Options
from edge.now import BYTES
from edge.wire import mqtt
from hil.mosquitto import Mosquitto
from tests.conftest import Interpreter
from tests.core.park import image
from tests.shown.served import gateway, wait
from tests.sync.test_mqtt_brokers import Watcher
from tests.sync.test_mqtt_client import CONNACK, Port

PERIOD_MS = 5000


class Client:
    """What a client takes, and whether."""

    def __init__(self) -> None:
        self.up = self.room = True
        self.took: list[tuple[bytes, bytes]] = []

    def is_up(self) -> bool:
        return self.up

    def publish(self, topic: bytes, payload: memoryview) -> bool:
        if self.room:
            self.took.append((topic, bytes(payload)))
        return self.room


def write(buf: bytearray, start: int, now_ms: int) -> int:
    """What edge/now.py does, at its longest."""
    buf[start:start + BYTES] = b"n" * BYTES
    return start + BYTES


def made(client: Any) -> Live:
    return Live(SimpleNamespace(write=write), client, "parkedge/p/g/now", PERIOD_MS)


def test_it_speaks_each_period() -> None:
    client = Client()
    live = made(client)
    now_ms = (1 << 30) - 12_000
    for _ in range(5):
        now_ms = (now_ms + live.step(now_ms)) % (1 << 30)
    assert len(client.took) == 5
    assert live.step(now_ms - 1) == 1
    assert client.took[0] == (b"parkedge/p/g/now", b"n" * BYTES)


@pytest.mark.parametrize("lacks", ["up", "room"])
def test_what_cannot_be_said_is_said_a_second_later_and_not_kept(lacks: str) -> None:
    client = Client()
    live = made(client)
    setattr(client, lacks, False)
    assert [live.step(ms) for ms in (0, 1000, 1500, 2000)] == [1000, 1000, 500, 1000]
    setattr(client, lacks, True)
    assert live.step(3000) == PERIOD_MS
    assert len(client.took) == 1


def test_the_longest_fits_the_client() -> None:
    longest = "parkedge/" + "p" * 32 + "/" + "g" * 32 + "/now"
    assert mqtt.HEAD + 2 + len(longest) + BYTES <= _LIVE_BYTES


def test_without_a_client_there_is_nobody_to_tell() -> None:
    assert made(None).step(0) == 1000


def test_a_line_too_slow_for_both_carries_as_many_batches() -> None:
    """A broker on a line of 2,000 bytes a second, the topic every 100 ms: more than it carries.
    Between two batches no more of the topic goes out than the client's buffer holds."""
    options = Options(b"gw")
    options.control_bytes += _LIVE_BYTES
    port = Port()
    client = MqttClient(port, options)
    live = Live(SimpleNamespace(write=write), client, "parkedge/p/g/now", 100)
    client.step(0)
    port.say(CONNACK)
    client.step(0)
    assert client.is_up()
    port.sent = b""
    port.takes = 40
    batches = between = said = 0
    for now_ms in range(20, 30_000, 20):
        live.step(now_ms)
        at = client.begin(b"up")
        if at > 0:
            client.slot[at:at + 2000] = b"b" * 2000
            client.commit(at + 2000, now_ms)
        client.step(now_ms)
        for packet in port.packets():
            if packet[0] == 0x32:
                port.say(b"\x40\x02" + packet[7:9])
                batches += 1
                between = 0
            else:
                between += len(packet)
                said += 1
                assert between <= options.control_bytes
    assert batches >= 15, "of 30 that 60,000 bytes could be"
    assert said > 10
    assert client.failures == 0


def test_any_tool_reads_it_from_a_real_broker(mosquitto: Mosquitto,
                                              monkeypatch: pytest.MonkeyPatch) -> None:
    """A whole gateway whose time is the test's, and mosquitto: what comes is JSON and newer each
    time, the batches come as well, and a broker keeps nothing of it for whoever comes late."""
    site = image(without=("phase", "share"), broker={"host": mosquitto.host,
                                                     "port": mosquitto.port})
    site["live"] = {"period_s": 5}
    board = emulator.Board(site, None)
    monkeypatch.setattr(board, "flash_device", RamBlocks)
    app = App(site, board)
    (live,) = app.shown
    now_ms = 1000
    with Watcher(mosquitto, "parkedge/#") as early:

        def turn() -> bool:
            nonlocal now_ms
            now_ms += 500
            app.beat(now_ms)
            app.uplink.step(now_ms, True)
            live.step(now_ms)
            return len([1 for topic, *_ in early.got if topic.endswith("/now")]) >= 3 \
                and any(topic.endswith("/b") for topic, *_ in early.got)

        wait(turn, "nothing on the topic")
        app.client.leave(now_ms)
    told = [json.loads(payload) for topic, payload, _ in early.got if topic == "parkedge/p/g/now"]
    assert {one["gateway"] for one in told} == {"g"}
    with Watcher(mosquitto, "parkedge/p/g/now", "parkedge/p/g/status") as late:  # in this order
        late.wait(("parkedge/p/g/status", b"offline", True))
        assert [topic for topic, *_ in late.got] == ["parkedge/p/g/status"]


def test_a_gateway_on_a_board_speaks_as_well(mosquitto: Mosquitto, micropython: Interpreter,
                                             tmp_path: Path) -> None:
    command = [*micropython.command, "-X", "heapsize=1m"]
    keys = {"host": mosquitto.host, "port": mosquitto.port}
    with Watcher(mosquitto, "parkedge/p/g/now") as watcher, \
            gateway(command, tmp_path, 1, broker=keys):
        wait(lambda: len(watcher.got) >= 3, "nothing on the topic")
    seconds = [json.loads(payload)["second"] for _, payload, _ in watcher.got]
    assert len(set(seconds)) > 1
