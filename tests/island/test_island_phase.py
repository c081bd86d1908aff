"""Phase limits at a site that can live without the grid: held on the grid, silent without it."""

from __future__ import annotations

from array import array
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from edge.journal import FIELDS
from hil.dut import InProcess
from hil.emulate import Emulator, image_of, plant_of
from hil.island import IslandPlant
from hil.phase_split import Split
from tests.boards.sites import ROOT, judge
from tests.core.park import DAY
from tests.core.test_charging import Steps

CLINIC = ROOT / "examples" / "clinic" / "site.toml"
PHASE_W = 90_000
BEAT_S = 15
GRID, ISLAND = 0, 1  # as edge/island/mode.py numbers them
SHARES = (500, 300, 200)


def site() -> dict[str, Any]:
    found = judge(CLINIC.read_text("utf-8") + f"\n[rules.phase]\nimport_max_w = {PHASE_W}\n",
                  CLINIC)
    assert found.site is not None, found.errors
    return image_of(found.site, BEAT_S)


def lived(outages: list[tuple[int, int]], loads: list[tuple[int, int]], quarters: int,
          soc_pm: int = 500) -> tuple[IslandPlant, list[dict[str, int]]]:
    """The journal of quarter-hours of a battery that wishes to charge all the time."""
    made = site()
    device, plant, kept = InProcess(made), plant_of(made), array("i")
    assert isinstance(plant, IslandPlant)
    plant.outages = outages
    plant.battery.stored_uj = plant.battery.stored_uj * soc_pm // 900
    start_uj = plant.battery.stored_uj
    emulator = Emulator(device, plant, Steps(loads, BEAT_S), None, (DAY, 0), BEAT_S, kept.extend,
                        Split(SHARES))
    for _ in range(quarters):
        device.site.planner.recharge_w = 8_000_000
        emulator.quarter()
    assert device.site.fault is None
    assert plant.imbalance_uj(start_uj) == 0
    wide = len(FIELDS)
    return plant, [dict(zip(FIELDS, kept[at:at + wide], strict=True))
                   for at in range(0, len(kept), wide)]


loads = st.lists(st.tuples(st.integers(20_000, 250_000), st.integers(1, 30)), min_size=1,
                 max_size=6)


@settings(max_examples=25, deadline=None)
@given(loads, st.lists(st.integers(0, 5400), min_size=2, max_size=4, unique=True))
def test_through_outages_no_phase_is_charged_above_its_limit(steps, moments):
    """The phases' readings die with the grid and come back with it."""
    times = sorted(moments)
    _, rows = lived(list(zip(times[::2], times[1::2], strict=False)), steps, 6)
    for row in rows:
        if row["command_w"] < 0 and row["flags"] >> 8 & 3 == GRID:
            assert max(Split(SHARES).grid_w(row["net_w"], 0, row["command_w"])) <= PHASE_W + 2


def test_it_lives_through_an_outage_and_charges_on_the_phases_again():
    plant, rows = lived([(900, 1800)], [(110_000, 1)], 12)
    modes = [row["flags"] >> 8 & 3 for row in rows]
    assert modes.count(ISLAND) >= 60
    assert plant.black_s == 0
    assert plant.closed
    after = [row["command_w"] for row in rows[len(rows) // 2:]]
    assert abs(min(after) + 3 * (PHASE_W - 55_000)) <= 3, "what the worst phase leaves, on each"
