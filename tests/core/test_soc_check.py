"""A battery that lies about its state of charge rests; an honest one is never doubted."""

from hypothesis import given, settings
from hypothesis import strategies as st

from edge.envelope import Envelope
from edge.rules import soc_check
from edge.site import Site
from edge.snapshot import SOC_FRESH, STORE_FRESH
from hil.plants import Battery
from tests.core.park import Park, image

BEAT_S = 60
RATED_W = 200_000
FRESH = SOC_FRESH | STORE_FRESH


class Bench:
    """The rule, a battery, and the state of charge that is told of it."""

    def __init__(self, soc_pm=500, **keys):
        made = image(site={"beat_s": BEAT_S}, battery={"capacity_wh": 400_000})
        site = Site(made)
        self.now, self.envelope = site.now, site.envelope
        self.now.flags = FRESH
        self.now.span_s = BEAT_S
        defaults = {name: default for name, _, _, _, default, _ in soc_check.FIELDS}
        self.narrow = soc_check.rule(1, defaults | keys, site)
        self.battery = Battery(400_000, RATED_W, RATED_W, soc_pm=soc_pm)
        self.told: list[int] = []

    def doubts(self, command_w, soc_pm=None, late=0):
        """Let a beat pass; whether the rule then made the battery rest."""
        self.battery.run(command_w, BEAT_S)
        self.told.append(self.battery.soc_now_pm if soc_pm is None else soc_pm)
        self.now.store_w = self.battery.power_w
        self.now.soc_pm = self.told[max(-1 - late, -len(self.told))]
        self.envelope.open(-RATED_W, RATED_W)
        self.narrow(self.now)
        rests = (self.envelope.lo_w, self.envelope.hi_w) == (0, 0)
        assert rests or (self.envelope.lo_w, self.envelope.hi_w) == (-RATED_W, RATED_W)
        return rests


@given(st.lists(st.tuples(st.integers(-RATED_W, RATED_W), st.integers(1, 120)), min_size=1,
                max_size=12), st.integers(100, 900), st.integers(0, 2))
@settings(max_examples=50)
def test_an_honest_battery_is_never_doubted(schedule, soc_pm, late):
    """Whatever it does for hours, told in whole per mille and up to two minutes late."""
    bench = Bench(soc_pm)
    for command_w, beats in schedule:
        for _ in range(beats):
            assert not bench.doubts(command_w, late=late)


@given(st.sampled_from([-1, 1]), st.integers(RATED_W // 2, RATED_W), st.integers(50, 150))
def test_a_stuck_reading_is_doubted_before_the_tolerance_is_twice_over(way, power_w, tolerance_pm):
    bench = Bench(tolerance_pm=tolerance_pm, settle_pm_per_h=60)
    beats = 0
    while not bench.doubts(way * power_w, soc_pm=500):
        beats += 1
        assert beats < 120
        assert abs(bench.battery.soc_now_pm - 500) <= 2 * tolerance_pm
    assert abs(bench.battery.soc_now_pm - 500) > tolerance_pm - 10  # and not for nothing


def test_it_is_believed_again_when_it_tells_the_truth():
    bench = Bench(800)
    assert any(bench.doubts(RATED_W, soc_pm=800) for _ in range(60))
    assert bench.doubts(0, soc_pm=800)
    assert not bench.doubts(0)


@given(st.integers(160, 400), st.sampled_from([-1, 1]))
def test_one_that_has_corrected_itself_is_believed_after_a_while(jump_pm, way):
    """Half the tolerance must be reached at 120 per mille an hour, two a beat."""
    bench = Bench(500)
    assert not bench.doubts(0)
    rested = [bench.doubts(0, soc_pm=500 + way * jump_pm) for _ in range(240)]
    rests = rested.index(False)
    assert not any(rested[rests:])
    assert abs(rests - (jump_pm - 75) // 2) <= 1


def test_a_reading_that_was_gone_begins_a_new_count():
    bench = Bench(500)
    assert not bench.doubts(0)
    bench.now.flags = 0
    assert not bench.doubts(0, soc_pm=0)
    bench.now.flags = FRESH
    assert not bench.doubts(0, soc_pm=900)


def test_the_last_power_of_a_silent_converter_is_not_counted_for_ever():
    """It may have stopped long ago, as its dead-man timer bids it."""
    bench = Bench(500)
    assert not bench.doubts(-RATED_W)
    for _ in range(60):
        bench.now.flags = SOC_FRESH
        assert not bench.doubts(0)
        bench.now.store_w = -RATED_W
        bench.narrow(bench.now)
    bench.now.flags = FRESH
    assert not bench.doubts(0)


def test_the_site_with_the_rule_says_who_made_it_rest():
    park = Park(image(rules={"soc_check": {}}))
    for second in range(3600, 7200):
        park.fresh_beat(second, grid_w=400_000, store_w=180_000, soc_pm=500, pv_w=0)
    assert park.site.fault is None
    name = park.site.rule_names[park.row["hi_by"]]
    assert (name, park.row["command_w"]) == ("soc_check", 0)


def test_nothing_leaves_31_bits():
    """The largest battery, the worst efficiency, the longest beat."""
    site = Site(image(site={"beat_s": 60}, battery={"capacity_wh": 30_000_000,
                                                    "efficiency_pm": 500}))
    lost_pm = 1000 - soc_check._root(500 * 1000)
    assert 8_000_000 // 8 * lost_pm < 1 << 30
    assert (8_000_000 + 8_000_000 // 8 * lost_pm // 125) * 60 + 30_000_000 * 36 // 10 < 1 << 30
    assert isinstance(site.envelope, Envelope)
