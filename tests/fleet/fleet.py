"""A park with several batteries: its image, and the real controller around a plant."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from typing import Any

from edge import journal
from edge.controller import Controller
from edge.site import Site
from hil import lockstep
from hil.inputs import battery_places, names
from hil.plants import Bank, Battery, Plant
from tests.core.park import DAY, TICKS, image

START_S = 8 * 3600  # of DAY, UTC
ONLY = ("self_use", "tariff", "refill", "export")  # rules with a will of their own
A, B, C = 0, 1, 2
SUNNY = ("tariff", "refill", "export")  # rules to leave out, for PV to be stored
OVER_W = 300_000  # the contract; a load above it must be met from the batteries
LIMIT = {"contract": {"import_max_w": OVER_W}}


def one(name: str, **changes: Any) -> dict[str, Any]:
    """A battery of 100 kWh and 50 kW behind a converter of 60 kW; `gate` changes the nameplate."""
    plate = {"charge_max_w": 60_000, "discharge_max_w": 60_000, "soc_floor_pm": 50,
             "soc_ceiling_pm": 950, "step_max_w": 150_000, **changes.pop("gate", {})}
    return {"name": name, "capacity_wh": 100_000, "charge_max_w": 50_000, "discharge_max_w": 50_000,
            "efficiency_pm": 900, "lease_ms": 5000, "duty_pm": 1000, **changes, "gate": plate}


def several(*batteries: dict[str, Any], **sections: Any) -> dict[str, Any]:
    """The image of a site with these batteries."""
    whole = {
        "capacity_wh": sum(keys["capacity_wh"] for keys in batteries),
        "charge_max_w": sum(keys["charge_max_w"] for keys in batteries),
        "discharge_max_w": sum(keys["discharge_max_w"] for keys in batteries)}
    gate = {"charge_max_w": 8_000_000, "discharge_max_w": 8_000_000, "step_max_w": 8_000_000}
    without = sections.get("without", ONLY)
    if "phase" not in sections.get("rules", {}):
        without += ("phase",)  # nobody reads its phases
    made = image(**{**sections, "without": without, "battery": whole,
                    "gate": {**gate, **sections.get("gate", {})}})
    made["fleet"] = list(batteries)
    return made


class FleetLoop:
    """Beats of a second around a plant; `silent` names what is mute: "grid", or "store" or "soc"
    with the number of a battery. `shown` may change what instruments say before it is handed over.
    """

    def __init__(self, made: dict[str, Any], socs: Sequence[int], tau_s: int = 0,
                 second: int = START_S) -> None:
        self.site = Site(made)
        self.site.clock_set = True
        self.controller = Controller(self.site)
        self.beat_s = made["site"]["beat_s"]
        self.bank = Bank([
            Battery(keys["capacity_wh"], keys["gate"]["charge_max_w"],
                    keys["gate"]["discharge_max_w"], soc_pm=soc_pm, floor_pm=0, ceiling_pm=1000,
                    tau_s=tau_s)
            for keys, soc_pm in zip(made["fleet"], socs, strict=True)])
        self.plant = Plant(self.bank)
        self.second = second
        self.silent: set[tuple[str, int]] = set()
        self.unready: set[int] = set()
        self.change: Callable[[array[int]], None] = lambda inputs: None
        self.names = names(made)
        self.inputs = array("i", bytes(4 * len(self.names)))
        self._beat = lockstep.bind(made, self.site, self.controller)
        self.setpoints = [0] * len(socs)
        self.obeys = [True] * len(socs)  # a converter that no command reaches keeps its last
        self.log: list[list[int]] = []  # setpoints of each beat

    def step(self, load_w: int, pv_w: int = 0) -> list[int]:
        """One beat; returns the setpoints."""
        plant, inputs = self.plant, self.inputs
        plant.load_w, plant.pv_w = load_w, pv_w
        now_ms = self.second * 1000 % TICKS
        inputs[:11] = array("i", [
            now_ms, DAY + self.second // 86_400, self.second % 86_400, plant.grid_w,
            -1 if ("grid", 0) in self.silent else now_ms, 0, 0, 0, 0, pv_w, now_ms])
        for number, battery in enumerate(self.bank.batteries):
            shown = (battery.power_w, -1 if ("store", number) in self.silent else now_ms,
                     battery.soc_now_pm, -1 if ("soc", number) in self.silent else now_ms,
                     10**6, 10**6, int(number not in self.unready))
            for place, value in zip(battery_places(self.names, number), shown, strict=True):
                inputs[place] = value
        self.change(inputs)
        found = self._beat(inputs)
        assert self.site.fault is None, self.site.fault
        self.log.append(found)
        self.setpoints = [w if obeys else old for w, obeys, old in
                          zip(found, self.obeys, self.setpoints, strict=True)]
        plant.run(self.setpoints, self.beat_s)
        self.second += self.beat_s
        return found

    def run(self, loads_w: Sequence[int], pv_w: int = 0) -> None:
        for load_w in loads_w:
            self.step(load_w, pv_w)

    @property
    def socs(self) -> list[int]:
        return [battery.soc_now_pm for battery in self.bank.batteries]

    @property
    def row(self) -> dict[str, int]:
        """The newest journal row by field name."""
        return dict(zip(journal.FIELDS, self.site.journal.row, strict=True))


def three(**sections):
    big = {"capacity_wh": 200_000, "charge_max_w": 100_000, "discharge_max_w": 100_000,
           "gate": {"charge_max_w": 110_000, "discharge_max_w": 110_000}}
    return several(one("a"), one("b"), one("c", **big), rules=LIMIT, **sections)


def working(socs, load_w=OVER_W + 60_000, made=None, **settings_) -> FleetLoop:
    """Three batteries that discharge, settled."""
    loop = FleetLoop(made or three(), socs, **settings_)
    loop.run([load_w] * 30)
    assert sum(loop.log[-1]) == load_w - OVER_W
    return loop
