"""Times and durations as OpenADR 3 writes them (ISO 8601, RFC 3339), read strictly."""

import datetime
import re

from cloud_bridge.fields import mistake

FOREVER = 1 << 40  # seconds: what "P9999Y" stands for
_FOREVER = "P9999Y"
_NOW = re.compile(r"0001-01-01(T00:00:00(\.0+)?(Z|[+-]00:00)?)?")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")
_DURATION = re.compile(
    r"(-?)P(?=[\dT])(?:(\d{1,4})Y)?(?:(\d{1,4})W)?(?:(\d{1,6})D)?"
    r"(?:T(?=\d)(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,8})(?:\.\d{1,9})?S)?)?", re.ASCII)
_S = (365 * 86_400, 7 * 86_400, 86_400, 3600, 60, 1)  # a year, week, day, hour, minute, second
_LONGEST = 64


def instant(where: str, text: object) -> int | None:
    """UTC seconds since 1970, whole; None for the beginning of time, which stands for now, or for
    the end of what comes before. A time without a zone is nobody's. DocumentError."""
    if isinstance(text, str) and len(text) <= _LONGEST:
        if _NOW.fullmatch(text):
            return None
        if _INSTANT.fullmatch(text):
            try:
                return int(datetime.datetime.fromisoformat(text).timestamp() // 1)
            except (ValueError, OverflowError):
                pass  # a 30th of February: refused below
    raise mistake(where, text, "a time with its zone, e.g. 2026-07-15T04:00:00Z")


def duration(where: str, text: object) -> int:
    """Whole seconds, below 0 where it says so; a year has 365 days. Months are refused: nobody
    knows how long they are. DocumentError."""
    if text == _FOREVER:
        return FOREVER
    found = _DURATION.fullmatch(text) if isinstance(text, str) and len(text) <= _LONGEST else None
    if found is None:
        raise mistake(where, text, "a duration without months, e.g. PT15M")
    sign, *parts = found.groups()
    return (-1 if sign else 1) * sum(
        int(part or 0) * s for part, s in zip(parts, _S, strict=True))
