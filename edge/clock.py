"""The park's wall clock, in integers that never leave 31 bits.

Time is a UTC day number (days since 2000-01-01) and the second of that day. Local time is UTC
plus an offset; the site image carries the dated changes of that offset, so that a gateway needs
no time-zone database.
"""

from edge.compat import const

_DAY_S = const(86400)


class LocalTime:
    """Local day, second and month. `changes` is a list of (day, second, offset_s), oldest first;
    the first entry holds from the beginning of time."""

    def __init__(self, changes: list):
        self.changes = changes
        self._at = 0
        self._month_of_day = -(1 << 20)  # no day yet
        self._month = 0

    def tell(self, now):
        """Fill now.local_day, now.local_second and now.month from now.day and now.second."""
        at = self._at
        if not self._reached(self.changes[at], now):  # the clock was set back
            at = 0
        while at + 1 < len(self.changes) and self._reached(self.changes[at + 1], now):
            at += 1
        self._at = at
        second = now.second + self.changes[at][2]
        day = now.day
        if second < 0:
            second += _DAY_S
            day -= 1
        elif second >= _DAY_S:
            second -= _DAY_S
            day += 1
        now.local_day = day
        now.local_second = second
        if day != self._month_of_day:
            self._month_of_day = day
            self._month = month_of(day)
        now.month = self._month

    def _reached(self, change, now) -> bool:
        day = change[0]
        return now.day > day or (now.day == day and now.second >= change[1])


def month_of(day: int) -> int:
    """Months since 2000-01 of a day number (Gregorian; Hinnant, chrono-compatible low-level date
    algorithms: civil_from_days, with the era counted from 2000-03-01)."""
    days = day - 60  # days since 2000-03-01
    era = days // 146097
    of_era = days - era * 146097
    year = (of_era - of_era // 1460 + of_era // 36524 - of_era // 146096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    month = (5 * of_year + 2) // 153  # 0 = March
    return (era * 400 + year) * 12 + month + 2
