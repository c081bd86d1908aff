"""The whole controller against a plant whose instruments, clock or battery say what cannot be."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from boards.site import Site
from edge.journal import FIELDS
from hil.dut import InProcess
from hil.emulate import image_of
from hil.lockstep import INPUTS
from tests.hil.little import emulator, foundry

BARE_W = [int(260_000 + 120_000 * math.sin(at / 96 * 2 * math.pi)) for at in range(96)]
GRID, DAY, SECOND, SOC, SOC_MS = map(INPUTS.index, ("grid_w", "day", "second", "soc_pm", "soc_ms"))
STORE = INPUTS.index("store_w")
_DAY_S = 86_400
Spoil = Callable[[array, int], object]


class Spoilt(InProcess):
    """The controller, shown what `spoil` makes of the inputs of each beat; `rows` are its rows."""

    def __init__(self, image: dict[str, Any], spoil: Spoil) -> None:
        super().__init__(image)
        self._spoil, self.rows = spoil, []

    def beat(self, inputs: array) -> Any:
        shown = array("i", inputs)
        self._spoil(shown, len(self.rows))
        setpoint = super().beat(shown)
        self.rows.append(dict(zip(FIELDS, self.row, strict=True)))
        return setpoint


def lived(spoil: Spoil, site: Site | None = None, days: int = 1) -> tuple[Spoilt, Any]:
    """Days of the foundry on beats of a minute, each beat's inputs spoilt."""
    image = image_of(site or foundry(), 60)
    device = Spoilt(image, spoil)
    one = emulator(BARE_W * days, image=image, dut=device)
    for _ in range(96 * days):
        one.quarter()
    assert device.site.fault is None
    return device, one


@settings(max_examples=12)
@given(st.sets(st.integers(1, 1439), max_size=300),
       st.sampled_from([-(2**31), 2**31 - 1, 8_000_001, -8_000_001, 100_000_000]),
       st.sampled_from([GRID, STORE, SOC]))
def test_a_reading_that_cannot_be_changes_nothing_but_its_age(beats, value, which):
    """Impossible powers and states of charge, at whatever beats: nothing of it is remembered,
    billed or acted upon."""
    def spoil(shown, number):
        if number in beats:
            shown[which] = value

    device, one = lived(spoil)
    rows = device.rows
    assert max(row["peak_w"] for row in rows) <= max(BARE_W) + 1000
    assert max(abs(row["net_w"]) for row in rows) <= max(BARE_W) + 1000
    assert max(one.trace.import_ws) / 60 <= max(BARE_W) + 1000  # never charged into the peak
    imported = rows[-1]["import_kwh"] + rows[-1]["import_wh"] / 1000
    assert imported <= sum(one.trace.import_ws) / 3.6e6 + 0.1
    assert max(device.site.planner.memory.loads) * device.site.planner.scale.quantum_w \
        <= max(BARE_W) + 1000


JUMPS = st.dictionaries(st.integers(1, 1439), st.one_of(
    st.integers(-7200, 7200), st.integers(-40 * _DAY_S, 40 * _DAY_S)), max_size=5)


@settings(max_examples=20)
@given(JUMPS, st.sampled_from([0, 15 * 3600 + 3300]))
def test_a_clock_that_steps_costs_no_more_than_a_window(jumps, start_s):
    """Over midnight, over a month's end and back: no fault, no peak that was not, registers that
    only rise, and each row's price is its own local hour's."""
    step_s = 0

    def spoil(shown, number):
        nonlocal step_s
        step_s += jumps.get(number, 0)
        at = shown[DAY] * _DAY_S + shown[SECOND] + 20 * _DAY_S + start_s + step_s  # the 30th
        shown[DAY], shown[SECOND] = divmod(at, _DAY_S)

    device, one = lived(spoil)
    rows = device.rows
    assert max(row["peak_w"] for row in rows) <= max(BARE_W) + 1000
    energy = [row["import_kwh"] * 1000 + row["import_wh"] for row in rows]
    assert energy == sorted(energy)
    assert energy[-1] <= sum(one.trace.import_ws) / 3600 + 100
    tariff = foundry().tariff
    day = next(iter(tariff.days.values()))
    for row in rows[1:]:
        assert row["price_e4"] == day.prices_e4[(row["second"] + 8 * 3600) % _DAY_S // 900]
    assert max(one.trace.import_ws) / 60 <= 560_000  # the transformer's limit of the foundry


def test_a_month_that_ends_begins_with_no_peak():
    """The 30th of June and the 1st of July, local time, without a step."""
    def spoil(shown, number):
        shown[DAY] += 20

    device, _ = lived(spoil, days=2)
    june = [row["peak_w"] for row in device.rows if row["day"] * _DAY_S + row["second"]
            < 9677 * _DAY_S + 16 * 3600]
    july = [row["peak_w"] for row in device.rows][len(june):]
    assert any(row["command_w"] for row in device.rows)
    assert june[-1] > july[0] == 0
    assert july[-1] > 0


def doubting() -> Site:
    site = foundry()
    rules = {**site.rules, "soc_check": {"tolerance_pm": 150, "settle_pm_per_h": 120}}
    return replace(site, rules=rules)


def moved_wh(site: Site) -> tuple[float, Spoilt, Any]:
    """What is discharged in the dear hours of the third day, 16:00 to 18:00, by a battery that
    says all the time that it is full."""
    def spoil(shown, number):
        if number >= 2880 + 6 * 60:  # a day begins at 08:00
            shown[SOC] = 900

    device, one = lived(spoil, site, days=3)
    return sum(one.trace.store_ws[2880 + 480:2880 + 600]) / 3600, device, one


def test_a_battery_that_lies_about_its_charge_ends_at_rest():
    """Without the rule it is drained; with it, what it gives stays below the tolerance and
    what the count follows meanwhile, and the row says who made it rest."""
    drained_wh, _, _ = moved_wh(foundry())
    given_wh, device, one = moved_wh(doubting())
    most_wh = device.site.battery["capacity_wh"] * (150 + 2 * 120) // 1000
    assert given_wh < most_wh < drained_wh
    names = device.site.rule_names
    assert any(names[row["hi_by"]] == "soc_check" and row["command_w"] == 0
               for row in device.rows[2880 + 480:2880 + 600])
    assert max(one.trace.import_ws) / 60 <= 560_000


def test_without_the_rule_a_lie_stays_inside_the_makers_limits():
    """The plant ends the discharge, the gate the charge that the transformer could not bear."""
    def spoil(shown, number):
        shown[SOC] = 800

    device, one = lived(spoil, days=2)
    assert max(one.trace.import_ws) / 60 <= 560_000
    assert device.rows[-1]["peak_w"] <= 560_000
