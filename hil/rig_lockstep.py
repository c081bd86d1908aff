"""Lockstep without a wire: the plant's values go straight to the roles, faults act on readings.

The device under test is the controller in this process or in a real MicroPython at the end of a
pipe; it is told the time, so that nothing depends on how fast the machine is.
"""

from array import array
from collections.abc import Callable
from pathlib import Path

from hil import dut
from hil.books import Books
from hil.charging import ChargingPlant
from hil.emulate import readings
from hil.faults import Effect
from hil.feed import QUARTER_S
from hil.inputs import CHARGER, OWN, PHASES, battery_places, names
from hil.island import IslandPlant, lived
from hil.park import NORMAL
from hil.phase_split import split_of
from hil.plants import Bank
from hil.rig import Record, Schedule, Stage, sample
from hil.scenario import ROLES, Planned

_BEGIN_MS = 100_000  # far enough from 0 for a reading that is older than the first beat
# The readings of a role and their stamp; of several batteries the first one's. The phases come from
# the grid meter.
_ROLES = {
    "grid_meter": (("grid_w", *PHASES[:3]), "grid_ms"),
    "converter": (("store_w", "ready"), "store_ms"),
    "bms": (("soc_pm", "charge_max_w", "discharge_max_w"), "soc_ms"),
    "pv": (("pv_w",), "pv_ms"),
    "switch": (OWN[:2], OWN[2]), "generator": (OWN[3:6], OWN[6])}


class LockstepRig:
    """Plays a scenario as fast as it goes; the evidence of a ledger goes to `folder`. Raises
    DutError."""

    def __init__(self, stage: Stage, folder: Path) -> None:
        self._stage = stage
        self._folder = folder
        self._plant = stage.plant()
        self._split = split_of(stage.image)
        battery = self._plant.battery
        self._bank = battery.batteries if isinstance(battery, Bank) else ()
        self._names = names(stage.image)
        self._effects: dict[str, Effect] = dict.fromkeys(ROLES, NORMAL)
        self._now_ms = _BEGIN_MS
        self._history: list[array[int]] = []

    def play(self, done: Callable[[int], None]) -> Record:
        stage, plant = self._stage, self._plant
        scenario, beat_s = stage.scenario, stage.beat_s
        record = Record(beat_s)
        schedule = Schedule(scenario.faults, self._begin, self._end)
        first_uj = plant.battery.stored_uj
        device = dut.start(stage.file.dut, stage.image)
        books = None
        if "ledger" in stage.image and isinstance(device, dut.InProcess):
            books = Books(stage.image, device.site, plant)
        try:
            for at_s in range(scenario.start_s, scenario.end_s, beat_s):
                schedule.reach(at_s)
                stage.feed(plant, at_s)
                if books:
                    self._account(books, at_s)
                setpoint = device.beat(self._inputs(at_s))
                if isinstance(plant, IslandPlant):
                    plant.coils = device.coils
                if isinstance(plant, ChargingPlant):
                    plant.limits_ma = device.limits_ma
                record.rows.append(array("i", device.row))
                record.at_s.append(at_s)
                record.samples.append(sample(plant, at_s, plant.run(setpoint, beat_s)))
                self._now_ms += 1000 * beat_s
                done(beat_s)
            if books:
                self._account(books, scenario.end_s)
                device.beat(self._inputs(scenario.end_s))  # ends the last quarter-hour
                record.kept = books.close(self._folder)
        finally:
            device.close()
        record.imbalance_uj = plant.imbalance_uj(first_uj)
        record.life = lived(plant)
        return record

    def _account(self, books: Books, at_s: int) -> None:
        """Book the quarter-hour before, and let the registers be read with which one ends now."""
        if at_s % QUARTER_S == 0:
            books.work()
            books.show()
        books.measure()

    def _begin(self, fault: Planned) -> None:
        if fault.effect.plant:
            self._strike(fault.effect.plant, True)
        else:
            self._effects[fault.device] = fault.effect

    def _end(self, fault: Planned) -> None:
        if fault.effect.plant:
            self._strike(fault.effect.plant, False)
        else:
            self._effects[fault.device] = NORMAL

    def _strike(self, part: str, now: bool) -> None:
        if isinstance(self._plant, IslandPlant):
            self._plant.strike(part, now)

    def _inputs(self, at_s: int) -> "array[int]":
        """What the devices say, each as its effect lets it."""
        now = self._measure(at_s)
        self._history.append(now)
        inputs = array("i", now)
        for role, effect in self._effects.items():
            values, stamp_name = _ROLES[role]
            if stamp_name not in self._names:  # a site without such a device
                continue
            stamp = self._names.index(stamp_name)
            if effect.mute or effect.hides or (role == "pv" and not self._stage.file.pv_w):
                inputs[stamp] = -1
                continue
            ago = min(effect.delay_ms // (1000 * self._stage.beat_s), len(self._history) - 1)
            for name in values:
                if name in self._names:
                    place = self._names.index(name)
                    value = self._history[-1 - ago][place]
                    inputs[place] = effect.value(name, value) if effect.value else value
            inputs[stamp] -= effect.delay_ms
        if self._split:  # the phases come with the sum
            inputs[self._names.index(PHASES[3])] = inputs[4]
        return inputs

    def _measure(self, at_s: int) -> "array[int]":
        plant, battery = self._plant, self._plant.battery
        day, second = self._stage.utc(at_s)
        now_ms = self._now_ms
        measured = array("i", bytes(4 * len(self._names)))
        measured[:14] = array("i", [
            now_ms, day, second, plant.grid_w, now_ms, battery.power_w, now_ms, battery.soc_now_pm,
            now_ms, plant.pv_w, now_ms, battery.charge_max_w, battery.discharge_max_w, 1])
        for number, one in enumerate(self._bank):
            places = battery_places(self._names, number)
            for place, value in zip(places, readings(one, now_ms), strict=True):
                measured[place] = value
        if isinstance(plant, IslandPlant):
            plant.show(measured, self._names.index(OWN[0]), now_ms)
        if isinstance(plant, ChargingPlant):
            plant.show(measured, self._names.index(f"{CHARGER[0]}_0"), now_ms)
        if self._split:
            self._split.show(measured, self._names.index(PHASES[0]), plant)
        return measured
