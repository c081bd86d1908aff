"""The gateway's way up on a real 32-bit MicroPython, over real sockets to a real broker."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sync.test_mqtt_store import numbers
from tests.sync.test_serve import Bridges

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
import gc, sys, time
from edge.blocks import RamBlocks
from edge.ticks import ticks_ms
from edge.mqtt_client import MqttClient, Options
from edge.outbox import Outbox
from edge.port import TcpPort
from edge.sync import Sync

outbox = Outbox(RamBlocks(2048, 16))
outbox.mount()
options = Options(b"gw07", status_topic=b"parkedge/demo/gw07/status")
options.slot_bytes = 2300
gc.collect()
before = gc.mem_alloc()
client = MqttClient(TcpPort("127.0.0.1", int(sys.argv[1])), options)
sync = Sync(client, (outbox,), "demo", "gw07")
gc.collect()
print("bytes", gc.mem_alloc() - before)
for n in range(40):
    outbox.append(1, b"frame %d" % n, len(b"frame %d" % n))
began = time.time()
while outbox.backlog() and time.time() - began < 20:
    wait_ms = sync.step(ticks_ms())
    time.sleep_ms(wait_ms if wait_ms < 5 else 5)
client.leave(ticks_ms())
print("left", outbox.backlog(), client.failures, client.strays, sync.strange_acks, sync.rounds)
"""


@pytest.fixture
def serve():
    with Bridges() as bridges:
        yield bridges.start


def test_outbox_is_emptied_from_a_small_heap(micropython, mosquitto, serve, tmp_path):
    bridge = serve(mosquitto.url, tmp_path / "park.db")
    bridge.wait("ready")
    script = tmp_path / "gateway.py"
    script.write_text(SCRIPT)
    done = micropython.run(script, mosquitto.port, heap="256k")
    said = dict(line.split(" ", 1) for line in done.stdout.splitlines())
    assert said["left"] == "0 0 0 0 1"
    assert numbers(tmp_path / "park.db") == list(range(1, 41))
    # Slot, control, one packet and two receptions: what the options ask for and little more.
    assert int(said["bytes"]) < 2_300 + 1_024 + 1_024 + 2_000


ODD_BROKER = r"""
import sys

from edge import mqtt_client, mqtt5_client

if sys.argv[1] == "5":
    VERSION, SUBACK = mqtt5_client, (b"\x90\x04", b"\x00\x01")
    SOUND = (b"\x20\x03\x00\x00\x00", b"\x20\x06\x01\x00\x03\x13\x00\x1e", b"\xd0\x00",
             b"\x40\x03\x00\x02\x87", b"\x90\x04\x00\x01\x00\x87",
             b"\x32\x0c\x00\x01t\x00\x09\x05\x02\x00\x00\x00\x09x",
             b"\x32\xc8\x01\x00\x01t\x00\x08\x00" + b"x" * 194)
else:
    VERSION, SUBACK = mqtt_client, (b"\x90\x03", b"\x01")
    SOUND = (b"\x20\x02\x00\x00", b"\x20\x02\x01\x00", b"\xd0\x00", b"\x40\x02\x00\x02",
             b"\x90\x03\x00\x01\x01", b"\x32\x06\x00\x01t\x00\x09x",
             b"\x32\xc8\x01\x00\x01t\x00\x08" + b"x" * 195)
dice = 1


def roll(n):
    global dice
    dice = (dice * 75 + 74) % 65537
    return dice % n


class Port:
    def __init__(self):
        self.waiting = b""
        self.sum = 0

    def open(self, now_ms):
        self.waiting = b""

    def is_open(self):
        return roll(4) > 0

    def close(self):
        self.waiting = b""

    def send(self, buf, n):
        if roll(200) == 0:
            raise OSError(104)
        n = min(n, 4 + roll(60))
        if buf[0] == 0x10:
            self.waiting += SOUND[roll(2)]
        elif buf[0] == 0x82 and roll(4):
            self.waiting += SUBACK[0] + bytes(buf[2:4]) + SUBACK[1]
        for i in range(n):
            self.sum = (self.sum * 31 + buf[i]) % 1000003
        return n

    def recv(self, buf, at):
        if roll(200) == 0:
            raise OSError(104)
        n = min(len(self.waiting), roll(40))
        buf[at:at + n] = self.waiting[:n]
        self.waiting = self.waiting[n:]
        return n


class Inbox:
    got = 0

    def receive(self, buf, start, end, now_ms):
        self.got += 1


port, inbox = Port(), Inbox()
options = VERSION.Options(b"gw", status_topic=b"s")
options.packet_bytes = 128
client = VERSION.MqttClient(port, options)
client.subscribe(b"t", inbox)
now_ms = (1 << 30) - 100000
for step in range(9000):
    if roll(150) == 0:
        port.waiting += bytes([roll(256) for _ in range(roll(20))])
    elif roll(6) == 0:
        port.waiting += SOUND[roll(len(SOUND) if roll(9) == 0 else 5) - 5]
    elif client.begin(b"up") > 0:
        client.commit(30 + roll(100), now_ms)
    now_ms = (now_ms + client.step(now_ms) * (1 + roll(20))) % (1 << 30)
print(client.state, client.fault, client.sessions, client.failures, client.strays, client.oversized,
      inbox.got, port.sum)
"""


@pytest.mark.parametrize("version", ["3.1.1", "5"])
def test_an_odd_broker_is_met_alike_on_both_interpreters(micropython, tmp_path, version):
    script = tmp_path / "odd.py"
    script.write_text(ODD_BROKER)
    here = subprocess.run([sys.executable, script, version],
                          env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True,
                          text=True, check=True)
    there = micropython.run(script, version, heap="256k")
    assert here.stdout == there.stdout
    assert all(int(n) > 4 for n in here.stdout.rsplit(" ", 6)[1:6])  # it met all there is
