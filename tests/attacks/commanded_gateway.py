"""A whole gateway that can be commanded, with the secrets of a folder; on both interpreters.

commanded_gateway.py IMAGE FOLDER CLOCK: takes a beat every 20 ms until its standard input ends, and
says so in a line whenever the power of the battery, or whether a command binds, changes. CLOCK 0:
nobody has set its clock.
"""

import select
import sys
import time

from edge.app import App
from edge.blocks import FileBlocks
from edge.image import load
from edge.ticks import ticks_ms

UNIX_2000_S = 946_684_800


class Board:
    """Files in a folder."""

    def __init__(self, folder, is_set):
        self.folder = folder
        self.is_set = is_set

    def open_port(self, bus):
        raise ValueError("there is none")

    def wall(self):
        now_s = int(time.time()) - UNIX_2000_S if self.is_set else 1000
        return now_s // 86400, now_s % 86400, self.is_set

    def flash_device(self):
        return FileBlocks(self.folder + "/outbox.bin", 4096, 16)

    def state(self, name):
        return FileBlocks(self.folder + "/" + name + ".bin", 4096, 4)

    def secret(self, name):
        with open(self.folder + "/" + name + ".key", "rb") as file:
            return file.read()

    def watchdog(self, feed):
        pass

    def keep(self, row, rule_names):
        pass

    def password(self):
        with open(self.folder + "/broker.password", "rb") as file:
            return file.read().strip()


def read(site, now_ms):
    """What instruments show: a load of 300 kW, a battery half full."""
    site.grid_meter.take("grid_w", 300_000, now_ms)
    site.storage.take("store_w", 0, now_ms)
    site.storage.take("soc_pm", 500, now_ms)
    site.storage.take("ready", 1, now_ms)
    site.storage.take("charge_max_w", 200_000, now_ms)
    site.storage.take("discharge_max_w", 200_000, now_ms)
    site.pv.take("pv_w", 0, now_ms)


def main(image, folder, is_set):
    """Live."""
    app = App(load(image), Board(folder, is_set))
    mine = app.site.rule_names.index("command")
    row = app.site.journal.row
    poll = select.poll()
    poll.register(sys.stdin, select.POLLIN)
    told = None
    while not poll.poll(0):
        now_ms = ticks_ms()
        read(app.site, now_ms)
        app.beat(now_ms)
        app.uplink.step(now_ms, True)
        for _ in range(10):  # a signature is checked in 331 steps
            app.commands.step(now_ms)
        for part in app.shown:
            part.step(now_ms)
        said = (app.client.is_up(), row[20], mine in (row[16], row[18]))
        if said != told:
            told = said
            print("up" if said[0] else "down", said[1], "bound" if said[2] else "free")
        if app.site.fault is not None:
            raise app.site.fault
        time.sleep(0.02)


main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
