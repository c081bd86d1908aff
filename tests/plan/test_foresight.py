"""What foresight earns, and what a wrong announcement costs at most, for any load and any word."""

import copy
from collections.abc import Iterable
from functools import lru_cache

from hypothesis import given, settings
from hypothesis import strategies as st

from edge.plan.announced import EXTRA, TOTAL, Announced
from edge.plan.foresight import Foresight
from edge.plan.lived import after, power
from edge.plan.planner import Planner
from edge.prices import Prices
from hil.optimum import Battery, lowest_peak_kw
from tests.plan.plant import FIRST_DAY, PRICES, Run
from tests.plan.test_planner import FLAT, factory

POWER_W, CAPACITY_WH = 250_000, 500_000
QUANTUM_W = 250
_NEAR = 8000  # units: a few quanta for a slot, for what is rounded
_DAYS = 8  # remembered; then a month begins
STORE_WH = CAPACITY_WH * 8 // 10


def whole(loads_w: Iterable[int]) -> list[int]:
    """Loads of whole quanta."""
    return [w // QUANTUM_W * QUANTUM_W for w in loads_w]


DAY = st.one_of(
    st.lists(st.integers(0, 1_000_000), min_size=96, max_size=96),
    st.builds(lambda day, spikes: [w + spikes.get(slot, 0) for slot, w in enumerate(factory(day))],
              st.integers(8, 14),
              st.dictionaries(st.integers(0, 95), st.integers(-200_000, 300_000), max_size=6))
).map(whole)
SURE = st.one_of(st.just(1000), st.integers(1, 1000))
LIE = st.sampled_from([0, 200_000, 450_000, 600_000, 700_000, 2_000_000])
WORD = st.tuples(  # slots from now on, loads, kind, confidence, how long it lasts
    st.integers(-3, 20), st.one_of(
        st.builds(lambda w, count: [w] * count,  # peace, or a peak, and neither need be true
                  st.sampled_from([0, 100_000, 300_000, 500_000, 700_000, 1_500_000]),
                  st.integers(1, 60)),
        st.lists(st.integers(-500_000, 1_500_000), max_size=40)),
    st.sampled_from([TOTAL, TOTAL, EXTRA]), SURE, st.integers(0, 100))
WORDS = st.dictionaries(st.integers(1, 95), WORD, min_size=1, max_size=12)


def plain(prices) -> Planner:
    return Planner(CAPACITY_WH, POWER_W, POWER_W, 100, 900, 900, 400_000, Prices(prices))


class Exact(Run):
    """A run whose battery is of integers, as the twin's."""

    def __init__(self, planner) -> None:
        super().__init__(planner, POWER_W, STORE_WH, _DAYS)
        self.store = planner.scale.full

    def _battery_w(self, load_w: int) -> int:
        planner, scale = self.planner, self.planner.scale
        out = power(scale, self.store, scale.power(load_w), planner.target_w // QUANTUM_W,
                    planner.wish_w // QUANTUM_W, planner.recharge_w // QUANTUM_W)
        self.store = after(scale, self.store, out)
        self.store_wh = self.store // 4000 * QUANTUM_W
        return out * QUANTUM_W


class Told(Exact):
    """A run whose planner has foresight."""

    def __init__(self, prices, raise_w: int = 25_000) -> None:
        planner = plain(prices)
        self.announced = Announced(planner.scale)
        super().__init__(Foresight(planner, self.announced, raise_w))

    def say(self, slot: int, loads_w, kind: int = TOTAL, sure_pm: int = 1000,
            lasts: int = 200) -> int:
        """Announce from `slot` (of the run) on."""
        until = slot + lasts
        return self.announced.announce(
            FIRST_DAY, slot, loads_w, kind, sure_pm, FIRST_DAY, until)

    def foretold(self, loads_w, ahead: int) -> None:
        """Live through loads, always told the next ones."""
        for number, load_w in enumerate(loads_w):
            self.say(self.slots, list(loads_w[number:number + 1 + ahead]))
            self.days([load_w])


PAST = whole(w for day in range(_DAYS) for w in factory(day))


@lru_cache
def past(told: bool, prices: tuple[int, ...]) -> Exact:
    """A run that has lived through some days."""
    run = Told(list(prices)) if told else Exact(plain(list(prices)))
    run.days(PAST)
    return run


def told_of(prices, raise_w: int = 25_000) -> Told:
    """One that remembers, in a month that begins: nothing is billed yet."""
    run = copy.deepcopy(past(True, tuple(prices)))
    assert isinstance(run, Told)
    run.planner.raised = raise_w // run.planner.scale.quantum_w
    return run


def bare_of(prices) -> Exact:
    return copy.deepcopy(past(False, tuple(prices)))


@settings(max_examples=6)
@given(DAY, st.sampled_from([FLAT, PRICES]))
def test_whom_nobody_tells_anything_gets_the_plain_plan(day, prices) -> None:
    told, run = told_of(prices), bare_of(prices)
    told.days(day)
    run.days(day)
    assert told.targets_w == run.targets_w
    assert told.grid_w == run.grid_w


class Pair:
    """One that is told and one that is not, side by side."""

    def __init__(self, prices, raise_w: int) -> None:
        self.told, self.bare = told_of(prices, raise_w), bare_of(prices)
        self.scale = self.told.planner.scale
        self.raise_w = raise_w
        self.highest_w = self.short = 0

    def slot(self, load_w: int, surest_pm: int) -> None:
        """Live through a slot; hold both against the bounds, and the twin against the other one."""
        told, bare, scale = self.told, self.bare, self.scale
        self.short = max(self.short, bare.store - told.store)
        told.days([load_w])
        bare.days([load_w])
        self.highest_w = max(self.highest_w, int(bare.grid_w[-1]))
        short_w = self.short // scale.out_pm * QUANTUM_W
        assert told.grid_w[-1] <= self.highest_w + self.raise_w + max(short_w, 0) + 12 * QUANTUM_W
        assert told.store >= bare.store - scale.full * surest_pm // 1000 - _NEAR
        if told.planner.apart:
            assert abs(told.planner.twin_store - bare.store) <= _NEAR


@settings(max_examples=25)
@given(DAY, st.one_of(LIE.map(lambda lie: [lie] * 96), st.lists(LIE, min_size=96, max_size=96)),
       st.sampled_from([FLAT, PRICES]), st.integers(0, 60_000), SURE)
def test_a_liar_who_is_never_caught(day, lies, prices, raise_w, sure_pm) -> None:
    """The next slot is always told truly, so that he is believed, and all beyond it is made up."""
    pair = Pair(prices, raise_w)
    for slot, load_w in enumerate(day):
        said = [load_w, *day[slot + 1:slot + 2], *[lies[slot]] * 16]
        pair.told.say(pair.told.slots, said, sure_pm=sure_pm)
        pair.slot(load_w, sure_pm)
    assert pair.told.announced.trust_pm > 900


@settings(max_examples=25)
@given(DAY, WORDS, st.sampled_from([FLAT, PRICES]), st.integers(0, 100_000))
def test_no_word_costs_more_than_the_bound(day, words, prices, raise_w) -> None:
    """Whatever is said, the grid carries at most so much more than where nothing is said."""
    pair, surest_pm = Pair(prices, raise_w), 0
    for slot, load_w in enumerate(day):
        if slot in words:
            later, loads, kind, sure_pm, lasts = words[slot]
            pair.told.say(pair.told.slots + later, loads, kind, sure_pm, lasts)
        surest_pm = max(surest_pm, pair.told.announced.sure_pm())
        pair.slot(load_w, surest_pm)


def test_who_knows_two_hours_ahead_holds_a_lower_peak() -> None:
    """A spike that no remembered day has, and a day that is better than all of them."""
    day = whole(w + (150_000 if slot in (60, 61) else 0) - (120_000 if 40 <= slot < 46 else 0)
                for slot, w in enumerate(factory(8)))
    told, run = told_of(FLAT, POWER_W // 4), bare_of(FLAT)
    told.foretold(day, 8)
    run.days(day)
    best_w = 1000 * lowest_peak_kw([w / 1000 for w in day], Battery(250.0, 400.0, 0.9**0.5))
    plain_w, held_w = max(run.grid_w[-96:]), max(told.grid_w[-96:])
    assert best_w <= held_w < plain_w
    assert max(day) - held_w > 0.5 * (max(day) - best_w)


def test_the_trade_leaves_what_the_announced_peak_needs() -> None:
    """With four prices there is much to sell, but nothing that an announced peak will need."""
    day = whole(w + (200_000 if 36 <= slot < 39 else 0) for slot, w in enumerate(factory(8)))
    told, run = told_of(PRICES, POWER_W // 4), bare_of(PRICES)
    told.foretold(day, 8)
    run.days(day)
    best_w = 1000 * lowest_peak_kw([w / 1000 for w in day], Battery(250.0, 400.0, 0.9**0.5))
    held_w = max(told.grid_w[-96:])
    assert best_w <= held_w < max(run.grid_w[-96:])
    assert max(day) - held_w > 0.85 * (max(day) - best_w)


@settings(max_examples=25)
@given(DAY, LIE, SURE)
def test_the_less_a_word_is_believed_the_less_it_moves_the_target(day, lie, sure_pm) -> None:
    told, highest_w = told_of(FLAT, 8_000_000), 0  # so wide that only belief binds
    for slot, load_w in enumerate(day):
        said = [load_w, *day[slot + 1:slot + 2], *[lie] * 16]
        told.say(told.slots, said, sure_pm=sure_pm)
        told.days([load_w])
        plan, highest_w = told.planner, max(highest_w, load_w)
        if plan.apart:
            plain_w, far_w = plan.twin.target_w, max(2_000_000, highest_w)
            assert plan.target_w >= plain_w - plain_w * sure_pm // 1000 - QUANTUM_W
            assert plan.target_w <= max(
                highest_w, plain_w + (far_w - plain_w) * sure_pm // 1000) + QUANTUM_W
