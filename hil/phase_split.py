"""What each phase of a park carries: how its load is spread, and where its battery is connected."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from typing import Any

THIRDS = (334, 333, 333)  # per mille


class Split:
    """Load over the phases in fixed shares (per mille, 1000 together), PV a third on each, the
    battery a third on each or all on one. The three add up to the grid power, to the watt."""

    def __init__(self, load_pm: Sequence[int] = THIRDS, store_phase: int = 0) -> None:
        if len(load_pm) != 3 or sum(load_pm) != 1000 or min(load_pm) < 0:
            raise ValueError(f"found {','.join(map(str, load_pm))}, expected three shares of the "
                             "load that add up to 1000 per mille")
        self._load_pm, self._store_phase = load_pm, store_phase

    def grid_w(self, load_w: int, pv_w: int, store_w: int) -> list[int]:
        """Import of each phase, W."""
        first = load_w * self._load_pm[0] // 1000
        second = load_w * self._load_pm[1] // 1000
        loads = (first, second, load_w - first - second)
        store = _thirds(store_w)
        if self._store_phase:
            store = [store_w * (k + 1 == self._store_phase) for k in range(3)]
        return [load - pv - own for load, pv, own in zip(loads, _thirds(pv_w), store, strict=True)]

    def show(self, inputs: array[int], at: int, plant: Any) -> None:
        """Write the readings PHASES of hil/inputs.py, from place `at` on, of one meter with the
        grid's: their sum and their stamp."""
        grid_w, pv_w, store_w = inputs[3], inputs[9], plant.battery.power_w
        inputs[at:at + 3] = array("i", self.grid_w(grid_w + store_w + pv_w, pv_w, store_w)
                                  if plant.closed else [0] * 3)
        inputs[at + 3] = inputs[4]


def split_of(image: Mapping[str, Any], load_pm: Sequence[int] = THIRDS) -> Split | None:
    """The phases of a site that has a rule for them."""
    for name, keys in image["rules"]:
        if name == "phase":
            return Split(load_pm, keys["store_phase"])
    return None


def _thirds(w: int) -> list[int]:
    return [(w + k) // 3 for k in range(3)]
