"""Runs on MicroPython: the whole application, to find the smallest heap it lives in.

Arguments: site image, a folder for the outbox, beats. The buses and the broker point where nobody
answers, which costs no less memory than an answer; beats are taken in virtual time. Of a site with
a ledger a beat is a minute long, and its roles are told what devices would: leaves are booked,
kept and signed.
"""

import gc
import sys

gc.threshold(4096)  # type: ignore[attr-defined]  # as main.py of a built tree does

from edge.app import App  # noqa: E402  loaded as on a gateway
from edge.blocks import FileBlocks  # noqa: E402
from edge.image import load  # noqa: E402
from edge.port import TcpPort  # noqa: E402

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class _Board:
    def __init__(self, folder: str, step_s: int) -> None:
        self.folder = folder
        self.second = 0
        self.step_s = step_s

    def open_port(self, bus: "Any") -> TcpPort:
        return TcpPort("127.0.0.1", 9)

    def wall(self) -> "tuple[int, int, bool]":
        self.second += self.step_s
        return 9800 + self.second // 86400, self.second % 86400, True

    def flash_device(self) -> FileBlocks:
        return FileBlocks(self.folder + "/outbox.bin", 4096, 16)

    def state(self, name: str) -> FileBlocks:
        return FileBlocks(self.folder + "/" + name + ".bin", 4096, 16 if name == "vital" else 2)

    def watchdog(self, feed: bool) -> None:
        pass

    def keep(self, row: "Any", rule_names: "Any") -> None:
        pass

    def password(self) -> bytes:
        return b""

    def secret(self, name: str) -> bytes:
        return bytes(range(32))


def _read(site: "Any", minute: int, now_ms: int) -> None:
    """Powers that change, and registers that count them."""
    w = 200_000 + minute * 7919 % 50_000
    store_w = minute * 104_729 % 40_000 - 20_000
    wh = 1_000_000_000 + minute * 4000
    site.grid_meter.take("grid_w", w, now_ms)
    site.storage.take("store_w", store_w, now_ms)
    site.storage.take("soc_pm", 500 - minute % 100, now_ms)
    site.pv.take("pv_w", 30_000, now_ms)
    for role in site.roles + site.fleet + list(site.ledger.lines.values()):
        for signal in role.SIGNALS:
            if signal.endswith("_wh"):
                role.take(signal, wh, now_ms)
    for meter in site.ledger.lines.values():
        meter.take("grid_w", 40_000 + minute * 31 % 1000, now_ms)


def main(path: str, folder: str, beats: int) -> None:
    """Take the beats, and step everything else in between."""
    image = load(path)
    image["broker"]["host"] = image["broker"]["host"] or "127.0.0.1"
    keeps = "ledger" in image
    app = App(image, _Board(folder, 60 if keeps else 1))
    image.clear()  # as edge/app.py `run` does
    now_ms = 0
    for number in range(beats):
        if keeps:
            _read(app.site, number, now_ms)
            app.beat(now_ms)
            if number % 8 == 0:
                gc.collect()  # as the app does
        else:
            app.beat()
        for _ in range(5):
            now_ms += 200
            for bus in app.buses:
                bus.step(now_ms)
            app.uplink.step(now_ms, True)
            for _ in range(10 if keeps else 0):
                app.keeper.step(now_ms)
    if app.site.fault is not None:
        raise app.site.fault
    print("beats", app.beats)
    if keeps:
        print("kept", app.keeper.book.quarter, app.keeper.errors, app.keeper.broken)


main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
