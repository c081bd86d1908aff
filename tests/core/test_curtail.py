"""The roof is limited when the battery can take no more, and only then; export lasts no longer than
it takes to read it and to follow."""

from __future__ import annotations

from collections import deque
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hil.plants import Battery, Plant
from tests.core.park import DAY, Park, image

ONLY = ("tariff", "refill", "demand", "command", "dispatch_centre", "share", "phase", "bands",
        "min_import")
RATED_W, STEP_W, RELEASE_S = 200_000, 1_000, 30
START_S = 36_000
RAMP_S = 4  # 200 kW of battery at 50 kW/s


class World:
    """A park whose inverter follows its limit in `lag_s`, and whose readings are old. `ages` are of
    grid, battery and inverter, s."""

    def __init__(self, ages: tuple[int, int, int], lag_s: int, export_w: int, soc_pm: int,
                 **keys: Any) -> None:
        made = image(without=ONLY, rules={
            "export": {"export_max_w": export_w},
            "curtail": {"export_max_w": export_w, "rated_w": RATED_W, "step_w": STEP_W,
                        "lag_ms": 1000 * (lag_s + 1), "release_s": RELEASE_S, **keys}})
        self.park = Park(made)
        self.roof = next(role for role in self.park.site.roles if hasattr(role, "limits_pv"))
        self.battery = Battery(400_000, 200_000, 200_000, soc_pm=soc_pm, ceiling_pm=1000)
        self.plant = Plant(self.battery)
        self.ages, self.export_w = ages, export_w
        self.at_s = 0
        self.seen: list[tuple[int, int, int]] = []
        self.silent: set[str] = set()
        self.coming: deque[int | None] = deque([None] * lag_s, maxlen=lag_s + 1)
        self.over = self.longest = 0  # seconds in a row above the allowed export
        self.last: dict[str, tuple[int, int]] = {}

    @property
    def limit_w(self) -> int | None:
        """The limit now: none once its lease has run out."""
        roof, now_ms = self.roof, self._ms()
        return roof.setpoint_w if roof.on and now_ms - roof.setpoint_ms <= roof.lease_ms else None

    def _ms(self) -> int:
        return 1_000_000 + self.at_s * 1000

    def step(self, load_w: int, sun_w: int) -> None:
        """A second passes."""
        plant = self.plant
        self.coming.append(self.limit_w)
        limit_w = self.coming[0]
        plant.load_w = load_w
        plant.pv_w = sun_w if limit_w is None else min(sun_w, limit_w)
        self.seen.append((plant.grid_w, self.battery.power_w, plant.pv_w))
        read: dict[str, int] = {}
        for number, name in enumerate(("grid", "store", "pv")):
            ago = min(self.ages[number], len(self.seen) - 1)
            if name not in self.silent:
                self.last[name] = (self.seen[-1 - ago][number], self._ms() - 1000 * ago)
            read[f"{name}_w"], read[f"{name}_ms"] = self.last[name]
        second = START_S + self.at_s
        command_w = self.park.beat(
            now_ms=self._ms(), day=DAY, second=second % 86_400, **read,
            soc_pm=self.battery.soc_now_pm, soc_ms=self._ms(), charge_max_w=200_000,
            discharge_max_w=200_000, ready=1)
        assert self.park.site.fault is None, self.park.site.fault
        self.over = self.over + 1 if -plant.grid_w > self.export_w + STEP_W else 0
        self.longest = max(self.longest, self.over)
        plant.run(command_w, 1)
        self.at_s += 1

    def run(self, seconds: int, load_w: int, sun_w: int) -> None:
        for _ in range(seconds):
            self.step(load_w, sun_w)


AGES = st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 4))
STORY = st.lists(st.tuples(st.integers(0, 250_000), st.integers(0, RATED_W)), min_size=1,
                 max_size=5)


@settings(max_examples=40, deadline=None)
@given(AGES, st.integers(0, 2), st.sampled_from([0, 30_000]), st.sampled_from([500, 900]), STORY)
def test_export_ends_with_the_readings_and_the_lag(ages, lag_s, export_w, soc_pm, story):
    """Each step of load and sun is over when it was read, the battery has come up its ramp and the
    inverter has followed; three times that, where it came upon changes that were not over. And no
    limit is lower than it has to be: what is held back would be exported."""
    world = World(ages, lag_s, export_w, soc_pm)
    world.run(20, 100_000, 0)  # trusted
    follow_s = max(ages) + lag_s + 1
    for load_w, sun_w in story:
        world.longest = world.over = 0
        world.run(90, load_w, sun_w)
        assert world.longest <= 3 * follow_s + RAMP_S, (load_w, sun_w)
        lost_w = sun_w - world.plant.pv_w
        if lost_w > 2 * STEP_W:
            assert world.battery.soc_now_pm >= 899, "the battery can take no more"
            assert -world.plant.grid_w >= export_w - 2 * STEP_W, "or it could be exported"


def test_a_battery_that_can_charge_takes_it_all():
    world = World((1, 1, 2), 1, 0, 500)
    world.run(20, 100_000, 0)
    world.run(60, 100_000, 190_000)
    assert world.limit_w is None
    assert world.battery.power_w == pytest.approx(-90_000, abs=200)


def test_a_full_battery_does_not_and_a_load_that_comes_lifts_the_limit():
    world = World((1, 1, 2), 1, 0, 900)
    world.run(20, 100_000, 0)
    world.run(30, 100_000, 190_000)
    assert world.limit_w == pytest.approx(100_000, abs=STEP_W)
    assert world.plant.grid_w == pytest.approx(0, abs=STEP_W)
    world.run(20, 150_000, 190_000)
    assert world.limit_w == pytest.approx(150_000, abs=STEP_W)
    world.run(RELEASE_S - 5, 150_000, 80_000)
    assert world.limit_w is not None, "a cloud is no evening"
    world.run(20, 150_000, 80_000)
    assert world.limit_w is None


@pytest.mark.parametrize("who", ["grid", "pv"])
def test_who_is_not_read_leaves_the_declared_fallback(who):
    world = World((0, 0, 0), 0, 0, 500, fallback_w=40_000)
    world.run(20, 100_000, 0)
    world.run(20, 100_000, 120_000)
    assert world.limit_w is None
    world.silent = {who}
    world.run(20, 100_000, 120_000)
    assert world.limit_w == 40_000
    world.silent = set()
    world.run(RELEASE_S + 30, 100_000, 120_000)
    assert world.limit_w is None


def test_a_converter_that_is_not_read_leaves_its_power_as_it_is():
    world = World((0, 0, 0), 0, 0, 900)
    world.run(20, 100_000, 0)
    world.silent = {"store"}
    world.run(30, 100_000, 190_000)
    assert world.plant.grid_w == pytest.approx(0, abs=STEP_W)


def test_what_is_so_now_tells_the_limit():
    world = World((0, 0, 0), 0, 0, 900)
    world.run(20, 100_000, 0)
    told: dict[str, Any] = {}
    def put(name: str, value: Any) -> None:
        told[name] = value

    for part in world.park.site.live:
        part(put)
    assert told["pv_limit_w"] is None
    world.run(20, 100_000, 150_000)
    for part in world.park.site.live:
        part(put)
    assert told["pv_limit_w"] == pytest.approx(100_000, abs=STEP_W)
