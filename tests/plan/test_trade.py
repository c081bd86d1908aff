"""The plan of a day: what it keeps is enough for a day like the remembered ones."""

from hypothesis import given
from hypothesis import strategies as st

from edge.plan.memory import Memory
from edge.plan.scale import Scale
from edge.plan.trade import Trade
from edge.prices import Prices
from tests.plan.plant import PRICES

TODAY = 9001  # a Friday
REFILLED = 32 + 96  # slots from midnight: the end of tomorrow's cheap hours
DAYS = st.lists(st.lists(st.integers(-300, 1500), min_size=8, max_size=8), min_size=2, max_size=2)


def planned(days, goal, slot=0, demand_price=0, likely=0):
    """A trade planned from a slot on; the days are of 8 loads, each of three hours, quanta."""
    scale, memory = Scale(2_000_000, 1_000_000, 1_000_000, 900, 0), Memory()
    for back, day in enumerate(days, 1):
        for at in range(96):
            memory.note(TODAY - len(days) - 1 + back, at, day[at // 12])
    trade = Trade(scale, memory, Prices(PRICES), demand_price)
    trade.begin(TODAY, slot, goal, likely)
    for _ in range(2000):
        if trade.step():
            return trade
    raise AssertionError("the plan is never made")


def lowest(scale, day, goal, slot, store):
    """The least in store from the end of a slot on, when the day comes twice and is held."""
    least = store = min(store, scale.full)
    for time in range(slot + 1, REFILLED):
        over = day[time % 96 // 12] - goal
        if over > 0:
            store -= min(over, scale.discharge) * scale.out_pm
        else:
            store = min(scale.full, store + min(-over, scale.charge) * scale.into_pm)
        least = min(least, store)
    return least


@given(DAYS, st.integers(0, 1200), st.integers(0, 95))
def test_the_reserve_is_enough_for_the_last_day_to_come_again(days, goal, slot):
    trade = planned([days[0], days[0]], goal, slot)
    scale = trade.scale
    if lowest(scale, days[0], goal, slot, scale.full) >= 0:
        assert lowest(scale, days[0], goal, slot, (trade.reserve[slot] + 1) * trade.part) >= 0


@given(DAYS, st.integers(0, 1200), st.integers(0, 95))
def test_a_dearer_peak_never_keeps_less(days, goal, slot):
    cheap, dear = planned(days, goal), planned(days, goal, demand_price=400_000)
    assert dear.reserve[slot] >= cheap.reserve[slot]


@given(DAYS, st.integers(-1000, 2000), st.integers(0, 95), st.integers(0, 8_000_000))
def test_a_wish_is_within_the_battery_the_load_and_the_goal(days, net, slot, store):
    wish = planned(days, 800).wish(slot, net, store, 800)
    assert -1000 <= wish <= 1000
    assert wish <= max(0, net)
    assert wish >= min(0, net - 800)


class Changing:
    """Prices by day: only the `cheap` day has a cheap night, from midnight to eight."""

    def __init__(self, cheap):
        self.levels, self.version, self.cheap = [2000, 6000, 9000], 0, cheap

    def level(self, day, slot):
        night = slot % 96 < 32 and day + slot // 96 == self.cheap
        return 0 if night else 2 if 40 <= slot % 96 < 48 else 1


def trade_of(prices, demand_price=0):
    scale, memory = Scale(2_000_000, 1_000_000, 1_000_000, 900, 0), Memory()
    for day in range(TODAY - 28, TODAY):
        for at in range(96):
            memory.note(day, at, 900)
    return Trade(scale, memory, prices, demand_price)


def made(trade, slot, goal=3000, likely=0):
    trade.begin(TODAY, slot, goal, likely)
    steps = 1
    while not trade.step():
        steps += 1
        assert steps < 300
    return steps


def test_a_plan_asks_the_price_of_the_day_it_is_for():
    """What is dear today is kept for while the night to come is cheap, and bought at noon's price
    when it is not."""
    cheap, never = trade_of(Changing(TODAY + 1)), trade_of(Changing(0))
    made(cheap, 50)
    made(never, 50)
    assert cheap.wish(60, 900, cheap.scale.full, 3000) > 0  # use it: it is refilled for little
    assert never.wish(60, 900, never.scale.full, 3000) == 0  # nothing is dearer than what it costs


def test_pushed_prices_are_planned_for_at_once():
    prices = Changing(0)
    trade = trade_of(prices)
    made(trade, 50)
    assert not trade.due(51, 3000)
    prices.cheap, prices.version = TODAY + 1, 1
    assert trade.due(51, 3000)
    made(trade, 51)
    assert not trade.due(52, 3000)
    assert trade.wish(60, 900, trade.scale.full, 3000) > 0


@given(st.integers(0, 95), st.sampled_from([0, 80_000, 400_000, 100_000_000]))
def test_a_plan_is_made_within_140_steps_and_lasts_a_day_at_most(slot, demand_price):
    trade = trade_of(Prices(PRICES), demand_price)
    assert made(trade, slot) <= 140
    due = [later for later in range(1, 97) if trade.due((slot + later) % 96, 3000)]
    assert due


@given(st.integers(0, 95))
def test_the_slot_in_which_a_plan_ends_is_still_its_own(slot):
    """In it the wish is asked before the next plan is made; what stood there may be of other
    prices."""
    trade = trade_of(Prices(PRICES))
    trade.reserve[:] = bytes([255]) * 96  # more than a store
    made(trade, slot)
    at = slot
    while trade.reserve[at % 96] <= 250:
        assert at < slot + 96
        at += 1
        if trade.due(at % 96, 3000):
            break
    assert trade.reserve[at % 96] <= 250


@given(st.integers(1, 40))
def test_a_shorter_battery_and_a_dearer_peak_keep_a_wider_margin(hours_tenth):
    def margin(tenths, demand_price):
        scale, memory = Scale(100_000 * tenths, 1_000_000, 1_000_000, 900, 0), Memory()
        for at in range(96):
            memory.note(TODAY - 1, at, 900)
        trade = Trade(scale, memory, Prices(PRICES), demand_price)
        made(trade, 0)
        return trade.raised_pm

    assert margin(hours_tenth, 400_000) >= margin(hours_tenth + 1, 400_000)
    assert margin(hours_tenth, 800_000) > margin(hours_tenth, 400_000) > margin(hours_tenth, 0)
    assert 32767 * margin(1, 2_000_000_000) < 1 << 30
