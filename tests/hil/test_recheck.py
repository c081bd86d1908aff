"""The re-check believes a true trace and finds every doctored one."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.journal import FIELDS
from hil.emulate import image_of
from hil.recheck import Limits, Row, read, recheck
from hil.score import limits_of
from hil.trace import SCORED, write
from tests.hil.little import START, Scripted, emulator, foundry

LIMITS = Limits(power_kw=100, floor_kwh=20, ceiling_kwh=180, start_kwh=180, way=0.9)


def honest(powers: list[float], loads: list[float]) -> list[Row]:
    """A trace of a battery that goes one way in each quarter-hour, as far as it can."""
    rows, stored = [], LIMITS.start_kwh
    for number, (kw, load) in enumerate(zip(powers, loads, strict=True)):
        if kw > 0:
            kw = min(kw, (stored - LIMITS.floor_kwh) * LIMITS.way * 4)
            stored -= kw / 4 / LIMITS.way
        else:
            kw = -min(-kw, (LIMITS.ceiling_kwh - stored) / LIMITS.way * 4)
            stored -= kw / 4 * LIMITS.way
        time = START + timedelta(minutes=15 * number)
        rows.append(Row(time, load, round(kw, 6), round(load - round(kw, 6), 6), round(stored, 6)))
    return rows


POWERS = st.lists(st.floats(-100, 100), min_size=3, max_size=20)


@given(POWERS)
def test_a_true_trace_passes(powers: list[float]) -> None:
    loads = [50.0] * len(powers)
    verdict = recheck(honest(powers, loads), loads, LIMITS)
    assert verdict.violations == []
    assert verdict.both_ways == 0


@given(POWERS, st.data(), st.sampled_from(["load_kw", "battery_kw", "grid_kw"]),
       st.floats(0.01, 50), st.booleans())
def test_a_changed_power_is_found(powers: list[float], data: st.DataObject, column: str,
                                  change: float, up: bool) -> None:
    loads = [50.0] * len(powers)
    rows = honest(powers, loads)
    at = data.draw(st.integers(0, len(rows) - 1))
    value = getattr(rows[at], column) + (change if up else -change)
    rows[at] = rows[at]._replace(**{column: value})
    found = recheck(rows, loads, LIMITS).violations
    assert found
    assert found[0].startswith(rows[at].timestamp.isoformat(timespec="minutes"))


@given(POWERS, st.data(), st.floats(0.01, 50))
def test_energy_from_nowhere_is_found(powers: list[float], data: st.DataObject, more: float
                                      ) -> None:
    loads = [50.0] * len(powers)
    rows = honest(powers, loads)
    at = data.draw(st.integers(0, len(rows) - 1))
    doctored = [row._replace(soc_kwh=row.soc_kwh + more) if number >= at else row
                for number, row in enumerate(rows)]
    assert recheck(doctored, loads, LIMITS).violations


@pytest.mark.parametrize(("battery", "soc", "words"), [
    (101.0, 180 - 101 / 4 / 0.9, "limit 100"),
    (-100.0, 180 + 100 / 4 * 0.9, "window"),
])
def test_limits_are_held(battery: float, soc: float, words: str) -> None:
    rows = [Row(datetime(2026, 1, 1), 50.0, battery, 50 - battery, round(soc, 6))]
    assert any(words in line for line in recheck(rows, [50.0], LIMITS).violations)


def test_a_trace_cut_short_is_found() -> None:
    rows = honest([1.0, 2.0], [50.0, 50.0])
    assert recheck(rows[:1], [50.0, 50.0], LIMITS).violations == ["1 rows for 2 loads"]


@given(st.lists(st.integers(-200_000, 200_000), min_size=1, max_size=60))
@settings(max_examples=25)
def test_what_the_emulator_writes_passes(setpoints: list[int]) -> None:
    """Also where the battery goes both ways within a quarter-hour."""
    import tempfile

    watts = [100_000, 250_000, 30_000, 400_000]
    emulated = emulator(watts, dut=Scripted(setpoints, len(FIELDS)))
    for _ in watts:
        emulated.quarter()
    limits = limits_of(image_of(foundry()))
    plate = emulated.plant.battery
    limits = limits._replace(power_kw=200, floor_kwh=plate.capacity_wh * 0.05 / 1000,
                             ceiling_kwh=plate.capacity_wh * 0.95 / 1000)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "trace.csv")
        write(path, emulated.trace, SCORED, ["2026-06-10T00:00"] * len(watts))
        assert path.read_text().splitlines()[0] == "timestamp,load_kw,battery_kw,grid_kw,soc_kwh"
        rows = read(path)
    assert recheck(rows, [w / 1000 for w in watts], limits).violations == []
