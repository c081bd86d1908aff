"""What the site's load did in the last four weeks: a ring of 28 days of 96 slots.

A slot that was missed keeps the value of four weeks before, the same weekday; a day counts as
remembered when nearly all of its slots were seen.
"""

from array import array

from edge.compat import const

SLOTS = const(96)  # of 15 minutes a day
DAYS = const(28)
_SEEN_MIN = const(88)  # a day with a clock change has 92
_WEEK = const(7)


class Memory:
    """`loads`: mean net load of each slot, quanta; `seen`: slots noted of each day."""

    def __init__(self):
        self.loads = array("h", bytes(2 * DAYS * SLOTS))
        self.seen = array("b", bytes(DAYS))
        self._newest = -1  # day last noted

    def note(self, day: int, slot: int, load: int):
        """Remember the load (quanta) of a slot (0 .. 95) that has ended, of a day (>= 0)."""
        if day != self._newest:
            self._turn(day)
        self.loads[self.at(day, slot)] = load
        if self.seen[day % DAYS] < SLOTS:
            self.seen[day % DAYS] += 1

    def at(self, day: int, slot: int) -> int:
        """Place of a slot in the ring; slots before 0 and beyond 95 are of the days beside."""
        return (day * SLOTS + slot) % (DAYS * SLOTS)

    def like(self, day: int, before: int) -> int:
        """The newest remembered day before `before` that is a working day, or not, as `day` is;
        -1 when the week before it holds none. Day 0, 2000-01-01, was a Saturday."""
        weekend, seen = (day + 5) % _WEEK > 4, self.seen
        past, last = before - 1, max(0, before - _WEEK, day - DAYS + 1)
        while past >= last:
            if seen[past % DAYS] >= _SEEN_MIN and ((past + 5) % _WEEK > 4) == weekend:
                return past
            past -= 1
        return -1

    def _turn(self, day: int):
        """Begin a day; the days skipped since the last one were not seen."""
        passed = self._newest
        if passed > day or passed < day - DAYS:
            passed = day - DAYS  # the first day, or a clock put back: nothing is certain
        while passed < day:
            passed += 1
            self.seen[passed % DAYS] = 0
        self._newest = day
