"""What a gateway is told of an event: kinds, units, priorities, and the window it takes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud_bridge.fields import DocumentError
from cloud_bridge.response.deliver import fits
from cloud_bridge.response.openadr3.asks import Reading, announce, content_of
from edge.response.event import (
    ALL_OR_NOTHING,
    EXPORT_MAX,
    IMPORT_MAX,
    IMPORT_MIN,
    LIMIT,
    NOTHING,
    SETPOINT,
)
from tests.openadr3.events import START, event, interval, period

NOW = START - 3600
DAY = 86_400
LEVELS = Reading({1: 50_000, 3: 80_500})


def told(made, now=NOW, reading=LEVELS, descriptors=()):
    return announce(made, descriptors, NOW, now, reading)


def asked(made, **more):
    found = told(made, **more)
    return None if found is None else list(found.intervals)


@pytest.mark.parametrize(("kind", "value", "interval"), [
    ("IMPORT_CAPACITY_LIMIT", 300.5, (15, IMPORT_MAX, 300_500)),
    ("IMPORT_CAPACITY_LIMIT", 0, (15, IMPORT_MAX, 0)),
    ("EXPORT_CAPACITY_LIMIT", 4.0, (15, EXPORT_MAX, 4000)),
    ("IMPORT_CAPACITY_SUBSCRIPTION", 240, (15, IMPORT_MAX, 240_000)),
    ("EXPORT_CAPACITY_SUBSCRIPTION", 24, (15, EXPORT_MAX, 24_000)),
    ("DISPATCH_SETPOINT", 20, (15, SETPOINT, -20_000)),
    ("DISPATCH_SETPOINT", -20.0005, (15, SETPOINT, 20_000)),
    ("SIMPLE", 1, (15, SETPOINT, 50_000)), ("SIMPLE", 3, (15, SETPOINT, 80_500))])
def test_a_kind(kind, value, interval):
    assert asked(event(value, kind=kind)) == [interval]


def test_what_is_promised_and_what_is_a_limit():
    simple = told(event(1, 3, kind="SIMPLE"), reading=LEVELS._replace(flags=ALL_OR_NOTHING))
    assert (simple.reply_w, simple.flags) == (80_500, ALL_OR_NOTHING)
    limit = told(event(10), reading=LEVELS._replace(flags=ALL_OR_NOTHING))
    assert (limit.reply_w, limit.flags) == (0, LIMIT)
    assert told(event(-30, 20, kind="DISPATCH_SETPOINT")).reply_w == 30_000


def test_level_0_asks_for_nothing():
    assert asked(event(0, 1, 0, kind="SIMPLE")) == [
        (15, NOTHING, 0), (15, SETPOINT, 50_000)]
    assert asked(event(0, kind="SIMPLE")) is None


@pytest.mark.parametrize("kind", ["SIMPLE", "DISPATCH_SETPOINT_RELATIVE"])
def test_against_a_baseline(kind):
    called = []

    def relative(start, end, more_w):
        called.append((start, end, more_w))
        return [((end - start) // 60, IMPORT_MIN if more_w > 0 else IMPORT_MAX, 7)]

    value = 1 if kind == "SIMPLE" else -50
    found = told(event(value, kind=kind), reading=LEVELS._replace(relative=relative, hush_min=60))
    assert called == [(START, START + 900, -50_000)]
    assert (found.intervals, found.reply_w, found.hush_min) == (((15, IMPORT_MAX, 7),), 50_000, 60)


@pytest.mark.parametrize(("made", "said"), [
    (event(-1), "IMPORT_CAPACITY_LIMIT: found -1, expected at least 0"),
    (event("10"), "expected a number"), (event(True), "expected a number"),
    (event({"x": 1, "y": 2}), "expected a number"), (event(1e306), "at most 8000"),
    (event(10**400), "at most 8000"), (event(float("nan")), "at most 8000"),
    (event(8001), "at most 8000"), (event(2, kind="SIMPLE"), "a level that --level says"),
    (event(5, intervalPeriod=period("9999-01-01T00:00:00Z")), "times from 2000 to 4041"),
    (event(4, kind="SIMPLE"), "expected 0, 1, 2 or 3"), (event(1.0, kind="SIMPLE"), "0, 1, 2 or 3"),
    (event(5, kind="DISPATCH_SETPOINT_RELATIVE"), "relative to what"),
    (event(5, priority=-1), "priority"), (event(5, priority="high"), "priority"),
    (event(5, number="a b"), "id: found"), (event(5, number=""), "id: found"),
    (event(5, 6, intervalPeriod=period(duration="PT30S")), "one of 30 s', expected at least"),
    (event(5, payloadDescriptors=[{"payloadType": "IMPORT_CAPACITY_LIMIT", "units": "AMPS"}]),
     "IMPORT_CAPACITY_LIMIT: units: found 'AMPS', expected KW")])
def test_refused_in_a_line(made, said):
    with pytest.raises(DocumentError) as error:
        told(made)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_descriptor_of_the_event_goes_before_the_programs():
    amps = [{"payloadType": "IMPORT_CAPACITY_LIMIT", "units": "AMPS"}]
    kw = [{"payloadType": "IMPORT_CAPACITY_LIMIT", "units": "KW"}]
    with pytest.raises(DocumentError, match="AMPS"):
        told(event(5), descriptors=amps)
    assert told(event(5, payloadDescriptors=kw), descriptors=amps)


@pytest.mark.parametrize(("priority", "ours"), [(None, 100), (0, 0), (7, 7), (10**9, 254)])
def test_a_lower_number_is_more_important_and_a_subscription_comes_last(priority, ours):
    assert told(event(5, priority=priority)).priority == ours
    assert told(event(5, kind="IMPORT_CAPACITY_SUBSCRIPTION", priority=priority)).priority == 255


def test_of_two_kinds_one_is_held():
    both = event(10)
    both["intervals"][0]["payloads"].append({"type": "EXPORT_CAPACITY_LIMIT", "values": [4]})
    assert asked(both) == [(15, IMPORT_MAX, 10_000)]


def test_prices_and_reports_ask_for_nothing():
    assert asked(event(0.17, kind="PRICE")) is None
    assert asked(event(intervals=None, reportDescriptors=[{"payloadType": "USAGE"}])) is None


def test_neighbours_that_ask_the_same_are_one_and_a_gap_asks_nothing():
    made = event(intervals=[interval(5), interval(5), interval(6, period=period(START + 3600))])
    assert asked(made) == [(30, IMPORT_MAX, 5000), (30, NOTHING, 0), (15, IMPORT_MAX, 6000)]


def test_of_two_that_overlap_the_later_one_counts_from_its_beginning():
    made = event(intervals=[interval(5, period=period(START, "PT2H")),
                            interval(6, period=period(START + 3600))])
    assert asked(made) == [(60, IMPORT_MAX, 5000), (15, IMPORT_MAX, 6000)]


def test_seconds_become_whole_minutes_early_and_late():
    found = told(event(5, intervalPeriod=period(START + 59, "PT15M")))
    assert (found.start_utc, found.intervals[0][0]) == (START, 16)


def test_over_is_over():
    assert told(event(5), now=START + 899) is not None
    assert told(event(5), now=START + 900) is None


def test_what_has_begun_stays_as_it_was_told():
    made = event(*range(90))
    first = told(made)
    assert first.start_utc == START
    for later in (0, 3600, 80_000):
        assert told(made, now=START + later) == first


def test_of_what_lasts_for_years_a_gateway_has_days_in_advance():
    """8: a limit that is exhausted falls back to what was subscribed to, without anybody."""
    ever = event(240, kind="IMPORT_CAPACITY_SUBSCRIPTION",
                 intervalPeriod=period(START, "P9999Y"))
    before = None
    for now in range(START + 300 * DAY, START + 302 * DAY, 1800):
        found = told(ever, now=now)
        assert found.intervals == ((10_080, IMPORT_MAX, 240_000),)
        assert found.start_utc <= now < found.start_utc + 6 * 3600
        before = before or found
    assert told(ever, now=START + 300 * DAY + 1) == told(ever, now=START + 300 * DAY + 1801)


def test_of_96_quarters_a_day_that_come_again_18_hours_stand_at_least():
    day = event(*range(96), duration="P9999Y")
    for now in range(START + 10 * DAY, START + 11 * DAY, 1700):
        found = told(day, now=now)
        assert len(found.intervals) == 96
        assert found.start_utc + 900 * 96 - now >= 18 * 3600
        minute, at = (now - found.start_utc) // 60, 0
        for minutes, _, w in found.intervals:
            if at <= minute < at + minutes:
                assert w == (now - START) // 900 % 96 * 1000
            at += minutes


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(1, 3000), st.integers(0, 8000)), min_size=1, max_size=120),
       st.integers(-5000, 400_000), st.none() | st.integers(1, 2_000_000))
def test_what_is_told_a_gateway_takes_and_it_asks_what_the_event_does(parts, passed, lasts):
    made = event(intervals=[interval(kw, number=at, period={"duration": f"PT{minutes}M"})
                            for at, (minutes, kw) in enumerate(parts)])
    made["intervals"][0]["intervalPeriod"]["start"] = "2026-07-15T04:00:00Z"
    if lasts is not None:
        made["duration"] = f"PT{lasts}S"
    now = START + passed
    found = told(made, now=now)
    whole = 60 * sum(minutes for minutes, _ in parts)
    end = START + (whole if lasts is None else lasts)
    if found is None:
        assert now >= end
        return
    assert fits(found)
    assert found.start_utc <= max(now, START)
    if now < START:
        return
    into, at = (now - START) % whole, 0
    for minutes, kw in parts:
        if at <= into < at + 60 * minutes:
            wanted = kw * 1000
        at += 60 * minutes
    at = found.start_utc
    for minutes, _, w in found.intervals:
        if at <= now < at + 60 * minutes:
            assert w == wanted
            return
        at += 60 * minutes
    raise AssertionError("nothing is asked now")


def test_a_revision_is_the_content_without_what_the_server_adds():
    made = event(5)
    assert content_of(made) == content_of({**made, "modificationDateTime": "x", "id": "y"})
    assert content_of(made) != content_of(event(6))
