"""Times of day as a person writes them, quarter-hours as a gateway counts them."""

from collections.abc import Callable
from typing import Any

from boards.shapes import Findings

SLOTS = 96  # quarter-hours of a day
_MINUTES = 15


def slot(text: object) -> int | None:
    """The quarter-hour that begins at "HH:MM", 0 .. 96; None when it is no such time."""
    if not (isinstance(text, str) and len(text) == 5 and text[2] == ":" and text.isascii()):
        return None
    hours, minutes = text[:2], text[3:]
    if not (hours.isdigit() and minutes.isdigit() and int(minutes) < 60):
        return None
    number, rest = divmod(int(hours) * 60 + int(minutes), _MINUTES)
    return number if rest == 0 and number <= SLOTS else None


def clock(number: int) -> str:
    """The time at which a quarter-hour begins."""
    return f"{number // 4:02d}:{number % 4 * 15:02d}"


def span(findings: Findings, key: str, start: object, end: object) -> range:
    """The quarter-hours from one time to another; empty, and a finding, where that cannot be."""
    first, last = slot(start), slot(end)
    for text, number in ((start, first), (end, last)):
        if number is None:
            findings.add(key, text, 'a quarter-hour "00:00" .. "24:00"')
    if first is None or last is None:
        return range(0)
    if last <= first:
        findings.add(key, [start, end], "an end after the start; split a period at midnight")
    return range(first, last)


def day(findings: Findings, key: str, periods: object, read: Callable[[Any], int | None],
        expected: str) -> list[int]:
    """One value for each of 96 quarter-hours out of [start, end, value]; holes and overlaps are
    findings, and 0 in what is returned."""
    found: dict[int, int] = {}
    before = len(findings.lines)
    if not isinstance(periods, list) or not periods:
        findings.add(key, periods, f'a list of ["HH:MM", "HH:MM", {expected}]')
        periods = []
    for number, period in enumerate(periods):
        place = f"{key}[{number}]"
        if not isinstance(period, list) or len(period) != 3:
            findings.add(place, period, f'["HH:MM", "HH:MM", {expected}]')
            continue
        value = read(period[2])
        if value is None:
            findings.add(place, period[2], expected)
        slots = span(findings, place, period[0], period[1])
        twice = [one for one in slots if one in found]
        if twice:
            findings.add(place, f"{clock(twice[0])} - {clock(twice[-1] + 1)}",
                         "times that no other period has")
        found |= dict.fromkeys(slots, value or 0)
    holes = [one for one in range(SLOTS) if one not in found]
    if holes and len(findings.lines) == before:
        end = next((one for one in range(holes[0], SLOTS) if one in found), SLOTS)
        findings.add(key, f"nothing {clock(holes[0])} - {clock(end)}",
                     "a value for every quarter-hour from 00:00 to 24:00")
    return [found.get(one, 0) for one in range(SLOTS)]
