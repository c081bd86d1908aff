"""One way, every part the real one: MicroPython, UDP, a lossy network, `listen` as a process that
is killed, SQLite."""

import queue
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner

from cloud_bridge.__main__ import main
from cloud_bridge.oneway import Joiner, Keys, unseal
from edge.sync import RESUME
from edge.udp_port import UdpPort
from hil import bench_oneway
from hil.lossy import Lossy
from tests.sync.oneway import HOUR, MINUTE, Gateway, keys_in, listening, put_key, until

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
import sys, time
from edge.blocks import RamBlocks
from edge.oneway import OneWay
from edge.outbox import Outbox
from edge.udp_port import UdpPort

outbox = Outbox(RamBlocks(4096, 24), 2020)
outbox.mount()
way = OneWay(UdpPort("127.0.0.1", int(sys.argv[1])), (outbox,), "demo", "gw07", bytes(range(32)),
             rate=50000)
for n in range(1, 41):
    body = b"frame %d " % n * 20 if n % 8 else b"long frame %d " % n * 130
    outbox.append(1, body, len(body))
now_ms, sent = 0, 0
while outbox.backlog():
    wait_ms = way.step(now_ms)
    now_ms += 5000 if wait_ms == 1000 else wait_ms or 1
    if way.sent > sent:
        sent = way.sent
        time.sleep_ms(2)
print(sent, way.network_errors, way.device_errors, outbox.epoch)
"""


class Relay:
    """A lossy network between two UDP sockets; it never gets further ahead of the listener than
    a socket holds, so that nothing is lost but what it drops itself."""

    def __init__(self, network, listener):
        self.network, self.listener, self.out = network, listener, []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(0.2)
        self.port = self.socket.getsockname()[1]
        self.stopping = False
        self.thread = threading.Thread(target=self.run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping = True
        self.thread.join()
        self.forward(self.network.rest())
        until(lambda: self.listener.counts["datagrams"] == len(self.out))
        self.socket.close()

    def run(self):
        while True:
            try:
                self.forward(self.network.take(self.socket.recv(2000)))
            except TimeoutError:
                if self.stopping:
                    return

    def forward(self, datagrams):
        for data in datagrams:
            self.socket.sendto(data, ("127.0.0.1", self.listener.port))
            self.out.append(data)
            until(lambda: self.listener.counts["datagrams"] > len(self.out) - 20)


def test_from_micropython_through_a_lossy_network_into_the_store(micropython, tmp_path):
    script = tmp_path / "gateway.py"
    script.write_text(SCRIPT)
    network = Lossy(7, drop_pm=200, double_pm=100, late_pm=50, burst_pm=5, burst=20)
    with listening(tmp_path) as listener, Relay(network, listener) as relay:
        done = micropython.run(script, relay.port, heap="512k")
    sent, *errors, epoch = map(int, done.stdout.split())
    assert errors == [0, 0]
    assert network.dropped > 20
    assert sent > 120
    keys, joiner, whole, last = Keys(tmp_path / "keys"), Joiner(), {}, 0
    for data in relay.out:
        message = joiner.join(unseal(data, keys))
        if message is not None and message.kind == RESUME:
            last = max(last, message.seq - 1)
        elif message is not None:
            whole[message.seq] = message.body
    db = sqlite3.connect(tmp_path / "park.db")
    assert dict(db.execute("SELECT seq, body FROM messages WHERE epoch = ?", (epoch,))) == whole
    named = {seq for first, end in db.execute("SELECT first, last FROM gaps")
             for seq in range(first, end + 1)}
    db.close()
    assert len(whole) > 20
    assert named - whole.keys() == set(range(1, last + 1)) - whole.keys()


class Listen:
    """`python -m cloud_bridge listen` as a process."""

    def __init__(self, folder, port):
        self.store, self.port = folder / "park.db", port
        keys = folder / "keys"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "cloud_bridge", "listen", "--udp", f"127.0.0.1:{port}",
             "--store", self.store, "--keys", keys, "--json"],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.lines = queue.Queue()
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()
        while '"ready"' not in self.lines.get(timeout=15):
            pass

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line)

    def end(self, number):
        self.process.send_signal(number)
        code = self.process.wait(15)
        self.thread.join(5)
        self.process.stdout.close()
        return code

    def numbers(self):
        if not self.store.exists():
            return []
        db = sqlite3.connect(f"file:{self.store}?mode=ro", uri=True)
        try:
            return [seq for (seq,) in db.execute("SELECT seq FROM messages ORDER BY seq")]
        finally:
            db.close()


@pytest.fixture
def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def listen(tmp_path, free_port):
    keys_in(tmp_path)
    started = []

    def start():
        started.append(Listen(tmp_path, free_port))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.end(signal.SIGKILL)


@pytest.fixture
def gateway(free_port):
    made = Gateway()
    made.way._port = UdpPort("127.0.0.1", free_port)
    yield made
    made.way._port.close()


def test_a_killed_listener_loses_what_the_repeats_bring_again(listen, gateway):
    """What is lost with it is what was in its socket, its queue and its open transaction."""
    first = listen()
    gateway.append(20)
    gateway.pass_time(10_000)
    until(lambda: len(first.numbers()) > 0)
    gateway.append(20)
    gateway.pass_time(10_000)  # on the way in while it dies
    first.end(signal.SIGKILL)
    kept = first.numbers()
    second = listen()
    assert second.numbers() == kept  # nothing that was committed is gone
    gateway.append(5)
    gateway.pass_time(4 * MINUTE)  # the second time
    until(lambda: second.numbers() == list(range(1, 46)))
    gateway.pass_time(3 * HOUR)
    assert second.end(signal.SIGTERM) == 0
    db = sqlite3.connect(second.store)
    assert db.execute("SELECT count(*) FROM gaps").fetchone() == (0,)
    db.close()


def test_asked_to_stop_it_commits_what_has_come(listen, gateway):
    process = listen()
    gateway.append(30)
    gateway.pass_time(10_000)
    assert process.end(signal.SIGTERM) == 0
    assert process.numbers() == list(range(1, 31))
    assert '"stopped"' in list(process.lines.queue)[-1]


def test_a_day_of_the_foundry_at_a_loss_of_five_per_cent():
    """Two hours of it; the whole day is `python -m hil bench --only oneway`."""
    found = bench_oneway.measure(quarters=8)
    assert found["oneway.random.datagrams_lost_pm"] > 20
    for name in bench_oneway.NETWORKS:
        one = {key.rpartition(".")[2]: value for key, value in found.items() if f".{name}." in key}
        assert one["frames_sent"] > 20
        assert one["rows_sent"] > 480
        assert one["frames_waiting"] == 0
        assert one["frames_sent"] == one["frames_stored"] + one["frames_known_missing"]
        assert one["rows_stored"] >= one["rows_sent"] * 95 // 100
        assert (one["rows_stored"] == one["rows_sent"]) == (one["frames_known_missing"] == 0)


@pytest.mark.parametrize(("arguments", "status", "said"), [
    (["--udp", "nowhere", "--keys", "{}"], 2, "found 'nowhere', expected HOST:PORT"),
    (["--udp", "127.0.0.1:70000", "--keys", "{}"], 2, "expected HOST:PORT"),
    ([], 2, "Missing option '--keys'"),
    (["--keys", "{}/none"], 2, "does not exist"),
    (["--keys", "{}", "--store", "{}/no/park.db"], 2, "there is no folder"),
    (["--keys", "{}/short"], 2, "uplink.key: found 5 bytes, expected 32"),
    (["--keys", "{}", "--udp", "203.0.113.77:5140"], 1, "203.0.113.77:5140: "),
])
def test_wrong_use_is_told_in_a_line(tmp_path, arguments, status, said):
    short = tmp_path / "short" / "demo" / "gw07"
    put_key(short, b"short")
    done = CliRunner().invoke(main, ["listen", *(one.format(tmp_path) for one in arguments)])
    assert done.exit_code == status
    assert said in done.output
