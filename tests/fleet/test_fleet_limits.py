"""No battery ever leaves its own limits, nor all of them the site's, whatever is read."""

from __future__ import annotations

from array import array
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from edge.controller import Controller
from edge.site import Site
from edge.ticks import ticks_add, ticks_diff
from hil import lockstep
from hil.inputs import battery_places, names
from tests.core.park import DAY, TICKS
from tests.fleet.fleet import one, several

HALF = 1 << 30
RAMP_W = 15_000
watts = st.one_of(st.integers(-300_000, 900_000), st.integers(-60_000, 60_000),
                  st.sampled_from([0, 8_000_000, -8_000_000, 8_000_001, HALF, -HALF, 2**31 - 1]))
per_mille = st.one_of(st.integers(0, 1000), st.sampled_from([50, 51, 99, 100, 101, 900, 950, -1]))
silent = st.one_of(st.just(0), st.integers(0, 3000), st.none())  # age of the reading; None: none
limit_w = st.one_of(st.sampled_from([0, 1, 50_000, 10**9, -1]), st.integers(0, 100_000))


@dataclass(frozen=True)
class Shown:
    """What the instruments of one battery say."""

    store_w: int
    store_age: int | None
    soc_pm: int
    soc_age: int | None
    charge_max_w: int
    discharge_max_w: int
    ready: bool


wild = st.builds(Shown, watts, silent, per_mille, silent, limit_w, limit_w,
                 st.integers(0, 9).map(bool))
calm = st.builds(Shown, st.integers(-50_000, 50_000), st.integers(0, 2000),
                 st.integers(200, 800), st.just(0), st.just(10**6), st.just(10**6), st.just(True))
steps = st.lists(st.tuples(
    watts, silent, st.lists(st.one_of(calm, wild), min_size=3, max_size=3),
    st.sampled_from([1000, 1000, 1000, 0, 37, 4000, 61_000, 99_999_999]),
    st.sampled_from([1, 2, 15])), min_size=1, max_size=15)
FLEET = (one("a"), one("b", gate={"soc_floor_pm": 200, "step_max_w": 20_000}),
         one("c", capacity_wh=30_000, charge_max_w=20_000,
             gate={"charge_max_w": 20_000, "soc_ceiling_pm": 700}))


NAMES = names({"rules": (), "fleet": FLEET})


def image_with(limits):
    return several(*FLEET, without=(), gate={"import_max_w": 800_000, "step_max_w": 70_000},
                   rules={"contract": {"import_max_w": limits}, "ramp": {"ramp_w_per_s": RAMP_W}})


def stamped(now_ms: int, age: int | None) -> int:
    return -1 if age is None else ticks_add(now_ms, -age)


def words(now_ms: int, grid, shown) -> array[int]:
    grid_w, grid_age = grid
    inputs = array("q", bytes(8 * len(NAMES)))
    inputs[:11] = array("q", [now_ms, DAY, 0, grid_w, stamped(now_ms, grid_age), 0, 0, 0, 0, 0, -1])
    for number, one_ in enumerate(shown):
        said = (one_.store_w, stamped(now_ms, one_.store_age), one_.soc_pm,
                stamped(now_ms, one_.soc_age), one_.charge_max_w, one_.discharge_max_w,
                int(one_.ready))
        for place, value in zip(battery_places(NAMES, number), said, strict=True):
            inputs[place] = value
    return inputs


class Oracle:
    """What may be known of one battery, kept apart from the code under test."""

    def __init__(self, keys) -> None:
        self.keys, self.plate = keys, keys["gate"]
        self.store_ms = -1  # of the last reading that was possible
        self.socs: list[tuple[int, int]] = []  # what it may be held to be: stamps and values
        self.ready = True
        self.last_w = 0
        self.most = [keys["charge_max_w"], keys["discharge_max_w"]]

    def hear(self, now_ms: int, shown: Shown) -> None:
        if shown.store_age is not None:
            self.ready = shown.ready
            if abs(shown.store_w) <= 8_000_000:
                self.store_ms = stamped(now_ms, shown.store_age)
        if shown.soc_age is not None:
            if 0 <= shown.soc_pm <= 1000:
                self.socs.append((stamped(now_ms, shown.soc_age), shown.soc_pm))
            for place, said_w in enumerate((shown.charge_max_w, shown.discharge_max_w)):
                if said_w >= 0:
                    self.most[place] = said_w

    def check(self, now_ms: int, w: int) -> None:
        grows_w = abs(w) - (abs(self.last_w) if w * self.last_w > 0 else 0)
        self.last_w = w
        if w == 0:
            return
        assert self.ready
        assert self.store_ms >= 0
        assert ticks_diff(now_ms, self.store_ms) <= 5000
        self.socs = [said for said in self.socs if 0 <= ticks_diff(now_ms, said[0]) <= 60_000]
        socs = [soc_pm for _, soc_pm in self.socs]  # one of them, for the last may be in doubt
        assert socs
        assert grows_w <= min(RAMP_W, self.plate["step_max_w"])
        if w > 0:
            assert w <= min(self.most[1], self.keys["discharge_max_w"])
            assert max(socs) > max(100, self.plate["soc_floor_pm"])
        else:
            assert -w <= min(self.most[0], self.keys["charge_max_w"])
            assert min(socs) < min(900, self.plate["soc_ceiling_pm"])


@settings(max_examples=100, deadline=None)
@given(steps, st.sampled_from([0, 5_000_000, TICKS - 9_000, TICKS // 2 - 4_000]),
       st.sampled_from([100_000, 700_000]))
def test_no_sequence_of_readings_leaves_the_limits(taken, now_ms, contract_w):
    made = image_with(contract_w)
    site = Site(made)
    beat = lockstep.bind(made, site, Controller(site))
    oracles = [Oracle(keys) for keys in FLEET]
    before_w = 0
    for grid_w, grid_age, shown, pause_ms, times in taken:
        for _ in range(times):
            now_ms = ticks_add(now_ms, pause_ms)
            for oracle, one_ in zip(oracles, shown, strict=True):
                oracle.hear(now_ms, one_)
            found = beat(words(now_ms, (grid_w, grid_age), shown))
            assert site.fault is None, site.fault
            assert sum(found) == site.now.command_w == site.journal.row[20]
            assert min(found) >= 0 or max(found) <= 0
            assert all(-HALF <= value < HALF for value in site.journal.row)
            for oracle, w, unit in zip(oracles, found, site.fleet, strict=True):
                oracle.check(now_ms, w)
                assert unit.setpoint_ms == now_ms
            total_w = sum(found)
            assert abs(total_w) - (abs(before_w) if total_w * before_w > 0 else 0) <= RAMP_W
            before_w = total_w


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(calm, min_size=3, max_size=3), min_size=1, max_size=5))
def test_the_batteries_do_work_when_readings_are_calm(taken):
    """The property above must not hold because everything is always 0 W."""
    made = image_with(100_000)
    site = Site(made)
    beat = lockstep.bind(made, site, Controller(site))
    now_ms = 0
    for shown in [*taken, *[[Shown(0, 0, 500, 0, 10**6, 10**6, True)] * 3] * 200]:
        now_ms = ticks_add(now_ms, 1000)
        found = beat(words(now_ms, (900_000, 0), shown))
    assert found == [50_000, 50_000, 50_000]
