"""A plan is made anew within 300 slices, five minutes of beats of a second, for any memory."""

from hypothesis import given, settings
from hypothesis import strategies as st

from edge.ledger.account import Cost
from edge.plan import cap
from edge.plan.announced import AHEAD, TOTAL, Announced
from edge.plan.foresight import Foresight
from edge.plan.memory import DAYS
from edge.plan.planner import Planner
from edge.prices import Prices
from tests.plan.plant import FIRST_DAY

STEPS_MAX = 300
POWER_W, STORE_WH = 250_000, 400_000
LOADS = st.lists(st.integers(-400_000, 1_000_000), min_size=1, max_size=96)
LEVELS = st.sampled_from([3000, 6500, 10_000, 12_000])
PRICES = st.one_of(  # a refill in the night, whose end is the farther ahead the earlier it is
    st.lists(LEVELS, min_size=96, max_size=96),
    st.builds(lambda end, length: [3000 if end - length < slot <= end else 10_000
                                   for slot in range(96)],
              st.integers(0, 95), st.integers(1, 40)))


class Site:
    """What a cap asks of one."""

    def __init__(self) -> None:
        self.account = self
        self.carbon = Cost()


def remembering(planner, loads_w) -> None:
    """Four weeks of these loads, over and over."""
    memory, target, scale = planner.memory, planner.target, planner.scale
    for day in range(FIRST_DAY - DAYS, FIRST_DAY):
        for slot in range(96):
            load = scale.power(loads_w[(day * 96 + slot) % len(loads_w)])
            memory.note(day, slot, load)
            target.note(slot, load)
        target.end_day(day)
        while not target.learn():
            pass


def steps(planner, slot: int, net_w: int, store_wh: int, said=()) -> int:
    """How many a new plan takes, after a slot that is full of news."""
    planner.slot(FIRST_DAY, slot, net_w, 0, 8)
    if said:
        planner.announced.announce(FIRST_DAY, slot + 1, said, TOTAL, 1000, FIRST_DAY + 2, 0)
    count = 0
    while planner.busy:
        planner.step(net_w, store_wh)
        count += 1
        assert count < 2000, "the planner is busy for ever"
    return count


@settings(max_examples=40)
@given(LOADS, PRICES, st.integers(0, 95), st.integers(0, 1_000_000), st.integers(0, STORE_WH),
       st.integers(0, AHEAD), st.booleans())
def test_a_plan_is_made_within_five_minutes(loads_w, prices_e4, slot, net_w, store_wh, ahead,
                                            capped) -> None:
    bare = Planner(500_000, POWER_W, POWER_W, 100, 900, 900, 400_000, Prices(prices_e4))
    if capped:
        dearer = [[price + 4000 * level for price in prices_e4] for level in range(3)]
        bare = cap.plan(bare, {"cap_g": 1, "demand_e4": 400_000, "prices_e4": dearer}, Site())
    remembering(bare, loads_w)
    told = Foresight(bare, Announced(bare.scale), POWER_W // 4)
    said = [loads_w[-1 - i % len(loads_w)] for i in range(ahead)]
    assert steps(told, slot, net_w, store_wh, said) <= STEPS_MAX


def test_the_worst_case_is_within_five_minutes_too() -> None:
    """Twenty working days answer, and the refill is as far ahead as it can be."""
    prices_e4 = [3000 if slot < 32 else 10_000 for slot in range(96)]
    bare = Planner(500_000, POWER_W, POWER_W, 100, 900, 900, 400_000, Prices(prices_e4))
    remembering(bare, [slot * 7919 % 250_000 for slot in range(96)])
    told = Foresight(bare, Announced(bare.scale), POWER_W // 4)
    found = steps(told, 0, 500_000, STORE_WH, [600_000] * AHEAD)
    assert 200 < found <= STEPS_MAX
