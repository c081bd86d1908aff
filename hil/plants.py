"""The simulated park: battery, load, PV and grid, in integers, with energy conserved exactly.

Power in W, positive into the busbar; energy in uJ inside the battery (W*s * 1e6), so that the
one-way efficiencies (parts per million) leave no rounding behind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

_E6 = 1_000_000
_WS_PER_WH = 3600


@dataclass
class Battery:
    """A battery behind its converter.

    `floor_pm` and `ceiling_pm` are where its BMS stops it; `tau_s` is the converter's first-order
    lag. Efficiencies are one way.
    """

    capacity_wh: int
    charge_max_w: int
    discharge_max_w: int
    soc_pm: int = 900
    floor_pm: int = 100
    ceiling_pm: int = 900
    charge_ppm: int = 948_683  # sqrt(0.9): 90 % round trip split evenly
    discharge_ppm: int = 948_683
    tau_s: int = 0
    power_w: int = 0
    charged_ws: int = 0
    discharged_ws: int = 0
    lost_uj: int = 0
    stored_uj: int = field(init=False)

    def __post_init__(self) -> None:
        self._pm_uj = self.capacity_wh * _WS_PER_WH * _E6 // 1000
        self.stored_uj = self.soc_pm * self._pm_uj
        self._floor_uj = self.floor_pm * self._pm_uj
        self._ceiling_uj = self.ceiling_pm * self._pm_uj

    def run(self, setpoint_w: Any, span_s: int) -> int:
        """Follow the setpoint for span_s seconds; returns the mean power actually delivered."""
        target_w: int = min(max(setpoint_w, -self.charge_max_w), self.discharge_max_w)
        if self.tau_s and target_w != self.power_w:
            rise_w = (target_w - self.power_w) * span_s
            target_w = self.power_w + int(rise_w / (self.tau_s + span_s))
        if target_w > 0:
            target_w = self._discharge(target_w, span_s)
        elif target_w < 0:
            target_w = -self._charge(-target_w, span_s)
        self.power_w = target_w
        return target_w

    def _charge(self, w: int, span_s: int) -> int:
        room_uj = self._ceiling_uj - self.stored_uj
        if w * span_s * self.charge_ppm > room_uj:
            w = max(room_uj, 0) // (span_s * self.charge_ppm)
        ws = w * span_s
        self.charged_ws += ws
        self.stored_uj += ws * self.charge_ppm
        self.lost_uj += ws * (_E6 - self.charge_ppm)
        return w

    def _discharge(self, w: int, span_s: int) -> int:
        left_uj = self.stored_uj - self._floor_uj
        if w * span_s * _E6 * _E6 > left_uj * self.discharge_ppm:
            w = max(left_uj, 0) * self.discharge_ppm // (span_s * _E6 * _E6)
        ws = w * span_s
        taken_uj = -(-ws * _E6 * _E6 // self.discharge_ppm)
        self.discharged_ws += ws
        self.stored_uj -= taken_uj
        self.lost_uj += taken_uj - ws * _E6
        return w

    @property
    def soc_now_pm(self) -> int:
        """State of charge as a BMS shows it, whole per mille, rounded down."""
        return self.stored_uj // self._pm_uj

    @property
    def stored_wh(self) -> float:
        """Energy in the battery, Wh."""
        return self.stored_uj / _E6 / _WS_PER_WH


class Bank(Battery):
    """Several batteries, each behind its own converter, and their sums as if they were one."""

    def __init__(self, batteries: Sequence[Battery]) -> None:
        super().__init__(sum(one.capacity_wh for one in batteries),
                         sum(one.charge_max_w for one in batteries),
                         sum(one.discharge_max_w for one in batteries))
        self.batteries = tuple(batteries)
        self._add_up()

    def run(self, setpoint_w: Sequence[int], span_s: int) -> int:
        """Let each follow its own setpoint; returns the mean power of all together."""
        for one, w in zip(self.batteries, setpoint_w, strict=True):
            one.run(w, span_s)
        self._add_up()
        return self.power_w

    def _add_up(self) -> None:
        self.power_w = self.charged_ws = self.discharged_ws = self.lost_uj = self.stored_uj = 0
        for one in self.batteries:
            self.power_w += one.power_w
            self.charged_ws += one.charged_ws
            self.discharged_ws += one.discharged_ws
            self.lost_uj += one.lost_uj
            self.stored_uj += one.stored_uj


@dataclass
class Plant:
    """Battery, load and PV on one busbar behind one grid meter."""

    battery: Battery
    load_w: int = 0
    pv_w: int = 0
    import_ws: int = 0
    export_ws: int = 0
    pv_ws: int = 0
    load_ws: int = 0

    closed = True  # whether the grid is connected

    @property
    def grid_w(self) -> int:
        """What the grid meter shows now: import positive."""
        return self.load_w - self.pv_w - self.battery.power_w

    def run(self, setpoint_w: Any, span_s: int) -> int:
        """Let span_s seconds pass with the present load and this setpoint, of a Bank one for each
        battery; returns the mean grid power."""
        store_w = self.battery.run(setpoint_w, span_s)
        grid_w = self.load_w - self.pv_w - store_w
        if grid_w > 0:
            self.import_ws += grid_w * span_s
        else:
            self.export_ws -= grid_w * span_s
        self.pv_ws += self.pv_w * span_s
        self.load_ws += self.load_w * span_s
        return grid_w

    def imbalance_uj(self, start_uj: int) -> int:
        """Energy that appeared from nowhere since the battery held start_uj; always 0."""
        came = (self.import_ws + self.pv_ws + self.battery.discharged_ws) * _E6
        went = (self.export_ws + self.load_ws + self.battery.charged_ws) * _E6
        battery = self.battery
        inside = (battery.charged_ws - battery.discharged_ws) * _E6
        return (came - went) + (inside - battery.lost_uj - (battery.stored_uj - start_uj))
