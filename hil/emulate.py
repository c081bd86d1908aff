"""The emulator: the real controller and a plant in one loop, beat for beat.

The controller sees what the instruments show at the beginning of a beat, the load of the present
interval and nothing later. Then the plant lives through the beat with the setpoint it was given.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping
from dataclasses import replace
from math import isqrt
from typing import TYPE_CHECKING, Any

from boards.image import compile_site
from boards.local_time import Moment
from edge.journal import FIELDS
from edge.ticks import ticks_add
from hil import island
from hil.bounds import Bounds
from hil.charging import ChargingPlant
from hil.dut import Dut
from hil.feed import QUARTER_S, Feed
from hil.inputs import CHARGER, CHARGERS_MS, OWN, PHASES, battery_places
from hil.island import IslandPlant
from hil.phase_split import Split
from hil.plants import Bank, Battery, Plant
from hil.trace import Trace

if TYPE_CHECKING:
    from boards.site import Site
    from hil.books import Books
    from hil.media import Media

_DAY_S = 86400
STEP_MAX_W = 16_000_000  # edge/config.py
_TARGET = FIELDS.index("target_w")


class Emulator:
    """One park: a device under test, a plant, and what feeds it. `start` is a moment in UTC.

    `keep` is given the journal rows of each quarter-hour, `bounds` and `trace` record it; both may
    be exchanged on the way, to leave a warm-up out.
    """

    def __init__(self, dut: Dut, plant: Plant, load: Feed, pv: Feed | None, start: Moment,
                 beat_s: int, keep: Callable[[array[int]], object] | None = None,
                 split: Split | None = None) -> None:
        self.dut, self.plant, self.trace, self.bounds = dut, plant, Trace(), Bounds()
        self.books: Books | None = None  # of a site with a ledger
        self.media: Media | None = None  # and of one with meters of water, heat ...
        self._load, self._pv, self._beat_s, self._keep = load, pv, beat_s, keep
        self._day, self._second = start
        self._now_ms = 0
        self._number = 0
        self._split = split
        battery = plant.battery
        self._bank = battery.batteries if isinstance(battery, Bank) else ()
        names = dut.names
        self._places = [battery_places(names, number) for number in range(len(self._bank))]
        self._own = names.index(OWN[0]) if OWN[0] in names else 0
        self._chargers = names.index(f"{CHARGER[0]}_0") if CHARGERS_MS in names else 0
        self._phases = names.index(PHASES[0]) if PHASES[0] in names else 0
        self._inputs = array("i", bytes(4 * len(names)))
        self._inputs[11:14] = array("i", [battery.charge_max_w, battery.discharge_max_w, 1])
        self._no_pv = [0] * (QUARTER_S // beat_s)

    def quarter(self) -> None:
        """Run the next quarter-hour."""
        loads = self._load.quarter(self._number)
        pvs = self._no_pv if self._pv is None else self._pv.quarter(self._number)
        self._number += 1
        dut, plant, battery, inputs = self.dut, self.plant, self.plant.battery, self._inputs
        beat, live, span_s, rows, stores = dut.beat, plant.run, self._beat_s, array("i"), []
        served: list[tuple[int, int]] = []
        chargers = plant if isinstance(plant, ChargingPlant) else None
        if self.books:
            self.books.show()
        for load_w, pv_w in zip(loads, pvs, strict=True):
            self._show(load_w, pv_w)
            setpoint_w = beat(inputs)
            if isinstance(plant, IslandPlant):
                plant.coils = dut.coils
            if chargers:
                chargers.limits_ma = dut.limits_ma
                served.append((load_w + chargers.drawn_w, pv_w))
            rows.extend(dut.row)
            plant.load_w = load_w
            plant.pv_w = pv_w
            live(setpoint_w, span_s)
            stores.append(battery.power_w)
            if isinstance(plant, IslandPlant):
                served.append(plant.served_w(span_s))
            self._pass(span_s)
        if served:  # what an island could not carry, or use of the sun, has not flowed
            loads, pvs = [w for w, _ in served], [w for _, w in served]
        self.trace.take(loads, pvs, stores, battery.stored_uj, dut.row[_TARGET])
        self.bounds.take(rows)
        if self._keep:
            self._keep(rows)
        if self.books:
            self.books.work()

    def close(self) -> array[int]:
        """Take one last beat, so that the controller's ledger knows the last minute; its row."""
        if self.books:
            self.books.show()
        self._show(self.plant.load_w, self.plant.pv_w)
        self.dut.beat(self._inputs)
        if self._keep:
            self._keep(self.dut.row)
        return self.dut.row

    def _show(self, load_w: int, pv_w: int) -> None:
        """What the instruments say now."""
        inputs, battery, now_ms = self._inputs, self.plant.battery, self._now_ms
        inputs[0] = inputs[4] = inputs[6] = inputs[8] = now_ms
        inputs[1] = self._day
        inputs[2] = self._second
        inputs[3] = load_w - pv_w - battery.power_w
        if isinstance(self.plant, ChargingPlant):
            inputs[3] += self.plant.drawn_w
            self.plant.show(inputs, self._chargers, now_ms)
        inputs[5] = battery.power_w
        inputs[7] = battery.soc_now_pm
        inputs[9] = pv_w
        inputs[10] = now_ms if self._pv else -1
        for places, one in zip(self._places, self._bank, strict=True):
            for place, value in zip(places, readings(one, now_ms), strict=True):
                inputs[place] = value
        if isinstance(self.plant, IslandPlant):
            self.plant.load_w, self.plant.pv_w = load_w, pv_w
            self.plant.show(inputs, self._own, now_ms)
        if self._split:
            self._split.show(inputs, self._phases, self.plant)
        if self.books:
            self.plant.load_w = load_w
            self.books.measure()
        if self.media:
            self.media.show()

    def _pass(self, span_s: int) -> None:
        self._now_ms = ticks_add(self._now_ms, span_s * 1000)
        self._second += span_s
        if self._second >= _DAY_S:
            self._second -= _DAY_S
            self._day += 1


def readings(battery: Battery, now_ms: int) -> tuple[int, ...]:
    """What the instruments of one of several batteries say now, in order of MORE."""
    return (battery.power_w, now_ms, battery.soc_now_pm, now_ms, battery.charge_max_w,
            battery.discharge_max_w, 1)


def image_of(site: Site, beat_s: int | None = None) -> dict[str, Any]:
    """The image of a site, with another beat where one is given. The setpoint's lease follows it
    where two beats would outlive it, and the gate's step, which is told for a beat."""
    own_s = site.sections["site"]["beat_s"]
    if beat_s is not None and beat_s != own_s:
        sections = {name: dict(keys) for name, keys in site.sections.items()}
        sections["site"]["beat_s"] = beat_s
        for name, keys in sections.items():  # of each battery, where there are several
            if name.partition(".")[0] == "battery":
                keys["lease_ms"] = max(keys["lease_ms"], 2000 * beat_s)
            elif name.partition(".")[0] == "gate":
                step_w = keys["step_max_w"] * beat_s // own_s
                keys["step_max_w"] = min(max(step_w, 1), STEP_MAX_W)
        site = replace(site, sections=sections)
    return compile_site(site)


def window_pm(image: Mapping[str, Any]) -> tuple[int, int]:
    """Floor and ceiling of the state of charge that the site keeps, per mille."""
    keys = dict(image["rules"])["reserve"]
    return keys["floor_pm"], keys["ceiling_pm"]


def plant_of(image: Mapping[str, Any]) -> Plant:
    """The plant a site file describes: the nameplate of its gate, full to the site's ceiling."""
    ceiling_pm = window_pm(image)[1]
    if "fleet" in image:
        return Plant(Bank([_battery(keys, keys["gate"], ceiling_pm) for keys in image["fleet"]]))
    return island.plant_of(image, _battery(image["battery"], image["gate"], ceiling_pm))


def _battery(battery: Mapping[str, Any], plate: Mapping[str, Any], soc_pm: int) -> Battery:
    way_ppm = isqrt(battery["efficiency_pm"] * 10**9)  # the round trip, split evenly
    return Battery(
        battery["capacity_wh"], plate["charge_max_w"], plate["discharge_max_w"],
        soc_pm=soc_pm, floor_pm=plate["soc_floor_pm"],
        ceiling_pm=plate["soc_ceiling_pm"], charge_ppm=way_ppm, discharge_ppm=way_ppm)
