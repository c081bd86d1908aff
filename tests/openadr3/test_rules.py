"""The rules about intervals: user guide 3.1.0, 7.3, 7.4 and 7.9."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud_bridge.fields import DocumentError
from cloud_bridge.response.openadr3.spans import lay_out
from cloud_bridge.response.openadr3.times import FOREVER, duration, instant
from tests.openadr3.events import KIND, START, event, interval, period, zulu

SEEN = START + 6 * 3600 + 120
MINUTE, QUARTER, HOUR, DAY = 60, 900, 3600, 86_400
LATE = START + 400 * DAY


def asked(made, seen=SEEN, seed="e-1/a", from_utc=0, to_utc=LATE):
    layout = lay_out(made, seen, seed, (KIND,))
    if layout is None:
        return []
    return [(span.start - START, span.end - START, span.value)
            for span in layout.spans(from_utc, to_utc)]


@pytest.mark.parametrize(("text", "s"), [
    ("PT15M", 900), ("PT0S", 0), ("P1DT2H3M4S", 93_784), ("P1W", 604_800), ("P9999Y", FOREVER),
    ("-PT5M", -300), ("PT1.5S", 1), ("PT0H", 0), ("P1Y", 365 * DAY)])
def test_a_duration(text, s):
    assert duration("x", text) == s


@pytest.mark.parametrize("text", [
    "", "P", "PT", "15M", "PT15", "P1M", "PT1H1H", "P-1D", "pt15m", "PT１５M", "PT15M\n", 900, None,
    "P1D" + "0" * 100])
def test_no_duration(text):
    with pytest.raises(DocumentError, match=r"^x: found .*, expected a duration"):
        duration("x", text)


@pytest.mark.parametrize(("text", "utc"), [
    (zulu(START), START), ("2026-07-15T12:00:00+08:00", START),
    ("2026-07-15T04:00:00.999Z", START), ("0001-01-01", None), ("0001-01-01T00:00:00", None),
    ("0001-01-01T00:00:00Z", None)])
def test_a_time(text, utc):
    assert instant("x", text) == utc


@pytest.mark.parametrize("text", [
    "2026-07-15 04:00:00", "2026-07-15T04:00:00", "2026-07-15", "2026-02-30T04:00:00Z", "now", 3,
    "2026-07-15T04:00Z", None])
def test_no_time(text):
    with pytest.raises(DocumentError, match=r"^x: found .*, expected a time with its zone"):
        instant("x", text)


def test_1_an_intervals_own_period_goes_before_the_events():
    made = event(intervals=[interval(1), interval(2, period=period(START + HOUR, "PT30M")),
                            interval(3), interval(4, period={"duration": "PT2H"})])
    assert asked(made) == [(0, QUARTER, 1), (HOUR, HOUR + 1800, 2), (5400, 6300, 3),
                           (6300, 13_500, 4)]


def test_1_without_one_of_the_event_each_needs_its_own():
    made = event(intervals=[interval(1, period=period()), interval(2)], intervalPeriod=None)
    with pytest.raises(DocumentError, match=r"intervals\[1\].intervalPeriod: found nothing"):
        asked(made)
    with pytest.raises(DocumentError, match=r"intervals\[0\]: start: found nothing"):
        asked(event(1, intervalPeriod={"duration": "PT1H"}))


@pytest.mark.parametrize("beginning", ["0001-01-01", "0001-01-01T00:00:00"])
def test_2_the_beginning_of_time_is_now_or_behind_the_one_before(beginning):
    now = SEEN - START
    assert asked(event(1, intervalPeriod=period(beginning, "P9999Y"))) == [(now, now + FOREVER, 1)]
    own = [interval(1, period=period(beginning, "PT1H")), interval(2, period=period(beginning,
                                                                                     "PT2H"))]
    assert asked(event(intervals=own)) == [(0, HOUR, 1), (HOUR, 3 * HOUR, 2)]
    assert asked(event(intervals=own, intervalPeriod=None)) == [
        (now, now + HOUR, 1), (now + HOUR, now + 3 * HOUR, 2)]


def test_3_who_comes_late_skips_ahead():
    day = event(*range(24), intervalPeriod=period(START, "PT1H"))
    assert asked(day, from_utc=START + 6 * HOUR)[0] == (6 * HOUR, 7 * HOUR, 6)
    assert asked(day, from_utc=START + 24 * HOUR) == []


def test_4_several_values_share_an_interval():
    made = event(intervals=[interval(17, 3, 11, period=period(START, "PT3H"))])
    assert asked(made) == [(0, HOUR, 17), (HOUR, 2 * HOUR, 3), (2 * HOUR, 3 * HOUR, 11)]
    with pytest.raises(DocumentError, match="share for ever"):
        asked(event(intervals=[interval(1, 2, period=period(START, "P9999Y"))]))


def test_5_the_events_duration_cuts_off_or_begins_anew():
    hours = event(*range(24), intervalPeriod=period(START, "PT1H"), duration="PT12H")
    assert [value for *_, value in asked(hours)] == list(range(12))
    assert asked({**hours, "duration": "PT90M"})[-1] == (HOUR, 5400, 1)
    week = asked({**hours, "duration": "P7D"})
    assert [value for *_, value in week] == 7 * list(range(24))
    assert week[-1][1] == 7 * DAY
    ever = {**hours, "duration": "P9999Y"}
    assert asked(ever, from_utc=START + 300 * DAY + HOUR, to_utc=START + 300 * DAY + 3 * HOUR) == [
        (300 * DAY + HOUR, 300 * DAY + 2 * HOUR, 1),
        (300 * DAY + 2 * HOUR, 300 * DAY + 3 * HOUR, 2)]


@given(st.integers(0, 5000), st.text("abc", max_size=4))
def test_6_a_random_start_is_within_its_bounds_and_stays(most_s, seed):
    made = event(1, 2, intervalPeriod=period(randomizeStart=f"PT{most_s}S"))
    found = asked(made, seed=seed)
    shift = found[0][0]
    assert -most_s <= shift <= most_s
    assert found == [(shift, shift + QUARTER, 1), (shift + QUARTER, shift + 2 * QUARTER, 2)]
    assert asked(made, seed=seed, seen=SEEN + 99) == found


def test_6_what_has_a_start_of_its_own_is_shifted_alike_unless_it_is_random_too():
    fixed = interval(2, period=period(START + HOUR))
    made = event(intervals=[interval(1), fixed], intervalPeriod=period(randomizeStart="-PT10M"))
    shifts = {asked(made, seed=str(seed))[0][0] for seed in range(50)}
    assert min(shifts) < 0 < max(shifts)
    assert all(abs(shift) <= 600 for shift in shifts)
    for seed in range(20):
        first, second = asked(made, seed=str(seed))
        assert second[0] - first[0] == HOUR
    own = interval(2, period=period(START + HOUR, randomizeStart="PT1M"))
    apart = {second[0] - first[0] for seed in range(20)
             for first, second in [asked({**made, "intervals": [interval(1), own]},
                                         seed=str(seed))]}
    assert len(apart) > 10


@pytest.mark.parametrize("called_off", [
    event(1, intervalPeriod=period("0001-01-01", "PT0S")), event(1, duration="PT0S"), event(),
    event(intervals=None), event(1, kind="PRICE"), event(intervals=[{"id": 0, "payloads": []}])])
def test_7_without_a_duration_it_asks_for_nothing(called_off):
    assert asked(called_off) == []


@pytest.mark.parametrize(("wrong", "said"), [
    ({"intervals": 3}, "intervals: found 'int'"), ({"intervals": [3]}, "an interval"),
    ({"intervals": [{"id": 0, "payloads": 3}]}, "expected a list"),
    ({"intervals": [{"id": 0, "payloads": [{"type": KIND}]}]}, "a type and its values"),
    ({"intervals": [interval()]}, "values of"), ({"intervalPeriod": 3}, "an intervalPeriod"),
    ({"intervalPeriod": {}}, "a start or a duration"),
    ({"intervalPeriod": {"start": zulu(START)}}, "duration: found nothing"),
    ({"intervalPeriod": period(duration="-PT1H")}, "none below 0"),
    ({"intervals": [interval(1)] * 3001}, "at most 3000"), ({"duration": "P1M"}, "duration"),
    ({"duration": "P9999Y", "intervalPeriod": period(duration="PT1S")}, "in a week")])
def test_what_cannot_be_read_is_refused_in_a_line(wrong, said):
    with pytest.raises(DocumentError) as error:
        asked({**event(1), **wrong}, to_utc=START + 7 * DAY)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 200), st.lists(st.integers(0, 9), min_size=1, max_size=4)),
                min_size=1, max_size=6),
       st.none() | st.integers(1, 100_000), st.integers(0, 80_000), st.integers(1, 40_000))
def test_the_parts_fill_the_event_without_gap_or_overlap(parts, lasts, skip, width):
    """Contiguous intervals, of several values or not, cut or looped, in any window."""
    made = event(intervals=[interval(*values, number=at, period={"duration": f"PT{minutes}M"})
                            for at, (minutes, values) in enumerate(parts)])
    made["intervals"][0]["intervalPeriod"]["start"] = zulu(START)
    whole = 60 * sum(minutes for minutes, _ in parts)
    if lasts is not None:
        made["duration"] = f"PT{lasts}S"
    end = whole if lasts is None else lasts
    found = asked(made, from_utc=START + skip, to_utc=START + skip + width)
    for before, after in pairwise(found):
        assert before[1] == after[0]
    if skip >= end:
        assert found == []
    else:
        assert found[0][0] <= skip < found[0][1]
        assert found[-1][1] <= end
        assert found[-1][1] >= min(end, skip + width)
    every = [value for _, values in parts for value in values]
    assert {value for *_, value in found} <= set(every)
