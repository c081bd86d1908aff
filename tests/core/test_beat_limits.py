"""The beat never leaves its limits, whatever the readings, the clock and the devices do."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.ticks import ticks_add, ticks_diff
from tests.core.park import DAY, TICKS, Park, image

HALF = 1 << 30  # the reach of a small int
RATED_W = 200_000
RAMP_W = 50_000

watts = st.one_of(
    st.integers(-300_000, 900_000),
    st.sampled_from([0, 8_000_000, -8_000_000, 8_000_001, -8_000_001, HALF, -HALF, 2**31 - 1]),
    st.integers(-8_000_000, 8_000_000),
)
per_mille = st.one_of(
    st.integers(0, 1000), st.sampled_from([50, 51, 99, 100, 101, 899, 900, 901, 949, 950, -1, 1001])
)
limits = st.one_of(
    st.sampled_from([0, 1, RATED_W, 10**9, -1]), st.integers(0, 2 * RATED_W)
)
silent = st.one_of(st.just(0), st.integers(0, 3000), st.none())  # age of the reading; None: none


@dataclass(frozen=True)
class Step:
    """What one beat is given."""

    grid_w: int
    store_w: int
    soc_pm: int
    pv_w: int
    charge_max_w: int
    discharge_max_w: int
    ready: bool
    grid_age: int | None
    store_age: int | None
    soc_age: int | None
    pv_age: int | None
    pause_ms: int
    clock_jump_s: int
    times: int


ordinary = st.builds(
    Step, grid_w=watts, store_w=watts, soc_pm=per_mille, pv_w=watts, charge_max_w=limits,
    discharge_max_w=limits, ready=st.integers(0, 9).map(bool), grid_age=silent, store_age=silent,
    soc_age=silent, pv_age=silent,
    pause_ms=st.sampled_from([1000, 1000, 1000, 0, 37, 4000, 61_000, 99_999_999]),
    clock_jump_s=st.sampled_from([0, 0, 0, 0, -1, 59, 900, -86_400, 10**8, -(10**8), 10**9]),
    times=st.sampled_from([1, 1, 2, 12]),
)
calm = st.builds(  # readings that can be trusted, long enough to be
    Step, grid_w=st.integers(-300_000, 900_000), store_w=st.integers(-RATED_W, RATED_W),
    soc_pm=st.integers(40, 960), pv_w=st.integers(0, 90_000), charge_max_w=limits,
    discharge_max_w=limits, ready=st.just(True), grid_age=st.integers(0, 2000),
    store_age=st.integers(0, 2000), soc_age=st.just(0), pv_age=st.just(0),
    pause_ms=st.just(1000), clock_jump_s=st.just(0), times=st.sampled_from([3, 15]),
)


@dataclass
class Oracle:
    """What may be known of the devices, kept apart from the code under test."""

    stamps: dict[str, int] = field(default_factory=dict)
    values: dict[str, int] = field(default_factory=dict)
    calm_s: int = -1

    def hear(self, name: str, value: int, stamp: int, possible: bool) -> None:
        if possible:
            self.stamps[name], self.values[name] = stamp, value

    def age_ms(self, name: str, now_ms: int) -> int:
        return ticks_diff(now_ms, self.stamps[name]) if name in self.stamps else HALF

    def settle(self, now_ms: int) -> bool:
        fresh = (self.age_ms("grid", now_ms) <= 5000 and self.age_ms("store", now_ms) <= 5000
                 and self.age_ms("soc", now_ms) <= 60_000)
        self.calm_s = self.calm_s + 1 if fresh else -1  # seconds since the first fresh beat
        return self.calm_s >= 10


@dataclass
class Run:
    """Feeds steps to a park and checks every beat."""

    park: Park
    oracle: Oracle
    now_ms: int
    clock_s: int = DAY * 86_400
    last_w: int = 0
    charge_max_w: int = RATED_W
    discharge_max_w: int = RATED_W
    ready: bool = True

    def take(self, step: Step) -> None:
        self.clock_s = min(max(self.clock_s + step.clock_jump_s, 0), 36_500 * 86_400)
        for _ in range(step.times):
            self.now_ms = ticks_add(self.now_ms, step.pause_ms)
            self.clock_s += step.pause_ms // 1000
            self.beat(step)

    def stamp(self, age: int | None) -> int:
        return -1 if age is None else ticks_add(self.now_ms, -age)

    def hear(self, step: Step) -> None:
        oracle = self.oracle
        if step.grid_age is not None:
            oracle.hear("grid", step.grid_w, self.stamp(step.grid_age),
                        abs(step.grid_w) <= 8_000_000)
        if step.store_age is not None:
            oracle.hear("store", step.store_w, self.stamp(step.store_age),
                        abs(step.store_w) <= 8_000_000)
            self.ready = step.ready
        if step.soc_age is not None:
            oracle.hear("soc", step.soc_pm, self.stamp(step.soc_age), 0 <= step.soc_pm <= 1000)
            if step.charge_max_w >= 0:
                self.charge_max_w = min(step.charge_max_w, RATED_W)
            if step.discharge_max_w >= 0:
                self.discharge_max_w = min(step.discharge_max_w, RATED_W)

    def beat(self, step: Step) -> None:
        self.hear(step)
        w = self.park.beat(
            now_ms=self.now_ms, day=self.clock_s // 86_400, second=self.clock_s % 86_400,
            grid_w=step.grid_w, grid_ms=self.stamp(step.grid_age), store_w=step.store_w,
            store_ms=self.stamp(step.store_age), soc_pm=step.soc_pm,
            soc_ms=self.stamp(step.soc_age), pv_w=step.pv_w, pv_ms=self.stamp(step.pv_age),
            charge_max_w=step.charge_max_w, discharge_max_w=step.discharge_max_w,
            ready=int(step.ready))
        self.check(w)
        self.last_w = w

    def check(self, w: int) -> None:
        site, row, oracle = self.park.site, self.park.row, self.oracle
        assert site.fault is None
        assert site.storage.setpoint_w == site.now.command_w == row["command_w"] == w
        assert site.storage.setpoint_ms == row["now_ms"] == self.now_ms
        assert (row["day"], row["second"]) == (self.clock_s // 86_400, self.clock_s % 86_400)
        assert {n: v for n, v in row.items() if not -HALF <= v < HALF} == {}
        assert -self.charge_max_w <= w <= self.discharge_max_w
        if not oracle.settle(self.now_ms) or not self.ready:
            assert w == 0
        if w == 0:
            return
        grows_w = abs(w) - (abs(self.last_w) if w * self.last_w > 0 else 0)
        assert grows_w <= RAMP_W
        soc_pm = oracle.values["soc"]
        if w > 0:
            assert soc_pm > 100, "not even the ramp outlasts the floor"
        else:
            assert soc_pm < 900
            assert oracle.values["grid"] + oracle.values["store"] - w <= 800_000


starts = st.sampled_from([0, 5_000_000, TICKS - 9_000, TICKS // 2 - 4_000])


@settings(max_examples=250, deadline=None)
@given(st.lists(st.one_of(ordinary, calm), min_size=1, max_size=25), starts,
       st.sampled_from([0, 1]), st.sampled_from([0, 150_000]), st.sampled_from([0, 1]))
def test_no_sequence_of_readings_leaves_the_limits(steps, start_ms, sliding, target_w, discharge):
    made = image(demand={"sliding": sliding},
                 rules={"demand": {"target_w": target_w}, "self_use": {"discharge": discharge}})
    run = Run(Park(made), Oracle(), start_ms)
    for step in steps:
        run.take(step)


@settings(max_examples=60, deadline=None)
@given(st.lists(calm, min_size=2, max_size=12), st.booleans())
def test_the_battery_does_work_when_readings_are_calm(steps, sliding):
    """The property above must not hold because everything is always 0 W."""
    run = Run(Park(image(demand={"sliding": int(sliding)})), Oracle(), 0)
    for step in steps:
        run.take(step)
    for _ in range(12):
        w = run.park.fresh_beat(run.clock_s % 86_400, now_ms=run.now_ms, grid_w=900_000,
                                grid_ms=run.now_ms, store_w=0, store_ms=run.now_ms, soc_pm=500,
                                soc_ms=run.now_ms, pv_ms=run.now_ms)
        run.now_ms = ticks_add(run.now_ms, 1000)
    assert w == RATED_W  # 200 kW above the contract, and the battery gives all it has


@pytest.mark.parametrize("sliding", [0, 1])
@pytest.mark.parametrize("without", [(), ("demand",)])
def test_a_year_of_the_highest_power_stays_within_31_bits(sliding, without):
    """No register may grow without end where nobody reads it: a beat a minute, 8 MW."""
    made = image(without=without, site={"beat_s": 60}, demand={"sliding": sliding})
    park = Park(made)
    for minute in range(366 * 1440):
        if minute % 1440 > 40:  # forty minutes of every day: windows, days and months all pass
            continue
        park.fresh_beat(minute * 60, grid_w=8_000_000, store_w=0, soc_pm=500, pv_w=0)
    assert park.site.fault is None


@pytest.mark.parametrize("sliding", [0, 1])
@pytest.mark.parametrize("target_w", [1, 3_000_000, 8_000_000])
@pytest.mark.parametrize("grid_w", [-8_000_000, -1000, 8_000_000])
def test_the_last_seconds_of_a_window_stay_within_31_bits(grid_w, target_w, sliding):
    """What is left of the window is divided by what is left of its time: hardly anything."""
    made = image(demand={"sliding": sliding}, rules={"demand": {"target_w": target_w}})
    park = Park(made)
    for second in range(1830):
        park.fresh_beat(second, grid_w=grid_w, store_w=0, soc_pm=500, pv_w=0)
        assert park.site.fault is None, (second, park.site.fault)
        row, window = park.row, park.site.window
        assert {n: v for n, v in row.items() if not -HALF <= v < HALF} == {}, second
        assert {n: v for n, v in vars(window).items()
                if isinstance(v, int) and not -HALF <= v < HALF} == {}, second


@pytest.mark.parametrize("sliding", [0, 1])
def test_ten_days_without_a_demand_target_stay_within_31_bits(sliding):
    made = image(without=("demand",), site={"beat_s": 60}, demand={"sliding": sliding})
    park = Park(made)
    for minute in range(10 * 1440):
        park.fresh_beat(minute * 60, grid_w=8_000_000, store_w=0, soc_pm=500, pv_w=0)
        assert park.site.fault is None, (minute, park.site.fault)
        assert {n: v for n, v in park.row.items() if not -HALF <= v < HALF} == {}, minute
