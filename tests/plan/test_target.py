"""What the remembered days answer: bounds that hold for any of them."""

from hypothesis import given
from hypothesis import strategies as st

from edge.plan.memory import Memory
from edge.plan.scale import Scale
from edge.plan.target import Target

TODAY = 9030  # a Saturday four weeks after the first day kept
LEVELS = st.lists(st.integers(-500, 3000), min_size=8, max_size=8)


def target_of(days, hours_tenth=20, power_w=1_000_000):
    """Each of the days has 8 loads of three hours each, quanta, and comes again and again."""
    scale, memory = Scale(power_w * hours_tenth // 10, power_w, power_w, 900, 0), Memory()
    target = Target(scale, memory, 0)
    for day in range(TODAY - 28, TODAY):
        for slot in range(96):
            load = days[day % len(days)][slot // 12]
            memory.note(day, slot, load)
            target.note(slot, load)
        target.end_day(day)
        while not target.learn():
            pass
    return target


def goal_of(target, slot, net, store, month_peak=0):
    if not target.begin(TODAY, slot, net, store, month_peak):
        for _ in range(300):
            if target.step():
                return target.goal
        raise AssertionError("the days never answer")
    return target.goal


@given(st.lists(LEVELS, min_size=1, max_size=3), st.integers(0, 95), st.integers(-500, 3500),
       st.integers(0, 1000), st.integers(0, 3500), st.integers(2, 40))
def test_no_slot_takes_more_than_the_battery_and_two_thirds_of_the_store(
        days, slot, net, store_pm, month_peak, hours_tenth):
    target = target_of(days, hours_tenth)
    scale = target.scale
    store = scale.full * store_pm // 1000
    goal = goal_of(target, slot, net, store, month_peak)
    assert goal >= month_peak
    assert goal >= target.prior
    shaved = net - goal
    assert shaved <= scale.discharge
    assert shaved * scale.out_pm <= store * 2 // 3 or shaved <= 0


@given(LEVELS, st.integers(0, 95), st.integers(1, 3500), st.integers(0, 9))
def test_more_in_store_never_raises_the_target(day, slot, net, tenths):
    """With days all alike there is one answer, and it is the lower, the more there is in store."""
    target = target_of([day])
    less = goal_of(target, slot, net, target.scale.full * tenths // 10)
    more = goal_of(target, slot, net, target.scale.full)
    assert more <= less + 1  # the mean of equal answers is rounded


def test_a_worse_day_among_them_raises_the_target():
    calm = [200, 200, 1000, 1000, 1000, 1000, 200, 200]
    worse = [200, 200, 1000, 1800, 1800, 1000, 200, 200]
    alone, among = target_of([calm]), target_of([calm, worse])
    full = alone.scale.full
    assert goal_of(among, 34, 1700, full // 2) > goal_of(alone, 34, 1700, full // 2)


def test_nobody_to_ask_spends_nothing():
    scale, memory = Scale(2_000_000, 1_000_000, 1_000_000, 900, 0), Memory()
    assert goal_of(Target(scale, memory, 500), 40, 900, scale.full) == 900
    assert goal_of(Target(scale, memory, 500), 40, 400, scale.full) == 500


def test_the_month_is_expected_to_come_to_its_highest_day_and_defended_from_their_mean():
    target = target_of([[800, 800, 800, 1500, 1500, 800, 800, 800]])
    usual = target.likely
    assert 800 < usual < 1500
    assert target.prior == usual
    for slot in range(96):
        target.note(slot, 9000)
    target.end_day(TODAY)
    while not target.learn():
        pass
    assert 8000 <= target.likely < 9000
    assert target.prior == (27 * usual + target.likely) // 28

