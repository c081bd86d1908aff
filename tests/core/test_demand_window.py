"""The demand window against the plain mean of every watt-second, block and sliding.

Driven through whole beats, so that it is the bill of the park that is checked and not one class.
"""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass, field

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.core.park import DAY, Park, image

OFFSET_S = 28_800  # of the park's time zone
EPOCH = dt.datetime(2000, 1, 1)
NOON = DAY * 86_400 + 43_200


def month(clock_s: int) -> tuple[int, int]:
    local = EPOCH + dt.timedelta(seconds=clock_s + OFFSET_S)
    return local.year, local.month


@dataclass
class Model:
    """What the utility would bill: means in floats, minutes in a list, everything recomputed."""

    sliding: bool
    minutes: list[float] = field(default_factory=list)  # mean import since the clock last jumped
    first: int = -1  # the first of those minutes, counted from the epoch
    running: list[tuple[float, int]] = field(default_factory=list)
    at: int = -1
    month: tuple[int, int] = (0, 0)
    demand_w: float = 0.0
    peak_w: float = 0.0
    guessed: bool = False  # a minute had nothing before it to go on with: any figure is a guess

    def beat(self, clock_s: int, flow_w: int | None, span_s: int) -> None:
        """A beat ends at clock_s; flow_w is None where nothing could be measured."""
        if flow_w is not None:
            self.running.append((max(flow_w, 0), span_s))
        minute = clock_s // 60
        if minute == self.at:
            return
        if minute == self.at + 1:
            self._close()
            self._bill(minute)
        else:
            self.minutes, self.first = [], minute
        self.running = []
        self.at = minute
        if month(clock_s) != self.month:
            self.month, self.peak_w = month(clock_s), 0.0

    def _close(self) -> None:
        seconds = sum(span_s for _, span_s in self.running)
        if seconds:
            self.minutes.append(sum(w * span_s for w, span_s in self.running) / seconds)
        else:  # the last minute is taken to go on
            self.guessed = self.guessed or not self.minutes
            self.minutes.append(self.minutes[-1] if self.minutes else 0.0)

    def _bill(self, minute: int) -> None:
        whole = minute % 15 == 0 or self.sliding
        if whole and len(self.minutes) >= 15:
            self.demand_w = sum(self.minutes[-15:]) / 15
            self.peak_w = max(self.peak_w, self.demand_w)


@dataclass
class Billing:
    """A park and the model, side by side."""

    beat_s: int
    sliding: bool
    clock_s: int
    now_s: int = 0
    last_w: int | None = None

    def __post_init__(self) -> None:
        self.park = Park(image(site={"beat_s": self.beat_s}, demand={"sliding": int(self.sliding)},
                               ages={"release_s": 3600}))  # the battery rests: grid is load
        self.model = Model(self.sliding)

    def beat(self, grid_w: int | None) -> None:
        """One beat; grid_w None: the meter is silent."""
        self.park.beat(now_ms=self.now_s * 1000, day=self.clock_s // 86_400,
                       second=self.clock_s % 86_400, grid_w=grid_w or 0,
                       grid_ms=-1 if grid_w is None else self.now_s * 1000,
                       store_ms=self.now_s * 1000, soc_pm=500, soc_ms=self.now_s * 1000, ready=1)
        assert self.park.site.fault is None, self.park.site.fault
        flow_w = None if grid_w is None else self.last_w  # of the beat that ends now
        self.model.beat(self.clock_s, flow_w, self.beat_s)
        self.last_w = grid_w
        self.check()
        self.now_s += self.beat_s
        self.clock_s += self.beat_s

    def check(self) -> None:
        window, model = self.park.site.window, self.model
        if model.guessed:
            return
        # each minute keeps whole watts, and so does their mean: less than 2 W are left behind
        assert model.demand_w - 2 < window.demand_w <= model.demand_w + 1e-6
        assert model.peak_w - 2 < window.peak_w <= model.peak_w + 1e-6


loads = st.one_of(st.integers(-400_000, 900_000), st.integers(-8_000_000, 8_000_000),
                  st.sampled_from([0, 1, 59, 7_999_999]))
stretches = st.lists(st.tuples(st.one_of(loads, st.none()), st.integers(1, 400)),
                     min_size=2, max_size=8)
beats = st.sampled_from([6, 10, 15, 30, 60])
starts = st.one_of(st.integers(0, 1800), st.sampled_from([0, 1, 30, 60, 840, 899, 900])).map(
    lambda s: NOON + s)


def run(billing: Billing, stretches) -> None:
    for load_w, count in stretches:
        for _ in range(min(count, 2400 // billing.beat_s)):
            billing.beat(load_w)


@pytest.mark.parametrize("sliding", [False, True])
@settings(max_examples=40)
@given(beats, starts, stretches)
def test_demand_is_the_mean_of_every_watt_second(sliding, beat_s, start_s, stretches):
    """Any load, silent meters, a start anywhere in a window."""
    run(Billing(beat_s, sliding, start_s // beat_s * beat_s), stretches)


@pytest.mark.parametrize("sliding", [False, True])
@settings(max_examples=40)
@given(beats, starts, st.lists(
    st.tuples(stretches, st.one_of(st.integers(2, 40_000), st.integers(-40_000, -1))), min_size=1,
    max_size=4))
@example(60, NOON, [([(0, 1), (46, 8)], -1)])  # back by a beat: the same second, yet not no time
def test_a_stepped_clock_forgets_the_window_and_bills_none_that_it_has_not_seen(
        sliding, beat_s, start_s, parts):
    billing = Billing(beat_s, sliding, start_s // beat_s * beat_s)
    for stretches, jump_minutes in parts:
        run(billing, stretches)
        billing.clock_s += jump_minutes * 60
    run(billing, parts[0][0])


@pytest.mark.parametrize("sliding", [False, True])
def test_the_month_begins_with_a_peak_of_its_own(sliding):
    """The window that ends at midnight is still the old month's."""
    midnight = (dt.datetime(2026, 7, 1) - EPOCH) // dt.timedelta(seconds=1) - OFFSET_S
    billing = Billing(1, sliding, midnight - 2000)
    while billing.clock_s < midnight:
        billing.beat(500_000)
    assert billing.park.site.window.peak_w == 500_000
    while billing.clock_s <= midnight + 1000:
        billing.beat(100_000)
    assert billing.park.site.window.peak_w == (473_333 if sliding else 100_000)


@pytest.mark.parametrize("sliding", [False, True])
def test_a_beat_of_one_second_and_a_load_that_changes_every_second(sliding):
    billing = Billing(1, sliding, NOON + 333)
    for k in range(3000):
        billing.beat((k * 7919) % 750_001 - 50_000)
    assert billing.model.peak_w > 300_000


@settings(max_examples=30)
@given(beats, stretches, st.lists(st.integers(-50_000, 50_000), min_size=1, max_size=6))
def test_whatever_the_clock_does_demand_stays_between_the_loads(beat_s, stretches, jumps):
    """Also for steps within a minute, which the model above leaves out."""
    park = Park(image(site={"beat_s": beat_s}, ages={"release_s": 3600}))
    seen_w, clock_s, now_s = [0], NOON, 0
    for k, (load_w, count) in enumerate(stretches):
        for _ in range(min(count, 3600 // beat_s)):
            park.beat(now_ms=now_s * 1000, day=clock_s // 86_400, second=clock_s % 86_400,
                      grid_w=load_w or 0, grid_ms=now_s * 1000, store_ms=now_s * 1000,
                      soc_pm=500, soc_ms=now_s * 1000, ready=1)
            assert park.site.fault is None, park.site.fault
            seen_w.append(max(load_w or 0, 0))
            now_s += beat_s
            clock_s += beat_s
            assert 0 <= park.site.window.demand_w <= max(seen_w)
            assert 0 <= park.site.window.peak_w <= max(seen_w)
        clock_s += jumps[k % len(jumps)]


@pytest.mark.parametrize(("grid_age_ms", "store_age_ms"), [(0, 0), (150, 400), (700, 100)])
def test_unlike_ages_cost_the_bill_little(grid_age_ms, store_age_ms):
    """A noisy load, a battery that works against it, two instruments read one after the other:
    what is billed follows the meter to a thousandth."""
    rng = random.Random(4)
    park = Park(image(without=("demand", "tariff", "refill"),
                      rules={"contract": {"import_max_w": 200_000}}))
    grids_w, store_w, windows = [], 0, 0
    for second in range(4 * 900 + 1):
        load_w = 215_000 + int(rng.gauss(0, 5000)) + second // 60 % 7 * 4000
        now_ms = second * 1000 + 10_000
        store_w = park.fresh_beat(
            second, now_ms=now_ms, grid_w=load_w - store_w, grid_ms=now_ms - grid_age_ms,
            store_w=store_w, store_ms=now_ms - store_age_ms, soc_pm=500, soc_ms=now_ms)
        if second and second % 900 == 0:
            true_w = sum(grids_w[-900:]) / 900
            assert abs(park.site.window.demand_w - true_w) < true_w / 1000
            windows += 1
        grids_w.append(load_w - store_w)
    assert windows == 4
    assert 195_000 < true_w < 215_000
