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


def planned(days, goal, slot=0, demand_price=0):
    """A trade planned from a slot on; the days are of 8 loads, each of three hours, quanta."""
    scale, memory = Scale(2_000_000, 1_000_000, 1_000_000, 900, 0), Memory()
    for back, day in enumerate(days, 1):
        for at in range(96):
            memory.note(TODAY - len(days) - 1 + back, at, day[at // 12])
    trade = Trade(scale, memory, Prices(PRICES), demand_price)
    trade.begin(TODAY, slot, goal)
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
