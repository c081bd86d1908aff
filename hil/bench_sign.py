"""Runs on MicroPython: a signed tree head from seed to note; what `hil bench` measures.

Garbage is collected between steps, as the app is to do it between beats. With the argument `steps`
a byte is written to standard error twice before and once after each step, between which an emulator
counts instructions, and after the key's and after the signature's steps the most garbage is
printed that one of them leaves; with `run` it only signs, to find the smallest heap that suffices.
"""

import gc
import sys

gc.threshold(4096)  # type: ignore[attr-defined]  # as main.py of a built tree does

from edge.evidence.signer import Signer  # noqa: E402  loaded as on a gateway

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class _Kept:
    """A record in memory: what a device costs is not a signature's."""

    def __init__(self) -> None:
        self.payload = b""

    def load(self) -> bytes:
        return self.payload

    def store(self, buf: bytes, n: int) -> None:
        self.payload = buf


def _finish(signer: Signer, mark: "Any") -> None:
    """All steps, with a mark before and after each."""
    done, most = False, 0
    while not done:
        gc.collect()
        before: int = gc.mem_alloc()  # type: ignore[attr-defined]  # only MicroPython tells
        mark(b".")
        mark(b".")  # what a mark costs
        done = signer.step()
        mark(b".")
        most = max(most, gc.mem_alloc() - before)  # type: ignore[attr-defined]
    print("garbage", most)


def main(mode: str) -> None:
    """Derive the key, then sign one head."""
    gc.threshold(-1)  # type: ignore[attr-defined]  # nothing is collected within a step
    mark = sys.stderr.buffer.write if mode == "steps" else len
    signer = Signer(bytes(range(32)), "park.example/gateway-7", _Kept())
    _finish(signer, mark)
    signer.begin(35040, bytes(range(32)))
    _finish(signer, mark)
    print("note", signer.note)


main(sys.argv[1])
