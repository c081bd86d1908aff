"""What type a day is, and on which days the site has responded before."""

import datetime
from dataclasses import dataclass, field
from pathlib import Path

import edge
from cloud_bridge import fields, source
from cloud_bridge.fields import TEXT

HOLIDAYS = Path(edge.__file__).parent / "tariffs" / "holidays"
TYPES = ("workday", "saturday", "sunday", "holiday")
_WEEK = (*5 * ("workday",), "saturday", "sunday")
_DATES = fields.list_of("dates", fields.date, 10_000).or_else(())
_FILE = {"source": TEXT, "holidays": _DATES, "workdays": _DATES}


@dataclass(frozen=True)
class Calendar:
    """`workdays` are those that work although they would not; `responses` those with an event."""

    holidays: frozenset[datetime.date] = frozenset()
    workdays: frozenset[datetime.date] = frozenset()
    responses: frozenset[datetime.date] = field(default=frozenset())

    def type(self, day: datetime.date) -> str:
        """One of TYPES."""
        if day in self.holidays:
            return "holiday"
        return "workday" if day in self.workdays else _WEEK[day.weekday()]


def load(name: str, responses: "frozenset[datetime.date]" = frozenset()) -> Calendar:
    """The holidays of edge/tariffs/holidays, by name; "": none. DocumentError; OSError."""
    if not name:
        return Calendar(responses=responses)
    path = HOLIDAYS / f"{name}.toml"
    known = sorted(path.stem for path in HOLIDAYS.glob("*.toml"))
    if name not in known:
        raise fields.mistake("holidays", name, "one of " + " ".join(known))
    got = fields.read(path.name, source.toml(path), _FILE)
    return Calendar(frozenset(got["holidays"]), frozenset(got["workdays"]), responses)
