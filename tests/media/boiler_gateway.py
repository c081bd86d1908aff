"""A whole gateway that counts pulses, in time of the test's own; on both interpreters.

    boiler_gateway.py IMAGE FOLDER MINUTE

Begins at MINUTE (since 2000-01-01 UTC) with what FOLDER holds. Each line on standard input is
"live N": live through N minutes and say "minute M" and what the meters show; or "end": wait until
all that is stored is in the cloud, and say so. Beats are a minute long; the way up is in real time.
The meter at place P gives P + 1 pulses a minute; that of a device shows 7 l a minute.
"""

import sys
import time

from edge import blocks, media
from edge.app import App
from edge.blocks import FileBlocks
from edge.image import load
from edge.port import TcpPort
from edge.ticks import ticks_ms

PATIENCE_S = 60
GRID_W = 60_000
now_ms = 0


def ticks():
    """The test's own, for the pulses too."""
    return now_ms


def flush(file):
    """The power fails a process here, and not the machine: its files are safe without waiting."""
    file.flush()


class Source:
    """So many pulses a minute since the board was switched on."""

    def __init__(self, each):
        self.each = each
        self.minutes = 0

    def count(self):
        return self.each * self.minutes & 0x3FFFFFFF


class Board:
    """Files in a folder, and a wall clock that stands where the test wants it."""

    def __init__(self, folder):
        self.folder = folder
        self.minute = 0
        self.sources = []

    def open_port(self, bus):
        return TcpPort("127.0.0.1", 9)

    def open_pulse(self, name, debounce_ms):
        self.sources.append(Source(len(self.sources) + 1))
        return self.sources[-1]

    def wall(self):
        return self.minute // 1440, self.minute % 1440 * 60, True

    def flash_device(self):
        return FileBlocks(self.folder + "/outbox.bin", 4096, 64)

    def state(self, name):
        return FileBlocks(self.folder + "/" + name + ".bin", 4096, 64 if name == "vital" else 4)

    def watchdog(self, feed):
        pass

    def keep(self, row, rule_names):
        pass

    def password(self):
        return b""


def live(app, board, minutes):
    global now_ms
    site = app.site
    for _ in range(minutes):
        board.minute += 1
        now_ms += 60_000
        for source in board.sources:
            source.minutes += 1
        site.grid_meter.take("grid_w", GRID_W, now_ms)
        site.storage.take("store_w", 0, now_ms)
        site.storage.take("soc_pm", 500, now_ms)
        for meter in site.media.meters[len(board.sources):]:
            meter.take(meter.SIGNALS[0], 7 * board.minute, now_ms)
        app.beat(now_ms)
        app.uplink.step(ticks_ms(), True)


def main(path, folder, minute):
    media.ticks_ms = ticks
    blocks._flush = flush
    board = Board(folder)
    image = load(path)
    app = App(image, board)
    board.minute = minute
    while app.client and not app.client.is_up():
        app.uplink.step(ticks_ms(), True)
        time.sleep(0.002)
    for line in sys.stdin:
        if line.startswith("live"):
            live(app, board, int(line.split()[1]))
            print("minute", board.minute, *[meter.reading() for meter in app.site.media.meters])
            continue
        until = time.time() + PATIENCE_S
        while app.outbox.backlog() and time.time() < until:
            app.uplink.step(ticks_ms(), True)
            time.sleep(0.002)
        print("left", app.outbox.backlog(), app.site.fault)
        return


main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
