"""A site leaves a response by a contact."""

from edge.response.agenda import OPTED_OUT, SCHEDULED
from edge.response.event import IMPORT_MAX, LOCKED
from tests.response.bench import T0
from tests.response.test_delivery import LOAD_W, bench


def contact(one, *readings):
    for value in readings:
        assert one.park.site.response.take("opt_out", value, one.second * 1000)
        one.step(LOAD_W)


def test_a_contact_opts_out_of_what_is_delivered_and_it_is_told():
    one = bench()
    one.offer(start=T0, reply_w=100_000, intervals=[(60, IMPORT_MAX, LOAD_W - 100_000)])
    one.until(T0 + 10, LOAD_W)
    contact(one, 0, 1)
    assert one.engine.agenda.called() is not None, "one reading may be a spike"
    contact(one, 1)
    assert one.told()[-1] == (1, 0, OPTED_OUT, "local")
    one.until(T0 + 11, LOAD_W)
    assert set(one.until(T0 + 30, LOAD_W)) == {LOAD_W}
    one.offer(number=2, start=T0 + 300)
    contact(one, 1, 1, 1)
    assert [entry.event.id for entry in one.engine.agenda.entries if not entry.ended()] == [2], \
        "a contact that stays closed says no more"


def test_a_contact_that_is_closed_at_the_start_says_nothing():
    one = bench()
    one.offer(start=T0)
    contact(one, 1, 1, 1)
    assert one.told()[-1][2] == SCHEDULED


def test_before_any_begins_the_first_is_left():
    one = bench()
    one.offer(number=1, start=T0 + 900)
    one.offer(number=2, start=T0 + 300)
    contact(one, 0, 1, 1)
    assert [entry.event.id for entry in one.engine.agenda.entries if not entry.ended()] == [1]


def test_a_locked_one_stays_and_the_try_is_told():
    one = bench()
    one.offer(start=T0, flags=LOCKED)
    contact(one, 0, 1, 1)
    assert one.told()[-1] == (1, 0, SCHEDULED, "locked")
