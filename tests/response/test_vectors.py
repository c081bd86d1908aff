"""Examples that can be checked by hand, of baselines, verdicts and payments."""

from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest

from cloud_bridge.response import calendar, programme
from cloud_bridge.response.curve import FILL, SHAVE, Response
from cloud_bridge.response.judges import Point, cn_rule_1, cn_rule_2
from cloud_bridge.response.settle import settle
from tests.response.loads import DAY, curve, utc, workdays_before

KEYS = {"floor": Fraction(8, 10), "cap": Fraction(12, 10), "least_min": 60}
NOON, ONE = 720, 780


def settled(name, sample_kw, window_kw, minutes=60, day_kw=0):
    """A programme of hours, with days of flat loads and the day's own at `window_kw` before."""
    rules = programme.load(name)
    zone = ZoneInfo(rules.zone)
    days = workdays_before(DAY, 40)
    skip = rules.baseline[1].get("skip", 0)
    loads = {day: kw * 1000 for day, kw in zip(days[skip:], sample_kw, strict=False)}
    own = {**dict.fromkeys(range(0, 1440, 60), window_kw * 1000),
           **dict.fromkeys(range(960, 1020, 60), day_kw * 1000)}
    found = settle(rules, curve({**loads, DAY: own}, 60, zone), Response(DAY, 960, 1020, 100_000),
                   calendar.load(rules.holidays), Fraction(1))
    return found, found.points[0].baseline_w / 1000


@pytest.mark.parametrize(("window_kw", "adjusted_kw"), [(160, 160), (200, 174), (100, 116)])
def test_ten_of_ten_with_a_factor(window_kw, adjusted_kw):
    found, baseline_kw = settled("us_caiso", range(100, 200, 10), window_kw)
    assert set(found.baseline.values.values()) == {145_000}
    assert baseline_kw == adjusted_kw


def test_high_four_of_five_with_a_shift():
    found, baseline_kw = settled("us_pjm", [900, 1000, 1100, 1200, 300], 1140)
    assert set(found.baseline.values.values()) == {1_050_000}
    assert baseline_kw == 1140
    assert [sample.left_out for sample in found.baseline.samples if sample.left_out.startswith("n")
            ] == ["not among the 4 highest"]


@pytest.mark.parametrize(("factor", "adjusted_kw"), [
    (Fraction(7, 10), 512), (Fraction(11, 10), 704), (Fraction(135, 100), 768)])
def test_five_of_ten(factor, adjusted_kw):
    found, baseline_kw = settled("us_nyiso", range(500, 700, 20), 640 * factor)
    assert set(found.baseline.values.values()) == {640_000}
    assert baseline_kw == adjusted_kw


def test_same_day_takes_the_hours_of_the_published_example():
    rules = programme.load("us_pjm_same_day")
    zone = ZoneInfo(rules.zone)
    hours = {8: 100, 9: 110, 10: 120, 18: 130, 19: 140}  # ending 9 to 11, and 19 to 20
    day = {hour * 60: hours.get(hour, 5_000) * 1000 for hour in range(24)}
    found = settle(rules, curve({DAY: day}, 60, zone), Response(DAY, 12 * 60, 17 * 60, 1_000),
                   calendar.load(""), Fraction(1))
    assert set(found.baseline.values.values()) == {120_000}


def cn(rule, actual_kw, minutes=60, kind=SHAVE, baseline_kw=(1000, 1020, 1040, 1020)):
    response = Response(DAY, NOON, NOON + minutes, 200_000, kind)
    points = [Point(NOON + 15 * at, Fraction(base) * 1000, Fraction(own) * 1000,
                    response.cut_w(Fraction(base) * 1000, Fraction(own) * 1000))
              for at, (base, own) in enumerate(zip(baseline_kw, actual_kw, strict=True))]
    return rule.judge(response, points, KEYS)


@pytest.mark.parametrize(("actual_kw", "minutes", "confirmed_kw", "mean_kw"), [
    ((800, 820, 840, 820), 60, 200, 200),
    ((840, 860, 881, 861), 60, 0, Fraction("159.5")),
    ((700, 720, 740, 720), 60, 240, 300),
    ((700, 720, 1041, 720), 60, 0, Fraction("224.75")),
    ((800, 820, 840, 820), 45, 0, 200)])
def test_rule_2(actual_kw, minutes, confirmed_kw, mean_kw):
    found = cn(cn_rule_2, actual_kw, minutes)
    assert found.effective == (confirmed_kw > 0)
    assert found.confirmed_w == confirmed_kw * 1000
    assert found.delivered_w == mean_kw * 1000


def test_one_point_over_the_baselines_highest_is_named():
    found = cn(cn_rule_2, (700, 720, 1041, 720))
    assert not found.why
    assert found.failed == {NOON + 30: "not below the baseline's highest, 1,040.000 kW"}


def test_rule_1_wants_the_reply_at_the_peak():
    assert cn(cn_rule_1, (800, 820, 840, 820)).effective
    found = cn(cn_rule_1, (800, 820, 850, 820))  # 1040 - 850 = 190
    assert not found.effective
    assert list(found.failed) == [NOON + 30]


def test_a_fill_is_a_shave_upside_down():
    assert cn(cn_rule_2, (1200, 1220, 1240, 1220), kind=FILL).confirmed_w == 200_000
    assert list(cn(cn_rule_2, (1200, 999, 1440, 1220), kind=FILL).failed) == [NOON + 15]


def response_of(sample_w, actual_w, **more):
    """Anhui, instants, 12:00 to 13:00."""
    loads = dict.fromkeys(workdays_before(DAY, 5), sample_w)
    return settle(programme.load("cn_anhui"), curve({**loads, DAY: actual_w}, instants=True),
                  Response(DAY, NOON, ONE, 200_000), calendar.load("cn"), Fraction(4), **more)


def test_a_reply_that_is_kept_is_paid():
    found = response_of(1_000_000, 800_000)
    assert found.paid.amount == Decimal("800.00")


def test_the_point_at_the_end_is_judged_too():
    own = dict.fromkeys(range(0, 1440, 15), 800_000) | {ONE: 1_000_000}
    found = response_of(1_000_000, own)
    assert [point.minute for point in found.points] == [720, 735, 750, 765, 780]
    assert list(found.verdict.failed) == [ONE]
    assert found.paid.amount == 0


def test_a_point_that_nobody_knows_leaves_it_open():
    own = dict.fromkeys(range(0, 1440, 15), 800_000)
    del own[735]
    found = response_of(1_000_000, own)
    assert found.missing == (735,)
    assert found.verdict is None
    assert found.paid is None


def test_less_than_half_of_what_was_cleared_costs():
    loads = dict.fromkeys(workdays_before(DAY, 5), 1_000_000)
    found = settle(programme.load("cn_guangdong"), curve({**loads, DAY: 700_000}),
                   Response(DAY, NOON, ONE, 1_000_000), calendar.load("cn"), Fraction("3.5"))
    owed = Decimal("350.00")  # (1000 x 50 % - 300) x 3.5 x 0.5
    assert found.paid.amount == 300 * Decimal("3.5") - owed


def test_the_point_before_is_the_baseline_of_a_real_time_response():
    own = dict.fromkeys(range(0, 1440, 15), 700_000) | {NOON - 15: 930_000}
    found = settle(programme.load("cn_jiangsu_realtime"), curve({DAY: own}, instants=True),
                   Response(DAY, NOON, ONE, 200_000), calendar.load("cn"), Fraction(1))
    assert set(found.baseline.values.values()) == {930_000}


def test_the_times_are_those_of_the_zone():
    assert utc(DAY, NOON) == 1_784_088_000  # 2026-07-15T04:00:00Z
