"""Which rule bound, how long and when, counted from journal rows a quarter-hour at a time."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Sequence

from edge.journal import FIELDS
from edge.snapshot import FAULT, UNPRICED, UNPUSHED

IDLE, GATE = -1, -2  # nobody insisted; the gate had the last word
_WIDTH = len(FIELDS)
_LO_W, _LO_BY, _HI_W, _HI_BY, _CHOSEN, _COMMAND, _FLAGS, _VERDICT = map(FIELDS.index, (
    "lo_w", "lo_by", "hi_w", "hi_by", "chosen_w", "command_w", "flags", "verdict"))


class Bounds:
    """Beats by the number of the rule that set a bound, and by the one the command came from.

    `strip` names for each quarter-hour whose command stood longest; `examples` keeps of each rule
    the row in which it moved the battery most.
    """

    def __init__(self) -> None:
        self.beats = 0
        self.low: Counter[int] = Counter()
        self.high: Counter[int] = Counter()
        self.ruled: Counter[int] = Counter()
        self.verdicts: Counter[int] = Counter()  # of the gate
        self.strip: list[int] = []
        self.examples: dict[int, array[int]] = {}
        self.opening: array[int] = array("i")  # the first row
        self.fault: array[int] | None = None  # the first row with the flag
        self.unpriced = self.unpushed = 0  # quarter-hours that end with the flag

    def take(self, rows: array[int]) -> None:
        """Count the rows of one quarter-hour."""
        if not self.opening:
            self.opening = rows[:_WIDTH]
        self.low.update(rows[_LO_BY::_WIDTH])
        self.high.update(rows[_HI_BY::_WIDTH])
        self.verdicts.update(rows[_VERDICT::_WIDTH])
        ruled = [GATE if command != chosen else low_by if low > 0 else high_by if high < 0 else IDLE
                 for low, low_by, high, high_by, chosen, command in zip(
                     rows[_LO_W::_WIDTH], rows[_LO_BY::_WIDTH], rows[_HI_W::_WIDTH],
                     rows[_HI_BY::_WIDTH], rows[_CHOSEN::_WIDTH], rows[_COMMAND::_WIDTH],
                     strict=True)]
        counted = Counter(ruled)
        self.beats += len(ruled)
        self.ruled.update(counted)
        self.strip.append(counted.most_common(1)[0][0])
        for who in counted:
            self._keep(who, rows, ruled.index(who))
        flags = rows[_FLAGS - _WIDTH]
        self.unpriced += bool(flags & UNPRICED)
        self.unpushed += bool(flags & UNPUSHED)
        if self.fault is None and any(flags & FAULT for flags in rows[_FLAGS::_WIDTH]):
            self.fault = next(row for row in _split(rows) if row[_FLAGS] & FAULT)

    def _keep(self, who: int, rows: array[int], number: int) -> None:
        old = self.examples.get(who)
        chosen_w = rows[number * _WIDTH + _CHOSEN]
        if old is None or abs(chosen_w) > abs(old[_CHOSEN]):
            self.examples[who] = rows[number * _WIDTH:(number + 1) * _WIDTH]


def _split(rows: array[int]) -> Sequence[array[int]]:
    return [rows[i:i + _WIDTH] for i in range(0, len(rows), _WIDTH)]
