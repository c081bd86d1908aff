"""Events in a gateway's words: all the time asked for and not a minute more, whatever comes."""

import copy
import datetime

from hypothesis import given
from hypothesis import strategies as st

from cloud_bridge.response.deliver import fits
from cloud_bridge.response.openadr2.terms import Agreed, UnfitError, received
from edge.response.event import IMPORT_MAX, NOTHING, SETPOINT
from tests.openadr2.site import AGREED

START = datetime.datetime(2026, 7, 15, 4, 0, tzinfo=datetime.UTC)
LENGTHS = st.lists(st.integers(60, 3600), min_size=1, max_size=20)


def event(seconds=(3600,), payloads=None, start=START, within_s=None, **descriptor):
    lengths = [datetime.timedelta(seconds=one) for one in seconds]
    period = {"dtstart": start, "duration": sum(lengths, datetime.timedelta())}
    if within_s is not None:
        period["tolerance"] = {"tolerate": {"startafter": datetime.timedelta(seconds=within_s)}}
    return {
        "event_descriptor": {"event_id": "e", "modification_number": 0, "event_status": "far",
                             "priority": 0, **descriptor},
        "active_period": period, "response_required": "always",
        "event_signals": [{
            "signal_name": "SIMPLE", "signal_type": "level", "intervals": [
                {"duration": length, "signal_payload": level} for length, level in
                zip(lengths, payloads or [1.0] * len(lengths), strict=True)]}]}


def wish(made, agreed=AGREED, name="e"):
    found = received(name, made, agreed)
    assert found.wish is not None, found.refused
    return found.wish


@given(LENGTHS, st.integers(0, 59))
def test_every_second_asked_for_is_in_it_and_less_than_a_minute_more(seconds, second):
    start = START + datetime.timedelta(seconds=second)
    made = wish(event(seconds, start=start))
    assert fits(made)
    assert 0 <= int(start.timestamp()) - made.start_utc < 60
    ends_utc = made.start_utc + 60 * sum(minutes for minutes, _, _ in made.intervals)
    assert 0 <= ends_utc - (start.timestamp() + sum(seconds)) < 60
    assert len(made.intervals) == len(seconds)


@given(st.datetimes(timezones=st.just(datetime.UTC)), st.sampled_from(["far", "near", "active"]))
def test_an_event_in_another_state_is_the_same(created, status):
    """Or its bytes would be news to the gateway, under one revision."""
    assert wish(event()) == wish(event(created_date_time=created, event_status=status))


@given(st.integers(0, 7200), st.text("abc", min_size=1))
def test_a_random_start_is_within_its_bounds_and_stays(within_s, name):
    made = wish(event(within_s=within_s), name=name)
    assert made == wish(event(within_s=within_s), name=name)
    assert 0 <= made.start_utc - int(START.timestamp()) <= within_s


@given(st.lists(st.sampled_from([0, 1, 2]), min_size=1, max_size=9))
def test_levels_are_what_was_declared(levels):
    made = wish(event([900] * len(levels), levels))
    assert [(kind, w) for _, kind, w in made.intervals] == [
        (SETPOINT, AGREED.levels_w[level]) if level else (NOTHING, 0) for level in levels]


@given(st.integers(1, 400), st.integers(1, 400))
def test_priority_keeps_its_order_and_none_is_the_last(one, other):
    first, second, none = (wish(event(priority=number)).priority for number in (one, other, 0))
    assert (first <= second) == (one <= other) or max(one, other) > 254
    assert none > max(first, second)


def test_a_dispatch_as_the_most_that_is_imported():
    made = event([900, 900], [200.0, 150.25])
    made["event_signals"].append({
        **made["event_signals"][0], "signal_name": "LOAD_DISPATCH", "signal_type": "setpoint",
        "measurement": {"name": "powerReal", "unit": "W", "scale": "k"}})
    agreed = Agreed({}, "import")
    assert [tuple(one) for one in wish(made, agreed).intervals] == [
        (15, IMPORT_MAX, 200_000), (15, IMPORT_MAX, 150_250)]
    made["event_signals"][0]["intervals"][0]["signal_payload"] = -1.0
    assert "expected an import" in received("e", made, agreed).refused


JUNK = st.sampled_from([None, "", "x", -1, 10 ** 30, 1.5, float("nan"), float("inf"), True, [], {},
                        [[]], [{}], datetime.timedelta(days=999_999_999), datetime.timedelta(-1),
                        datetime.datetime.max, datetime.datetime.min,
                        datetime.datetime.max.replace(tzinfo=datetime.UTC),
                        datetime.datetime.min.replace(tzinfo=datetime.UTC)])


def places(made, path=()):
    """Every path into it."""
    items = made.items() if isinstance(made, dict) else enumerate(made)
    for key, value in items:
        yield (*path, key)
        if isinstance(value, dict | list):
            yield from places(value, (*path, key))


@given(st.data())
def test_whatever_stands_in_it_is_read_or_refused(data):
    made = copy.deepcopy(event([900, 900], within_s=60))
    for _ in range(data.draw(st.integers(1, 3))):
        *path, last = data.draw(st.sampled_from(list(places(made))))
        within = made
        for key in path:
            within = within[key]
        if data.draw(st.booleans()) and isinstance(within, dict):
            del within[last]
        else:
            within[last] = copy.deepcopy(data.draw(JUNK))  # the next one may go into it
    try:
        found = received("e", made, AGREED)
    except UnfitError:
        return
    assert found.wish is None or fits(found.wish)
