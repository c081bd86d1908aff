"""What the carbon ledger costs a gateway: instructions on an Arm, heap on an i386, bytes a leaf."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from hil import bench_modules
from hil.ledger_day import longest_leaf

MODULES = ("edge.ledger.book",)
PROGRAM = "bench_book"
QUARTERS = 8


def measure(counting: Sequence[str], interpreter: str) -> dict[str, float]:
    """`counting` is an interpreter in an emulator that prints a running count at each mark. A
    step is a minute of two views, worked through in slices; the longest may be any slice of the
    quarter-hour."""
    n = str(QUARTERS)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bench_modules.build(folder, MODULES, PROGRAM)
        told = bench_modules.run(counting, folder, PROGRAM, "mark", n)
        heap = [interpreter, "-X", "heapsize=512k"]
        garbage = bench_modules.run(heap, folder, PROGRAM, "garbage", n)
        longest = bench_modules.run(heap, folder, PROGRAM, "live", n)
        smallest = bench_modules.smallest_heap(interpreter, folder, PROGRAM, "live", n)
    slices = bench_modules.instructions(told)
    return {"ledger.arm_instructions": round(sum(slices) / (15 * QUARTERS)),
            "ledger.arm_instructions_max": max(slices),
            "ledger.garbage_bytes": int(garbage),
            "ledger.min_heapsize_bytes": smallest,
            "ledger.leaf_bytes": longest_leaf(),
            "ledger.leaf_every_meter_bytes": int(longest)}
