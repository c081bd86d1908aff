"""A yard for the tests: chargers with vehicles, a load that moves and a battery, in one loop with
the whole controller."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edge.charging.charger import Chargers
from edge.controller import Controller
from edge.site import Site
from tests.core.park import DAY, image

VOLT = 230
MIN_MA, SAFE_MA = 6000, 6000
KEYS: dict[str, Any] = {
    "battery_first": 0, "margin_w": 2000, "ramp_ma_per_s": 500, "settle_s": 10, "idle_s": 60,
    "age_max_ms": 10_000, "voltage_v": VOLT, "lease_ms": 10_000, "names": [], "import_max_w": 0,
    "demand": 0, "phase_max_w": 0, "unbalance_w": 0, "store_phase": 0}
IDLE = ("tariff", "refill", "self_use", "bands", "share", "min_import", "dispatch_centre",
        "command")


def charger(priority: int = 1, phase: int = 0, max_ma: int = 16_000, min_on_s: int = 300,
            min_off_s: int = 60, surplus: int = 0) -> list[int]:
    """One as the image lists it."""
    return [phase, priority, MIN_MA, max_ma, SAFE_MA, min_on_s, min_off_s, surplus]


@dataclass
class Vehicle:
    """What stands at a charger: it takes up to `ma` on `ways` phases, and follows after `lag_s`."""

    ma: int = 16_000
    ways: int = 3
    lag_s: int = 0


class Yard:
    """`load_w`, `pv_w` and `vehicles` (None: nobody is there) may be changed at any time. Readings
    are `age_s` old, of a charger in `silent` there are none."""

    def __init__(self, listed: list[list[int]], limit_w: int, target_w: int = 0, age_s: int = 0,
                 phase_w: int = 0, without: tuple[str, ...] = (), **keys: Any) -> None:
        used: dict[str, Any] = {"charging": {
            **KEYS, "chargers": listed, "import_max_w": limit_w, "demand": int(target_w > 0),
            "phase_max_w": phase_w, **keys}, "contract": {"import_max_w": limit_w},
            "demand": {"target_w": target_w}, "phase": {"import_max_w": phase_w}}
        left_out = (*IDLE, *without, *(() if target_w else ("demand",)),
                    *(() if phase_w else ("phase",)))
        made = image(without=left_out, rules={name: used[name] for name in used
                                              if name not in left_out})
        self.site = Site(made)
        self.site.clock_set = True
        self._controller = Controller(self.site)
        holder = next(role for role in self.site.roles if isinstance(role, Chargers))
        self.roles = holder.chargers
        self.listed = listed
        self.vehicles: list[Vehicle | None] = [None] * len(listed)
        self.silent: set[int] = set()
        self.load_w = self.pv_w = 0
        self.soc_pm = 500
        self.second = 8 * 3600
        self.age_s = age_s
        self.phased = phase_w > 0
        self.used_wh = [0.0] * len(listed)
        self._told = [[0] * 64 for _ in listed]  # the last offers, newest last
        self._seen: list[tuple[int, ...]] = []

    @property
    def offers(self) -> list[int]:
        return [role.setpoint_w for role in self.roles]

    def drawn_ma(self, k: int) -> int:
        """What a vehicle draws a phase now."""
        one = self.vehicles[k]
        return 0 if one is None else min(one.ma, self._told[k][-1 - one.lag_s])

    def drawn_w(self, k: int) -> int:
        one = self.vehicles[k]
        return 0 if one is None else self.drawn_ma(k) * VOLT // 1000 * self.ways(k)

    def ways(self, k: int) -> int:
        one = self.vehicles[k]
        return 1 if self.listed[k][0] else one.ways if one else 3

    def phases_w(self, powers: list[int]) -> list[int]:
        """What powers of the chargers come to on each phase."""
        found = [0, 0, 0]
        for k, w in enumerate(powers):
            phase = self.listed[k][0]
            for at in ([phase - 1] if phase else range(self.ways(k))):
                found[at] += w // self.ways(k)
        return found

    @property
    def grid_w(self) -> int:
        return self.load_w - self.pv_w + sum(map(self.drawn_w, range(len(self.listed)))) \
            - self.site.now.command_w

    def beat(self) -> list[int]:
        """Take one beat; the offers."""
        site, now_ms = self.site, self.second * 1000
        self._seen.append((self.grid_w, site.now.command_w, *self.phases_w(
            [self.drawn_w(k) for k in range(len(self.listed))])))
        age_s = min(self.age_s, len(self._seen) - 1)
        stamp_ms = now_ms - 1000 * age_s
        grid_w, store_w, *phases_w = self._seen[-1 - age_s]
        site.grid_meter.take("grid_w", grid_w, stamp_ms)
        site.storage.take("store_w", store_w, stamp_ms)
        site.storage.take("soc_pm", self.soc_pm, now_ms)
        site.pv.take("pv_w", self.pv_w, now_ms)
        for role in site.roles:
            if self.phased and "l1_w" in role.SIGNALS:
                rest_w = grid_w - sum(phases_w)
                for at, w in enumerate(phases_w):
                    role.take(f"l{at + 1}_w", rest_w // 3 + w, stamp_ms)
        for k, role in enumerate(self.roles):
            if k not in self.silent:
                one, at = self.vehicles[k], self.listed[k][0]
                on = [at - 1] if at else list(range(one.ways if one else 0))
                for phase in range(3):
                    role.take(f"i_l{phase + 1}_ma", self.drawn_ma(k) if phase in on else 0, now_ms)
                role.take("plugged", int(one is not None), now_ms)
        self._controller.beat(now_ms, DAY, self.second)
        if site.fault is not None:
            raise site.fault
        for k, ma in enumerate(self.offers):
            self.used_wh[k] += self.drawn_w(k) / 3600
            self._told[k].append(ma)
            del self._told[k][0]
        self.second += 1
        return self.offers

    def run(self, seconds: int) -> None:
        for _ in range(seconds):
            self.beat()
