"""A whole gateway on real 32-bit MicroPython at the doors of the clouds that ask for signatures."""

import json
import os
import subprocess
import time

import pytest

from tests.clouds.accounts import CLOUDS
from tests.clouds.door import Door
from tests.clouds.test_clouds import Rules
from tests.conftest import ROOT, Interpreter
from tests.core.park import image

NOW_S = 1_780_000_000
SIGNED = [cloud for cloud in CLOUDS if cloud.renews]
SCRIPT = """
import json, sys, time
from edge.app import App
from edge.blocks import RamBlocks
from edge.ticks import ticks_ms

class Board:
    now_s = {now_s}
    def flash_device(self):
        return RamBlocks(4096, 16)
    def state(self, name):
        return RamBlocks(4096, 4)
    def password(self):
        return {secret!r}
    def keep(self, row, rule_names):
        pass
    def watchdog(self, feed):
        pass
    def wall(self):
        return self.now_s // 86400 - 10957, self.now_s % 86400, True

board = Board()
app = App(json.load(open(sys.argv[1])), board)
app.client.options.retry_ms = 20
for n in range(20):
    app.outbox.append(1, b"frame %d" % n, len(b"frame %d" % n))
    if n == 10:
        until = ticks_ms() + 20000
        while app.outbox.backlog() and ticks_ms() < until:
            time.sleep_ms(min(5, app.uplink.step(ticks_ms(), True)))
        board.now_s += 18000
        app.client._port.close()  # as if the line had broken
until = ticks_ms() + 20000
while app.outbox.backlog() and ticks_ms() < until:
    time.sleep_ms(min(5, app.uplink.step(ticks_ms(), True)))
app.client.leave(ticks_ms())
print("left", app.outbox.backlog(), app.client.sessions, app.sync.strange_acks, app.client.strays)
"""


class Later(Door):
    """Five hours later at each connection."""

    async def _take(self, reader, writer):
        self.now_s = NOW_S + 18_000 * len(self.admitted)
        await super()._take(reader, writer)


@pytest.mark.parametrize("cloud", SIGNED, ids=lambda cloud: cloud.name)
def test_frames_and_a_second_signature(cloud, broker, micropython: Interpreter, tmp_path):
    rules = Rules(broker, cloud, tmp_path / "park.db")
    with Later(cloud, broker.port, NOW_S) as door:
        made = image(broker={"host": "127.0.0.1", "port": door.port, "cloud": cloud.name})
        (tmp_path / "site.json").write_text(json.dumps({**made, "cloud": cloud.keys}))
        script = tmp_path / "gateway.py"
        script.write_text(SCRIPT.format(now_s=NOW_S, secret=cloud.secret))
        with subprocess.Popen([*micropython.command, "-X", "heapsize=512k", str(script),
                               str(tmp_path / "site.json")], stdout=subprocess.PIPE, text=True,
                              env={**os.environ, "MICROPYPATH": f"{ROOT}:.frozen"}) as process:
            deadline = time.monotonic() + 60
            while process.poll() is None and time.monotonic() < deadline:
                rules.settle()
                time.sleep(0.005)
            process.kill()
            said = process.stdout.read()
        assert said == "left 0 2 0 0\n"
        first, second = door.admitted
        assert first.password != second.password
        assert door.wrong == []
        stored = [body for _, body in rules.store.bodies("p", "g", [1])]
        assert stored == [b"frame %d" % n for n in range(20)]
    rules.close()


FIGURES = SCRIPT[:SCRIPT.index("app.client.options")] + """
app.beat()
until = ticks_ms() + 20000
while app.sync.told < 2 and ticks_ms() < until:
    time.sleep_ms(min(5, app.uplink.step(ticks_ms(), True)))
app.client.leave(ticks_ms())
print("told", app.sync.told, app.client.failures)
"""


def test_figures_in_a_cloud_s_json(broker, micropython: Interpreter, tmp_path):
    cloud = next(cloud for cloud in CLOUDS if cloud.name == "huawei")
    with Door(cloud, broker.port, NOW_S) as door:
        made = image(broker={"host": "127.0.0.1", "port": door.port, "cloud": cloud.name,
                             "json_s": 1})
        (tmp_path / "site.json").write_text(json.dumps({**made, "cloud": cloud.keys}))
        script = tmp_path / "gateway.py"
        script.write_text(FIGURES.format(now_s=NOW_S, secret=cloud.secret))
        said = micropython.run(script, tmp_path / "site.json", heap="512k").stdout
        assert said == "told 2 0\n"
        assert door.wrong == []
        first = json.loads(door.sent[0][1])["services"][0]
    assert first["event_time"] == "20260528T202640Z"
    assert first["properties"]["price_e4"] in (3000, 6500, 10_000, 12_000)
