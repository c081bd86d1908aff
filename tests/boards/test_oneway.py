"""[oneway] of a site file: what is refused beside it, what is built, and that it runs."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from boards import build, describe, oneway
from boards.found import boards
from boards.image import compile_site
from boards.site import Checked
from cloud_bridge.batches import decode_batch, decode_message
from cloud_bridge.oneway import Keys, unseal
from tests.boards.sites import OFFICE, changed, judge
from tests.conftest import ROOT, Interpreter
from tests.sync.oneway import put_key

BOARD = "w5500_evb_pico2"
ONEWAY = '[oneway]\nhost = "192.168.10.9"\n'
REASON = "beside [oneway]: nothing ever comes back through a one-way isolation device"
MQTT = {"edge.mqtt_client", "edge.wire.mqtt", "edge.sync"}


def site(more: str = ONEWAY, *pairs: tuple[str, str]) -> Checked:
    return judge(changed(("[telemetry]", f"{more}\n[telemetry]"), *pairs))


def image(*pairs: tuple[str, str]) -> dict[str, object]:
    checked = site(ONEWAY, *pairs)
    assert checked.site is not None, checked.errors
    return compile_site(checked.site)


def test_defaults_are_filled_in_and_told():
    made = image()
    assert made["oneway"] == {"host": "192.168.10.9", "port": 5140, "repeats": 3, "rate": 4000}
    told = describe.text(describe.summary(site()))
    assert "oneway  host 192.168.10.9, port 5140, repeats 3, rate 4000" in told
    assert "oneway" not in compile_site(judge(changed()).site)


@pytest.mark.parametrize(("more", "pairs", "line"), [
    (ONEWAY, [('host = ""', 'host = "192.168.10.2"')],
     f'broker.host: found "192.168.10.2", expected "" {REASON}'),
    (ONEWAY + "[live]\nperiod_s = 60\n", [], f"live.period_s: found 60, expected 0 {REASON}"),
    (ONEWAY + "[announced]\ntopic = 1\n", [], f"announced.topic: found 1, expected 0 {REASON}"),
    ('[oneway]\nhost = "isolation.example"\n', [],
     'oneway.host: found "isolation.example", expected an IP address as 127.0.0.1'),
    ("[oneway]\nrepeats = 3\n", [],
     "oneway.host: found nothing, expected an IP address as 127.0.0.1"),
    (ONEWAY + "repeats = 5\n", [], "oneway.repeats: found 5, expected a whole number 1 .. 4 times"),
])
def test_what_an_answer_would_have_to_bring_is_refused(more, pairs, line):
    checked = site(more, *pairs)
    assert checked.site is None
    assert list(checked.errors) == [f"site.toml: {line}"]


def test_neither_client_nor_subscription_is_built():
    with_broker = compile_site(judge(changed()).site)
    one, plain = build.edge_modules(image()), build.edge_modules(with_broker)
    assert {"edge.oneway", "edge.udp_port", "edge.hmac256"} <= one
    assert not MQTT & one
    assert plain >= MQTT
    assert not {"edge.oneway", "edge.udp_port"} & plain
    assert build.core_modules(image()) == build.core_modules(with_broker)
    built = build.build(site().site, boards()[BOARD])
    assert built.over == []
    assert built.sizes["app"] < build.build(judge(changed()).site, boards()[BOARD]).sizes["app"]


SCRIPT = """
import gc, sys
sys.path[:] = [sys.argv[1], ".frozen"]
gc.threshold(4096)
from edge.app import App
from edge.blocks import FileBlocks
from edge.image import load

class Port:
    def open(self, now_ms):
        pass
    def is_open(self):
        return False
    def close(self):
        pass

class Board:
    second = 0
    def open_port(self, bus):
        return Port()
    def wall(self):
        self.second += 1
        return 9800, self.second, True
    def flash_device(self):
        return FileBlocks("outbox.bin", 4096, 16)
    def state(self, name):
        return FileBlocks(name + ".bin", 4096, 4)
    def secret(self, name):
        return (name + "-" * 32).encode()[:32]
    def watchdog(self, feed):
        pass
    def keep(self, row, rule_names):
        pass

image = load("site.json")
image["oneway"]["host"] = "127.0.0.1"
image["oneway"]["port"] = int(sys.argv[2])
app = App(image, Board())
image.clear()
for beat in range(1000):
    app.beat(beat * 1000)
    if app.site.fault is not None:
        raise app.site.fault
    for turn in range(4):
        app.uplink.step(beat * 1000 + turn * 250, True)
print(app.client, app.sync.sent, app.sync.network_errors,
      [name for name in sys.modules if "mqtt" in name or name == "edge.sync"])
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("oneway") / "tree"
    checked = site()
    assert checked.site is not None
    build.write(build.build(checked.site, boards()[BOARD]), folder)
    return folder


def test_a_built_gateway_sends_inside_the_heap_of_any(
        micropython: Interpreter, tree: Path, tmp_path: Path):
    """Every beat locks the heap, so that a fault would tell of one that asked for it."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    keys = tmp_path / "keys"
    put_key(keys / "demo" / "foundry", b"uplink".ljust(32, b"-"))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as inner:
        inner.bind(("127.0.0.1", 0))
        inner.settimeout(1)
        done = micropython.run(script, tree, inner.getsockname()[1], cwd=tree, heap="160k")
        client, sent, errors, loaded = done.stdout.strip().split(" ", 3)
        assert (client, errors, loaded) == ("None", "0", "[]")
        found = [decode_message(unseal(inner.recv(1500), Keys(keys)).message)
                 for _ in range(int(sent))]
    assert {message.kind for message in found} == {1, 2, 99}
    rows = [row for message in found if message.kind == 1
            for row in decode_batch(message.body).rows]
    seconds = sorted({row[1] for row in rows})
    assert seconds == list(range(1, 15 * len(seconds), 15))
    assert len(rows) > len(seconds) > 12  # the first have gone again


def test_a_gateway_as_it_is_started_says_where_its_key_is(tmp_path: Path):
    """Among its first words are how far it is, and the birth; believed under the key it told of."""
    folder, keys = tmp_path / "state", Keys(tmp_path / "keys")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as inner:
        inner.bind(("127.0.0.1", 0))
        inner.settimeout(30)
        more = f'[oneway]\nhost = "127.0.0.1"\nport = {inner.getsockname()[1]}\n'
        more += "[telemetry]\nperiod_s = 1\nflush_s = 1\n"  # a birth waits for the first rows
        text = changed(("port = 8040", "port = 0"), base=OFFICE) + more
        (tmp_path / "site.toml").write_text(text)
        process = subprocess.Popen(
            [sys.executable, "-m", "boards", "run", str(tmp_path / "site.toml"), "--board",
             "emulator", "--journal", str(folder)], cwd=ROOT, stderr=subprocess.PIPE, text=True)
        try:
            found = [inner.recv(1500)]
            key = tmp_path / "keys" / "demo" / "office" / "uplink.key"
            key.parent.mkdir(parents=True)
            shutil.copy(folder / "uplink.key", key)
            while decode_message(unseal(found[-1], keys).message).kind != 2:
                found.append(inner.recv(1500))
        finally:
            process.kill()
            said = process.communicate()[1]
    first = decode_message(unseal(found[0], keys).message)
    assert (first.kind, first.seq) == (99, 1)
    assert f"uplink key {folder}/uplink.key: the listener needs it as DIR/demo/office/uplink.key" \
        in said
    assert "give --journal" in oneway.key_line({}, None)
