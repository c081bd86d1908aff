"""Runs on MicroPython: what a step of edge/oneway.py costs, with a byte written around each.

First the steps that send frames as long as a datagram takes, then those that have nothing to do.
"""

import sys

from edge.blocks import FileBlocks
from edge.oneway import PIECE, OneWay
from edge.outbox import Outbox

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

STEPS = 40


class _Port:
    def send(self, buf: "Any", n: int) -> bool:
        return True


def main(path: str) -> None:
    """Mark STEPS busy steps and as many idle ones; the first of all tells how far we are."""
    outbox = Outbox(FileBlocks(path, 4096, 24), PIECE)
    outbox.mount()
    port: Any = _Port()
    way = OneWay(port, (outbox,), "demo", "foundry", bytes(range(32)))
    for _ in range(STEPS):
        outbox.append(1, bytes(PIECE), PIECE)
    sink: Any = getattr(sys.stderr, "buffer", sys.stderr)
    write, step, now_ms = sink.write, way.step, 0
    step(now_ms)
    for _ in range(2 * STEPS):
        now_ms += 500
        write(b".")
        write(b".")
        step(now_ms)
        write(b".")
    print(way.sent)


main(sys.argv[1])
