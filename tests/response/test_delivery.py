"""A response delivered by the whole controller round a plant: before, while and after it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.response.agenda import (
    ACTIVE,
    CANCELLED,
    DONE,
    FAILED,
    HOLD,
    OPTED_OUT,
    PREP,
    RECOVERY,
    SCHEDULED,
)
from edge.response.event import (
    ALL_OR_NOTHING,
    EXPORT_MAX,
    IMPORT_MAX,
    IMPORT_MIN,
    LOCKED,
    SETPOINT,
)
from tests.response.bench import T0, Bench

TRADERS = ("self_use", "export", "tariff", "refill", "demand")
LOAD_W = 500_000


def bench(**more):
    return Bench(**{"without": TRADERS, "tau_s": 0, **more})


def test_full_power_is_there_before_the_start_and_held_past_the_end():
    one = bench()
    one.offer(start=T0, reply_w=100_000, intervals=[(60, IMPORT_MAX, LOAD_W - 100_000)])
    before = one.until(T0, LOAD_W)
    assert before[0] == LOAD_W
    assert max(before[-40:]) <= LOAD_W - 99_000, "a minute less the ramp and the converter's lag"
    during = one.until(T0 + 60, LOAD_W)
    assert max(during) <= LOAD_W - 99_000
    held = one.until(T0 + 61, LOAD_W)
    assert max(held) <= LOAD_W - 99_000
    assert one.until(T0 + 62, LOAD_W)[-1] == LOAD_W


@settings(max_examples=12, deadline=None)
@given(st.integers(20, 150), st.integers(15, 120), st.integers(0, 3), st.randoms(), st.booleans())
def test_every_point_of_what_can_be_delivered_is(reply_kw, minutes, tau_s, random, with_rules):
    """The load wanders by up to 200 W a second; a point may be off by what it does in three."""
    one = Bench(tau_s=tau_s) if with_rules else bench(tau_s=tau_s)
    load_w = LOAD_W

    def wander(second):
        nonlocal load_w
        load_w = min(max(load_w + random.randrange(-200, 201), LOAD_W - 50_000), LOAD_W + 50_000)
        return load_w

    target_w = LOAD_W + 50_000 - reply_kw * 1000
    one.offer(start=T0, reply_w=reply_kw * 1000, intervals=[(minutes, IMPORT_MAX, target_w)])
    one.until(T0, wander)
    feasible = one.engine.needs.given_wh(one.soc_pm) >= reply_kw * 1000 * minutes // 60
    grid = one.until(T0 + minutes, wander)
    if feasible:
        quarters = [sum(grid[at:at + 900]) / 900 for at in range(0, len(grid) - 899, 900)]
        assert all(mean <= target_w + 600 for mean in quarters)
        assert all(grid[at] <= target_w + 600 * (tau_s + 1) for at in range(0, len(grid), 900))


def test_what_is_promised_is_not_traded_or_shaved_away():
    """At a dear hour, with a demand target that would take all of it."""
    one = Bench(soc_pm=500, rules={"demand": {"target_w": 350_000}}, without=("self_use", "export"))
    one.offer(start=T0, reply_w=150_000, intervals=[(60, IMPORT_MAX, 350_000)])
    keep_pm = one.engine.needs.keep_pm(one.engine.agenda.entries[0].event, T0 - 60)
    one.until(T0 - 1, 300_000)
    assert one.soc_pm >= min(500, keep_pm) - 1


@settings(max_examples=8, deadline=None)
@given(st.integers(100, 500), st.integers(20, 150))
def test_it_is_filled_in_time_for_it(soc_pm, reply_kw):
    one = bench(soc_pm=soc_pm, keys={"import_w": 800_000})
    one.offer(start=T0, reply_w=reply_kw * 1000, intervals=[(60, IMPORT_MAX, 400_000)])
    keep_pm = one.engine.needs.keep_pm(one.engine.agenda.entries[0].event, T0)
    one.until(T0 - 2, LOAD_W)
    assert one.soc_pm >= keep_pm - 1


def test_nothing_is_charged_while_the_baseline_is_taken():
    one = Bench(soc_pm=200, without=("self_use", "export", "demand"), keys={"import_w": 800_000})
    one.offer(start=T0, reply_w=150_000, hush_min=60, intervals=[(60, IMPORT_MAX, 400_000)])
    one.until(T0 - 60, LOAD_W)
    assert one.soc_pm > 400, "before that it is"
    assert max(one.until(T0 - 2, LOAD_W)) <= LOAD_W + 1


@settings(max_examples=8, deadline=None)
@given(st.integers(300_000, 700_000), st.integers(0, 700_000), st.integers(100, 300))
def test_what_comes_back_makes_no_new_peak(peak_w, import_w, soc_pm):
    one = Bench(soc_pm=soc_pm, keys={"import_w": import_w},
                without=("self_use", "export", "demand"))
    one.park.site.window.peak_w = peak_w
    one.offer(start=T0, reply_w=50_000, intervals=[(15, IMPORT_MAX, 250_000)])
    seen = one.until(T0 + 15, 290_000)
    seen += one.until(T0 + 15 + 60, 290_000)
    minutes = [sum(seen[at:at + 900]) / 900 for at in range(0, len(seen) - 900, 60)]
    charged_before = seen[:60 * 60]  # nothing is scheduled so early: the traders are free
    limit_w = max(peak_w, import_w, 290_000, *charged_before)
    assert max(minutes) <= limit_w + 1000


def test_an_event_that_cannot_be_met_is_left_before_it_begins():
    one = bench(soc_pm=150)
    # its import may not rise above the month's peak, so it cannot be filled either
    one.offer(start=T0, reply_w=150_000, flags=ALL_OR_NOTHING,
              intervals=[(60, IMPORT_MAX, LOAD_W - 150_000)])
    one.until(T0 + 5, LOAD_W)
    assert one.told()[-1] == (1, 0, FAILED, "energy")
    assert one.soc_pm == 150, "and nothing is wasted on it"


def test_without_that_flag_as_much_as_can_be_is_delivered():
    one = bench(soc_pm=150)
    one.offer(start=T0, reply_w=150_000, intervals=[(60, IMPORT_MAX, LOAD_W - 150_000)])
    grid = one.until(T0 + 5, LOAD_W)
    assert grid[-1] <= LOAD_W - 149_000
    assert one.told()[-1][2] == ACTIVE


def test_a_valley_is_filled_where_that_is_no_peak():
    one = Bench(soc_pm=300, rules={"demand": {"target_w": 600_000}}, without=("self_use", "export",
                                                                             "tariff", "refill"))
    one.offer(start=T0, reply_w=100_000, intervals=[(30, IMPORT_MIN, LOAD_W + 90_000)])
    one.until(T0, LOAD_W)
    assert min(one.until(T0 + 30, LOAD_W)) >= LOAD_W + 89_000


@pytest.mark.parametrize(("kind", "value", "low_w", "high_w"), [
    (SETPOINT, 120_000, 120_000, 120_000), (SETPOINT, -80_000, -80_000, -80_000),
    (EXPORT_MAX, 30_000, 0, 0)])
def test_the_other_kinds(kind, value, low_w, high_w):
    one = bench()
    one.offer(start=T0, intervals=[(30, kind, value)])
    one.until(T0 + 10, LOAD_W)
    assert low_w - 100 <= one.battery.power_w <= high_w + 100


def test_export_is_bounded_under_a_surplus():
    one = Bench(without=("demand", "export", "tariff", "refill"), soc_pm=300)
    one.offer(start=T0, intervals=[(30, EXPORT_MAX, 20_000)])
    one.until(T0 + 10, -100_000)
    assert one.step(-100_000) >= -21_000


def test_who_opts_out_is_back_to_the_base_strategy_and_stays_there():
    one = bench()
    one.offer(start=T0, reply_w=100_000, intervals=[(60, IMPORT_MAX, LOAD_W - 100_000)])
    one.until(T0 + 10, LOAD_W)
    assert one.engine.leave(1) == ""
    one.until(T0 + 11, LOAD_W)
    assert set(one.until(T0 + 90, LOAD_W)) == {LOAD_W}
    assert one.told()[-1] == (1, 0, OPTED_OUT, "local")
    assert one.offer(rev=5, start=T0 + 300) == "ended"


def test_one_that_is_locked_is_not_left():
    one = bench()
    one.offer(start=T0, flags=LOCKED)
    assert one.engine.leave(1) == "locked"
    assert one.engine.leave(7) == "unknown"


def test_one_that_is_called_off_ends_at_once():
    one = bench()
    one.offer(start=T0, reply_w=100_000, intervals=[(60, IMPORT_MAX, LOAD_W - 100_000)])
    one.until(T0 + 10, LOAD_W)
    assert one.offer(rev=1, start=T0, intervals=[]) == ""
    one.until(T0 + 11, LOAD_W)
    assert set(one.until(T0 + 30, LOAD_W)) == {LOAD_W}
    assert one.told()[-1][:3] == (1, 1, CANCELLED)


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 150 * 60))
def test_a_power_cut_at_any_second_changes_nothing_but_what_it_takes_to_start(cut_s):
    def played(cuts):
        one = bench()
        one.offer(start=T0, reply_w=100_000, intervals=[(60, IMPORT_MAX, LOAD_W - 100_000)])
        phases = []
        for second in range(3 * 3600 + 1800):
            if cuts and second == cut_s + 3600:
                one.start()
            one.step(LOAD_W)
            phases.append(one.engine.agenda.entries[0].phase)
        return phases, one.soc_pm

    straight, cut = played(False), played(True)
    assert sum(a != b for a, b in zip(straight[0], cut[0], strict=True)) <= 1
    assert abs(straight[1] - cut[1]) <= 1


def test_all_phases_are_told_in_their_order():
    one = bench()
    one.offer(start=T0, intervals=[(15, IMPORT_MAX, LOAD_W - 50_000)], reply_w=50_000)
    one.until(T0 + 90, LOAD_W)
    assert [phase for _, _, phase, _ in one.told()] == [
        SCHEDULED, PREP, ACTIVE, HOLD, RECOVERY, DONE]


def test_a_clock_that_leaps_back_delivers_nothing_twice():
    one = bench()
    one.offer(start=T0, reply_w=100_000, intervals=[(15, IMPORT_MAX, LOAD_W - 100_000)])
    one.until(T0 + 100, LOAD_W)
    given = one.battery.discharged_ws
    one.second = (T0 - 10 - 9657 * 1440) * 60
    one.until(T0 + 30, LOAD_W)
    assert one.battery.discharged_ws == given


def test_without_a_clock_nothing_is_taken_or_called():
    one = bench()
    one.offer(start=T0, reply_w=100_000, intervals=[(15, IMPORT_MAX, LOAD_W - 100_000)])
    one.park.site.clock_set = False
    assert one.offer(number=2) == "clock"
    assert set(one.until(T0 + 30, LOAD_W)) == {LOAD_W}


def test_what_is_so_now_names_it():
    one = bench()
    one.offer(start=T0, reply_w=100_000, intervals=[(60, IMPORT_MAX, LOAD_W - 100_000)])
    one.until(T0 + 1, LOAD_W)
    told = {}
    one.engine.tell(told.__setitem__)
    assert told["response"] == 1
    assert told["response_phase"] == "active"
    assert told["response_w"] == LOAD_W - 100_000


@settings(max_examples=6, deadline=None)
@given(st.integers(120, 890), st.integers(0, 150_000), st.sampled_from(["can_min", "can_half_min"]))
def test_what_it_says_it_can_it_can(soc_pm, load_w, which):
    """As long as the load stays: all of that power for all of that time, and no limit is met."""
    one = bench(soc_pm=soc_pm, rules={"export": {"export_max_w": 30_000}},
                without=tuple(name for name in TRADERS if name != "export"))
    one.until(T0 - 90, load_w)
    told = {}
    one.engine.tell(told.__setitem__)
    power_w = told["can_w"] // (1 if which == "can_min" else 2)
    minutes = min(told[which], 45)
    assert power_w <= load_w + 30_000
    if not minutes:
        return
    one.offer(start=T0 - 80, intervals=[(minutes, SETPOINT, power_w)])
    one.until(T0 - 80, load_w)
    assert {load_w - power_w} == set(one.until(T0 - 80 + minutes, load_w))
    assert one.soc_pm >= one.engine.needs.floor_pm
