"""A bridge in service: what it shows, what it says, and what a gateway that floods can do to it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from cloud_bridge.__main__ import main
from cloud_bridge.fair import Fair
from cloud_bridge.metrics import STALLED_S, Metrics, Page
from cloud_bridge.store import Store
from hil.mosquitto import Mosquitto
from tests.sync.test_mqtt_store import TOPIC, message, numbers
from tests.sync.test_serve import Bridges
from tests.sync.test_serve import Gateway as Client

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def serve():
    with Bridges() as bridges:
        yield bridges.start


def get(port, path):
    """Status and text of a page."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as got:
            return got.status, got.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def figure(page, name):
    return next(float(line.split()[-1]) for line in page.splitlines() if line.startswith(name))


def test_metrics_and_health_of_a_bridge(mosquitto, serve, tmp_path):
    bridge = serve(mosquitto.url, tmp_path / "park.db", more=("--metrics", ":0"))
    port = bridge.wait("metrics")["port"]
    bridge.wait("ready")
    with Client(mosquitto.host, mosquitto.port) as gateway:
        gateway.publish(message(1), message(2), message(4), b"nonsense", message(2, body=b"liar"))
        gateway.wait([1, 9, 2, 4, 4])
        page = get(port, "/metrics")[1]
    assert get(port, "/healthz") == get(port, "/healthz/live") == (200, "ok\n")
    assert get(port, "/../etc/passwd") == (404, "not found\n")
    assert figure(page, 'parkedge_bridge_messages_total{outcome="stored"}') == 3
    assert figure(page, 'parkedge_bridge_quarantined_total{reason="message"}') == 1
    assert figure(page, 'parkedge_bridge_quarantined_total{reason="number"}') == 1
    assert figure(page, "parkedge_bridge_commit_seconds_count") >= 1
    assert figure(page, "parkedge_bridge_last_commit_timestamp_seconds") > 1.7e9
    mosquitto.stop()
    bridge.wait("trouble")
    assert get(port, "/healthz/ready") == (503, "not connected\n")
    assert get(port, "/healthz/live")[0] == 200
    assert bridge.end() == 0


def test_a_bridge_drops_what_is_old(mosquitto, serve, tmp_path):
    path = tmp_path / "park.db"
    with Store(path) as store:  # received in 1970
        store.commit([(TOPIC, message(n, kind=3 if n == 7 else 1)) for n in range(1, 1_001)], 1_000)
        store.commit([(TOPIC, message(1_001))], int(time.time()))
    bridge = serve(mosquitto.url, path, more=("--keep-days", "30"))
    bridge.wait("ready")
    with Client(mosquitto.host, mosquitto.port) as gateway:
        deadline = time.monotonic() + 20
        while len(numbers(path)) > 2:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        gateway.publish(message(5), message(1_002))
        gateway.wait([1, 9, 1_002])
    assert bridge.end() == 0
    assert bridge.wait("stopped")["dropped"] == 999
    assert numbers(path) == [7, 1_001, 1_002]
    assert numbers(path, "dropped", "first || '-' || last") == ["1-6", "8-1000"]


def test_a_loop_that_stands_still_is_told():
    now = [0.0]
    metrics = Metrics(lambda: now[0])
    metrics.turn(True, 0)
    with Page(metrics, "127.0.0.1", 0) as page:
        assert get(page.port, "/healthz")[0] == 200
        now[0] = STALLED_S
        assert get(page.port, "/healthz/live") == (503, "stalled\n")
        metrics.failed("broker")  # a broker that is away is no reason to be started anew
        assert get(page.port, "/healthz/live") == (200, "ok\n")
        assert get(page.port, "/healthz/ready") == (503, "not connected\n")


def test_a_port_that_is_taken_is_told_in_one_line(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        done = subprocess.run(
            [sys.executable, "-m", "cloud_bridge", "serve", "--store", tmp_path / "park.db",
             "--metrics", f":{other.getsockname()[1]}"],
            cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "Address already in use" in done.stderr.splitlines()[-1]


def test_what_strangers_write_stays_out_of_the_log(mosquitto, serve, tmp_path):
    """Topics and payloads that would forge lines or carry a secret, and the broker's password."""
    secret = "hunter2-5ec2e7"
    url = mosquitto.url.replace("://", f"://bridge:{secret}@")
    path = tmp_path / "park.db"
    bridge = serve(url, path)
    bridge.wait("ready")
    with Client(mosquitto.host, mosquitto.port) as gateway:
        evil = 'parkedge/{"event": "forged"}/é/b'
        gateway.client.publish(evil, b"payload-7357", 1).wait_for_publish(10)
        gateway.publish(message(1))
        gateway.wait([1, 9, 1])
    mosquitto.stop()
    bridge.wait("trouble")
    assert bridge.end() == 0
    said = json.dumps(list(bridge.events.queue))
    for word in (secret, "payload-7357", "forged"):
        assert word not in said
    assert numbers(path, "quarantine", "topic") == [r'parkedge/{"event": "forged"}/\xe9/b']


def test_what_is_put_aside_is_harmless_to_print(tmp_path):
    with Store(tmp_path / "park.db") as store:
        store.commit([("parkedge/x\n\x1b[31m\x00\u202e/y/b" + "z" * 999, b"")], 1_000)
    (topic,) = numbers(tmp_path / "park.db", "quarantine", "topic")
    assert topic.startswith(r"parkedge/x\n\x1b[31m\x00\u202e/y/bzz")
    assert len(topic) == 256


def test_a_flood_takes_nothing_from_the_others(mosquitto, serve, tmp_path):
    """A gateway with ten times its share is cut down to it, and loses nothing by it for good."""
    path = tmp_path / "park.db"
    bridge = serve(mosquitto.url, path, more=("--per-gateway", "20"))
    bridge.wait("ready")
    with Client(mosquitto.host, mosquitto.port) as gateway:
        for n in range(1, 901):
            gateway.client.publish("parkedge/demo/flood/b", message(n), 1)
        gateway.publish(*map(message, range(1, 101)))
        gateway.wait([1, 9, 100])
    assert bridge.end(signal.SIGTERM) == 0
    said = bridge.wait("stopped")
    assert said["stored"] + said["limited"] == 1_000
    assert said["limited"] > 300
    assert numbers(path, "messages WHERE gateway = 'gw07'") == list(range(1, 101))


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 30), st.floats(0, 5))))
def test_nobody_gets_more_than_burst_and_rate_and_nobody_less_for_another(turns):
    now = [0.0]
    fair, alone = Fair(10, 25, lambda: now[0]), {}
    passed = {}
    for who, n, pause_s in turns:
        now[0] += pause_s
        topic = f"{who}"
        mine = alone.setdefault(topic, Fair(10, 25, lambda: now[0]))
        admitted = fair.admit([(topic, b"")] * n)
        assert admitted == mine.admit([(topic, b"")] * n)
        passed[topic] = passed.get(topic, 0) + len(admitted)
        assert passed[topic] <= 25 + 10 * now[0] + 1e-6


def test_made_up_topics_do_not_fill_the_memory():
    now = [0.0]
    fair = Fair(10, 20, lambda: now[0])
    for start in range(0, 400_000, 1_000):
        now[0] += 0.01
        assert len(fair.admit([(f"t{n}", b"") for n in range(start, start + 1_000)])) == 1_000
        assert len(fair._buckets) <= 100_000


def test_help_has_examples_for_every_way():
    said = CliRunner().invoke(main, ["serve", "--help"]).output
    for word in ("--share park", "--nats nats://", "postgresql:///", "--metrics", "--keep-days"):
        assert word in said


@pytest.mark.parametrize("wrong", [
    ["--nats", "http://me:hunter2@x"], ["--broker", "http://me:hunter2@x"], ["--share", "a/b"],
    ["--metrics", "here"], ["--store", "mysql://me:hunter2@x"], ["--per-gateway", "0"]])
def test_wrong_use_is_told_without_secrets(wrong):
    done = CliRunner().invoke(main, ["serve", *wrong])
    assert done.exit_code == 2
    assert wrong[0] in done.stderr
    assert "hunter2" not in done.stderr


def test_what_the_broker_has_to_grant_is_enough_and_no_more(tmp_path, serve):
    """The list in docs/bridge.md, on a mosquitto that goes by it."""
    text = (ROOT / "docs" / "bridge.md").read_text(encoding="utf-8")
    acl = tmp_path / "acl"
    acl.write_text(text.partition("```acl\n")[2].partition("```")[0])
    folder = tmp_path / "broker"
    folder.mkdir()
    with Mosquitto(folder, settings=(f"acl_file {acl}",)) as broker:
        bridges = [serve(f"mqtt://bridge@127.0.0.1:{broker.port}", tmp_path / "park.db", more=more)
                   for more in ((), ("--share", "park"))]
        for bridge in bridges:
            bridge.wait("ready")
        with Client("127.0.0.1", broker.port, "gw07") as gateway:
            gateway.client.publish("parkedge/demo/gw08/b", message(1), 1).wait_for_publish(10)
            gateway.client.publish("parkedge/demo/gw08/ack", b"", 1).wait_for_publish(10)
            gateway.client.publish("parkedge/demo/gw07/ack", b"\x01", 1).wait_for_publish(10)
            gateway.publish(message(1))
            gateway.wait([1, 9, 1])
            assert set(map(tuple, gateway.acks)) == {(1, 9, 1)}  # and none that it sent itself
        for bridge in bridges:
            assert bridge.end() == 0
    assert numbers(tmp_path / "park.db", "messages", "gateway") == ["gw07"]


@pytest.mark.parametrize(("module", "arguments"), [
    ("prometheus_client", ["serve", "--metrics", ":0"]), ("nats", ["serve", "--nats", "nats://x"]),
    ("psycopg", ["serve", "--store", "postgresql:///x"]),
    ("confluent_kafka", ["kafka", "--bootstrap", "x"])])
def test_what_is_not_installed_is_told_in_one_line(module, arguments, tmp_path):
    code = f"import sys; sys.modules[{module!r}] = None; from cloud_bridge.__main__ import main;" \
           f" main({arguments})"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True,
                          text=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert done.returncode in (1, 2)
    assert "pip install 'parkedge[" in done.stderr.splitlines()[-1]
