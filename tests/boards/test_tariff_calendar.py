"""Which day has which prices: every one of a year has one profile, and each mistake is one line."""

from __future__ import annotations

import datetime
import tomllib
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boards import tariff, tariff_words
from boards.shapes import Findings

HEAD = 'name = "t"\ncurrency = "CNY"\n'
PRICE = "demand_price = 40.0\n"
DAYS = ('[days.work]\nperiods = [["00:00", "08:00", 0.3], ["08:00", "24:00", 1.0]]\n'
        '[days.rest]\nperiods = [["00:00", "24:00", 0.2]]\n')
YEAR = '[[season]]\nname = "year"\nworkday = "work"\nweekend = "rest"\n'
SUMMER = '[[season]]\nname = "summer"\nfrom = "06-01"\nto = "08-31"\nevery = "work"\n'
DATES = st.dates(datetime.date(2024, 1, 1), datetime.date(2029, 12, 31))


def read(text: str) -> tuple[tariff.Tariff | None, list[str]]:
    findings = Findings("t.toml")
    found = tariff.parse(tomllib.loads(text, parse_float=Decimal), findings)
    return found, findings.lines


def good(text: str) -> tariff.Tariff:
    found, lines = read(text)
    assert lines == []
    assert found is not None
    return found


def day_of_year(number: int) -> str:
    return f"{datetime.date(2000, 1, 1) + datetime.timedelta(number):%m-%d}"


@given(st.lists(st.integers(0, 365), min_size=2, max_size=6, unique=True), DATES)
def test_seasons_that_follow_each_other_cover_every_year(cuts, date):
    """Whatever the cuts, and over the new year; and a day lies in the one that began last."""
    cuts.sort()
    seasons = "".join(
        f'[[season]]\nname = "s{at}"\nfrom = "{day_of_year(cut)}"\n'
        f'to = "{day_of_year((cuts[(at + 1) % len(cuts)] - 1) % 366)}"\nevery = "d{at}"\n'
        for at, cut in enumerate(cuts))
    days = "".join(f'[days.d{at}]\nperiods = [["00:00", "24:00", {at + 1}]]\n'
                   for at in range(len(cuts)))
    found = good(HEAD + PRICE + days + seasons)
    number = (datetime.date(2000, date.month, date.day) - datetime.date(2000, 1, 1)).days
    began = [at for at, cut in enumerate(cuts) if cut <= number]
    assert found.day(date).name == f"d{began[-1] if began else len(cuts) - 1}"
    assert len(found.day(date).prices_e4) == 96


@given(DATES, st.sets(DATES, max_size=5), st.sets(DATES, max_size=5))
def test_the_type_of_a_day(date, holidays, workdays):
    workdays -= holidays
    text = (HEAD + PRICE + f"holidays = [{', '.join(map(str, sorted(holidays)))}]\n"
            f"workdays = [{', '.join(map(str, sorted(workdays)))}]\n" + DAYS
            + '[days.feast]\nperiods = [["00:00", "24:00", 0.1]]\n' + YEAR + 'holiday = "feast"\n')
    expected = ("feast" if date in holidays else
                "work" if date.weekday() < 5 or date in workdays else "rest")
    assert good(text).day(date).name == expected


def test_a_date_of_its_own_goes_before_all():
    text = HEAD + PRICE + "holidays = [2026-10-01]\n" + DAYS + YEAR + (
        '[dates]\n2026-10-01 = "work"\n2026-10-03 = "work"\n')
    found = good(text)
    assert found.day(datetime.date(2026, 10, 1)).name == "work"  # a Thursday
    assert found.day(datetime.date(2026, 10, 3)).name == "work"  # a Saturday
    assert found.day(datetime.date(2026, 10, 4)).name == "rest"


def test_a_holiday_without_a_profile_is_what_its_weekday_is():
    found = good(HEAD + PRICE + "holidays = [2026-10-01, 2026-10-03]\n" + DAYS + YEAR)
    assert found.day(datetime.date(2026, 10, 1)).name == "work"
    assert found.day(datetime.date(2026, 10, 3)).name == "rest"


def test_shipped_holidays_are_read_and_a_file_beside_goes_before_them(tmp_path):
    text = HEAD + PRICE + 'holidays = "holidays/cn.toml"\n' + DAYS + YEAR + 'holiday = "rest"\n'
    assert good(text).day(datetime.date(2026, 2, 17)).name == "rest"  # a Tuesday, 春节
    assert good(text).day(datetime.date(2026, 2, 28)).name == "work"  # a Saturday, 调休
    folder = tmp_path / "holidays"
    folder.mkdir()
    (folder / "cn.toml").write_text("holidays = [2026-02-18]\n")
    findings = Findings("t.toml")
    found = tariff.parse(tomllib.loads(text, parse_float=Decimal), findings, tmp_path)
    assert found is not None
    assert found.day(datetime.date(2026, 2, 17)).name == "work"


def test_export_may_have_hours_of_its_own():
    text = HEAD + PRICE + "export_price = 0.1\n" + DAYS + (
        'export = [["00:00", "12:00", 0.3], ["12:00", "24:00", 0.5]]\n') + YEAR
    found = good(text)
    assert found.day(datetime.date(2026, 6, 6)).exports_e4 == (3000,) * 48 + (5000,) * 48
    assert found.day(datetime.date(2026, 6, 5)).exports_e4 == (1000,) * 96


WRONG = {
    "a gap": (SUMMER + YEAR.replace('name = "year"', 'name = "rest"\nfrom = "09-01"\nto = "05-30"'),
              'season: found "05-31 in none", expected every day of the year in one season'),
    "an overlap": (SUMMER + YEAR, 'season: found "06-01 in summer and year", expected every day of '
                   "the year in one season"),
    "a season without a weekend": (
        '[[season]]\nname = "year"\nworkday = "work"\nholiday = "rest"\n',
        "season[0].saturday: found nothing, expected one of the profiles, or `every`"),
    "no such profile": (YEAR.replace('"rest"', '"rset"'),
                        'season[0].weekend: found "rset", expected one of work rest'),
    "no such day of the year": (SUMMER.replace("06-01", "06-31"),
                                'season[0].from: found "06-31", expected a day of the year, e.g. '
                                '"07-01"'),
    "a holiday twice": ("", "holidays[1]: found \"2026-01-01\", expected each date once"),
    "a profile nobody has": (
        YEAR.replace('"rest"', '"work"'), 'days.rest: found "a profile that no day has", expected '
        "it in a season, in dates or in push"),
    "no seasons": ("", "season: found nothing, expected tables [[season]] that say which days have "
                   "which of the profiles [days.NAME]"),
    "a date that is none": (YEAR + '[dates]\nsoon = "rest"\n',
                            'dates: found "soon", expected a date, e.g. 2026-07-15'),
    "a date of no profile": (YEAR + '[dates]\n2026-07-15 = "feast"\n',
                             'dates.2026-07-15: found "feast", expected one of work rest; did you '
                             'mean "rest"?'),
    "a push of no profile": (YEAR + '[push]\ndays = ["critical"]\n',
                             'push.days: found "critical", expected one of the profiles work rest'),
    "a push of nothing": (YEAR + '[push]\nuntil = "20:00"\n',
                          "push: found nothing, expected days, prices, or both"),
    "prices upside down": (YEAR + "[push]\nprices = [2, 1]\n",
                           "push.prices: found [2, 1], expected the lowest and the highest price a "
                           "kWh"),
    "a push too late": (YEAR + '[push]\nprices = [0, 1]\nuntil = "00:00"\n',
                        'push.until: found "00:00", expected a quarter-hour "00:15" .. "24:00" of '
                        "the day before"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_calendar_is_told(name):
    seasons, line = WRONG[name]
    top = "holidays = [2026-01-01, 2026-01-01]\n" if name == "a holiday twice" else ""
    found, lines = read(HEAD + PRICE + top + DAYS + (seasons or YEAR if top else seasons))
    assert found is None
    assert lines == [f"t.toml: {line}"]


@pytest.mark.parametrize(("text", "line"), [
    (PRICE + 'periods = [["00:00", "24:00", 1]]\n' + DAYS + YEAR,
     'periods: found [["00:00", "24:00", 1]], expected it or tables [days.NAME], not both'),
    (PRICE + 'periods = [["00:00", "24:00", 1]]\n' + YEAR.replace("work", "x").replace("rest", "x"),
     "day profiles [days.NAME] beside it"),
    (PRICE, 'periods: found nothing, expected a list of ["HH:MM", "HH:MM", price per kWh], or '
     "tables [days.NAME]"),
    (PRICE + 'holidays = "no.toml"\n' + DAYS + YEAR,
     'holidays: found "no.toml", expected dates, or a file of them beside the tariff'),
    (PRICE + "holidays = [2026-10-10]\nworkdays = [2026-10-10]\n" + DAYS + YEAR,
     'workdays: found "2026-10-10", expected no date that is a holiday, too'),
    (PRICE + "periods = [" + ", ".join(
        f'["{at // 4:02d}:{at % 4 * 15:02d}", "{(at + 1) // 4:02d}:{(at + 1) % 4 * 15:02d}", {at}]'
        for at in range(96)) + "]\n", 'periods: found "96 different prices", expected at most 16'),
])
def test_what_does_not_fit_together_is_told(text, line):
    found, lines = read(HEAD + text)
    assert found is None
    assert len(lines) == 1
    assert lines[0].endswith(line)


def test_gaps_of_coverage_are_warned_of():
    text = HEAD + PRICE + "valid_from = 2025-01-01\nvalid_to = 2026-12-31\n" \
        "holidays = [2026-10-01]\n" + DAYS + YEAR + 'holiday = "rest"\n'
    found = good(text)
    assert list(tariff_words.gaps(found, datetime.date(2026, 6, 1))) == []
    assert list(tariff_words.gaps(found, datetime.date(2026, 10, 30))) == [
        "lists no holiday after 2026-10-01: add those to come"]
    assert list(tariff_words.gaps(found, datetime.date(2027, 1, 1))) == [
        "was valid until 2026-12-31: since then nothing is traded, and its last prices are "
        "accounted; enter the new ones"]
    assert list(tariff_words.gaps(found, datetime.date(2024, 6, 1))) == [
        "is valid from 2025-01-01 on, and does not cover today"]


@pytest.mark.parametrize("text", [PRICE, PRICE + DAYS + YEAR])
def test_the_end_of_a_validity_is_warned_of_in_time(text):
    """Whether its days are all alike or not."""
    if text == PRICE:
        text += 'periods = [["00:00", "24:00", 0.2]]\n'
    found = good(HEAD + "valid_to = 2026-12-31\n" + text)
    for day, words in ((datetime.date(2026, 10, 31), []), (datetime.date(2026, 11, 1), [
            "is valid until 2026-12-31, 60 days more: after it nothing is traded; enter the new "
            "prices"])):
        assert list(tariff_words.gaps(found, day)) == words
