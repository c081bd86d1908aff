"""What foresight earns, and what a wrong announcement costs at most, for any load and any word."""

from hypothesis import given, settings
from hypothesis import strategies as st

from edge.plan.announced import EXTRA, TOTAL, Announced
from edge.plan.foresight import Foresight
from edge.plan.planner import Planner
from hil.optimum import Battery, lowest_peak_kw
from tests.plan.plant import FIRST_DAY, PRICES, Run
from tests.plan.test_planner import FLAT, factory

POWER_W, CAPACITY_WH = 250_000, 500_000
STORE_WH = CAPACITY_WH * 8 // 10
DAY = st.lists(st.integers(0, 1_000_000), min_size=96, max_size=96)
WORD = st.tuples(st.integers(-3, 100), st.lists(st.integers(-500_000, 1_500_000), max_size=100),
                 st.sampled_from([TOTAL, EXTRA]), st.integers(1, 1000), st.integers(0, 100))
WORDS = st.dictionaries(st.integers(1, 95), WORD, max_size=24)


def plain(prices) -> Planner:
    return Planner(CAPACITY_WH, POWER_W, POWER_W, 100, 900, 900, 400_000, prices)


class Told(Run):
    """A run whose planner has foresight."""

    def __init__(self, prices, raise_w: int = 25_000, **more) -> None:
        planner = plain(prices)
        self.announced = Announced(planner.scale)
        super().__init__(Foresight(planner, self.announced, raise_w), POWER_W, STORE_WH, **more)

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


def bare(prices, days_a_month: int = 30) -> Run:
    return Run(plain(prices), POWER_W, STORE_WH, days_a_month)


PAST = [w for day in range(10) for w in factory(day)]


@settings(max_examples=8)
@given(DAY, st.sampled_from([FLAT, PRICES]))
def test_whom_nobody_tells_anything_gets_the_plain_plan(day, prices) -> None:
    told, run = Told(prices), bare(prices)
    for loads in (PAST[:96 * 8], day):
        told.days(loads)
        run.days(loads)
    assert told.targets_w == run.targets_w
    assert told.grid_w == run.grid_w


@settings(max_examples=25)
@given(DAY, WORDS, st.sampled_from([FLAT, PRICES]), st.integers(0, 100_000))
def test_no_word_costs_more_than_the_bound(day, words, prices, raise_w) -> None:
    """The twin's trajectory is what would have been; the peak stays below its own by the bound."""
    told, run = Told(prices, raise_w), bare(prices)
    told.days(PAST[:96 * 8])
    run.days(PAST[:96 * 8])
    told.peak_w = run.peak_w = 0  # a month begins
    month_w: list[float] = [0.0]
    scale = told.planner.scale
    surest_pm = 0
    for slot, load_w in enumerate(day):
        if slot in words:
            later, loads, kind, sure_pm, lasts = words[slot]
            told.say(told.slots + later, loads, kind, sure_pm, lasts)
        told.days([load_w])
        run.days([load_w])
        surest_pm = max(surest_pm, told.announced.sure_pm())
        month_w.append(max(month_w[-1], run.grid_w[-1]))
        short_w = 4 * STORE_WH * surest_pm / 1000 * 0.9**0.5
        allowed_w = month_w[-1] + raise_w + short_w
        assert told.grid_w[-1] <= max(allowed_w, *told.grid_w[-1 - slot:-1], 0) + 12 * scale.quantum_w
        assert told.grid_w[-1] <= max(load_w, allowed_w) + 12 * scale.quantum_w
