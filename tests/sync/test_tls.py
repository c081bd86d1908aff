"""TLS to a real broker that asks for a certificate, on both interpreters."""

import asyncio
import threading
import time
from base64 import b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding

from boards import emulator
from boards.host_tls import Context
from edge import mqtt5_client, mqtt_client
from edge.app import App
from edge.blocks import RamBlocks
from edge.port import TcpPort
from edge.snapshot import FAULT
from edge.ticks import ticks_ms
from edge.tls_port import TlsPort
from hil.mosquitto import Mosquitto
from tests.core.park import image
from tests.shown.served import gateway, wait
from tests.sync import pki
from tests.sync.test_mqtt_brokers import Talker

GATEWAY = pki.issue("gw07", pki.park())
SCRIPT = """
import sys, time
from edge import mqtt_client, mqtt5_client
from edge.app import App
from edge.blocks import RamBlocks
from edge.port import TcpPort
from edge.ticks import ticks_ms
from edge.tls_port import TlsPort, context_of

def read(path):
    with open(path, "rb") as file:
        return file.read()

class Inbox:
    got = 0
    def receive(self, buf, start, end, now_ms):
        self.got += end - start

folder, port = sys.argv[1:]
for version, key in ((mqtt_client, "gateway"), (mqtt5_client, "gateway"), (mqtt_client, "rsa"),
                     (mqtt_client, "other")):
    context = context_of(read(folder + "/ca.der"), read(folder + "/" + key + ".der"),
                         read(folder + "/" + key + ".key.der"))
    pipe = TlsPort(TcpPort("127.0.0.1", int(port)), context, "broker.example", lambda: 1000)
    client = version.MqttClient(pipe, version.Options(b"gw07"))
    inbox = Inbox()
    client.subscribe(b"up/data", inbox)
    began = time.time()
    sent = False
    while inbox.got < 3000 and not client.failures and time.time() - began < 9:
        wait_ms = client.step(ticks_ms())
        at = client.begin(b"up/data")
        for _ in range(5 if at > 0 and not sent else 0):
            client.publish(b"up/data", b"x" * 40)
        if at > 0 and inbox.got < 2800:
            client.commit(at + 700, ticks_ms())
            sent = True
        time.sleep_ms(2)
    print(inbox.got >= 3000, client.failures, client.fault)
    client.leave(ticks_ms())
"""


@pytest.fixture
def broker(tmp_path, mosquitto):
    """It takes TLS alone, and only clients with a certificate of the park's CA."""
    mosquitto.stop()
    (tmp_path / "ca.pem").write_bytes(pki.park().pem)
    pair = pki.issue(pki.NAME, pki.park()).write(tmp_path, "broker")
    for path in tmp_path.iterdir():
        path.chmod(0o644)
    settings = [f"cafile {tmp_path / 'ca.pem'}", f"certfile {pair[0]}", f"keyfile {pair[1]}",
                "require_certificate true"]
    with Mosquitto(tmp_path / "tls", settings=settings) as own:
        yield own


def test_a_gateway_reaches_its_broker_by_name_inside_tls(broker, tmp_path, monkeypatch):
    """The whole application: version 5, a look-up, both certificates, between the beats."""
    _, key = GATEWAY.write(tmp_path, "gateway")
    tls = {"name": pki.NAME, "ca": b64encode(pki.park().der).decode(),
           "certificate": b64encode(GATEWAY.der).decode()}
    made = image(telemetry={"batch_rows": 1},
                 broker={"host": "localhost", "port": broker.port, "user": "", "version": "5",
                         "named": 1, "tls": tls})
    board = emulator.Board(made, None)
    board.key_file = key
    monkeypatch.setattr(board, "flash_device", RamBlocks)
    app = App(made, board)
    thread = threading.Thread(target=asyncio.run, args=(app.main(),))
    thread.start()
    deadline = time.monotonic() + 20
    while app.client.sessions == 0 or app.sync.frames_sent == 0:
        assert time.monotonic() < deadline, (app.client.fault, app.client.error)
        time.sleep(0.01)
    app.stop()
    thread.join(20)
    assert (app.client.failures, app.site.fault) == (0, None)


def test_a_gateway_on_micropython_reaches_it_as_well(broker, tmp_path, micropython):
    """The same application where a board would run it; the beat knows nothing of it."""
    (tmp_path / "outbox.key").write_bytes(GATEWAY.key_bytes(Encoding.DER))
    tls = {"name": pki.NAME, "ca": b64encode(pki.park().der).decode(),
           "certificate": b64encode(GATEWAY.der).decode()}
    keys = {"host": "localhost", "port": broker.port, "user": "", "version": "5", "named": 1,
            "tls": tls}
    command = [*micropython.command, "-X", "heapsize=512k"]
    with gateway(command, tmp_path, broker=keys) as served:
        wait(lambda: "Received PUBLISH from p-g" in broker.log, "nothing was sent")
        served.live_on(1)
        assert not [row for row in served.rows() if row["flags"] & FAULT]
    assert "as p-g (p5" in broker.log


@pytest.mark.parametrize("version", [mqtt_client, mqtt5_client])
def test_mosquitto_with_certificates_on_both_sides(broker, tmp_path, version):
    _, key = GATEWAY.write(tmp_path, "gateway")
    context = Context(pki.park().der, GATEWAY.der, key)
    port = TlsPort(TcpPort(broker.host, broker.port), context, pki.NAME, lambda: 1000)
    talker = Talker(broker, version=version, port=port).rise()
    for size in (0, 1, 700, 768, 769):
        talker.send(b"down/gw07", b"x" * size)
    talker.send(b"up/data", b"x" * 8_000)
    talker.until(lambda: len(talker.inbox) == 5)
    assert [len(one) for one in talker.inbox] == [0, 1, 700, 768, 769]
    port._port._socket.shutdown(2)
    talker.rise()
    talker.client.leave(ticks_ms())
    assert talker.client.failures == 1


def test_mosquitto_refuses_a_stranger(broker, tmp_path):
    stranger = pki.issue("gw07", pki.issue("park-ca.example", ca=True))
    _, key = stranger.write(tmp_path, "stranger")
    for context in (Context(pki.park().der, stranger.der, key),
                    Context(pki.park().der, b"", None)):
        port = TlsPort(TcpPort(broker.host, broker.port), context, pki.NAME, lambda: 1000)
        talker = Talker(broker, port=port)
        talker.until(lambda talker=talker: talker.client.failures)
        assert (talker.client.sessions, talker.client.fault) == (0, "connection lost")
        talker.client.leave(ticks_ms())


def test_micropython_with_certificates_on_both_sides(broker, tmp_path, micropython):
    (tmp_path / "ca.der").write_bytes(pki.park().der)
    stranger = pki.issue("gw07", pki.issue("park-ca.example", ca=True))
    rsa = pki.issue("gw07", pki.park(), key=generate_private_key(65_537, 2_048))  # much to send
    for name, pair in (("gateway", GATEWAY), ("rsa", rsa), ("other", stranger)):
        (tmp_path / f"{name}.der").write_bytes(pair.der)
        (tmp_path / f"{name}.key.der").write_bytes(pair.key_bytes(Encoding.DER))
    (tmp_path / "talk.py").write_text(SCRIPT)
    done = micropython.run(tmp_path / "talk.py", tmp_path, broker.port, heap="512k")
    assert done.stdout.splitlines() == ["True 0 "] * 3 + ["False 1 connection lost"]


def test_a_key_that_is_missing_is_told(tmp_path):
    with pytest.raises(OSError, match="no key"):
        Context(pki.park().der, GATEWAY.der, None)
    port = TlsPort(TcpPort("127.0.0.1", 1), None, pki.NAME, lambda: 1000)
    client = mqtt_client.MqttClient(port, mqtt_client.Options(b"gw"))
    client.step(ticks_ms())
    assert client.error == ("no usable certificate or key",)
