"""The simulated park with a life of its own: a grid that fails, a switch, a generator, relays.

Energy is conserved exactly as in hil/plants.py. What is not supplied is counted (`unserved_ws`),
and every beat in which the island could not carry its load is black (`black_s`): voltage collapses
there and comes back with the next beat that can be carried, as a converter that starts by itself
would do it.

The switch opens with the grid and closes `close_s` after it is back, if it may. A converter that
forms the island gives what is missing, and bears a fifth more than its nameplate for ten seconds;
beside a generator it follows its setpoint, and helps when the generator alone would stall. Surplus
of the sun is held back by the frequency. A load that comes back draws `pickup_pm` more at first and
comes down to its own within `pickup_s`; how much load there is of each kind says its rating.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hil import charging
from hil.inputs import OWN, OWN_RULES
from hil.plants import _E6, Battery, Plant

_OVER_S = 10
_CRANK_S = 5


@dataclass
class Branch:
    """One load behind a relay."""

    rated_w: int
    coil: int
    on_without: int
    on: bool = True
    on_s: int = 1 << 30  # since it was connected

    def follow(self, coils: int, span_s: int) -> None:
        """Take the relay's position."""
        on = bool(coils >> self.coil - 1 & 1) != bool(self.on_without)
        self.on_s = self.on_s + span_s if on and self.on else 0
        self.on = on


@dataclass
class Diesel:
    """A generator set with its own panel: it takes load `warm_s` after it runs."""

    max_w: int
    start_coil: int
    load_coil: int
    fails_on: int
    warm_s: int
    base_w: int = 0  # what it carries beside the grid
    bad_starts: int = 0  # so many starts are still in vain
    dead: bool = False  # stops, and never starts again
    power_w: int = 0
    running: bool = False
    starts: int = 0
    low_w: int = 0  # below this its load counts as low
    low_s: int = 0  # for so long now, with load
    low_most_s: int = 0
    on_bus: bool = False
    _cranked_s: int = 0
    _runs_s: int = 0

    def follow(self, coils: int, span_s: int) -> None:
        """Take the position of the start contact."""
        wanted = bool(coils >> self.start_coil - 1 & 1) != bool(self.fails_on)
        if not wanted or self.dead:
            self.running, self._cranked_s, self._runs_s = False, 0, 0
        elif self.running:
            self._runs_s += span_s
        else:
            self.starts += self._cranked_s == 0
            self.bad_starts -= self._cranked_s == 0 and self.bad_starts > 0
            self._cranked_s += span_s
            self.running = self._cranked_s > _CRANK_S and not self.bad_starts
        self.on_bus = self.running and (bool(coils >> self.load_coil - 1 & 1) if self.load_coil
                                        else self._runs_s >= self.warm_s)

    def carry(self, w: int, span_s: int) -> None:
        """Carry a load for a while."""
        self.power_w = w
        self.low_s = self.low_s + span_s if self.on_bus and w < self.low_w else 0
        self.low_most_s = max(self.low_most_s, self.low_s)


@dataclass
class IslandPlant(Plant):
    """A plant behind a switch. `coils` are the gateway's relays, set before each `run`."""

    forming: bool = True
    nameplate_w: int = 0  # of the converter, which an island lives by
    permit_coil: int = 0
    pv_coil: int = 0
    diesel: Diesel | None = None
    branches: Sequence[Branch] = ()
    outages: Sequence[tuple[int, int]] = ()  # from second to second of the plant's time
    close_s: int = 20
    pickup_pm: int = 500
    pickup_s: int = 300
    coils: int = 0
    grid_up: bool = True
    closed: bool = True
    lies: bool = False  # what the switch says of itself is wrong
    gen_ws: int = 0
    curtailed_ws: int = 0
    unserved_ws: int = 0
    black_s: int = 0
    island_s: int = 0
    drawn_w: int = field(default=0, init=False)  # what all that is connected wants
    _told_ws: tuple[int, int] = (0, 0)
    _time_s: int = 0
    _up_s: int = 1 << 30
    _over_s: int = 0

    @property
    def grid_w(self) -> int:
        """What the grid meter shows now: import positive, nothing through an open switch."""
        if not self.closed:
            return 0
        return self._wanted_w(0) - self._sun_w() - self.battery.power_w - self._gen_w()

    def show(self, inputs: array[int], at: int, now_ms: int) -> None:
        """Fill in what the instruments of an island say (OWN, from place `at` on), and the meter
        that dies with the grid."""
        inputs[3] = self.grid_w
        if not self.grid_up:
            inputs[4] = -1
        seen = self.signals()
        inputs[at:at + len(OWN)] = array("i", [
            seen["islanded"], seen["grid_ok"], now_ms, seen["gen_w"], seen["gen_running"] // 1000,
            seen["gen_ready"], now_ms if self.diesel else -1])

    def signals(self) -> dict[str, int]:
        """What the switch and the generator say, as boards/profile_schema.py names it."""
        diesel = self.diesel
        return {"islanded": int(self.closed == self.lies), "grid_ok": int(self.grid_up),
                "gen_w": self._gen_w(), "gen_running": 1000 * int(bool(diesel and diesel.running)),
                "gen_ready": int(bool(diesel and not diesel.dead))}

    def strike(self, part: str, now: bool) -> None:
        """Let a part of the plant fail (hil/faults.py), or come back."""
        if part == "switch":
            self.lies = now
        elif part == "grid":
            self.grid_up = not now
        elif self.diesel:
            self.diesel.dead = now

    def run(self, setpoint_w: int, span_s: int) -> int:
        """Let span_s seconds pass; returns the mean grid power."""
        self._switch(span_s)
        for branch in self.branches:
            branch.follow(self.coils, span_s)
        if self.diesel:
            self.diesel.follow(self.coils, span_s)
        self.drawn_w = wanted_w = self._wanted_w(span_s)
        if self.closed:
            return self._beside_grid(setpoint_w, wanted_w, span_s)
        self.island_s += span_s
        self._alone(setpoint_w, wanted_w, span_s)
        return 0

    def served_w(self, span_s: int) -> tuple[int, int]:
        """Of the span_s seconds just lived through: the load that was supplied, less what the
        generator gave, and the sun that was used, W. The grid carries the rest."""
        load_ws, pv_ws = self._told_ws
        self._told_ws = self.load_ws - self.gen_ws, self.pv_ws
        return (self._told_ws[0] - load_ws) // span_s, (self._told_ws[1] - pv_ws) // span_s

    def imbalance_uj(self, start_uj: int) -> int:
        """Energy that appeared from nowhere since the battery held start_uj; always 0."""
        return super().imbalance_uj(start_uj) + self.gen_ws * _E6

    def _switch(self, span_s: int) -> None:
        if self.outages:
            self.grid_up = not any(begin <= self._time_s < end for begin, end in self.outages)
        up = self.grid_up
        self._time_s += span_s
        self._up_s = self._up_s + span_s if up else 0
        permitted = not self.permit_coil or self.coils >> self.permit_coil - 1 & 1
        if not up:
            self.closed = False
        elif not self.closed and permitted and self._up_s >= self.close_s:
            self.closed = True

    def _wanted_w(self, span_s: int) -> int:
        """The load of all that is connected; the branches' part of it is what they are rated."""
        wanted_w = left_w = self.load_w
        for branch in self.branches:
            part_w = min(branch.rated_w, left_w)
            left_w -= part_w
            if not branch.on:
                wanted_w -= part_w
            elif branch.on_s < self.pickup_s:
                cold_s = self.pickup_s - branch.on_s
                wanted_w += part_w * self.pickup_pm * cold_s // (1000 * self.pickup_s)
        return wanted_w

    def _sun_w(self) -> int:
        return 0 if self.pv_coil and self.coils >> self.pv_coil - 1 & 1 else self.pv_w

    def _gen_w(self) -> int:
        return self.diesel.power_w if self.diesel else 0

    def _beside_grid(self, setpoint_w: int, wanted_w: int, span_s: int) -> int:
        diesel, sun_w = self.diesel, self._sun_w()
        if diesel:
            diesel.carry(min(diesel.base_w, diesel.max_w) if diesel.on_bus else 0, span_s)
        grid_w = wanted_w - sun_w - self.battery.run(setpoint_w, span_s) - self._gen_w()
        if grid_w > 0:
            self.import_ws += grid_w * span_s
        else:
            self.export_ws -= grid_w * span_s
        self._count(wanted_w, sun_w, span_s)
        return grid_w

    def _alone(self, setpoint_w: int, wanted_w: int, span_s: int) -> None:
        diesel, battery, sun_w = self.diesel, self.battery, self._sun_w()
        on_bus = diesel is not None and diesel.on_bus
        rest_w = wanted_w - sun_w
        helped_w = diesel.max_w if diesel and on_bus else 0
        if on_bus:
            least_w = rest_w - helped_w  # below it the generator would stall: charging gives way,
            store_w = min(setpoint_w, max(rest_w, 0))
            if self.forming or store_w < 0:  # and a converter that can form an island helps
                store_w = max(store_w, least_w if self.forming else min(least_w, 0))
        else:
            store_w = rest_w if self.forming else 0
        store_w = self._stored(store_w, span_s)
        gen_w = min(max(rest_w - store_w, 0), helped_w)
        if diesel:
            diesel.carry(gen_w, span_s)
        served_w = wanted_w
        if store_w + gen_w + sun_w < wanted_w:  # voltage collapses in this beat
            served_w = store_w + gen_w + sun_w
            self.black_s += span_s
            self.unserved_ws += (wanted_w - served_w) * span_s
            if served_w < 0:
                raise AssertionError("an island charges its battery in the dark")
        used_w = served_w - store_w - gen_w  # of the sun
        self.curtailed_ws += (sun_w - used_w) * span_s
        self._count(served_w, used_w, span_s)
        if not self.forming and not on_bus:
            assert not battery.power_w, "a converter that follows has nothing to follow"

    def _stored(self, target_w: int, span_s: int) -> int:
        """What the converter gives to the island, as long as it bears it."""
        beyond = target_w > self.nameplate_w
        self._over_s = self._over_s + span_s if beyond else 0
        if beyond and (target_w * 5 > self.nameplate_w * 6 or self._over_s > _OVER_S):
            target_w = 0
        battery: Battery = self.battery
        return battery.run(max(target_w, -self.nameplate_w), span_s)

    def _count(self, load_w: int, pv_w: int, span_s: int) -> None:
        self.pv_ws += pv_w * span_s
        self.load_ws += load_w * span_s
        self.gen_ws += self._gen_w() * span_s


def plant_of(image: Mapping[str, Any], battery: Battery) -> Plant:
    """The plant of a site image: with a switch, a generator and relays where it has any."""
    rules = dict(image["rules"])
    if not rules.keys() & set(OWN_RULES):
        return charging.plant_of(image, battery)
    island, shed, keys = rules.get("island", {}), rules.get("shed", {}), rules.get("generator")
    branches = [Branch(rated_w, coil, on_without)
                for rated_w, coil, on_without, *_ in shed.get("loads", ())]
    diesel = Diesel(keys["max_w"], keys["start_coil"], keys["load_coil"], keys["start_fails_on"],
                    keys["warm_s"], keys["best_w"], low_w=keys["min_w"]) if keys else None
    return IslandPlant(
        battery, forming=bool(island.get("forming", 1)),
        nameplate_w=image["gate"]["discharge_max_w"], permit_coil=island.get("permit_coil", 0),
        pv_coil=island.get("pv_coil", 0), diesel=diesel, branches=branches)


def lived(plant: Plant) -> dict[str, int]:
    """What became of a plant that can be on its own, or has chargers; empty for any other."""
    if isinstance(plant, charging.ChargingPlant):
        return {"charged_wh": sum(stall.total_ws for stall in plant.stalls) // 3600}
    if not isinstance(plant, IslandPlant):
        return {}
    told = {"island_s": plant.island_s, "black_s": plant.black_s,
            "unserved_wh": plant.unserved_ws // 3600, "curtailed_wh": plant.curtailed_ws // 3600,
            "shed_now": sum(not branch.on for branch in plant.branches),
            "closed": int(plant.closed)}
    if diesel := plant.diesel:
        told |= {"gen_wh": plant.gen_ws // 3600, "starts": diesel.starts,
                 "low_most_s": diesel.low_most_s}
    return told
