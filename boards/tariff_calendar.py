"""Which day profile a date has: by season, by working day, weekend and holiday, or by its own."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from boards.shapes import MAYBE_TEXT, TEXT, Findings, Shape, one_of, table, toml

FOLDER = Path(__file__).parent.parent / "edge" / "tariffs"
_YEAR = 2000  # a leap year, to hold seasons against
# What a season may say of a type of day, nearest first.
_SAYS = {"workday": ("workday", "every"), "saturday": ("saturday", "weekend", "every"),
         "sunday": ("sunday", "weekend", "every")}


@dataclass(frozen=True)
class Season:
    """A part of every year, from `first` to `last` (month, day), over the new year where `last` is
    before `first`. `days`: profile of each type of day; a holiday may have none, and is then what
    its weekday is."""

    name: str
    first: tuple[int, int]
    last: tuple[int, int]
    days: Mapping[str, str]

    def has(self, date: datetime.date) -> bool:
        """Whether a date lies in it."""
        at = (date.month, date.day)
        if self.first <= self.last:
            return self.first <= at <= self.last
        return at >= self.first or at <= self.last


@dataclass(frozen=True)
class Calendar:
    """Profiles by date: one of `dates`, else what the date's season says of its type of day.
    `workdays` are those that work although they would not."""

    seasons: tuple[Season, ...]
    holidays: frozenset[datetime.date] = frozenset()
    workdays: frozenset[datetime.date] = frozenset()
    dates: Mapping[datetime.date, str] = field(default_factory=dict)

    def type(self, date: datetime.date) -> str:
        """workday, saturday, sunday or holiday."""
        if date in self.holidays:
            return "holiday"
        return "workday" if date in self.workdays else _weekday(date)

    def profile(self, date: datetime.date) -> str:
        """Name of the profile."""
        if date in self.dates:
            return self.dates[date]
        return self.usual(date, self.type(date))

    def weekly(self, like: datetime.date, date: datetime.date) -> str:
        """Name of the profile that a date would have in the week of another one, holidays aside."""
        return self.usual(like, _weekday(date))

    def usual(self, date: datetime.date, kind: str) -> str:
        """Name of the profile that a date would have as a day of this type."""
        season = next(season for season in self.seasons if season.has(date))
        if kind == "holiday" and "holiday" not in season.days:
            kind = _weekday(date)
        return season.days[kind]


def _weekday(date: datetime.date) -> str:
    """workday, saturday or sunday."""
    return (*5 * ("workday",), "saturday", "sunday")[date.weekday()]


def always(profile: str) -> Calendar:
    """The calendar of a tariff whose days are all alike."""
    return Calendar((Season("all year", (1, 1), (12, 31), dict.fromkeys(_SAYS, profile)),))


def read_calendar(findings: Findings, raw: Mapping[str, Any], profiles: Sequence[str],
                  beside: Path) -> Calendar:
    """Seasons, holidays and single dates of a tariff file that has [days.NAME]."""
    seasons = _seasons(findings, raw.get("season", []), profiles)
    holidays, workdays = _holidays(findings, raw, beside)
    for date in sorted(holidays & workdays):
        findings.add("workdays", str(date), "no date that is a holiday, too")
    return Calendar(seasons, holidays, workdays, _dates(findings, raw.get("dates", {}), profiles))


def _seasons(findings: Findings, raw: object, profiles: Sequence[str]) -> tuple[Season, ...]:
    if not isinstance(raw, list) or not raw or not all(isinstance(one, dict) for one in raw):
        findings.add("season", raw or None, "tables [[season]] that say which days have which of "
                     "the profiles [days.NAME]")
        return ()
    day = Shape('a day of the year, e.g. "07-01"', _month_day)
    name = Shape(one_of(profiles), lambda value: value if value in profiles else None, "")
    shapes = {"name": TEXT, "from": day, "to": day,
              **dict.fromkeys(("every", "workday", "weekend", "saturday", "sunday", "holiday"),
                              name)}
    before, seasons = len(findings.lines), []
    for number, entry in enumerate(raw):
        key = f"season[{number}]"
        got = table(findings, key, entry, shapes)
        said = {kind: next((got[word] for word in words if got[word]), "")
                for kind, words in _SAYS.items()}
        for kind, profile in said.items():
            if not profile and len(findings.lines) == before:
                findings.add(f"{key}.{kind}", None, "one of the profiles, or `every`")
        if got["holiday"]:
            said["holiday"] = got["holiday"]
        seasons.append(Season(got["name"], got["from"] or (1, 1), got["to"] or (12, 31), said))
    if len(findings.lines) == before:
        _cover(findings, seasons)
    return tuple(seasons)


def _cover(findings: Findings, seasons: Sequence[Season]) -> None:
    """Every day of a year lies in one season."""
    first = datetime.date(_YEAR, 1, 1)
    for number in range(366):
        date = first + datetime.timedelta(number)
        there = [season.name for season in seasons if season.has(date)]
        if len(there) != 1:
            findings.add("season", f"{date:%m-%d} in " + (" and ".join(there) or "none"),
                         "every day of the year in one season")
            return


def _holidays(findings: Findings, raw: Mapping[str, Any], beside: Path
              ) -> tuple[frozenset[datetime.date], frozenset[datetime.date]]:
    """Dates in the tariff itself, or a file of them beside it or among the shipped ones."""
    holidays, workdays = raw.get("holidays", []), raw.get("workdays", [])
    if isinstance(holidays, str):
        return _holiday_file(findings, holidays, beside)
    return _listed(findings, "holidays", holidays), _listed(findings, "workdays", workdays)


def _holiday_file(findings: Findings, name: str, beside: Path
                  ) -> tuple[frozenset[datetime.date], frozenset[datetime.date]]:
    inside = Findings(name)
    raw: dict[str, Any] = {}
    try:
        raw = toml(next(path for path in (beside / name, FOLDER / name) if path.is_file())
                   .read_bytes())
    except (OSError, StopIteration):
        findings.add("holidays", name, "dates, or a file of them beside the tariff")
    except ValueError as error:  # not TOML, or a name that no file can have
        inside.lines.append(f"{name}: cannot be read: {error}")
    listed = Shape("a list of dates", lambda value: value if isinstance(value, list) else None, [])
    got = table(inside, "", raw, {"holidays": listed, "workdays": listed, "source": MAYBE_TEXT,
                                  "note": MAYBE_TEXT})
    days = _listed(inside, "holidays", got["holidays"]), _listed(inside, "workdays",
                                                                 got["workdays"])
    findings.lines += inside.lines
    return days


def _listed(findings: Findings, key: str, raw: object) -> frozenset[datetime.date]:
    if not isinstance(raw, list):
        findings.add(key, raw, "a list of dates, e.g. [2026-01-01, 2026-05-01]")
        return frozenset()
    for number, date in enumerate(raw):
        if type(date) is not datetime.date:
            findings.add(f"{key}[{number}]", date, "a date, e.g. 2026-01-01")
        elif date in raw[:number]:
            findings.add(f"{key}[{number}]", str(date), "each date once")
    return frozenset(date for date in raw if type(date) is datetime.date)


def _dates(findings: Findings, raw: object, profiles: Sequence[str]) -> dict[datetime.date, str]:
    """Single dates with a profile of their own, e.g. days that were critical."""
    if not isinstance(raw, dict):
        findings.add("dates", raw, "a table of dates and profiles")
        return {}
    dates = {}
    for text, profile in raw.items():
        try:
            date = datetime.date.fromisoformat(text)
        except ValueError:
            findings.add("dates", text, "a date, e.g. 2026-07-15")
            continue
        if profile not in profiles:
            findings.add(f"dates.{text}", profile, one_of(profiles, profile))
        dates[date] = profile
    return dates


def _month_day(value: object) -> tuple[int, int] | None:
    if not isinstance(value, str) or len(value) != 5:
        return None
    try:
        date = datetime.date.fromisoformat(f"{_YEAR}-{value}")
    except ValueError:
        return None
    return date.month, date.day
