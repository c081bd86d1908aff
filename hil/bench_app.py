"""Runs on MicroPython: the whole application, to find the smallest heap it lives in.

Arguments: site image, a folder for the outbox, beats. The buses and the broker point where nobody
answers, which costs no less memory than an answer; beats are taken in virtual time.
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
    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.second = 0

    def open_port(self, bus: "Any") -> TcpPort:
        return TcpPort("127.0.0.1", 9)

    def wall(self) -> "tuple[int, int, bool]":
        self.second += 1
        return 9800 + self.second // 86400, self.second % 86400, True

    def flash_device(self) -> FileBlocks:
        return FileBlocks(self.folder + "/outbox.bin", 4096, 16)

    def state(self, name: str) -> FileBlocks:
        return FileBlocks(self.folder + "/" + name + ".bin", 4096, 2)

    def watchdog(self, feed: bool) -> None:
        pass

    def keep(self, row: "Any", rule_names: "Any") -> None:
        pass

    def password(self) -> bytes:
        return b""


def main(path: str, folder: str, beats: int) -> None:
    """Take the beats, and step everything else in between."""
    image = load(path)
    image["broker"]["host"] = image["broker"]["host"] or "127.0.0.1"
    app = App(image, _Board(folder))
    image.clear()  # as edge/app.py `run` does
    now_ms = 0
    for _ in range(beats):
        app.beat()
        for _ in range(5):
            now_ms += 200
            for bus in app.buses:
                bus.step(now_ms)
            app.uplink.step(now_ms, True)
    if app.site.fault is not None:
        raise app.site.fault
    print("beats", app.beats)


main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
