"""The time that stands beside a value: UTC, or the site's local time."""

from edge.compat import const
from edge.ticks import ticks_diff
from edge.wire.iec104 import put_time

_DAY_S = const(86_400)


class Clock:
    """Of one site. It is the time of the last beat and what has passed since; `day` and `second`
    are UTC and what edge/clock.py turns into the local ones."""

    def __init__(self, site, is_local: int):
        self.day = self.second = self.local_day = self.local_second = self.month = 0
        self._site = site
        self._is_local = is_local
        self._offset_s = 0
        for change in site.clock.changes:  # the least of a zone's offsets is not summer's
            if self._offset_s > change[2] or change is site.clock.changes[0]:
                self._offset_s = change[2]

    def now(self, now_ms: int) -> "tuple[int, int]":
        """UTC: the day, and ms of it."""
        now = self._site.now
        ms = now.second * 1000 + ticks_diff(now_ms, now.row[2])
        if ms < 0:
            ms = 0
        return now.day + ms // (_DAY_S * 1000), ms % (_DAY_S * 1000)

    def put(self, buf: bytearray, at: int, day: int, ms: int) -> int:
        """Write CP56Time2a of a UTC moment; returns the end."""
        is_summer = False
        if self._is_local:
            self.day, self.second = day, ms // 1000
            self._site.clock.tell(self)
            offset_s = (self.local_day - day) * _DAY_S + self.local_second - self.second
            is_summer = offset_s > self._offset_s
            day, ms = self.local_day, self.local_second * 1000 + ms % 1000
        return put_time(buf, at, day, ms, is_summer, self._site.clock_set)
