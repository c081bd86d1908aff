"""What one demand target for several gateways would be worth beside a target for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hil.emulate import window_pm
from hil.optimum import Battery, lowest_peak_kw

_HOURS = 0.25


def battery_of(image: Mapping[str, Any]) -> Battery:
    """The battery of a site, from its floor to its ceiling."""
    keys, (floor_pm, ceiling_pm) = image["battery"], window_pm(image)
    return Battery(min(keys["charge_max_w"], keys["discharge_max_w"]) / 1000,
                   keys["capacity_wh"] * (ceiling_pm - floor_pm) / 1e6,
                   (keys["efficiency_pm"] / 1000) ** 0.5)


def held(load_kw: Sequence[float], target_kw: float, battery: Battery) -> list[float]:
    """Import of each slot that charges up to the target and discharges above it, from a full
    store."""
    store, found = battery.store_kwh, []
    for load in load_kw:
        if load > target_kw:
            kw = min(load - target_kw, battery.power_kw, store * battery.way / _HOURS)
            store -= kw * _HOURS / battery.way
        else:
            room_kw = (battery.store_kwh - store) / battery.way / _HOURS
            kw = -min(target_kw - load, battery.power_kw, room_kw)
            store -= kw * _HOURS * battery.way
        found.append(load - kw)
    return found


def peaks_kw(loads_kw: Sequence[Sequence[float]], batteries: Sequence[Battery]
             ) -> tuple[float, float, float]:
    """Highest 15-minute mean of the coupling point, all loads known ahead: without batteries, with
    the lowest target that each gateway can hold by itself, and with all batteries as one."""
    together = [sum(slot) for slot in zip(*loads_kw, strict=True)]
    own = [held(load, lowest_peak_kw(load, one), one)
           for load, one in zip(loads_kw, batteries, strict=True)]
    whole = Battery(sum(one.power_kw for one in batteries),
                    sum(one.store_kwh for one in batteries), batteries[0].way)
    return (max(together), max(sum(slot) for slot in zip(*own, strict=True)),
            lowest_peak_kw(together, whole))
