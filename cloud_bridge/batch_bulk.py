"""Many batches at once: the same steps as cloud_bridge/batch_decoder.py, each for all batches of a
schema, with numpy where it is installed.

A batch that is in any way odd (refused, or with a value told in full) is read by the plain decoder
in the end, so that there is one judge.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cloud_bridge.batch_body import BadCode, Entry, head, opened
from cloud_bridge.batch_decoder import FASTER, decode
from cloud_bridge.range_lanes import Lanes
from cloud_bridge.row_terms import (
    ALIKE,
    CARRY,
    DAY_S,
    EARLY,
    EDGE,
    EXPORT,
    FAR,
    JOINED,
    LEVEL_MAX,
    LINK_MAX,
    LINKED,
    MORE_MAX,
    POWER_MAX_W,
    RATIO,
    REACH,
    TICKS,
    TIME,
    UNIT,
    WAKE,
    WOKEN,
    in_steps,
)
from edge.wire.batch import weight
from edge.wire.spread import MIDDLE, ROUNDED, STEPS

try:
    import numpy as np
except ImportError:  # one after the other, then
    np = None  # type: ignore[assignment]

AT_ONCE = 512
_FEW = 16  # fewer are sooner read one by one


def decode_all(bodies: Sequence[bytes]) -> list[list[list[int]] | BadCode]:
    """The rows of each body, or what is wrong with it."""
    return [one if isinstance(one, list | BadCode) else one.tolist() for one in tables(bodies)]


def is_fast() -> bool:
    """Whether numpy is installed."""
    return np is not None


def tabled(rows: list[list[int]]) -> Any:
    """Rows as an array of 32 bits, a row a line, where numpy is."""
    return rows if np is None else np.array(rows, np.int32)


def tables(bodies: Sequence[bytes]) -> list[Any]:
    """As decode_all, and rows that were read side by side as such arrays."""
    found: list[Any] = [None] * len(bodies)
    groups: dict[bytes, list[int]] = {}
    for number, body in enumerate(bodies):
        groups.setdefault(head(body), []).append(number)
    for numbers in groups.values():
        for at in range(0, len(numbers), AT_ONCE):
            some = numbers[at:at + AT_ONCE]
            if np is not None and len(some) >= _FEW:
                for number, rows in _together(bodies, some):
                    found[number] = rows
    return [_alone(body) if rows is None else rows
            for body, rows in zip(bodies, found, strict=True)]


def _alone(body: bytes) -> list[list[int]] | BadCode:
    try:
        return decode(body)
    except BadCode as error:
        return error


def _together(bodies: Sequence[bytes], numbers: list[int]) -> list[tuple[int, Any]]:
    """Number and rows of those that are as they should be."""
    opens = []
    for number in numbers:
        try:
            entries, parts = opened(bodies[number])
            opens.append((sum(part.rows for part in parts), number, parts))
        except BadCode:  # the plain decoder says so again
            continue
    if not opens:
        return []
    opens.sort(key=lambda one: -one[0])
    lanes = Lanes([parts for _, _, parts in opens])
    fields: dict[int, _Column] = {}
    for entry in entries:
        fields[entry.field] = _Column(entry, fields, len(opens))
    n_rows = [rows for rows, _, _ in opens]
    table = np.zeros((n_rows[0], len(fields), len(opens)), np.int64)
    for number in range(n_rows[0]):
        n = sum(rows > number for rows in n_rows)  # the longest come first
        lanes.begin_row(n)
        for field in fields.values():
            table[number, field.field, :n] = field.read(lanes, number, n)
        lanes.refill(slice(0, n))
    lanes.begin_row(0)
    apart = np.ascontiguousarray(table.transpose(2, 0, 1), np.int32)
    return [(number, apart[lane, :rows])
            for lane, (rows, number, _) in enumerate(opens) if not lanes.bad[lane]]


class _Column:
    """What is known of a field in all lanes; see _Field of the plain decoder."""

    def __init__(self, entry: Entry, known: dict[int, _Column], n: int) -> None:
        def full(value: int) -> Any:
            return np.full(n, value, np.int64)

        self.field, self.kind, self.quantum = entry.field, entry.kind, entry.quantum
        level, self.first = in_steps(entry.level, entry.first, entry.quantum)
        self.value, self.level, self.ahead = full(entry.start << entry.first), full(level), full(0)
        self.odd, self.was, self.part, self.growth = full(0), full(0), full(0), full(0)
        self.a, self.b = known.get(entry.a, self), known.get(entry.b, self)
        self.of_a, self.of_b = full(weight(entry.of_a)), full(weight(entry.of_b))
        self.ratio = self.of_b << 3

    def read(self, lanes: Lanes, number: int, n: int) -> Any:
        """The values of the first n lanes in a row."""
        if number == 0:
            before = self.a.value[:n].copy() if self.kind == ALIKE else self.value[:n]
            if self.kind > TIME:
                self.was[:n] = self._flow(n)
            self._surprise(lanes, number, before, before)
            return self.value[:n]
        before, (growth, part) = self.value[:n].copy(), self._expected(n)
        odd = self._surprise(lanes, number, before, before + growth + self.ahead[:n])
        if self.kind <= ALIKE:
            self._follow(odd, number, n)
        elif self.kind == TIME:
            now = self.value[:n]
            known = (before >= 0) & (before < DAY_S) & (now >= 0) & (now < DAY_S)
            self.growth[:n] = np.where(known, (now - before) % DAY_S, 0)
        elif self.kind <= EXPORT:
            self.part[:n] = np.where(odd == 0, part % UNIT, np.where(odd > 0, 0, UNIT - 1))
        elif self.kind == RATIO:
            self._adjust(odd, number, part, n)
        return self.value[:n]

    def _surprise(self, lanes: Lanes, number: int, before: Any, expected: Any) -> Any:
        """Read what surprises, and set value and level by it; what is learned from it."""
        n = len(before)
        lane = np.arange(n)
        woken = np.zeros(n, bool)
        if number == 0:
            left, middle = np.full(n, self.first), np.full(n, REACH)
            joined = np.zeros(n, np.int64)
        else:
            level = self.level[:n].copy()
            sleeping = np.flatnonzero(level < WAKE)
            if len(sleeping):
                awake = np.ones(n, bool)
                awake[sleeping] = woken[sleeping] = ~lanes.quiet(sleeping)
                level[sleeping] = WOKEN
                lane = np.flatnonzero(awake)
            left, middle = _ROUNDED[level >> 3], _MIDDLE[level >> 3]
            joined = np.where(left < JOINED, left, 0)
        size, bits = np.zeros(n, np.int64), np.zeros(n, np.int64)
        stepped = left[lane] > 0
        some, rest = lane[stepped], lane[~stepped]
        if len(some):
            size[some], bits[some] = lanes.coded(some, middle[some], joined[some])
        if len(rest):
            size[rest] = lanes.surprise(rest, middle[rest])
        far = np.zeros(n, bool)
        far[lane] = size[lane] == np.where(stepped, REACH, EDGE)
        lanes.bad[:n] |= far & (bits != 0)
        apart = lane[stepped & ~far[lane] & (joined[lane] == 0)]
        if len(apart):
            bits[apart] = lanes.bits(apart, left[apart])
        steps = (size << left) + bits
        lanes.bad[:n] |= woken & ~far & (steps == 0)
        quantum, half = self.quantum, self.quantum >> 1
        value = expected + steps
        if half:
            value = ((expected + half) // quantum + steps) * quantum
        lanes.bad[:n] |= ~far & ((np.abs(value - before) >= FAR)
                                 | (value != value.astype(np.int32)))
        in_full = some = np.flatnonzero(far)
        if len(some):
            value[some], steps[some], whole = lanes.told(some, left[some], before[some],
                                                         expected[some], quantum)
            in_full = some[whole]
        self.value[:n] = value
        if number:
            step = _STEPS[(middle + size)[lane]]
            self.level[lane] = np.minimum(level[lane], LEVEL_MAX) + (
                step if number >= EARLY else FASTER * step)
        if half == 0:
            return np.where(np.abs(steps) < LINK_MAX, steps, 0)
        ahead = np.zeros(n, np.int64)
        if number and self.kind > TIME:
            ahead = np.where(steps > 0, -half, np.where(steps < 0, quantum - 1 - half,
                                                        expected - value))
            ahead[in_full] = 0
        self.ahead[:n] = ahead
        odd = np.where(steps == 0, 0, value + ahead - expected)
        return np.where(np.abs(odd) < LINK_MAX, odd, 0)

    def _flow(self, n: int) -> Any:
        now = -self.a.value[:n] if self.kind == EXPORT else self.a.value[:n]
        return now if self.kind > EXPORT else np.where((now > 0) & (now < POWER_MAX_W), now, 0)

    def _expected(self, n: int) -> tuple[Any, Any]:
        none = np.zeros(n, np.int64)
        if self.kind < LINKED:
            return none, none
        if self.kind <= ALIKE:
            return (self.of_a[:n] * self.a.odd[:n] + self.of_b[:n] * self.b.odd[:n] + 128
                    >> 8), none
        value = self.value[:n]
        if self.kind == TIME:
            growth = self.growth[:n]
            past = (growth != 0) & (value + growth >= DAY_S)
            return growth - np.where(past, DAY_S, 0), none
        was = self.was[:n].copy()
        now = self.was[:n] = self._flow(n)
        if self.kind == CARRY:
            return (now < was).astype(np.int64), none
        if self.kind == TICKS:
            return self.a.growth[:n] * 1000, none
        if self.kind == RATIO:
            growth = now - was
            known = (growth > 0) & (growth < MORE_MAX)
            self.growth[:n] = np.where(known, growth, 0)
            part = np.where(known, growth * self.ratio[:n] + self.part[:n], 0)
            return part >> 12, part
        seconds = self.b.growth[:n]
        part = np.where(seconds < 512, (now + was >> 4) * seconds + self.part[:n], 0)
        return part // UNIT, part

    def _follow(self, odd: Any, number: int, n: int) -> None:
        if self.kind >= LINKED and number % 2:
            towards = np.sign(odd) * 8
            self.of_b[:n] += np.where(self.of_b[:n] != 0, towards * np.sign(self.b.odd[:n]), 0)
            self.of_a[:n] += towards * np.sign(self.a.odd[:n])
        self.odd[:n] = odd

    def _adjust(self, odd: Any, number: int, part: Any, n: int) -> None:
        growth = self.growth[:n]
        by = np.maximum(growth if number > 1 else growth + 3 >> 2, 1)
        ratio = self.ratio[:n] + odd * 1024 // by
        kept = (growth > 0) & (ratio >= 0) & (ratio < 1 << 14)
        self.ratio[:n] = np.where(kept, ratio, self.ratio[:n])
        self.part[:n] = np.where(odd == 0, part & 4095, np.where(odd > 0, 0, 4095))


def _constants(make: Callable[[Any], Any]) -> tuple[Any, ...]:
    return tuple(map(make, (STEPS, list(ROUNDED), MIDDLE)))


if np is not None:
    _STEPS, _ROUNDED, _MIDDLE = _constants(lambda some: np.array(some, np.int64))
