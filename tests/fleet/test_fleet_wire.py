"""Two batteries on real Modbus: two converters, and two BMS on one serial line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boards.site import load
from hil import amend
from hil.dut import InProcess
from hil.emulate import Emulator, image_of, plant_of
from hil.faults import silence
from hil.feed import Measured
from hil.park import NORMAL
from hil.plants import Bank, Battery, Plant
from hil.rig_wire import Wire
from hil.series import Series
from tests.boards.sites import DEPOT
from tests.hil.little import MOMENT, START

LIMIT_W = 350_000  # the contract of the example


def test_two_converters_and_two_bms_on_the_wire(tmp_path: Path) -> None:
    raw = amend.read(DEPOT)
    plant = plant_of(image_of(load(DEPOT)))
    bank = plant.battery
    assert isinstance(bank, Bank)
    for one, soc_pm in zip(bank.batteries, (700, 500), strict=True):
        one.stored_uj = one.stored_uj * soc_pm // one.soc_pm
    bank.run([0, 0], 1)  # the sums follow
    first_uj = bank.stored_uj
    day, second = MOMENT
    second += 36_000
    with Wire(raw, DEPOT, plant, tmp_path) as wire:
        app = wire.app
        stations = {station.name: station for station in wire.park.stations}

        def live(seconds: int, load_w: int) -> None:
            nonlocal second
            for _ in range(seconds):
                plant.load_w = load_w
                wire.beat((day, second))
                plant.run(wire.park.setpoint, 1)
                second += 1
                assert app.site.fault is None, app.site.fault

        live(40, LIMIT_W + 120_000)
        told = [unit.setpoint_w for unit in app.site.fleet]
        assert sum(told) == 120_000
        assert all(w > 20_000 for w in told)
        assert abs(bank.power_w - 120_000) <= 200, "converters take steps of 100 W"
        assert wire.park.setpoints == [one.power_w for one in bank.batteries]

        stations["pcs-old"].effect = silence()
        live(15, LIMIT_W + 60_000)
        new, old = app.site.fleet
        assert old.setpoint_w == 0
        assert not old.measured
        assert new.setpoint_w > 0
        assert plant.grid_w <= LIMIT_W, "what the silent one still gives is seen at the meter"

        stations["pcs-old"].effect = NORMAL
        live(90, LIMIT_W + 120_000)
        assert old.usable
        assert sum(unit.setpoint_w for unit in app.site.fleet) == 120_000
        assert plant.grid_w <= LIMIT_W + 200
    assert plant.imbalance_uj(first_uj) == 0


def test_the_emulator_moves_each_battery_by_its_own_setpoint() -> None:
    image = image_of(load(DEPOT), 60)
    assert image["fleet"][1]["lease_ms"] == 120_000
    plant = plant_of(image)
    first_uj = plant.battery.stored_uj
    watts = [300_000, 450_000, 500_000, 250_000] * 12
    feed = Measured(Series(START, 900, tuple(watts), (False,) * len(watts)), 60)
    emulator = Emulator(InProcess(image), plant, feed, None, MOMENT, 60)
    for _ in watts:
        emulator.quarter()
    bank = plant.battery
    assert isinstance(bank, Bank)
    assert all(one.discharged_ws > 3_600_000 for one in bank.batteries)
    assert plant.imbalance_uj(first_uj) == 0
    assert abs(bank.batteries[0].soc_now_pm - bank.batteries[1].soc_now_pm) <= 100


@settings(max_examples=50)
@given(st.lists(st.lists(st.integers(-150_000, 150_000), min_size=3, max_size=3), min_size=1,
                max_size=30), st.integers(1, 60))
def test_a_bank_conserves_energy_exactly(setpoints, span_s) -> None:
    bank = Bank([Battery(50_000, 100_000, 90_000, soc_pm=800), Battery(7_000, 30_000, 40_000),
                 Battery(100_000, 60_000, 60_000, soc_pm=120, tau_s=3)])
    plant, first_uj = Plant(bank, load_w=80_000), bank.stored_uj
    for each in setpoints:
        plant.run(each, span_s)
        assert bank.power_w == sum(one.power_w for one in bank.batteries)
        assert bank.stored_uj == sum(one.stored_uj for one in bank.batteries)
    assert plant.imbalance_uj(first_uj) == 0


def test_a_bank_needs_a_setpoint_for_each() -> None:
    with pytest.raises(ValueError, match="zip"):
        Bank([Battery(1000, 10, 10)] * 2).run([1], 1)
