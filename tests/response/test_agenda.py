"""What a gateway's events are at a moment: by what came and by the time, and by nothing else."""

from hypothesis import given
from hypothesis import strategies as st

from edge.response import agenda as _agenda
from edge.response.agenda import (
    ACTIVE,
    CANCELLED,
    DONE,
    ENDED,
    FAILED,
    FULL,
    HOLD,
    KNOWN,
    NEW,
    OPTED_OUT,
    PAST,
    PREP,
    RECOVERY,
    SCHEDULED,
    Agenda,
    Entry,
)
from edge.response.event import Event
from tests.response.events import RECORDS, T0, event, record

LEAD_S, HOLD_S, PREP_S, RECOVER_S = 30, 60, 3600, 1800
MOMENTS = st.tuples(st.integers(T0 - 200, T0 + 400), st.integers(0, 59))


def new(most=4):
    return Agenda(most, LEAD_S, HOLD_S, PREP_S, RECOVER_S)


def shown(one):
    return sorted((entry.event.record, one.phase(entry)) for entry in one.entries)


@given(st.lists(RECORDS, max_size=8), st.randoms(), MOMENTS)
def test_neither_the_order_nor_how_often_they_come_matters(records, order, moment):
    mixed = records + [one for one in records if order.random() < 0.5]
    order.shuffle(mixed)
    straight, crooked = new(), new()
    for one in records:
        straight.offer(one, T0 - 300)
    for one in mixed:
        crooked.offer(one, T0 - 300)
    for one in (straight, crooked):
        one.turn(*moment, 2)
    assert shown(straight) == shown(crooked)


@given(st.lists(RECORDS, min_size=1, max_size=4), st.lists(MOMENTS, min_size=1, max_size=20),
       st.integers(0, 5))
def test_no_event_goes_back_whatever_the_clock_does(records, moments, error_s):
    one = new()
    for each in records:
        one.offer(each, T0 - 300)
    before = {entry.event.id: entry.phase for entry in one.entries}
    for moment in moments:
        one.turn(*moment, error_s)
        for entry in one.entries:
            assert entry.phase >= before[entry.event.id]
            before[entry.event.id] = entry.phase


@given(st.lists(RECORDS, min_size=1, max_size=4), st.lists(MOMENTS, min_size=2, max_size=20),
       st.integers(0, 19), st.integers(1, 4), st.sampled_from([OPTED_OUT, FAILED]))
def test_who_starts_anew_is_where_he_was(records, moments, reboot_at, number, ended):
    def played(reboots):
        one = new()
        for each in records:
            one.offer(each, T0 - 300)
        story = []
        for at, moment in enumerate(sorted(moments)):
            if at == reboot_at % len(moments):
                one.end(number, ended)
                if reboots:
                    kept = [(entry.event.record, entry.phase) for entry in one.entries]
                    one = new()
                    one.entries = [Entry(Event(each), phase) for each, phase in kept]
            one.turn(*moment, 1)
            story.append(shown(one))
        return story

    assert played(reboots=True) == played(reboots=False)


@given(st.lists(RECORDS, min_size=1, max_size=4), MOMENTS)
def test_one_is_called_and_it_is_the_most_important(records, moment):
    one = new()
    for each in records:
        one.offer(each, T0 - 300)
    one.turn(*moment, 0)
    called = one.called()
    at_s = moment[0] * 60 + moment[1]
    wanted = [entry.event for entry in one.entries if entry.event.count
              and entry.event.start * 60 - LEAD_S <= at_s < entry.event.end * 60 + HOLD_S]
    best = min(wanted, key=lambda each: (each.priority, -each.issued, -each.id), default=None)
    assert (called.event if called else None) == best


@given(st.integers(0, 20), st.integers(-20, 20), st.integers(-120, 3 * 3600 + 120))
def test_a_clock_that_is_wrong_within_its_bound_misses_nothing_that_is_judged(error_s, off, since):
    off = max(-error_s, min(error_s, off))
    one = new()
    one.offer(record(intervals=[(180, 1, 5)]), T0 - 300)
    read_s = T0 * 60 + since + off
    one.turn(*divmod(read_s, 60), error_s)
    if -LEAD_S <= since < 180 * 60 + HOLD_S:
        assert one.entries[0].phase in (ACTIVE, HOLD)
        assert one.called() is one.entries[0]


def test_a_response_from_its_announcement_to_its_end():
    one = new()
    assert one.offer(record(hush_min=15, intervals=[(60, 1, 5)]), T0 - 600) == NEW
    story = []
    for at_s in range(-3 * 3600, 3 * 3600, 5):
        if one.turn(*divmod(T0 * 60 + at_s, 60), 0):
            story.append((at_s, one.entries[0].phase))
    assert story == [(-3600 - 900, PREP), (-LEAD_S, ACTIVE), (3600, HOLD),
                     (3600 + HOLD_S, RECOVERY), (3600 + HOLD_S + RECOVER_S, DONE)]


def test_the_higher_revision_stands_and_may_call_a_cancelled_one_in_again():
    one = new()
    assert one.offer(record(rev=2), T0 - 600) == NEW
    assert one.offer(record(rev=1), T0 - 600) == KNOWN
    assert one.offer(record(rev=2), T0 - 600) == KNOWN
    assert one.offer(record(rev=3, intervals=[]), T0 - 600) == NEW
    one.turn(T0, 0, 0)
    assert one.phase(one.entries[0]) == CANCELLED
    assert one.called() is None
    assert one.offer(record(rev=4), T0 - 600) == NEW
    one.turn(T0, 0, 0)
    assert one.phase(one.entries[0]) == ACTIVE


def test_an_event_that_is_put_off_is_not_delivered_early():
    one = new()
    one.offer(record(), T0 - 600)
    one.turn(T0 + 1, 0, 0)
    one.offer(record(rev=1, start=T0 + 1440), T0 + 1)
    one.turn(T0 + 1, 1, 0)
    assert one.phase(one.entries[0]) == SCHEDULED
    assert one.called() is None


def test_who_left_stays_out():
    one = new()
    one.offer(record(), T0 - 600)
    assert one.end(1, OPTED_OUT)
    assert not one.end(1, FAILED)
    assert one.offer(record(rev=9), T0 - 600) == ENDED
    one.turn(T0 + 5, 0, 0)
    assert one.phase(one.entries[0]) == OPTED_OUT
    assert one.called() is None


def test_what_is_over_is_not_taken_and_makes_room():
    one = new(most=2)
    assert one.offer(record(number=1, intervals=[(30, 1, 1)]), T0 + 30) == PAST
    assert one.offer(record(number=1), T0 - 600) == NEW
    assert one.offer(record(number=2, start=T0 + 900), T0 - 600) == NEW
    assert one.offer(record(number=3, start=T0 + 900), T0 - 600) == FULL
    one.turn(T0 + 200, 0, 0)
    assert one.entries[0].phase == DONE
    assert one.offer(record(number=3, start=T0 + 900), T0 + 200) == NEW
    assert [entry.event.id for entry in one.entries] == [2, 3]


def test_an_important_one_splits_another():
    one = new()
    one.offer(record(number=1, priority=5, intervals=[(120, 1, 1)]), T0 - 600)
    one.offer(record(number=2, priority=1, start=T0 + 30, intervals=[(30, 1, 2)]), T0 - 600)
    seen = []
    for minute in range(125):
        one.turn(T0 + minute, 0, 0)
        called = one.called()
        number = called.event.id if called else 0
        if not seen or seen[-1][1] != number:
            seen.append((minute, number))
    assert seen == [(0, 1), (30, 2), (61, 1), (121, 0)], "held a minute longer: its end is judged"


def test_phases_have_names():
    assert _agenda.PHASES[RECOVERY] == "recovery"
    assert len(_agenda.PHASES) == CANCELLED + 1
    assert event().end == T0 + 60
