"""Attack 21: six bad certificates, and a broker that speaks plain TCP. Nothing is said to any."""

import ssl
import time

import pytest

from boards.host_tls import Context
from edge.mqtt_client import MqttClient, Options
from edge.port import TcpPort
from edge.ticks import ticks_ms
from edge.tls_port import TlsPort
from tests.sync import pki
from tests.sync.tls_broker import TlsBroker

SECRET = b"the password of the gateway"
KINDS = {
    "good": lambda: {"pair": pki.issue(pki.NAME, pki.park())},
    "expired": lambda: {"pair": pki.issue(pki.NAME, pki.park(), days=(-9, -2))},
    "not yet valid": lambda: {"pair": pki.issue(pki.NAME, pki.park(), days=(2, 9))},
    "another CA": lambda: {"pair": pki.issue(pki.NAME, pki.issue("park-ca.example", ca=True))},
    "another name": lambda: {"pair": pki.issue("other.example", pki.park())},
    "self-signed": lambda: {"pair": pki.issue(pki.NAME)},
    "TLS 1.1": lambda: {"pair": pki.issue(pki.NAME, pki.park()), "newest": ssl.TLSVersion.TLSv1_1},
    "plain TCP": lambda: {"raw": b"\x20\x02\x00\x00\xd0\x00"},
}
SCRIPT = """
import sys, time
from edge.mqtt_client import MqttClient, Options
from edge.port import TcpPort
from edge.ticks import ticks_ms
from edge.tls_port import TlsPort, context_of

with open(sys.argv[1], "rb") as file:
    context = context_of(file.read(), b"", b"")
for port in sys.argv[4:]:
    pipe = TlsPort(TcpPort("127.0.0.1", int(port)), context, sys.argv[2], lambda: 1000)
    client = MqttClient(pipe, Options(b"gw", b"gw", sys.argv[3].encode()))
    began = time.time()
    while not client.failures and not pipe._has_met and time.time() - began < 9:
        client.step(ticks_ms())
        time.sleep_ms(2)
    print(int(pipe._has_met), client.failures, client.fault, client.error)
    client.leave(ticks_ms())
"""


@pytest.fixture
def brokers(tmp_path):
    """One of each kind."""
    made = []
    for number, keys in enumerate(KINDS.values()):
        folder = tmp_path / str(number)
        folder.mkdir()
        made.append(TlsBroker(folder, **keys()).__enter__())
    yield dict(zip(KINDS, made, strict=True))
    for broker in made:
        broker.__exit__()


def wait(condition):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def seen(brokers):
    """Which of them got to see a CONNECT; it comes a moment after the client has sent it."""
    wait(lambda: brokers["good"].seen)
    assert SECRET in brokers["good"].seen
    assert SECRET not in brokers["plain TCP"].seen
    assert brokers["plain TCP"].seen[:1] in (b"", b"\x16")  # a ClientHello at most
    return [kind for kind, one in brokers.items() if one.seen and kind != "plain TCP"]


def test_a_host_tells_nobody_but_the_broker_anything(brokers):
    for kind, broker in brokers.items():
        port = TlsPort(TcpPort(broker.host, broker.port),
                       Context(pki.park().der, b"", None), pki.NAME, lambda: 1000)
        client = MqttClient(port, Options(b"gw", b"gw", SECRET))

        def stepped(client=client, port=port):
            client.step(ticks_ms())
            return client.failures or port._has_met

        wait(stepped)
        assert port._has_met is (kind == "good"), (kind, client.fault, client.error)
        assert client.fault == ("" if kind == "good" else "connection lost")
        client.leave(ticks_ms())
    assert seen(brokers) == ["good"]


def test_micropython_tells_nobody_but_the_broker_anything(brokers, micropython, tmp_path):
    (tmp_path / "ca.der").write_bytes(pki.park().der)
    (tmp_path / "attack.py").write_text(SCRIPT)
    done = micropython.run(tmp_path / "attack.py", tmp_path / "ca.der", pki.NAME, SECRET.decode(),
                           *(broker.port for broker in brokers.values()))
    said = dict(zip(KINDS, done.stdout.splitlines(), strict=True))
    assert said.pop("good").startswith("1 0")
    assert {line[:19] for line in said.values()} == {"0 1 connection lost"}, said
    assert "expired" in said["expired"]
    assert seen(brokers) == ["good"]
