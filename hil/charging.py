"""The simulated park with chargers: vehicles that come, take what they are offered and fill up.

A vehicle follows its limit a beat later, on all phases of its charger, until it has what it needs;
then it stands there full, and after an hour another one has taken its place. So much is drawn on
top of the load; energy is conserved as in hil/plants.py.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hil.plants import Battery, Plant

VOLT = 230
_COMES_S = 60  # from one vehicle to the next at the start
_STAYS_S = 3600
_NEEDS_WH = 6000  # the first one's; the next ones' more


@dataclass
class Stall:
    """One charger and its vehicle."""

    max_ma: int
    ways: int  # phases
    comes_s: int
    needs_wh: int
    limit_ma: int = 0  # as it was told last
    drawn_ma: int = 0
    charged_ws: int = 0  # since it came
    total_ws: int = 0

    @property
    def drawn_w(self) -> int:
        return self.drawn_ma * VOLT * self.ways // 1000

    def is_there(self, at_s: int) -> bool:
        """Whether a vehicle stands there at this second of the story; for a minute of each hour
        there is none."""
        stood_s = at_s - self.comes_s
        return stood_s >= 0 and stood_s % _STAYS_S < _STAYS_S - 60

    def follow(self, at_s: int) -> None:
        """Draw what the limit of the last beat allows."""
        if not self.is_there(at_s):
            self.drawn_ma = self.charged_ws = 0
        elif self.charged_ws >= self.needs_wh * 3600:
            self.drawn_ma = 0
        else:
            self.drawn_ma = min(self.limit_ma, self.max_ma)

    def count(self, span_s: int) -> None:
        self.charged_ws += self.drawn_w * span_s
        self.total_ws += self.drawn_w * span_s

    def values(self, at_s: int) -> dict[str, int]:
        """What its charger measures, as signals; `plugged` as a flag."""
        currents = {f"i_l{phase}_ma": self.drawn_ma if phase <= self.ways else 0
                    for phase in range(1, 4)}
        return {"charger_w": -self.drawn_w, "plugged": int(self.is_there(at_s)),
                "import_wh": self.total_ws // 3600, **currents}


@dataclass
class ChargingPlant(Plant):
    """`limits_ma` are what the chargers were told last: to be set before `run`."""

    stalls: list[Stall] = field(default_factory=list)
    limits_ma: list[int] = field(default_factory=list)
    at_s: int = 0  # of the story

    @property
    def drawn_w(self) -> int:
        """What all chargers draw."""
        return sum(stall.drawn_w for stall in self.stalls)

    @property
    def grid_w(self) -> int:
        """What the grid meter shows now: import positive."""
        return self.load_w + self.drawn_w - self.pv_w - self.battery.power_w

    def run(self, setpoint_w: Any, span_s: int) -> int:
        """As Plant.run, with what the chargers draw as a part of the load."""
        rest_w = self.load_w
        self.load_w = rest_w + self.drawn_w
        grid_w = super().run(setpoint_w, span_s)
        self.load_w = rest_w
        self.at_s += span_s
        for stall, limit_ma in zip(self.stalls, self.limits_ma, strict=True):
            stall.count(span_s)
            stall.follow(self.at_s)
            stall.limit_ma = limit_ma
        return grid_w

    def show(self, inputs: array[int], at: int, now_ms: int) -> None:
        """Write what the chargers measure into the inputs of a beat, from `at` on."""
        for k, stall in enumerate(self.stalls):
            inputs[at + 2 * k] = -stall.drawn_w
            inputs[at + 2 * k + 1] = int(stall.is_there(self.at_s))
        inputs[at + 2 * len(self.stalls)] = now_ms


def listed(image: Mapping[str, Any]) -> list[list[int]]:
    """The chargers of an image, as the rule has them."""
    found: list[list[int]] = dict(image["rules"]).get("charging", {}).get("chargers", [])
    return found


def plant_of(image: Mapping[str, Any], battery: Battery) -> Plant:
    """The plant of a site image, with chargers where it has any."""
    stalls = [Stall(max_ma, 1 if phase else 3, _COMES_S * k, _NEEDS_WH * (k + 1))
              for k, (phase, _, _, max_ma, *_) in enumerate(listed(image))]
    if not stalls:
        return Plant(battery)
    return ChargingPlant(battery, stalls=stalls, limits_ma=[0] * len(stalls))
