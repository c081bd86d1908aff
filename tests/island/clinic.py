"""A site that can live without the grid, to vary: its image, and one beat for a few readings."""

from __future__ import annotations

from typing import Any

from hil import inputs
from tests.core.park import DAY, Park, image

TICKS = 1 << 30
GRID, ISLAND, RETURN, DOUBT = range(4)  # as edge/island/mode.py numbers them
REST, STARTING, WARMING, LOADED, COOLING, LOCKED = range(6)  # as edge/island/genset.py does
LOADS = [[80_000, 5, 1, 180, 300, 200], [60_000, 6, 1, 60, 300, 350], [90_000, 7, 0, 0, 120, 600]]
GATE = {"charge_max_w": 210_000, "discharge_max_w": 205_000, "soc_floor_pm": 50,
        "soc_ceiling_pm": 950, "generator_min_w": 0, "generator_max_w": 170_000,
        "step_max_w": 100_000, "age_max_ms": 8000, "soc_age_max_ms": 120_000}
GENERATOR = {
    "min_w": 50_000, "max_w": 160_000, "best_w": 120_000, "start_coil": 3, "start_fails_on": 0,
    "load_coil": 4, "always": 0, "start_pm": 300, "stop_pm": 700, "floor_pm": 100,
    "ceiling_pm": 900, "full_pm": 900, "peak_w": 0, "peak_s": 60, "start_s": 30, "pause_s": 20,
    "attempts": 3, "warm_s": 60, "run_s": 900, "low_s": 120, "cool_s": 60, "rest_s": 100,
    "ramp_w_per_s": 10_000, "age_ms": 5000}
ISLAND_KEYS = {
    "forming": 1, "healthy_s": 60, "settle_s": 10, "age_ms": 5000, "stale_holds": 0,
    "doubt_w": 10_000, "permit_coil": 1, "pv_coil": 2, "pv_off_pm": 900, "pv_on_pm": 850,
    "gate": GATE}
SHED = {"limit_pm": 950, "floor_pm": 100, "back_pm": 50, "margin_pm": 1300, "settle_s": 5,
        "restore_s": 60, "import_max_w": 0, "over_s": 30, "loads": LOADS}
REJOIN = {"soft_s": 900, "ramp_w_per_s": 500, "import_max_w": 0}
OWN = {"island": ISLAND_KEYS, "generator": GENERATOR, "rejoin": REJOIN, "shed": SHED}
ORDER = ("island", "generator", "fresh", "ramp", "rejoin", "reserve", "contract", "shed")


def clinic(without: tuple[str, ...] = (), **changes: dict[str, Any]) -> dict[str, Any]:
    """The image; `changes` are keys of its own rules, `without` names rules to leave out."""
    without = (*without, "phase", "bands", "share")  # other sites' matter
    made = image(without=without)
    keys = dict(made["rules"])
    keys |= {name: {**own, **changes.get(name, {})} for name, own in OWN.items()
             if name not in without}
    for name, other in changes.items():
        keys[name] = {**keys[name], **other}
    first = [name for name in ORDER if name in keys]
    made["rules"] = [[name, keys[name]] for name in (*first, *(keys.keys() - set(first)))]
    rest = [name for name, _ in image(without=without)["rules"] if name not in first]
    made["rules"] = [[name, keys[name]] for name in (*first, *rest)]
    return made


class Clinic(Park):
    """Its controller, fed like the emulator feeds it; the coils' bits in `coils`."""

    def __init__(self, made: dict[str, Any] | None = None) -> None:
        super().__init__(made if made is not None else clinic())

    def at(self, second: int, **readings: int) -> int:
        """One beat at `second` of DAY with everything read just now; on the grid, at rest and half
        full where nothing else is given."""
        now_ms = (200_000 + second * 1000) % TICKS
        usual = {"now_ms": now_ms, "day": DAY + second // 86_400, "second": second % 86_400,
                 "grid_ms": now_ms, "store_ms": now_ms, "soc_ms": now_ms, "pv_ms": now_ms,
                 "switch_ms": now_ms, "gen_ms": now_ms, "soc_pm": 500, "ready": 1,
                 "charge_max_w": 8_000_000, "discharge_max_w": 8_000_000, "islanded": 0,
                 "grid_ok": 1, "gen_ready": 1, "gen_running": 0, "gen_w": 0}
        return self.beat(**{**usual, **readings})

    @property
    def coils(self) -> int:
        return inputs.coils(self.site)

    def mode(self) -> int:
        """As edge/island/mode.py numbers them, from the journal's flags."""
        return self.row["flags"] >> 8 & 3
