"""A store that is fed, `republish` as a process on it, and another client of its broker."""

import json
import queue
import signal
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from cloud_bridge.store import Store
from edge.journal import FIELDS
from edge.snapshot import CLOCK_OK, GRID_FRESH
from tests.conftest import ROOT
from tests.sync.test_mqtt_store import batch, birth, message

DAY_0_UTC = 946_684_800
START_UTC = DAY_0_UTC + 9_700 * 86_400


def rows(first, n, **values):
    """Journal rows, one a minute."""
    made = []
    for minute in range(first, first + n):
        row = dict.fromkeys(FIELDS, 0) | {"day": 9_700, "second": minute * 60, "grid_w": minute,
                                          "flags": CLOCK_OK | GRID_FRESH} | values
        made.append([row[name] for name in FIELDS])
    return made


class Feed:
    """A store, and what a gateway sends into it."""

    def __init__(self, path):
        self.path = path
        self.store = Store(path)
        self.seq = 0
        self.send(message(1, 2, birth(FIELDS)))

    def send(self, *payloads, gateway="g"):
        self.store.commit([(f"parkedge/p/{gateway}/b", payload) for payload in payloads], 1_000)
        self.seq += len(payloads)

    def rows(self, first, n, **values):
        self.send(message(self.seq + 1, body=batch(rows(first, n, **values))))


@pytest.fixture
def feed(tmp_path):
    made = Feed(tmp_path / "park.db")
    yield made
    made.store.close()


class Process:
    """The command, and what it says."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "cloud_bridge", "republish", *arguments, "--json"],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.events = queue.Queue()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.events.put(json.loads(line) if line.startswith("{") else {"event": line})

    def wait(self, event):
        deadline, said = time.monotonic() + 15, []
        while time.monotonic() < deadline:
            try:
                said.append(self.events.get(timeout=0.05))
            except queue.Empty:
                continue
            if said[-1]["event"] == event:
                return said[-1]
        raise AssertionError(f"no {event} in {said}")

    def end(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(15)
        self.reader.join(5)
        self.process.stdout.close()
        return code


@pytest.fixture
def republish(feed, mosquitto):
    """Start the command on the store and the broker."""
    started = []

    def start(target, *more):
        started.append(Process(target, "--park", "p", "--store", str(feed.path),
                               "--broker", mosquitto.url, *more))
        started[-1].wait("ready")
        return started[-1]

    yield start
    for one in started:
        if not one.process.stdout.closed:
            one.end(signal.SIGKILL)


@pytest.fixture
def watch(mosquitto):
    """Another client: all it got, until a condition holds."""
    client = paho.Client(CallbackAPIVersion.VERSION2, "watcher")
    seen = SimpleNamespace(got=[], client=client)
    ready = threading.Event()
    client.on_message = lambda _, __, got: seen.got.append(
        (got.topic, got.payload, got.qos, bool(got.retain)))
    client.on_subscribe = lambda *_: ready.set()
    client.on_connect = lambda *_: client.subscribe(
        [("spBv1.0/#", 1), ("homeassistant/#", 1), ("parkedge/#", 1)])
    client.reconnect_delay_set(0.05, 0.2)
    client.connect(mosquitto.host, mosquitto.port)
    client.loop_start()
    assert ready.wait(10)

    def until(condition):
        deadline = time.monotonic() + 15
        while not condition():
            assert time.monotonic() < deadline, [topic for topic, *_ in seen.got]
            time.sleep(0.01)

    seen.until = until
    seen.count = lambda part: sum(part in topic for topic, *_ in seen.got)
    yield seen
    client.disconnect()
    client.loop_stop()
