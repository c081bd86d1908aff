"""The real controller around a simulated plant, second by second, with instruments that lag."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from hil.plants import Battery, Plant
from tests.core.park import DAY, Park, image

START_S = 8 * 3600  # of DAY, UTC: no midnight and no month's end on the way
ONLY = ("self_use", "tariff", "refill", "export")  # rules with a will of their own


@dataclass
class Loop:
    """A battery that starts full. `ages` are how old grid and storage readings are, in beats."""

    made: dict[str, Any] = field(default_factory=lambda: image(without=ONLY))
    ages: tuple[int, int] = (0, 0)
    tau_s: int = 0
    discharge_max_w: int = 100_000
    beat_s: int = 1
    second: int = START_S

    def __post_init__(self) -> None:
        self.park = Park(self.made)
        self.battery = Battery(10_000_000, 200_000, self.discharge_max_w, soc_pm=800,
                               tau_s=self.tau_s)
        self.plant = Plant(self.battery)
        self.seen: list[tuple[int, int, int]] = []  # second, grid_w, store_w as they were
        self.commands: list[int] = []

    def step(self, load_w: int) -> int:
        """Let one beat pass with this load; returns the mean grid power of it."""
        plant, battery = self.plant, self.battery
        plant.load_w = load_w
        self.seen.append((self.second, plant.grid_w, battery.power_w))
        grid_s, grid_w, _ = self.seen[max(-1 - self.ages[0], -len(self.seen))]
        store_s, _, store_w = self.seen[max(-1 - self.ages[1], -len(self.seen))]
        command_w = self.park.beat(
            now_ms=self.second * 1000, day=DAY + self.second // 86_400,
            second=self.second % 86_400, grid_w=grid_w, grid_ms=grid_s * 1000, store_w=store_w,
            store_ms=store_s * 1000, soc_pm=battery.soc_now_pm, soc_ms=self.second * 1000, pv_w=0,
            pv_ms=self.second * 1000, charge_max_w=8_000_000,
            discharge_max_w=self.discharge_max_w, ready=1)
        assert self.park.site.fault is None, self.park.site.fault
        self.commands.append(command_w)
        grid_w = plant.run(command_w, self.beat_s)
        self.second += self.beat_s
        return grid_w

    def run(self, loads_w: Iterable[int]) -> list[int]:
        """The grid power of each beat."""
        return [self.step(load_w) for load_w in loads_w]

    @property
    def discharged_kwh(self) -> float:
        return self.battery.discharged_ws / 3.6e6

    @property
    def charged_kwh(self) -> float:
        return self.battery.charged_ws / 3.6e6
