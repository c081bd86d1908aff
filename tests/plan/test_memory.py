"""The ring of four weeks against a plain dictionary of everything that was ever noted."""

from hypothesis import given
from hypothesis import strategies as st

from edge.plan.memory import DAYS, SLOTS, Memory

NOTES = st.lists(st.tuples(st.integers(0, 3), st.integers(0, SLOTS)), min_size=1, max_size=40)


def filled(days):
    """(gap to the day before, slots seen) a day -> the memory, slots seen by day, newest day."""
    memory, seen, day = Memory(), {}, 9000
    for gap, slots in days:
        day += 1 + gap
        for slot in range(slots):
            memory.note(day, slot, day - 9000 + slot)
        if slots:
            seen[day] = slots
    return memory, seen, day


@given(NOTES)
def test_the_newest_like_day_is_found_within_a_week(days):
    memory, seen, today = filled(days)
    before, found = today + 1, []
    while (before := memory.like(today + 1, before)) >= 0:
        found.append(before)
    expected, last = [], today + 1
    for past in range(today, today + 1 - DAYS, -1):
        same = ((past + 5) % 7 > 4) == ((today + 6) % 7 > 4)
        if same and seen.get(past, 0) >= 88 and last - past <= 7:
            expected.append(past)
            last = past
    assert found == expected
    for past in found:
        for slot in range(seen[past]):
            assert memory.loads[memory.at(past, slot)] == past - 9000 + slot


def test_a_missed_slot_keeps_the_value_of_four_weeks_before():
    memory = Memory()
    for day in range(100, 129):
        for slot in range(SLOTS):
            if (day, slot) != (128, 7):
                memory.note(day, slot, day)
    assert memory.loads[memory.at(128, 7)] == 100
    assert memory.loads[memory.at(128, 8)] == 128


def test_a_clock_put_back_forgets_what_was_seen():
    memory = Memory()
    for day in [*range(100, 110), 60]:
        for slot in range(SLOTS):
            memory.note(day, slot, day)
    assert memory.like(67, 67) == 60  # both are the same weekday
    assert memory.like(110, 110) == -1


def test_places_wrap_in_both_directions():
    memory = Memory()
    assert memory.at(28, 0) == 0
    assert memory.at(28, -1) == memory.at(27, 95)
    assert memory.at(27, 96) == memory.at(28, 0)
