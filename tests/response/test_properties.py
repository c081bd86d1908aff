"""What must hold of every baseline, verdict and payment, whatever the loads are."""

import datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cloud_bridge.fields import DocumentError
from cloud_bridge.response import calendar, programme
from cloud_bridge.response.curve import FILL, SHAVE, Response
from cloud_bridge.response.settle import settle
from cloud_bridge.response.targets import targets
from tests.response.loads import DAY, curve, workdays_before

PROGRAMMES = programme.shipped()
START, END = 16 * 60, 18 * 60
FROM, TO = 11, 21  # hours of a day that some programme looks at
KW = st.integers(300, 1000).map(lambda kw: Fraction(kw * 1000))
DAYS = workdays_before(DAY, 30)


def days_of(count):
    """Loads of so many days: W of each hour, from bytes, which are drawn quickly."""
    size = TO - FROM
    return st.binary(min_size=count * size, max_size=count * size).map(
        lambda drawn: [[Fraction(300_000 + 3_000 * one) for one in drawn[at:at + size]]
                       for at in range(0, count * size, size)])


LOADS = days_of(14)
OWN = days_of(1).map(lambda days: days[0])


def day_of(hours):
    """Minute -> W; the same all through each hour."""
    return {hour * 60 + quarter: w for hour, w in enumerate(hours, FROM)
            for quarter in (0, 15, 30, 45)}


def settled(name, loads, own, reply_w=100_000, kind=SHAVE, **more):
    """One response on DAY; `loads` are those of the working days before it, the newest first."""
    rules = programme.load(name)
    minutes = rules.interval_min
    told = {day: {minute: w for minute, w in load.items() if minute % minutes == 0}
            for day, load in {**dict(zip(DAYS, loads, strict=False)), DAY: own}.items()}
    return settle(rules, curve(told, minutes, ZoneInfo(rules.zone), rules.instants),
                  Response(DAY, START, END, reply_w, kind),
                  more.pop("days", calendar.load(rules.holidays)), Fraction(1))


def baseline(found):
    return [point.baseline_w for point in found.points]


@pytest.mark.parametrize("name", PROGRAMMES)
@given(loads=LOADS, own=OWN, by=st.fractions(
    Fraction(1, 10), 10, max_denominator=20))
def test_a_load_of_another_size_has_a_baseline_of_that_size(name, loads, own, by):
    one = settled(name, map(day_of, loads), day_of(own))
    other = settled(name, [day_of([w * by for w in load]) for load in loads],
                    day_of([w * by for w in own]))
    assert baseline(other) == [w * by for w in baseline(one)]


@pytest.mark.parametrize("name", ["us_pjm", "us_pjm_same_day", "cn_jiangsu_realtime", "cn_anhui"])
@given(loads=LOADS, own=OWN, by=st.integers(0, 10**6))
def test_a_load_with_a_constant_on_top_has_it_in_its_baseline(name, loads, own, by):
    one = settled(name, map(day_of, loads), day_of(own))
    other = settled(name, [day_of([w + by for w in load]) for load in loads],
                    day_of([w + by for w in own]))
    assert baseline(other) == [w + by for w in baseline(one)]


@pytest.mark.parametrize("name", ["us_caiso", "us_miso", "cn_anhui"])
@given(loads=LOADS, own=OWN, order=st.randoms())
def test_the_order_of_the_days_does_not_matter(name, loads, own, order):
    count = programme.load(name).baseline[1]["count"]
    mixed = loads[:count]
    order.shuffle(mixed)
    assert baseline(settled(name, map(day_of, loads), day_of(own))) == \
        baseline(settled(name, map(day_of, mixed), day_of(own)))


@pytest.mark.parametrize("name", ["us_caiso", "us_miso", "us_nyiso"])
@given(loads=LOADS, own=OWN, by=st.integers(0, 9))
def test_a_factor_is_bounded(name, loads, own, by):
    found = settled(name, map(day_of, loads), day_of([w * by for w in own]))
    for point in found.points:
        plain_w = found.baseline.values[point.minute]
        assert plain_w * 8 / 10 <= point.baseline_w <= plain_w * 12 / 10


@pytest.mark.parametrize("name", PROGRAMMES)
@given(loads=LOADS, own=OWN,
       reply_kw=st.integers(1, 500), kind=st.sampled_from([SHAVE, FILL]))
def test_what_is_confirmed_is_bounded_and_nothing_where_it_does_not_count(
        name, loads, own, reply_kw, kind):
    rules = programme.load(name)
    assume(kind in rules.kinds)
    found = settled(name, map(day_of, loads), day_of(own), reply_kw * 1000, kind)
    cap = rules.judge[1].get("cap")
    assert found.verdict.confirmed_w >= 0
    if cap is not None:
        assert found.verdict.confirmed_w <= cap * reply_kw * 1000
    if not found.verdict.effective:
        assert found.verdict.confirmed_w == 0
        assert found.verdict.why or found.verdict.failed


@pytest.mark.parametrize("name", ["cn_anhui", "cn_anhui_rule_1", "cn_beijing", "cn_guangdong"])
@given(loads=LOADS, own=OWN,
       more_w=st.integers(0, 400_000), reply_kw=st.integers(1, 500))
def test_who_delivers_more_is_not_confirmed_less(name, loads, own, more_w, reply_kw):
    def confirmed_w(less_w):
        load = day_of(own)
        for minute in range(START, END + 15, 15):
            load[minute] -= less_w
        return settled(name, map(day_of, loads), load, reply_kw * 1000).verdict.confirmed_w

    assert confirmed_w(0) <= confirmed_w(more_w)


@pytest.mark.parametrize("name", [name for name in PROGRAMMES
                                  if "count" in programme.load(name).baseline[1]])
@given(loads=LOADS, own=OWN, out=st.integers(0, 3),
       why=st.sampled_from(["response", "holiday", "missing"]), wild=KW)
def test_a_day_that_is_left_out_changes_nothing_and_is_told(name, loads, own, out, why, wild):
    rules = programme.load(name)
    out += rules.baseline[1]["skip"]
    day = DAYS[out]
    known = calendar.load(rules.holidays)
    if why == "response":
        known = calendar.Calendar(known.holidays, known.workdays, frozenset([day]))
    elif why == "holiday":
        known = calendar.Calendar(known.holidays | {day}, known.workdays)

    def found(w):
        load = day_of([w] * (TO - FROM))
        if why == "missing":
            del load[START]
        days = [*map(day_of, loads)]
        return settled(name, [*days[:out], load, *days[out + 1:]], day_of(own), days=known)

    one = found(wild)
    assert baseline(one) == baseline(found(wild * 7))
    said = {sample.day: sample.left_out for sample in one.baseline.samples}
    assert said[day].split()[-1] in ("day", "holiday", "missing")


@given(st.integers(0, 4))
def test_too_few_days_are_no_baseline(count):
    loads = [day_of([Fraction(1_000_000)] * (TO - FROM))] * count
    with pytest.raises(DocumentError, match=f"baseline: found {count} days like 2026-07-15 in 45 "
                                            "days, expected 5"):
        settled("cn_anhui", loads, day_of([Fraction(1)] * (TO - FROM)))


def test_a_response_on_a_weekend_is_held_against_working_days_where_all_are():
    rules = programme.load("cn_anhui")
    sunday = datetime.date(2026, 7, 19)
    loads = dict.fromkeys([*workdays_before(sunday, 5), sunday], 1_000_000)
    found = settle(rules, curve(loads, instants=True), Response(sunday, START, END, 1_000),
                   calendar.load("cn"), Fraction(1))
    assert {sample.day.weekday() for sample in found.baseline.samples if not sample.left_out} == {
        0, 1, 2, 3, 4}
    assert [sample.left_out for sample in found.baseline.samples if sample.left_out] == [
        "a saturday", "a sunday"][:1]


@pytest.mark.parametrize("name", PROGRAMMES)
@given(loads=LOADS, own=OWN, reply_kw=st.integers(1, 250), kind=st.sampled_from([SHAVE, FILL]))
def test_who_holds_the_targets_is_paid_all_that_was_promised(name, loads, own, reply_kw, kind):
    """Each judged point lies where the gateway was told to hold it; the last one past the end."""
    rules = programme.load(name)
    assume(kind in rules.kinds)
    load = day_of(own)
    planned = settled(name, map(day_of, loads), load, reply_kw * 1000, kind)
    response, minutes = planned.response, rules.interval_min
    told = {day: {at: w for at, w in day_of(one).items() if at % minutes == 0}
            for day, one in {**dict(zip(DAYS, loads, strict=False)), DAY: own}.items()}
    site = curve(told, minutes, ZoneInfo(rules.zone), rules.instants)
    intervals = targets(rules, site, response, calendar.load(rules.holidays))
    assert sum(length for length, _, _ in intervals) == response.minutes
    held = [w for length, _, w in intervals for _ in range(0, length, minutes)]
    assume(min(held) > 0)
    for at, w in zip(range(START, END + minutes, minutes), [*held, held[-1]], strict=True):
        if at < END or rules.instants:
            load[at] = Fraction(w)
    found = settled(name, map(day_of, loads), load, reply_kw * 1000, kind)
    assert found.verdict.effective, found.verdict
    assert found.verdict.confirmed_w >= reply_kw * 1000
