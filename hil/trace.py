"""What the plant did: energies of each minute, and what stood at the end of each quarter-hour.

Columns of integers, W*s and uJ, so that sums are exact; kilowatts are made when they are written.
"""

from __future__ import annotations

import csv
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import accumulate
from pathlib import Path

MINUTES = 15
_WS_PER_KWH = 3_600_000
_WS_PER_KW_QUARTER = 900_000
_UJ_PER_KWH = 3_600_000_000_000

EMULATED = ("timestamp", "load_kw", "pv_kw", "battery_kw", "grid_kw", "soc_kwh", "price",
            "target_kw")
SCORED = ("timestamp", "load_kw", "battery_kw", "grid_kw", "soc_kwh")


class Trace:
    """One run. Powers are positive into the busbar, energies of a minute in W*s.

    `bare_ws` is what would have been imported without the battery.
    """

    def __init__(self) -> None:
        self.load_ws = array("q")
        self.pv_ws = array("q")
        self.store_ws = array("q")
        self.import_ws = array("q")
        self.bare_ws = array("q")
        self.stored_uj = array("q")  # from here on a value a quarter-hour
        self.target_w = array("i")

    @property
    def quarters(self) -> int:
        """How many quarter-hours are recorded."""
        return len(self.stored_uj)

    def take(self, loads: Sequence[int], pvs: Sequence[int], stores: Sequence[int],
             stored_uj: int, target_w: int) -> None:
        """Record a quarter-hour: the powers of its beats, W, and what stood at its end."""
        each = len(loads) // MINUTES
        span_s = 60 // each
        nets = [load - pv for load, pv in zip(loads, pvs, strict=True)]
        grids = [net - store for net, store in zip(nets, stores, strict=True)]
        for column, watts in (
                (self.load_ws, loads), (self.pv_ws, pvs), (self.store_ws, stores),
                (self.import_ws, [w if w > 0 else 0 for w in grids]),
                (self.bare_ws, [w if w > 0 else 0 for w in nets])):
            if each == 1:
                column.extend([w * span_s for w in watts])
            else:
                column.extend([sum(watts[i:i + each]) * span_s
                               for i in range(0, len(watts), each)])
        self.stored_uj.append(stored_uj)
        self.target_w.append(target_w)

    def grid_ws(self, battery: bool = True) -> list[int]:
        """Net import of each minute, with the battery or as it would have been without."""
        if not battery:
            return [a - b for a, b in zip(self.load_ws, self.pv_ws, strict=True)]
        return [a - b - c for a, b, c in zip(self.load_ws, self.pv_ws, self.store_ws, strict=True)]


def quarterly(minutes: Sequence[int]) -> list[int]:
    """Sums of fifteen minutes each."""
    return [sum(minutes[i:i + MINUTES]) for i in range(0, len(minutes), MINUTES)]


def peak_kw(import_ws: Sequence[int], sliding: bool = False) -> float:
    """The highest 15-minute mean import: of blocks, or of a window that slides every minute."""
    total = [0, *accumulate(import_ws)]
    ends = range(MINUTES, len(total), 1 if sliding else MINUTES)
    return max((total[end] - total[end - MINUTES] for end in ends), default=0) / _WS_PER_KW_QUARTER


def kwh(ws: int) -> float:
    """Energy in kWh."""
    return ws / _WS_PER_KWH


def stored_kwh(uj: int) -> float:
    """Energy in store in kWh."""
    return uj / _UJ_PER_KWH


def write(path: Path, trace: Trace, columns: Sequence[str], times: Iterable[str],
          prices_e4: Sequence[int] = ()) -> None:
    """Write 15-minute means as CSV; `times` are the starts, `soc_kwh` stands at the ends."""
    def mean(minutes: Callable[[], Sequence[int]]) -> list[str]:
        return [f"{ws / _WS_PER_KW_QUARTER:.6f}" for ws in quarterly(minutes())]

    make: Mapping[str, Callable[[], Iterable[str]]] = {
        "timestamp": lambda: times,
        "load_kw": lambda: mean(lambda: trace.load_ws),
        "pv_kw": lambda: mean(lambda: trace.pv_ws),
        "battery_kw": lambda: mean(lambda: trace.store_ws),
        "grid_kw": lambda: mean(trace.grid_ws),
        "soc_kwh": lambda: [f"{stored_kwh(uj):.6f}" for uj in trace.stored_uj],
        "price": lambda: [f"{price / 1e4:.4f}" for price in prices_e4],
        "target_kw": lambda: [f"{w / 1e3:.3f}" for w in trace.target_w],
    }
    with path.open("w", newline="", encoding="ascii") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(columns)
        rows.writerows(zip(*(make[name]() for name in columns), strict=True))
