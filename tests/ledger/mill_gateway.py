"""A whole gateway that keeps a ledger, in time of the test's own; on both interpreters.

mill_gateway.py IMAGE FOLDER MINUTE QUARTERS: begins at MINUTE (since 2000-01-01 UTC) with what
FOLDER holds, lives through a quarter-hour for each line on standard input, says so, and after
QUARTERS of them waits until all it has stored is in the cloud. Beats are a minute long; the way up
is in real time. Readings come from the roles, as a driver would hand them over.
"""

import sys
import time

from edge.app import App
from edge.blocks import FileBlocks
from edge.image import load
from edge.port import TcpPort
from edge.ticks import ticks_ms

PATIENCE_S = 60
WIND_W, SUN_W, STORE_W, TENANT_W = 40_000, 30_000, 20_000, 60_000
BASE_W, STEP_W = 180_000, 60_000  # of import: it changes every minute


class Board:
    """Files in a folder, and a wall clock that stands where the test wants it."""

    def __init__(self, folder):
        self.folder = folder
        self.minute = 0

    def open_port(self, bus):
        return TcpPort("127.0.0.1", 9)

    def wall(self):
        return self.minute // 1440, self.minute % 1440 * 60, True

    def flash_device(self):
        return FileBlocks(self.folder + "/outbox.bin", 4096, 64)

    def state(self, name):
        return FileBlocks(self.folder + "/" + name + ".bin", 4096, 64 if name == "vital" else 4)

    def secret(self, name):
        return bytes(range(32))

    def watchdog(self, feed):
        pass

    def keep(self, row, rule_names):
        pass

    def password(self):
        return b""


def read(site, minute, now_ms):
    """What the mill's meters show at the end of a minute: the registers have counted what the
    powers were, and the battery, as there, has none."""
    imported = BASE_W * minute + STEP_W * (minute // 3 * 3 + (0, 0, 1)[minute % 3])
    site.grid_meter.take("grid_w", BASE_W + STEP_W * (minute % 3), now_ms)
    site.grid_meter.take("import_wh", imported // 60, now_ms)
    site.grid_meter.take("export_wh", 0, now_ms)
    site.storage.take("store_w", STORE_W if minute // 30 % 2 else -STORE_W, now_ms)
    site.storage.take("soc_pm", 500, now_ms)
    site.pv.take("pv_w", SUN_W, now_ms)
    site.pv.take("pv_wh", SUN_W * minute // 60, now_ms)
    for name, w in (("direct", WIND_W), ("press", TENANT_W), ("weaving", TENANT_W)):
        site.ledger.lines[name].take("grid_w", w, now_ms)
        site.ledger.lines[name].take("import_wh", w * minute // 60, now_ms)


def work(app, now_ms):
    """What happens between two beats, all of it."""
    while app.keeper.step(now_ms) < 1000:
        pass
    for shown in app.shown:
        shown.step(now_ms)
    app.uplink.step(ticks_ms(), True)


def main(image, folder, minute, quarters):
    """Live; the counter of minutes stands for the ticks too."""
    board = Board(folder)
    app = App(load(image), board)
    now_ms = 0
    while not app.client.is_up():
        app.uplink.step(ticks_ms(), True)
        time.sleep(0.002)
    for number in range(quarters):
        sys.stdin.readline()
        for _ in range(15):
            minute += 1
            board.minute = minute
            now_ms += 60_000
            read(app.site, minute, now_ms)
            app.beat(now_ms)
            work(app, now_ms)
        print("quarter", number)
    until = time.time() + PATIENCE_S
    while app.outbox.backlog() and time.time() < until:
        app.uplink.step(ticks_ms(), True)
        time.sleep(0.002)
    assert app.site.fault is None
    print("left", app.outbox.backlog(), app.keeper.errors, app.keeper.broken)


main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
