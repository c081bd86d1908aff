"""Inside the demand window at 1 s beats: what holding it costs, and how a step settles.

The real controller in a loop with a battery of 100 kW, beside what others do with the same load
(hil/window_laws.py). Two loads: A, 70 kW with spikes of 180 kW for 60 s every 5 min, mean 92,
limit 100, over 4 h; B, 125 kW with one spike of 300 kW for 180 s in each window, mean 160, limit
130, eight windows. And a step from 60 to 150 kW against a limit of 100, with old readings and a
converter that lags.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from typing import Any

from hil.dut import InProcess
from hil.plants import Battery, Plant
from hil.window_laws import POWER_W, WINDOW_S, Law, OpenEms, Seen, remaining_budget, threshold

Load = Callable[[int], int]

_START_S = 8 * 3600  # of a day without a month's end
_DAY = 9657
_A_W, _B_W = 100_000, 130_000
_A_S, _B_S = 4 * 3600, 8 * WINDOW_S
_SPIKES = {"start": 0, "middle": 360, "end": 720}
_STEPS = ((0, 0, 0), (1, 1, 1), (1, 2, 1), (1, 3, 1), (3, 3, 3), (1, 5, 1), (1, 5, 5))
_BEFORE_W, _AFTER_W, _STEP_W = 60_000, 150_000, 100_000
_BAND_W = 2000
_AFTER_S, _CALM_S = 300, 60


def load_a(second: int) -> int:
    """Spikes that the mean forgives."""
    return 180_000 if second % 300 < 60 else 70_000


def load_b(spike_s: int) -> Load:
    """A spike of 180 s, `spike_s` after each window's start, that the mean does not forgive."""
    return lambda second: 300_000 if spike_s <= second % WINDOW_S < spike_s + 180 else 125_000


def controller(image: dict[str, Any], **rules: dict[str, int]) -> Law:
    """The real controller with these keys of rules changed, fresh, ramp and reserve beside them and
    nothing in its way; `image` is a site's that has those rules."""
    wide_w = 8_000_000
    kept = dict(image["rules"])
    changed = {"fresh": {}, "ramp": {"ramp_w_per_s": wide_w}, "reserve": {}, **rules}
    device = InProcess({
        **image, "site": {**image["site"], "beat_s": 1}, "demand": {"sliding": 0},
        "battery": {**image["battery"], "charge_max_w": POWER_W, "discharge_max_w": POWER_W},
        "gate": {**image["gate"], "charge_max_w": POWER_W, "discharge_max_w": POWER_W,
                 "import_max_w": wide_w, "export_max_w": wide_w, "step_max_w": 2 * wide_w,
                 "age_max_ms": 60_000},
        "ages": {**image["ages"], "grid_ms": 60_000, "store_ms": 60_000, "release_s": 0},
        "rules": [[name, {**kept[name], **keys}] for name, keys in changed.items()]})

    def law(seen: Seen) -> int:
        now_ms = seen.second * 1000
        told = (now_ms, _DAY, seen.second, seen.grid_w, seen.grid_s * 1000, seen.store_w,
                seen.store_s * 1000, 500, now_ms, 0, -1, POWER_W, POWER_W, 1)
        setpoint_w: int = device.beat(array("i", told))
        if device.site.fault is not None:
            raise device.site.fault
        return setpoint_w

    return law


class Loop:
    """A law around a battery that never runs out; readings are `meter_s` and `store_s` old."""

    def __init__(self, law: Law, lag_s: int = 0, meter_s: int = 0, store_s: int = 0) -> None:
        self.battery = Battery(100_000_000, POWER_W, POWER_W, soc_pm=500, tau_s=lag_s)
        self._plant, self._law, self._ages = Plant(self.battery), law, (meter_s, store_s)
        self._second = _START_S
        self._shown: list[tuple[int, int, int]] = []

    def run(self, load: Load, seconds: int) -> list[int]:
        """The import of each second, W."""
        grid_w = []
        for _ in range(seconds):
            self._plant.load_w = load(self._second)
            self._shown.append((self._second, self._plant.grid_w, self.battery.power_w))
            (grid_s, seen_w, _), (store_s, _, store_w) = (
                self._shown[max(-1 - age, -len(self._shown))] for age in self._ages)
            setpoint_w = self._law(Seen(self._second, seen_w, grid_s, store_w, store_s))
            grid_w.append(max(0, self._plant.run(setpoint_w, 1)))
            self._second += 1
        return grid_w

    @property
    def discharged_kwh(self) -> float:
        return self.battery.discharged_ws / 3.6e6


def means_w(grid_w: Sequence[int]) -> list[float]:
    """The mean of each window."""
    return [sum(grid_w[at:at + WINDOW_S]) / WINDOW_S for at in range(0, len(grid_w), WINDOW_S)]


def held(law: Law, load: Load, seconds: int) -> dict[str, float]:
    """Energy, and the highest window from the second on."""
    loop = Loop(law)
    billed_w = means_w(loop.run(load, seconds))
    return {"kwh": round(loop.discharged_kwh, 2), "kw": round(max(billed_w[1:]) / 1000, 2)}


def tuned(load: Load, limit_w: int, seconds: int) -> dict[str, float]:
    """The threshold that holds these windows with the least energy: found in hindsight, to 100 W,
    and no law that anyone could have set beforehand."""
    low, high = 0, 4 * limit_w // 100  # in 100 W: holds at low
    while high - low > 1:
        middle = (low + high) // 2
        if held(threshold(middle * 100), load, seconds)["kw"] * 1000 <= limit_w:
            low = middle
        else:
            high = middle
    return held(threshold(low * 100), load, seconds)


def settled(law: Law, lag_s: int, meter_s: int, store_s: int) -> dict[str, float]:
    """Seconds until the grid stays within 2 kW of the limit, the lowest import on the way and the
    swing of the last minute, kW. What never settles has no seconds."""
    loop = Loop(law, lag_s, meter_s, store_s)
    loop.run(lambda second: _BEFORE_W, 60)
    grid_w = loop.run(lambda second: _AFTER_W, _AFTER_S)
    outside = [at for at, w in enumerate(grid_w) if abs(w - _STEP_W) > _BAND_W]
    calm_w = grid_w[-_CALM_S:]
    found = {"low_kw": round(min(grid_w) / 1000, 1),
             "swing_kw": round((max(calm_w) - min(calm_w)) / 1000, 1)}
    last = outside[-1] + 1 if outside else 0
    return found if last > _AFTER_S - _CALM_S else {"settle_s": last, **found}


def measure(image: dict[str, Any]) -> dict[str, float]:
    """Every figure, by key; `_openems`, `_naive` and `_tuned` are the others'."""
    found: dict[str, float] = {}

    def keep(key: str, figures: dict[str, float]) -> None:
        found.update({f"window.{key}_{name}": value for name, value in figures.items()})

    loads: dict[str, tuple[Load, int, int]] = {"a": (load_a, _A_W, _A_S)}
    loads |= {f"b_{when}": (load_b(at), _B_W, _B_S) for when, at in _SPIKES.items()}
    for key, (load, limit_w, seconds) in loads.items():
        keep(key, held(controller(image, demand={"target_w": limit_w}), load, seconds))
        keep(key + "_openems", held(OpenEms(limit_w, limit_w * 4 // 5), load, seconds))
        keep(key + "_naive", held(remaining_budget(limit_w), load, seconds))
        keep(key + "_tuned", tuned(load, limit_w, seconds))
    for ages in _STEPS:
        key = "step_lag{}_meter{}_store{}".format(*ages)
        keep(key, settled(controller(image, contract={"import_max_w": _STEP_W}), *ages))
        keep(key + "_openems", settled(OpenEms(_STEP_W, 80_000), *ages))
    return found
