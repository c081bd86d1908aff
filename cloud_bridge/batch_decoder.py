"""The rows in a batch of version 2 or 3, read as edge/wire/batch.py and quanta.py write them. A
field without a quantum is read as one that moves in steps of 1, which is the same.

Nothing here trusts the sender: any bytes are rows or `BadCode` with the reason, at most 255 rows
of 127 fields. The code leaves no choice: these rows, in these parts, are coded in these bytes and
no others.
"""

from __future__ import annotations

from cloud_bridge.batch_body import BadCode, Entry, Part, opened
from cloud_bridge.range_decoder import RangeDecoder
from cloud_bridge.row_terms import (
    ABSOLUTE,
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

FASTER = 3  # does a level move in the first rows
_I32 = range(-0x80000000, 0x80000000)


def decode(body: bytes) -> list[list[int]]:
    """The rows of a batch; BadCode when it is none."""
    entries, parts = opened(body)
    reader = _Reader(entries)
    for part in parts:
        reader.read(part)
    return reader.rows


class _Field:
    """What is known of a field; `a` and `b` are others."""

    def __init__(self, entry: Entry, known: dict[int, _Field]) -> None:
        self.field, self.kind, self.quantum = entry.field, entry.kind, entry.quantum
        self.level, self.first = in_steps(entry.level, entry.first, entry.quantum)
        self.value, self.odd, self.ahead = entry.start << entry.first, 0, 0
        self.a, self.b = known.get(entry.a, self), known.get(entry.b, self)
        self.of_a, self.of_b = weight(entry.of_a), weight(entry.of_b)
        self.ratio = self.of_b << 3
        self.was = self.part = self.growth = 0

    def begin(self, code: RangeDecoder) -> int:
        """Read the value in the first row."""
        before = self.a.value if self.kind == ALIKE else self.value
        if self.kind > TIME:
            self.was = self._flow()
        self.part = self.of_b if self.kind <= EXPORT else 0
        size, _ = code.coded(REACH, 0)
        if size == REACH:
            self.value, _ = told(code, self.first, before, before, self.quantum)
        else:
            steps = (size << self.first) + code.bits(self.first)
            self.value = _reached(before, before, steps, self.quantum)
        return self.value

    def next(self, code: RangeDecoder, number: int) -> int:
        """Read the value in row `number`, which is not the first."""
        before = self.value
        growth, part = self._expected()
        expected = before + growth + self.ahead
        steps: int | None = 0
        if self.level < WAKE and code.quiet():
            self.value = _reached(before, expected, 0, self.quantum)
        else:
            steps = self._surprise(code, before, expected, number)
        odd = self._surprised(steps, expected) if steps or self.quantum > 1 else 0
        if self.kind <= ALIKE:
            self._follow(odd, number)
        elif self.kind == TIME:
            known = 0 <= before < DAY_S and 0 <= self.value < DAY_S
            self.growth = (self.value - before) % DAY_S if known else 0
        elif self.kind <= EXPORT:
            self.part = part % UNIT if odd == 0 else 0 if odd > 0 else UNIT - 1
        elif self.kind == RATIO:
            self._adjust(odd, number, part)
        return self.value

    def _surprise(self, code: RangeDecoder, before: int, expected: int, number: int) -> int | None:
        woken = self.level < WAKE
        level = WOKEN if woken else self.level
        left, middle = ROUNDED[level >> 3], MIDDLE[level >> 3]
        joined = left if left < JOINED else 0
        size, bits = code.coded(middle, joined) if left else (code.surprise(middle), 0)
        if size == (REACH if left else EDGE):
            if bits:
                raise BadCode("bits of nothing")
            self.value, steps = told(code, left, before, expected, self.quantum)
        else:
            steps = (size << left) + (code.bits(left) if left >= JOINED else bits)
            self.value = _reached(before, expected, steps, self.quantum)
            if woken and steps == 0:
                raise BadCode("surprise of nothing")
        step = STEPS[middle + size]
        self.level = min(level, LEVEL_MAX) + (step if number >= EARLY else FASTER * step)
        return steps

    def _surprised(self, steps: int | None, expected: int) -> int:
        """What is learned from so many steps of surprise (None: it was told in full), in units;
        and how far a counter is ahead of what was told from then on."""
        self.ahead = 0
        if steps is None:
            return 0
        if self.kind > TIME:
            self.ahead = expected - self.value
            if steps:  # as near as it can be
                half = self.quantum >> 1
                self.ahead = -half if steps > 0 else self.quantum - 1 - half
        odd = self.value + self.ahead - expected if steps else 0
        return odd if abs(odd) < LINK_MAX else 0

    def _flow(self) -> int:
        """The value of `a` as a counter follows it; a power, as far as it has this direction."""
        now = -self.a.value if self.kind == EXPORT else self.a.value
        return now if self.kind > EXPORT or 0 < now < POWER_MAX_W else 0

    def _expected(self) -> tuple[int, int]:
        """How much it is to grow, and the same in parts of its unit."""
        if self.kind < LINKED:
            return 0, 0
        if self.kind <= ALIKE:
            return self.of_a * self.a.odd + self.of_b * self.b.odd + 128 >> 8, 0
        if self.kind == TIME:
            past = self.growth and self.value + self.growth >= DAY_S
            return self.growth - (DAY_S if past else 0), 0
        was, self.was = self.was, self._flow()
        if self.kind == CARRY:
            return int(self.was < was), 0
        if self.kind == TICKS:
            return self.a.growth * 1000, 0
        part = 0
        if self.kind == RATIO:
            self.growth = self.was - was
            if not 0 < self.growth < MORE_MAX:
                self.growth = 0
            else:
                part = self.growth * self.ratio + self.part
            return part >> 12, part
        if self.b.growth < 512:
            part = (self.was + was >> 4) * self.b.growth + self.part
        return part // UNIT, part

    def _follow(self, odd: int, number: int) -> None:
        self.odd = odd
        if self.kind >= LINKED and number % 2 and odd:
            if self.a.odd:
                self.of_a += 8 if odd ^ self.a.odd >= 0 else -8
            if self.of_b and self.b.odd:
                self.of_b += 8 if odd ^ self.b.odd >= 0 else -8

    def _adjust(self, odd: int, number: int, part: int) -> None:
        if self.growth:
            by = self.growth if number > 1 else self.growth + 3 >> 2
            ratio = self.ratio + odd * 1024 // by
            if 0 <= ratio < 1 << 14:
                self.ratio = ratio
        self.part = part & 4095 if odd == 0 else 0 if odd > 0 else 4095


class _Reader:
    """What has been learned, and the rows read so far."""

    def __init__(self, entries: tuple[Entry, ...]) -> None:
        self.rows: list[list[int]] = []
        self._fields: dict[int, _Field] = {}
        for entry in entries:
            self._fields[entry.field] = _Field(entry, self._fields)

    def read(self, part: Part) -> None:
        """Read its rows."""
        code = RangeDecoder(part.code)
        try:
            for number in range(len(self.rows), len(self.rows) + part.rows):
                row = [0] * len(self._fields)
                for field in self._fields.values():
                    row[field.field] = field.next(code, number) if number else field.begin(code)
                code.settle()
                self.rows.append(row)
        except IndexError:
            raise BadCode(f"code ends within row {len(self.rows)}") from None
        except BadCode as error:
            raise BadCode(f"{error} in row {len(self.rows)}") from None
        if not code.at_end():
            raise BadCode(f"code is longer or shorter than its {part.rows} rows need")


def told(code: RangeDecoder, left: int, before: int, expected: int, quantum: int
         ) -> tuple[int, int | None]:
    """Read a value that no table holds, and its surprise in steps, None when it is told in full."""
    n = code.bits(5)
    if n == ABSOLUTE:
        value = code.bits(16) << 16 | code.bits(16)
        value -= value >> 31 << 32
        if value % quantum == 0 and -FAR < value - before < FAR:
            raise BadCode("value told in more bits than it needs")
        return value, None
    bits = code.bits(n)
    if n == 0:
        raise BadCode("surprise of no bits")
    steps = 1 << n - 1 | bits >> 1
    steps = -steps if bits & 1 else steps
    if -REACH <= steps >> left < REACH if left else -EDGE < steps < EDGE:
        raise BadCode("surprise told in more bits than it needs")
    return _reached(before, expected, steps, quantum), steps


def _reached(before: int, expected: int, steps: int, quantum: int) -> int:
    """The value so many steps from where it is expected; BadCode when it is told otherwise."""
    value = expected + steps
    if quantum > 1:
        value = ((expected + (quantum >> 1)) // quantum + steps) * quantum
    if not -FAR < value - before < FAR or value not in _I32:
        raise BadCode(f"growth of {value - before}")
    return value
