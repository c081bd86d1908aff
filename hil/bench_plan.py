"""Runs on MicroPython: what the planner takes beside the beat; see `plan` in hil/bench_arm.py.

Arguments: what wraps the planner (one of hil/bench_arm.py WRAPS), and `bytes` or `mark`. `bytes`
prints what constructing it takes of the heap: its state, and not its code. `mark` makes it remember
four weeks and plan a busy slot anew, and writes a byte to standard error twice before and once
after each slice, between which an emulator counts instructions.
"""

import gc
import sys

from edge.ledger.account import Cost
from edge.plan import cap, foresight
from edge.plan.planner import Planner
from edge.prices import Prices
from hil.bench_memory import remember

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_DAY = 9000  # a Thursday
_CAPACITY_WH, _POWER_W = 3_000_000, 1_500_000
_STORE_WH = 2_400_000
_LOAD_W = 2_000_000
_AHEAD = 8  # slots that are announced
_PRICES_E4 = [3000] * 32 + [10000] * 12 + [6500] * 24 + [10000] * 8 + [12000] * 20
_CAP = {"cap_g": 30_000_000, "demand_e4": 400_000, "prices_e4": [
    [price + 40_000 * level for price in _PRICES_E4] for level in range(3)]}
_FORESIGHT = {"schedule": [[31, 20, 40, 1, 50_000, 300]], "raise_w": 200_000}


class _Site:
    """What a wrap asks of one."""

    def __init__(self) -> None:
        self.account = self
        self.carbon = Cost()
        self.announce: Any = None
        self.announced: Any = None


_site, _prices = _Site(), Prices(_PRICES_E4)


def _planner(wrap: str) -> "Any":
    planner: Any = Planner(_CAPACITY_WH, _POWER_W, _POWER_W, 100, 900, 900, 400_000, _prices)
    if "cap" in wrap:
        planner = cap.plan(planner, _CAP, _site)
    if "foresight" in wrap:
        planner = foresight.plan(planner, _FORESIGHT, _site)
    return planner


def _used() -> int:
    """Bytes of the heap in use; only MicroPython tells."""
    gc.collect()
    told: int = gc.mem_alloc()  # type: ignore[attr-defined]
    return told


def mark(planner: "Any") -> None:
    """Write a byte around every slice of a whole replanning: the load is above the target, and the
    target has moved, so that the trade is planned anew as well."""
    sink: Any = getattr(sys.stderr, "buffer", sys.stderr)
    write, step = sink.write, planner.step
    remember(planner, _DAY)
    planner.slot(_DAY, 40, _LOAD_W, 0, 8)
    if _site.announce is not None:
        _site.announce(_DAY, 41, [_LOAD_W + 100_000] * (_AHEAD + 1), 0, 1000, _DAY + 1, 0)
    while planner.busy:
        write(b".")
        write(b".")  # what a mark costs
        step(_LOAD_W, _STORE_WH)
        write(b".")


_before = _used()
_made = _planner(sys.argv[1])
if sys.argv[2] == "bytes":
    print(_used() - _before)
else:
    mark(_made)
