"""Chargers share what is left below every limit, through the whole controller: whatever vehicles,
loads and limits there are."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.charging.yard import KEYS, MIN_MA, SAFE_MA, VOLT, Vehicle, Yard, charger

ROUND_S = 9  # until each charger has had its turn to be looked at, and its driver has heard
SHORT = settings(max_examples=40, deadline=None)

chargers = st.lists(
    st.builds(charger, st.integers(1, 3), st.integers(0, 3), st.sampled_from([16_000, 32_000]),
              st.sampled_from([0, 60, 300]), st.sampled_from([0, 30, 120]), st.just(0)),
    min_size=1, max_size=6).map(lambda found: sorted(found, key=lambda one: one[1]))
some = st.builds(Vehicle, st.sampled_from([0, 6000, 10_000, 32_000, 32_000]),
                 st.sampled_from([1, 3, 3]))
# The load in per mille of the limit, who comes (or goes) where, for how many beats.
events = st.lists(st.tuples(st.integers(0, 1200), st.integers(0, 5), st.one_of(st.none(), some),
                            st.integers(1, 120)), min_size=2, max_size=8)


def lived(yard, limit_w, story, each):
    """Let a story of loads and vehicles pass, and look after each beat; at first there is a vehicle
    everywhere, and time to charge."""
    for k in range(len(yard.listed)):
        yard.vehicles[k] = Vehicle(32_000)
    yard.load_w = limit_w // 3
    for _ in range(60):
        yard.beat()
        each()
    for load_pm, k, vehicle, beats in story:
        yard.load_w = limit_w * load_pm // 1000
        k %= len(yard.listed)
        yard.vehicles[k] = None  # no vehicle takes another's place within a beat
        yard.beat()
        each()
        yard.vehicles[k] = vehicle
        for _ in range(beats):
            yard.beat()
            each()


def offered_w(yard):
    return [ma * VOLT // 1000 * yard.ways(k) for k, ma in enumerate(yard.offers)]


class Calm:
    """Since when nothing has changed that a vehicle may still be following: only then is known
    what the rest of the site draws."""

    def __init__(self, yard):
        self._yard, self._last, self.beats = yard, None, 0

    def is_so(self):
        """Look at one beat; whether it has been calm for long enough."""
        told = (tuple(self._yard.offers), self._yard.load_w, tuple(map(str, self._yard.vehicles)))
        self.beats = self.beats + 1 if told == self._last else 0
        self._last = told
        return self.beats > KEYS["settle_s"] + ROUND_S


@SHORT
@given(chargers, st.integers(10_000, 150_000), st.integers(0, 1), events)
def test_promises_stay_below_the_limit_as_long_as_any_can_be_lowered(listed, limit_w, first, story):
    yard = Yard(listed, limit_w, battery_first=first)
    calm, over_s = Calm(yard), 0

    def each():
        nonlocal over_s
        assert all(ma == 0 or MIN_MA <= ma <= listed[k][3] for k, ma in enumerate(yard.offers))
        promised_w, drawn_w = sum(offered_w(yard)), sum(map(yard.drawn_w, range(len(listed))))
        fits = promised_w == 0 or yard.load_w + promised_w <= limit_w + 10 * len(listed)
        still = calm.is_so()
        assert fits or not still
        over_s = over_s + 1 if drawn_w and yard.load_w + drawn_w > limit_w + 100 else 0
        assert over_s <= KEYS["settle_s"] + ROUND_S
        assert first or not still or \
            yard.site.now.command_w >= min(0, yard.load_w + promised_w - limit_w) - 10

    lived(yard, limit_w, story, each)


@SHORT
@given(chargers, st.integers(10_000, 60_000), events)
def test_no_phase_carries_more_as_long_as_a_charger_on_it_can_be_lowered(listed, phase_w, story):
    yard = Yard(listed, 800_000, phase_w=phase_w)
    over_s = [0, 0, 0]

    def each():
        powers = yard.phases_w([yard.drawn_w(k) for k in range(len(listed))])
        for at, w in enumerate(powers):
            over = w and yard.load_w // 3 + w > phase_w + 100
            over_s[at] = over_s[at] + 1 if over else 0
            assert over_s[at] <= KEYS["settle_s"] + ROUND_S

    lived(yard, 3 * phase_w, story, each)


@SHORT
@given(chargers, st.integers(20_000, 120_000), st.integers(0, 3), st.integers(0, 5), events)
def test_with_old_readings_and_slow_vehicles_the_limit_is_left_for_moments(
        listed, limit_w, age_s, lag_s, story):
    yard = Yard(listed, limit_w, age_s=age_s)
    over_s = 0

    def each():
        nonlocal over_s
        for one in yard.vehicles:
            if one:
                one.lag_s = lag_s
        drawn_w = sum(map(yard.drawn_w, range(len(listed))))
        over_s = over_s + 1 if drawn_w and yard.load_w + drawn_w > limit_w + 100 else 0
        assert over_s <= 2 * age_s + lag_s + KEYS["settle_s"] + ROUND_S

    lived(yard, limit_w, story, each)


@SHORT
@given(chargers, st.integers(20_000, 120_000), events)
def test_what_is_billed_stays_at_the_target_where_the_load_alone_does(listed, target_w, story):
    yard = Yard(listed, 200_000, target_w=target_w)
    yard.soc_pm = 100  # the battery is empty
    calm = Calm(yard)

    def each():
        promised_w = sum(offered_w(yard))
        if calm.is_so() and promised_w:  # what a window has saved is left to the load
            assert yard.load_w + promised_w <= target_w + 10 * len(listed)

    lived(yard, target_w, [(load_pm % 1000, *rest) for load_pm, *rest in story], each)
    yard.run(900 - yard.second % 900 + 1)  # its last window ends
    assert yard.site.window.peak_w <= target_w + 100


@SHORT
@given(chargers, st.integers(10_000, 100_000), events)
def test_least_times_are_kept_unless_a_limit_is_in_danger(listed, limit_w, story):
    yard = Yard(listed, limit_w)
    since_s = [1_000_000] * len(listed)
    before = [0] * len(listed)
    was_load_w = 0

    def each():
        nonlocal was_load_w
        promised_w = sum(ma * VOLT // 1000 * (1 if listed[k][0] else 3)  # as far as is known
                         for k, ma in enumerate(before))
        danger = yard.load_w + promised_w > limit_w
        for k, ma in enumerate(yard.offers):
            since_s[k] += 1
            if before[k] and not ma and yard.vehicles[k]:
                assert danger or since_s[k] >= listed[k][5], k
            if ma and not before[k]:
                assert since_s[k] >= listed[k][6], k
            if not yard.vehicles[k]:
                since_s[k] = 1_000_000
            elif bool(ma) != bool(before[k]):
                since_s[k] = 0
            before[k] = ma

    lived(yard, limit_w, story, each)


@pytest.mark.parametrize("room_a", [14, 26, 40])
def test_equals_share_alike_over_an_hour(room_a):
    yard = Yard([charger(min_on_s=300) for _ in range(5)], 3 * VOLT * room_a + 2000)
    yard.vehicles = [Vehicle() for _ in range(5)]
    yard.run(900)
    before = list(yard.used_wh)
    since_s, was = [300] * 5, yard.offers
    for _ in range(3600):
        yard.beat()
        for k, ma in enumerate(yard.offers):
            since_s[k] += 1
            if bool(ma) != bool(was[k]):
                assert since_s[k] >= (300 if was[k] else 60)
                since_s[k] = 0
        was = yard.offers
    had = [now - then for now, then in zip(yard.used_wh, before, strict=True)]
    assert min(had) > 0
    assert max(had) - min(had) <= 0.25 * max(had)
    assert sum(had) > 0.75 * 3 * VOLT * room_a, "what there is is used"


def test_the_more_important_has_all_it_can_take_before_the_others_have_more_than_their_least():
    yard = Yard([charger(1, max_ma=32_000), charger(2), charger(2)], 3 * VOLT * 46 + 2000)
    yard.vehicles = [Vehicle(32_000), Vehicle(), Vehicle()]
    yard.run(300)
    first, second, third = yard.offers
    assert first >= 31_000
    assert MIN_MA <= second <= 9000
    assert MIN_MA <= third <= 9000


def test_a_vehicle_that_takes_less_leaves_the_rest_to_others():
    yard = Yard([charger(), charger()], 3 * VOLT * 26 + 2000)
    yard.vehicles = [Vehicle(7000), Vehicle()]
    yard.run(300)
    assert yard.offers[0] <= 8500
    assert yard.offers[1] >= 15_000
    yard.vehicles[0].ma = 16_000  # and takes its part again
    yard.run(300)
    assert yard.offers[0] >= 11_000


def test_an_idle_vehicle_pauses_when_another_waits():
    yard = Yard([charger(min_on_s=120), charger(min_on_s=120)], 3 * VOLT * 10 + 2000)
    yard.vehicles = [Vehicle(0), None]
    yard.run(300)
    assert yard.offers[0] == MIN_MA, "it may begin at any moment"
    yard.vehicles[1] = Vehicle()
    yard.run(60)
    assert yard.offers[0] == 0
    assert yard.offers[1] >= MIN_MA
    yard.run(1800)
    assert yard.offers[0] == 0, "full: it takes nobody's turn"


def test_a_silent_charger_is_offered_its_safe_limit_and_so_much_is_kept_free():
    yard = Yard([charger(), charger()], 3 * VOLT * 20 + 2000)
    yard.vehicles = [Vehicle(), None]
    yard.run(120)
    assert yard.offers == [16_000, 0]
    yard.silent.add(0)
    yard.run(15)
    assert yard.offers[0] == SAFE_MA
    yard.vehicles = [None, Vehicle()]  # nobody knows that it left
    yard.run(120)
    assert yard.offers[0] == SAFE_MA
    assert 11_000 <= yard.offers[1] <= 14_000
    yard.silent.clear()
    yard.run(60)
    assert yard.offers == [0, 16_000]


def test_without_a_grid_meter_nobody_draws_more_than_the_safe_limit():
    yard = Yard([charger(), charger()], 60_000)
    yard.vehicles = [Vehicle(), Vehicle()]
    yard.run(120)
    yard.site.grid_meter.take = lambda *told: True  # it has died
    yard.run(10)
    assert yard.offers == [SAFE_MA, SAFE_MA]


@pytest.mark.parametrize("battery_first", [0, 1])
def test_who_charges_with_the_sun_never_draws_from_the_grid_for_longer_than_it_must(battery_first):
    yard = Yard([charger(surplus=1, min_on_s=60, min_off_s=60)], 100_000,
                battery_first=battery_first)
    yard.vehicles = [Vehicle()]
    yard.soc_pm = 900  # the battery is full
    yard.load_w = 5_000
    yard.run(60)
    assert yard.offers == [0]
    yard.pv_w = 15_000
    yard.run(60)
    assert MIN_MA <= yard.offers[0] <= 11_600
    assert yard.load_w - yard.pv_w + yard.drawn_w(0) <= 0
    yard.pv_w = 0
    yard.beat()
    assert yard.offers == [MIN_MA]
    yard.run(60)
    assert yard.offers == [0]


@pytest.mark.parametrize(("battery_first", "offer_ma", "battery_w"), [
    (0, 16_000, -8960), (1, 0, -20_000)])
def test_the_sun_goes_to_vehicles_or_to_the_battery_first_as_declared(
        battery_first, offer_ma, battery_w):
    yard = Yard([charger(surplus=1, min_on_s=0)], 100_000, battery_first=battery_first)
    yard.vehicles = [Vehicle()]
    yard.pv_w = 20_000  # no export is allowed: the battery stores what is left
    yard.run(300)
    assert yard.offers == [offer_ma]
    assert yard.site.now.command_w == battery_w


@pytest.mark.parametrize("battery_first", [0, 1])
def test_what_there_is_goes_to_vehicles_or_to_the_battery_first_as_declared(battery_first):
    yard = Yard([charger(), charger()], 60_000, battery_first=battery_first)
    yard.vehicles = [Vehicle(), Vehicle()]
    yard.run(120)
    assert yard.offers == [16_000, 16_000]

    def wish(now):
        yard.site.envelope.at_most(-50_000, 9)

    yard.site.rules.insert(len(yard.site.rules) - battery_first, wish)
    yard.run(300)
    drawn_w = sum(map(yard.drawn_w, range(2)))
    assert drawn_w - yard.site.now.command_w <= 60_000
    if battery_first:
        assert yard.site.now.command_w == -50_000
        assert 3 * VOLT * 6 <= drawn_w <= 10_000
    else:
        assert drawn_w == 22_080
        assert yard.site.now.command_w == drawn_w - 60_000
