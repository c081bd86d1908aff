"""What the controller makes of quarter-hours in which it could not read the meter."""

from hypothesis import given
from hypothesis import strategies as st

from edge.plan.memory import DAYS, SLOTS
from tests.core.park import DAY, Park, image

MIDNIGHT_S = 16 * 3600  # UTC, of Asia/Shanghai


def park():
    return Park(image(site={"beat_s": 60}, telemetry={"period_s": 60}))


def live(park, minutes, first, load_w, silent=False):
    """Minutes from local midnight of DAY + 1 on; a silent meter shows its last value, older and
    older."""
    for minute in range(first, first + minutes):
        second = MIDNIGHT_S + minute * 60
        stamps = {} if not silent else {"grid_ms": (MIDNIGHT_S + first * 60 - 60) * 1000}
        park.fresh_beat(second, grid_w=load_w, store_w=0, soc_pm=500, pv_w=0, **stamps)
        assert park.site.fault is None


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 12)), min_size=2, max_size=8))
def test_only_quarter_hours_that_were_measured_are_remembered(spans):
    """Silent and well by turns, in whole quarter-hours: each that was well is seen, no other."""
    one, minute, well = park(), 0, 0
    live(one, 60, -60, 100_000)
    for silent, quarters in spans:
        live(one, 15 * quarters, minute, 300_000, silent)
        # The first minute of a silence is still known from the reading before.
        well += 0 if silent else quarters
        minute += 15 * quarters
    live(one, 1, minute, 100_000)
    while one.site.planner.busy:
        one.site.planner.step(0, 0)
    assert one.site.planner.memory.seen[(DAY + 1) % DAYS] == well


def test_a_day_of_gaps_is_no_day_to_learn_from():
    one = park()
    live(one, SLOTS * 15, 0, 200_000)
    live(one, SLOTS * 15, SLOTS * 15, 900_000, silent=True)
    live(one, 60, 2 * SLOTS * 15, 200_000)
    memory = one.site.planner.memory
    assert [memory.seen[day % DAYS] for day in (DAY + 1, DAY + 2)] == [SLOTS, 0]
    assert one.site.planner.target_w < 300_000  # 900 kW were never seen


def test_a_gap_of_some_minutes_is_bridged():
    one = park()
    live(one, 18, 0, 200_000)
    live(one, 3, 18, 200_000, silent=True)
    live(one, 10, 21, 200_000)
    while one.site.planner.busy:
        one.site.planner.step(0, 0)
    assert one.site.planner.memory.seen[(DAY + 1) % DAYS] == 2
