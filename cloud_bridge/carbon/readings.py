"""Readings of meters of media, a line of JSON each, as `query media` writes them:

    {"time": "2026-01-01T00:00:02Z", "meter": "town-water", "medium": "water", "use": "fresh",
     "account": "works", "fine": "l", "unit": "m3", "most_per_h": 40000, "turns_at": 0,
     "kj_per_kg": 0, "reading": 48213470, "age_s": 0, "refused": 0}

Numbers are of the unit `fine`; cloud_bridge/media.py says what they mean. Lines may come in any
order. A line of a day of another gateway with a meter of that name is another meter where anything
that is told of it is another.
"""

import datetime
import json
from collections.abc import Iterable, Iterator
from typing import Any

from cloud_bridge import fields, media
from cloud_bridge.fields import DocumentError, Field
from cloud_bridge.media import Meter, Reading

_MOST = 2**53 - 1
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


def _utc(value: Any) -> int | None:
    try:
        moment = datetime.datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    fits = moment.tzinfo is not None and 2000 <= moment.year <= 2199
    return int((moment - _EPOCH).total_seconds()) if fits else None


_WORD = Field("a name of small letters, digits, - and _", lambda value: value if isinstance(
    value, str) and media.NAME.fullmatch(value) else None)
_FIELDS = {
    "time": Field("a time as 2026-01-01T00:00:00Z", _utc), "meter": _WORD, "medium": _WORD,
    "use": _WORD, "account": fields.TEXT, "fine": fields.one_of(media.UNITS),
    "unit": fields.one_of(unit for units in media.UNITS.values() for unit in units),
    "most_per_h": fields.whole(1, _MOST), "turns_at": fields.whole(0, _MOST),
    "kj_per_kg": fields.whole(0, _MOST), "reading": fields.whole(0, _MOST),
    "age_s": fields.whole(0, media.AGE_MOST_S - 1), "refused": fields.whole(0, _MOST),
}


def line(meter: Meter, reading: Reading) -> str:
    """One reading as a line, without its end."""
    about = {"meter" if name == "name" else name: value for name, value in meter._asdict().items()}
    return json.dumps({"time": media.time_text(reading.utc), **about, "reading": reading.value,
                       "age_s": reading.age_s, "refused": reading.refused}, ensure_ascii=False)


def parse(lines: Iterable[bytes], name: str) -> dict[Meter, list[Reading]]:
    """Readings by their meter. DocumentError names file and line."""
    found: dict[Meter, list[Reading]] = {}
    for meter, reading in _each(lines, name):
        found.setdefault(meter, []).append(reading)
    return found


def _each(lines: Iterable[bytes], name: str) -> Iterator[tuple[Meter, Reading]]:
    for number, text in enumerate(lines, 1):
        where = f"{name}: line {number}"
        try:
            raw = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise DocumentError(f"{where}: is not JSON: {error}") from None
        got = fields.read(where, raw, _FIELDS)
        if got["unit"] not in media.UNITS[got["fine"]]:
            raise fields.mistake(f"{where}: unit", got["unit"],
                                 "one of " + " ".join(media.UNITS[got["fine"]]))
        yield (Meter(got["meter"], *(got[field] for field in Meter._fields[1:])),
               Reading(got["time"], got["reading"], got["age_s"], got["refused"]))
