"""Limits that must stand in order: said when they do not, and never when they do."""

from __future__ import annotations

import operator

from hypothesis import given
from hypothesis import strategies as st

from tests.boards.sites import changed, judge

# key, other key: how they must stand, and where their numbers are in the example
W = st.integers(1, 8_000_000)
PM = st.integers(0, 1000)


def errors(*pairs: tuple[str, str]) -> tuple[str, ...]:
    """Keys of the errors there are."""
    return tuple(line.split(": ")[1] for line in judge(changed(*pairs)).errors)


@given(W, W, W)
def test_battery_and_gate(charge_w, discharge_w, plate_w):
    found = errors(("charge_max_w = 180_000", f"charge_max_w = {charge_w}"),
                   ("discharge_max_w = 180_000", f"discharge_max_w = {discharge_w}"),
                   ("charge_max_w = 200_000", f"charge_max_w = {plate_w}"),
                   ("discharge_max_w = 200_000", f"discharge_max_w = {plate_w}"))
    assert ("battery.charge_max_w" in found) == (charge_w > plate_w)
    assert ("battery.discharge_max_w" in found) == (discharge_w > plate_w)


@given(W, W, W)
def test_target_contract_and_transformer(target_w, contract_w, transformer_w):
    found = errors(("target_w = 0 #", f"target_w = {target_w} #"),
                   ("import_max_w = 560_000", f"import_max_w = {contract_w}"),
                   ("import_max_w = 600_000", f"import_max_w = {transformer_w}"))
    assert ("rules.contract.import_max_w" in found) == (contract_w > transformer_w)
    assert found.count("rules.demand.target_w") == \
        operator.add(target_w > contract_w, target_w > transformer_w)


@given(PM, PM, PM, PM)
def test_windows_of_charge(floor, ceiling, gate_floor, gate_ceiling):
    found = errors(("floor_pm = 100\nceiling_pm = 900",
                    f"floor_pm = {floor}\nceiling_pm = {ceiling}"),
                   ("soc_floor_pm = 50\nsoc_ceiling_pm = 950",
                    f"soc_floor_pm = {gate_floor}\nsoc_ceiling_pm = {gate_ceiling}"))
    assert ("gate.soc_floor_pm" in found) == (gate_floor >= gate_ceiling)
    assert found.count("rules.reserve.floor_pm") == (floor >= ceiling) + (floor < gate_floor)
    assert ("rules.reserve.ceiling_pm" in found) == (ceiling > gate_ceiling)


@given(st.integers(1, 60), st.integers(1000, 300_000))
def test_beat_and_lease(beat_s, lease_ms):
    found = errors(("beat_s = 1\n", f"beat_s = {beat_s}\n"),
                   ("lease_ms = 5000", f"lease_ms = {lease_ms}"))
    assert ("site.beat_s" in found) == (60 % beat_s != 0)
    assert ("battery.lease_ms" in found) == (lease_ms < 2000 * beat_s)


@given(st.integers(100, 600_000), st.integers(500, 600_000), st.integers(500, 600_000))
def test_ages_and_polls(poll_ms, gate_ms, age_ms):
    found = errors(("poll_ms = 1000", f"poll_ms = {poll_ms}"),
                   ("age_max_ms = 5000", f"age_max_ms = {gate_ms}"),
                   ("grid_ms = 5000", f"grid_ms = {age_ms}"))
    slowest_ms = max(poll_ms, 1000)  # the converter is read every second
    meter_ms = max(poll_ms, 112)  # and a round of the meter's line takes so long
    assert ("gate.age_max_ms" in found) == (gate_ms < slowest_ms)
    assert ("ages.grid_ms" in found) == (age_ms < meter_ms)


@given(st.integers(100, 30_000_000), W, W)
def test_a_capacity_and_its_powers_lie_less_than_a_thousandfold_apart(wh, charge_w, discharge_w):
    found = errors(("capacity_wh = 400_000", f"capacity_wh = {wh}"),
                   ("charge_max_w = 180_000", f"charge_max_w = {charge_w}"),
                   ("discharge_max_w = 180_000", f"discharge_max_w = {discharge_w}"),
                   ("charge_max_w = 200_000", "charge_max_w = 8_000_000"),
                   ("discharge_max_w = 200_000", "discharge_max_w = 8_000_000"))
    odd = [w for w in (charge_w, discharge_w) if wh < w // 60 or wh > 200 * w]
    assert found.count("battery.capacity_wh") == len(odd)


def test_the_slip_of_a_unit_is_told():
    assert judge(changed(("capacity_wh = 400_000", "capacity_wh = 400"))).errors[0] == (
        "site.toml: battery.capacity_wh: found 400 Wh, expected at least 3000 Wh: "
        "battery.charge_max_w = 180000 W moves it within a minute")
    assert judge(changed(("discharge_max_w = 180_000", "discharge_max_w = 180"))).errors == (
        "site.toml: battery.capacity_wh: found 400000 Wh, expected at most 36000 Wh: "
        "battery.discharge_max_w = 180 W needs more than 200 h for it",)
