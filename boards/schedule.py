"""A week of announced loads, as a person writes it and as a gateway executes it."""

from collections.abc import Iterable
from typing import Any

from boards import day_table
from boards.shapes import Findings

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_KW_MAX = 8000  # edge/config.py

Line = tuple[int, int, int, int]  # bits of the days, Monday 1; first slot; end; kW


def line(found: Any) -> Line | None:
    """Read ["Mon-Fri", "06:00", "14:00", 250]; None when it is no such line."""
    if not isinstance(found, list) or len(found) != 4:
        return None
    days, first, end, kilowatts = (_days(found[0]), day_table.slot(found[1]),
                                   day_table.slot(found[2]), found[3])
    if days is None or first is None or end is None or end <= first:
        return None
    if type(kilowatts) is not int or not -_KW_MAX <= kilowatts <= _KW_MAX:
        return None
    return days, first, end, kilowatts


def _days(text: Any) -> int | None:
    """Bits of "Mon", "Mon-Fri", "Sat-Sun" or "Fri-Mon"."""
    if not isinstance(text, str):
        return None
    first, _, last = text.partition("-")
    if first not in _DAYS or (last or first) not in _DAYS:
        return None
    at, end = _DAYS.index(first), _DAYS.index(last or first)
    return sum(1 << (at + more) % 7 for more in range((end - at) % 7 + 1))


def check(findings: Findings, key: str, lines: Iterable[Line]) -> None:
    """No quarter-hour may have two loads."""
    known = list(lines)
    for number, (days, first, end, _) in enumerate(known):
        for other, (their_days, their_first, their_end, _) in enumerate(known[:number]):
            if days & their_days and first < their_end and their_first < end:
                findings.add(f"{key}[{number}]",
                             f"{day_table.clock(first)} - {day_table.clock(end)}",
                             f"times that {key}[{other}] does not have")


def image(lines: Iterable[Line], extra: int, confidence_pm: int) -> list[list[int]]:
    """The lines as edge/plan/announced.py executes them."""
    return [[days, first, end, extra, kilowatts * 1000, confidence_pm]
            for days, first, end, kilowatts in lines]
