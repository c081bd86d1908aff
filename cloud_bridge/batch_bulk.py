"""Many batches at once: the same steps as cloud_bridge/batch_decoder.py, each for all batches of a
schema, with numpy where it is installed.

A batch that is in any way odd (refused, or with a value told in full) is read by the plain decoder
in the end, so that there is one judge.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cloud_bridge.batch_body import BadCode, Entry, opened
from cloud_bridge.batch_decoder import FIRST_TABLE, decode
from cloud_bridge.range_decoder import lookup
from cloud_bridge.range_lanes import Lanes
from edge.wire.batch import weight
from edge.wire.range_encoder import _BITS as BITS
from edge.wire.row_encoder import (
    _ALIKE as ALIKE,
)
from edge.wire.row_encoder import (
    _CARRY as CARRY,
)
from edge.wire.row_encoder import (
    _DAY_S as DAY_S,
)
from edge.wire.row_encoder import (
    _EDGE as EDGE,
)
from edge.wire.row_encoder import (
    _EXPORT as EXPORT,
)
from edge.wire.row_encoder import (
    _LEVEL_MAX as LEVEL_MAX,
)
from edge.wire.row_encoder import (
    _LINK_MAX as LINK_MAX,
)
from edge.wire.row_encoder import (
    _LINKED as LINKED,
)
from edge.wire.row_encoder import (
    _MORE_MAX as MORE_MAX,
)
from edge.wire.row_encoder import (
    _POWER_MAX_W as POWER_MAX_W,
)
from edge.wire.row_encoder import (
    _QUIET as QUIET,
)
from edge.wire.row_encoder import (
    _RATIO as RATIO,
)
from edge.wire.row_encoder import (
    _TICKS as TICKS,
)
from edge.wire.row_encoder import (
    _TIME as TIME,
)
from edge.wire.row_encoder import (
    _UNIT as UNIT,
)
from edge.wire.row_encoder import (
    _WAKE as WAKE,
)
from edge.wire.row_encoder import (
    _WOKEN as WOKEN,
)
from edge.wire.spread import MIDDLE, ROUNDED, STARTS, STEPS, WIDTHS

try:
    import numpy as np
except ImportError:  # one after the other, then
    np = None  # type: ignore[assignment]

AT_ONCE = 512
_FEW = 16  # fewer are sooner read one by one
_NEAR = (1 << 28) - (1 << 17)  # a growth below that is never told as a value


def decode_all(bodies: Sequence[bytes]) -> list[list[list[int]] | BadCode]:
    """The rows of each body, or what is wrong with it."""
    found: list[list[list[int]] | BadCode | None] = [None] * len(bodies)
    groups: dict[int, list[int]] = {}
    for number, body in enumerate(bodies):
        groups.setdefault(body[1] if len(body) > 1 else 0, []).append(number)
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


def _together(bodies: Sequence[bytes], numbers: list[int]) -> list[tuple[int, list[list[int]]]]:
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
    lanes.begin_row(0)
    return [(number, table[:rows, :, lane].tolist())
            for lane, (rows, number, _) in enumerate(opens) if not lanes.bad[lane]]


class _Column:
    """What is known of a field in all lanes; see _Field of the plain decoder."""

    def __init__(self, entry: Entry, known: dict[int, _Column], n: int) -> None:
        def full(value: int) -> Any:
            return np.full(n, value, np.int64)

        self.field, self.kind, self.first = entry.field, entry.kind, entry.first
        self.value, self.level = full(entry.start << entry.first), full(entry.level)
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
            expected: Any = np.zeros(n, np.int64)
            part = expected
        else:
            before, (expected, part) = self.value[:n].copy(), self._expected(n)
        odd = self._surprise(lanes, number, before, expected)
        if number == 0:
            return self.value[:n]
        if self.kind <= ALIKE:
            self._follow(odd, n)
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
        """Read what surprises, and set value and level by it."""
        n = len(before)
        level = self.level[:n]
        span, code = lanes.span[:n] >> 12, lanes.code[:n]
        quiet, woken = None, None
        if number == 0:
            table, left = np.full(n, FIRST_TABLE), np.full(n, self.first)
        else:
            sleeping = level < WAKE
            if sleeping.any():
                quiet = sleeping & (code < span * QUIET)
                if quiet.all():
                    lanes.span[:n] = span * QUIET
                    lanes.refill(n)
                    self.value[:n] = before + expected
                    return np.zeros(n, np.int64)
                woken = sleeping & ~quiet
                code = np.where(woken, code - span * QUIET, code)
                rest = span * (4096 - QUIET)
                lanes.bad[:n] |= woken & (code >= rest)
                quiet_span = span * QUIET
                quiet_code = lanes.code[:n].copy()
                span = np.maximum(np.where(woken, rest >> 12, span), 1)
                level = np.where(sleeping, WOKEN, level)
            half = level >> 3
            left = _ROUNDED[half]
            table = _TABLE[half]
        chosen = code // span
        lanes.bad[:n] |= (chosen > 4095) if quiet is None else (chosen > 4095) & ~quiet
        size = _SIZES[table << 12 | np.minimum(chosen, 4095)].astype(np.int64)
        place = table * 2 * EDGE + size
        lanes.code[:n] = code - span * _STARTS[place]
        lanes.span[:n] = span * _WIDTHS[place]
        far = size == 2 * EDGE - 1
        if quiet is not None:
            lanes.code[:n] = np.where(quiet, quiet_code, lanes.code[:n])
            lanes.span[:n] = np.where(quiet, quiet_span, lanes.span[:n])
            far &= ~quiet
        lanes.refill(n)
        read = np.where(far, 0, left)
        if quiet is not None:
            read = np.where(quiet, 0, read)
        size += 1 - EDGE
        odd = (size << left) + lanes.bits(read, n) - (1 << left >> 1)
        if quiet is not None:
            odd = np.where(quiet, 0, odd)
            lanes.bad[:n] |= woken & ~far & (odd == 0)
        growth = expected + odd
        value = before + growth
        lanes.bad[:n] |= ~far & ((np.abs(growth) >= _NEAR) | (value != value.astype(np.int32)))
        for lane in np.flatnonzero(far).tolist():
            value[lane], odd[lane] = lanes.told(lane, int(left[lane]), int(before[lane]),
                                                int(expected[lane]))
        self.value[:n] = value
        if number:
            level = np.where(far | (left > BITS), np.minimum(level, LEVEL_MAX), level)
            level = level + _STEPS[place] * (3 if number < 4 else 2 if number < 12 else 1)
            self.level[:n] = level if quiet is None else np.where(quiet, self.level[:n], level)
        return odd

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
            growth = growth - np.where(value + growth >= DAY_S, DAY_S, 0)
            return np.where((value >= 0) & (value < DAY_S), growth, 0), none
        was = self.was[:n].copy()
        now = self.was[:n] = self._flow(n)
        if self.kind == CARRY:
            return (now < was).astype(np.int64), none
        if self.kind == TICKS:
            return self.a.growth[:n] * 1000, none
        if self.kind == RATIO:
            steps = (now >> 15) - (was >> 15)
            growth = now - was
            known = (growth > 0) & (growth < MORE_MAX) & (steps >= 0) & (steps < 2)
            self.growth[:n] = np.where(known, growth, 0)
            part = np.where(known, growth * self.ratio[:n] + self.part[:n], 0)
            return part >> 12, part
        seconds = self.b.growth[:n]
        part = np.where(seconds < 512, (now + was >> 4) * seconds + self.part[:n], 0)
        return part // UNIT, part

    def _follow(self, odd: Any, n: int) -> None:
        if self.kind >= LINKED:
            towards = np.sign(odd) * 8
            self.of_b[:n] += np.where(self.of_b[:n] != 0, towards * np.sign(self.b.odd[:n]), 0)
            self.of_a[:n] += towards * np.sign(self.a.odd[:n])
        self.odd[:n] = np.where(np.abs(odd) < LINK_MAX, odd, 0)

    def _adjust(self, odd: Any, number: int, part: Any, n: int) -> None:
        growth = self.growth[:n]
        by = np.maximum(growth if number > 1 else growth + 3 >> 2, 1)
        ratio = self.ratio[:n] + odd * 1024 // by
        kept = (growth > 0) & (np.abs(odd) < MORE_MAX) & (ratio >= 0) & (ratio < 1 << 14)
        self.ratio[:n] = np.where(kept, ratio, self.ratio[:n])
        self.part[:n] = np.where(odd == 0, part & 4095, np.where(odd > 0, 0, 4095))


def _constants(make: Callable[[Any], Any]) -> tuple[Any, ...]:
    return tuple(map(make, (STARTS, WIDTHS, STEPS, list(ROUNDED),
                            [place // (2 * EDGE) for place in MIDDLE])))


if np is not None:
    _STARTS, _WIDTHS, _STEPS, _ROUNDED, _TABLE = _constants(lambda some: np.array(some, np.int64))
    _SIZES = np.frombuffer(lookup(), np.uint8)
