"""A grid meter that contradicts the battery's steps is not believed; an honest one is never
doubted, whatever its age and whatever the battery does."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.rules import balance
from edge.rules.balance import Witness
from edge.site import Site
from tests.core.park import Park, image

RATED_W, STEP_W = 200_000, 40_000
BATTERY = {"charge_max_w": RATED_W, "discharge_max_w": RATED_W}
KEYS = {field[0]: field[4] for field in balance.FIELDS}
TICKS = (1 << 30) - 1


class Bench:
    """A busbar whose meter may lie, seen once a second; readings are as old as they are said."""

    def __init__(self, grid_late_ms=100, store_late_ms=200, start_ms=10_000, **keys):
        self.site = Site(image())
        self.witness = Witness({**KEYS, **keys}, BATTERY)
        self.lates = {"grid_w": grid_late_ms, "store_w": store_late_ms, "pv_w": 0}
        self.at_ms = start_ms
        self.past = [(start_ms - 9000, {"grid_w": 300_000, "store_w": 0, "pv_w": 0})]

    def doubts(self, load_w, store_w, pv_w=None, lie=lambda w: w):
        """Let a second begin with these powers, and look at its end."""
        sun_w = pv_w or 0
        self.past.append((self.at_ms, {"grid_w": lie(load_w - store_w - sun_w),
                                       "store_w": store_w, "pv_w": sun_w}))
        self.at_ms += 1000
        look_ms = self.at_ms - 1
        site = self.site
        roles = {"grid_w": site.grid_meter, "store_w": site.storage}
        if pv_w is not None:
            roles["pv_w"] = site.pv
        for signal, role in roles.items():
            stamp_ms = look_ms - self.lates[signal]
            shown = next(powers for since_ms, powers in reversed(self.past) if since_ms <= stamp_ms)
            role.take(signal, shown[signal], stamp_ms & TICKS)
        site.now.settle(look_ms & TICKS)
        return self.witness.doubts(site.now)


@settings(max_examples=200)
@given(st.lists(st.tuples(st.integers(-RATED_W, RATED_W), st.integers(1, 6)), max_size=30),
       st.integers(0, 3000), st.integers(0, 3000), st.integers(0, STEP_W // 2),
       st.sampled_from([10_000, (1 << 30) - 9000]), st.randoms(use_true_random=False))
def test_an_honest_meter_is_never_doubted(steps, grid_ms, store_ms, noise_w, start_ms, chance):
    """Whatever the battery does, with readings up to 3 s old, and a load that moves by half of
    what the battery has to move."""
    bench = Bench(grid_ms, store_ms, start_ms)
    for store_w, seconds in steps:
        for _ in range(seconds):
            load_w = 300_000 + chance.randint(-noise_w, noise_w) // 2
            assert not bench.doubts(load_w, store_w)


LIES = {"nothing": lambda w: 0, "stands still": lambda w: 130_000, "turned": lambda w: -w}


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize("way", [-1, 1])
def test_a_liar_is_caught_two_beats_after_a_step_of_the_battery(lie, way):
    bench = Bench()
    for _ in range(5):
        bench.doubts(300_000, 0)
    for _ in range(2):
        assert not bench.doubts(300_000, 0, lie=LIES[lie])
    found = [bench.doubts(300_000, way * 100_000, lie=LIES[lie]) for _ in range(4)]
    assert found.index(True) <= 2


@settings(max_examples=50)
@given(st.integers(STEP_W, RATED_W), st.sampled_from(["nothing", "stands still"]),
       st.integers(0, 900))
def test_who_goes_on_lying_is_not_believed_for_the_whole_hold(step_w, lie, grid_ms):
    bench = Bench(grid_ms, 100, hold_s=60)
    for _ in range(5):
        bench.doubts(300_000, 0)
    for store_w in (0, step_w, 0):
        for _ in range(5):
            bench.doubts(300_000, store_w, lie=LIES[lie])
    assert all(bench.doubts(300_000, 0, lie=LIES[lie]) for _ in range(55))
    for _ in range(5):
        bench.doubts(300_000, 0, lie=LIES[lie])
    assert not any(bench.doubts(300_000, 0, lie=LIES[lie]) for _ in range(10))


def test_coming_to_rest_speaks_for_an_honest_meter():
    """A load step in the very moment of the battery's looks like a lie, until the next one."""
    bench = Bench()
    for _ in range(5):
        assert not bench.doubts(300_000, 0)
    found = [bench.doubts(400_000, 100_000) for _ in range(4)]
    assert any(found)
    rest = [bench.doubts(400_000, 0) for _ in range(4)]
    assert not rest[-1]
    assert rest.index(False) <= 2


@pytest.mark.parametrize(("pv_w", "grid_w", "is_odd"), [
    (0, 0, True), (90_000, 0, False), (0, 81_000, False), (0, 79_000, True)])
def test_no_load_gives_power(pv_w, grid_w, is_odd):
    """The battery charges with 100 kW: from the grid, or from the sun, or not at all."""
    bench = Bench()
    bench.doubts(300_000, -100_000, 0)
    found = [bench.doubts(0, -100_000, pv_w, lambda w: grid_w) for _ in range(5)]
    assert found[-1] == is_odd
    if is_odd:
        assert found.index(True) == 2  # the third beat with it


def test_what_the_sun_gives_and_nobody_knows_makes_nobody_odd():
    bench = Bench()
    bench.doubts(300_000, 0, 0)
    for _ in range(16):
        bench.doubts(300_000, 0)  # its inverter is silent now
    for _ in range(10):
        assert not bench.doubts(-50_000, 0)


def test_a_battery_beyond_what_it_can_is_no_battery():
    bench = Bench()
    found = [bench.doubts(900_000, 400_000) for _ in range(3)]
    assert any(found)


def test_silence_is_another_rules_matter_and_begins_anew():
    bench = Bench()
    bench.doubts(300_000, 0)
    bench.at_ms += 10_000  # all is stale
    bench.site.now.settle(bench.at_ms)
    assert not bench.witness.doubts(bench.site.now)
    assert not any(bench.doubts(300_000, 100_000, lie=lambda w: 0) for _ in range(9))


def test_an_impossible_power_is_never_taken():
    park = Park(image(rules={"balance": {"grid_max_w": 1_000_000}}))
    meter = park.site.grid_meter
    assert meter.take("grid_w", 999_999, 1000)
    assert not meter.take("grid_w", 1_000_001, 2000)
    assert not meter.take("grid_w", -1_000_001, 2000)
    assert (park.site.now.grid_w, park.site.now.grid_ms) == (999_999, 1000)
    assert meter.take("import_wh", 5_000_000, 2000)


def test_the_site_rests_in_its_fallback_and_the_row_says_who():
    park = Park(image(rules={"balance": {"fallback_w": -5000}, "ramp": {"ramp_w_per_s": 8_000_000},
                             "contract": {"import_max_w": 200_000}}))
    held_w = 0
    for second in range(3600, 3630):
        held_w = park.fresh_beat(second, grid_w=300_000 - held_w, store_w=held_w, soc_pm=500,
                                 pv_w=0)
    assert held_w == 100_000
    told = []
    for second in range(3630, 3640):
        held_w = park.fresh_beat(second, grid_w=0, store_w=held_w, soc_pm=500, pv_w=0)
        told.append((park.site.rule_names[park.row["hi_by"]], held_w))
    assert ("balance", -5000) in told[:4]
    assert park.site.fault is None
