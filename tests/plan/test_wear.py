"""Wear counts in what the trade decides: a cycle that earns less than its wear is not done."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boards.image import compile_site
from boards.site import check_bytes
from edge.plan import wear
from edge.plan.scale import Scale
from edge.plan.worth import Worth
from hil import emulation
from hil.figures import figures
from tests.hil.little import FOUNDRY, START, write_load

LEVELS = [3000, 6500, 10_000, 12_000]


def worn(wear_e4: int) -> Worth:
    worth = Worth(Scale(400_000, 200_000, 200_000, 900, 0), len(LEVELS))
    planner = SimpleNamespace(trade=SimpleNamespace(worth=worth))
    assert wear.plan(planner, {"wear_e4": wear_e4}, None) is planner
    worth.tell(LEVELS, 1_600_000)
    return worth


@given(st.integers(0, 100_000))
def test_a_unit_used_saves_its_price_less_its_wear(wear_e4):
    """And one bought costs what it costs; so it is bought for a dearer hour exactly when that hour
    saves more than it cost, wear and losses included."""
    worth = worn(wear_e4)
    scale = worth.scale
    assert list(worth.slopes) == sorted(worth.slopes, reverse=True)
    for low, bought in enumerate(LEVELS):
        for high, used in enumerate(LEVELS):
            earns = (used - wear_e4) * scale.into_pm // 1000 > bought * scale.out_pm // 1000
            if used > wear_e4:
                assert (worth.use[high] < worth.buy[low]) == earns
            else:
                assert not earns


def site_with(wear_e4: int, folder: Path):
    text = FOUNDRY.read_text(encoding="utf-8").replace(
        "lease_ms = 5000", f"lease_ms = 5000\nwear_e4 = {wear_e4}")
    site = check_bytes(text.encode(), folder / "site.toml").site
    assert site is not None
    return site


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> dict[int, dict]:
    """A week of the foundry with three batteries: one that does not age, one whose wear leaves
    something of the spread of 0.75 a kWh, and one whose wear leaves nothing."""
    folder = tmp_path_factory.mktemp("wear")
    load = write_load(folder / "load.csv.gz", [
        160 + 60 * math.sin(at / 96 * 2 * math.pi) for at in range(96 * 7)], START)
    found = {}
    for wear_e4 in (0, 2000, 9000):
        order = emulation.Order(site_with(wear_e4, folder), load=load, beat_s=60)
        found[wear_e4] = figures(emulation.emulate(order, emulation.feeds_of(order), folder,
                                                   lambda quarters: None))
    return found


def test_a_battery_that_ages_more_than_it_earns_rests(runs):
    moved = {wear_e4: one["energy_kwh"]["discharged"] for wear_e4, one in runs.items()}
    assert moved[0] >= moved[2000] > 10 * moved[9000]


def test_what_is_saved_is_told_less_the_wear(runs):
    for wear_e4, one in runs.items():
        aged = one["energy_kwh"]["discharged"] * wear_e4 / 10_000
        assert one["with"]["wear"] == pytest.approx(aged)
        parts = ("demand", "energy", "refill", "wear")
        assert one["with"]["total"] == pytest.approx(sum(one["with"][part] for part in parts))
        told = sum(month["money"] for month in one["plan"]["months"])
        assert told == pytest.approx(one["without"]["total"] - one["with"]["total"], abs=0.01)
    assert runs[2000]["without"]["total"] - runs[2000]["with"]["total"] > 0
    # Trading as if there were no wear would have cost more than resting does.
    blind = runs[0]["with"]["total"] + runs[0]["energy_kwh"]["discharged"] * 0.9
    assert runs[9000]["with"]["total"] < blind


def test_a_site_without_wear_loads_nothing_for_it(tmp_path):
    def modules(wear_e4):
        return [name for name, _ in compile_site(site_with(wear_e4, tmp_path)).get("plan", ())]

    assert modules(0) == []
    assert modules(1) == ["wear"]
