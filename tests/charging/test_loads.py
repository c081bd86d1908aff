"""Loads that run on the sun's surplus, and loads that are shed for the demand target: through the
whole controller."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from edge.controller import Controller
from edge.island.roles import Outputs
from edge.site import Site
from tests.core.park import DAY, image

IDLE = ("tariff", "refill", "self_use", "bands", "share", "min_import", "dispatch_centre",
        "command", "phase")
SURPLUS: dict[str, Any] = {"battery_first": 0, "import_max_w": 0, "over_s": 10, "margin_pm": 1100,
                           "settle_s": 5, "restore_s": 20, "back_pm": 1}
PEAK: dict[str, Any] = {"over_s": 20, "margin_pm": 1100, "settle_s": 5, "restore_s": 60,
                        "back_pm": 1, "floor_pm": 100}


class Works:
    """A load that may wait, switched by a coil, beside a base load, a sun and a battery."""

    def __init__(self, listed: list[list[int]], rules: dict[str, Any], target_w: int = 0,
                 soc_pm: int = 100, export_max_w: int = 8_000_000) -> None:
        used = {name: {**keys, "loads": listed} for name, keys in rules.items()}
        used |= {"demand": {"target_w": target_w}, "contract": {"import_max_w": 700_000},
                 "export": {"export_max_w": export_max_w}}
        self.site = Site(image(without=IDLE, rules=used))
        self.site.clock_set = True
        self._controller = Controller(self.site)
        self._relays = next(role for role in self.site.roles if isinstance(role, Outputs))
        self.listed = listed
        self.load_w = self.pv_w = 0
        self.soc_pm = soc_pm
        self.second = 8 * 3600
        self.imported_w: list[int] = []

    @property
    def on(self) -> list[bool]:
        """Which loads are connected; a coil with power turns what is on without it off."""
        return [bool(self._relays.setpoint_w >> load[1] - 1 & 1) != bool(load[2])
                for load in self.listed]

    def beat(self) -> None:
        site, now_ms = self.site, self.second * 1000
        store_w = site.now.command_w
        net_w = self.load_w - self.pv_w + sum(
            load[0] for load, on in zip(self.listed, self.on, strict=True) if on)
        self.imported_w.append(net_w - store_w)
        site.grid_meter.take("grid_w", net_w - store_w, now_ms)
        site.storage.take("store_w", store_w, now_ms)
        site.storage.take("soc_pm", self.soc_pm, now_ms)
        site.pv.take("pv_w", self.pv_w, now_ms)
        self._controller.beat(now_ms, DAY, self.second)
        if site.fault is not None:
            raise site.fault
        self.second += 1

    def run(self, seconds: int) -> None:
        for _ in range(seconds):
            self.beat()


def load(rated_w: int, coil: int, on_without: int = 0, least_s: int = 30) -> list[int]:
    return [rated_w, coil, on_without, least_s, least_s, 0]


def test_a_load_runs_on_surplus_and_stops_when_it_has_gone():
    works = Works([load(10_000, 1), load(5_000, 2)], {"surplus": SURPLUS}, soc_pm=900)
    works.load_w = 20_000
    works.run(120)
    assert works.on == [False, False]
    works.pv_w = 31_500
    works.run(120)
    assert works.on == [True, False], "the most important one, and no more than there is"
    works.pv_w = 40_000
    works.run(120)
    assert works.on == [True, True]
    works.pv_w = 32_000
    works.run(60)
    assert works.on == [True, False]
    works.pv_w = 0
    works.run(60)
    assert works.on == [False, False]


def test_nobody_runs_on_a_surplus_that_nobody_knows_of():
    works = Works([load(10_000, 1)], {"surplus": SURPLUS}, soc_pm=900)
    works.pv_w = 30_000
    works.run(120)
    assert works.on == [True]
    works.site.grid_meter.take = lambda *told: True  # the meter has died
    works.run(60)
    assert works.on == [False]


def test_the_battery_first_leaves_what_it_cannot_take():
    works = Works([load(10_000, 1)], {"surplus": {**SURPLUS, "battery_first": 1}}, soc_pm=500,
                  export_max_w=0)
    works.pv_w = 30_000
    works.run(120)
    assert works.on == [False]
    assert works.site.now.command_w == -30_000
    works.soc_pm = 900  # full
    works.run(120)
    assert works.on == [True]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 60), st.lists(st.tuples(st.integers(-30_000, 30_000), st.integers(1, 90)),
                                    min_size=1, max_size=8))
def test_least_times_are_kept_whatever_the_sun_does(least_s, story):
    works = Works([load(10_000, 1, 0, least_s), load(4_000, 2, 0, least_s)], {"surplus": SURPLUS})
    since, was = [1_000_000, 1_000_000], [False, False]
    for net_w, beats in story:
        works.load_w, works.pv_w = max(net_w, 0), max(-net_w, 0)
        for _ in range(beats):
            works.beat()
            for k, on in enumerate(works.on):
                since[k] += 1
                if on != was[k]:
                    assert since[k] >= least_s
                    since[k] = 0
            was = works.on


def test_loads_are_shed_from_the_last_on_when_the_target_is_in_danger_and_come_back():
    works = Works([load(30_000, 1, 1), load(30_000, 2, 1)], {"peak_shed": PEAK}, target_w=100_000)
    works.load_w = 30_000
    works.run(60)
    assert works.on == [True, True]
    works.load_w = 60_000
    works.run(60)
    assert works.on == [True, False]
    works.load_w = 20_000
    works.run(1800)
    assert works.on == [True, True]


def test_what_is_billed_stays_at_the_target_with_an_empty_battery():
    works = Works([load(30_000, 1, 1), load(30_000, 2, 1)], {"peak_shed": PEAK}, target_w=100_000)
    works.load_w = 30_000
    works.run(300)
    works.load_w = 65_000
    works.run(1500)
    assert works.site.window.peak_w <= 101_000


def test_a_battery_that_can_do_it_keeps_the_loads():
    works = Works([load(30_000, 1, 1)], {"peak_shed": PEAK}, target_w=100_000, soc_pm=800)
    works.load_w = 100_000
    works.run(600)
    assert works.on == [True]
