"""Codes the fields of a row: each is predicted, and only the surprise is told.

A field that has long been as expected takes 127 of 128 parts of the interval to be so again.
Another one has a level, its mean surprise: with a low one the surprise is looked up in a table of
the range coder, with a high one it has a code of whole bits, one product instead of three.

One long method, and no small ones: on a gateway a call costs as much as six operations.
"""

from array import array

from edge.compat import TYPE_CHECKING, const
from edge.wire.range_encoder import RangeEncoder
from edge.wire.spread import MIDDLE, ROUNDED, STARTS, STEPS, WIDTHS

if TYPE_CHECKING:
    from collections.abc import Callable

# Kinds: what a field is expected to do.
_STAY = const(0)  # stay as it was
_NOTED = const(1)  # the same; other fields follow what surprises in it
_LINKED = const(2)  # follow what surprised in field a of this row, and in field b
_ALIKE = const(3)  # the same; in the first row it is near field a
_TIME = const(4)  # go on as fast as before, second of a day
_IMPORT = const(5)  # grow by the positive part of the power a [W] over the seconds of b, in Wh
_EXPORT = const(6)  # by the negative part
_CARRY = const(7)  # grow by one when field a begins again from a smaller number
_RATIO = const(8)  # grow as field a does, times what that has been so far
_TICKS = const(9)  # grow by a thousand for each second of a

_DAY_S = const(86400)
_EDGE = const(12)  # surprises of 12 and more are told by their length,
_REACH = const(16)  # or of 16 and more steps
_JOINED = const(8)  # fewer bits below a step are one number with its code
_WAKE = const(8)  # below that level a field has long been as expected
_QUIET = const(7)  # and is so again, but for one in 2^7
_WOKEN = const(48)  # its level when it was not
_STEPPED = const(-16)  # no level; from here down, the places of fields that move in steps
_LEVEL_MAX = const(334)  # so that at most 18 bits are below a step, which are told at once
_LINK_MAX = const(1 << 17)  # larger surprises are not learned from:
_TAME = const(12)  # with so many bits below a step, none is told by a code
_POWER_MAX_W = const(1 << 23)
_UNIT = const(450)  # a Wh, where two powers are summed in units of 16 W
_MORE_MAX = const(32768)  # of a counter in a row, for another to follow it
_ABSOLUTE = const(31)  # no surprise has so many bits: the value itself follows
_FAR = const(1 << 28)  # no growth told as a surprise is as large
_BOTTOM = const(1 << 20)  # the range encoder's, which costs a fifth less spelled out here
_LOW = const((1 << 20) - 1)
_TABLES = (MIDDLE, ROUNDED, STARTS, WIDTHS, STEPS)
_EARLY = const(12)  # rows in which levels move faster
_EARLY_STEPS = array("b", [3 * step for step in STEPS])


class RowEncoder(RangeEncoder):
    """What is known of a field is a list: kind, field, last value, level, last surprise (before the
    first row: by how many bits that is uncertain), and of kinds from _LINKED on four things more,
    see `_next`.
    """

    rows: int
    _step: "Callable[[int, int, int, int], int]"  # of edge/wire/quanta.py, where a field has one

    def _first(self, group, row: "array[int]") -> None:
        """Code these fields of the first row."""
        for state in group:
            kind, field, before, level, left, more = state
            if kind == _ALIKE:
                before = more[0][2]
            elif kind > _TIME:
                size = -more[0][2] if kind == _EXPORT else more[0][2]
                more[2] = size if kind > _EXPORT or 0 < size < _POWER_MAX_W else 0
            value = row[field]
            state[2] = value
            state[4] = 0
            odd = value - before
            if level <= _STEPPED:
                self._step(level, value, before, odd)
                continue
            size = odd >> left
            if -_REACH <= size < _REACH and -_FAR < odd < _FAR:
                place = _REACH + size
                self._bits(STARTS[place] + size, WIDTHS[place])
                self._bits(odd, left)
            else:
                self._bits(STARTS[2 * _REACH], WIDTHS[2 * _REACH])
                self._tell(value, before, odd)

    def _next(self, group, row: "array[int]") -> None:
        """Code these fields of a row that is not the first."""
        # A gateway has the first sixteen names at hand, others cost half as much again.
        span, low, at = self._span, self._low, self._at
        size = odd = place = left = level = kind = value = before = state = more = 0
        x = y = odd_a = odd_b = part = now = 0
        middle, rounded, starts, widths, steps = _TABLES
        buffer, rows = self.buffer, self.rows
        learns = rows & 1
        if rows < _EARLY:
            steps = _EARLY_STEPS
        for state in group:
            kind, field, before, level, odd, more = state
            value = row[field]
            # 1. The surprise: how much more it has grown than it was expected to.
            odd = value - before
            if more:
                a, b, x, y = more
                if kind <= _ALIKE:  # x, y: weights of a and b
                    odd_a = a[4]
                    part = x * odd_a + 128
                    odd_b = 0
                    if y:
                        odd_b = b[4]
                        part += y * odd_b
                    odd -= part >> 8
                elif kind == _TIME:  # x: growth
                    odd -= x
                    if x and before + x >= _DAY_S:
                        odd += _DAY_S
                elif kind <= _EXPORT:  # x: power before, y: part of which is below a unit
                    now = a[2] if kind == _IMPORT else -a[2]
                    if not 0 < now < _POWER_MAX_W:
                        now = 0
                    more[2] = now
                    size = b[5][2]  # seconds
                    part = 0
                    if size < 512:
                        part = (now + x >> 4) * size + y
                        odd -= part // _UNIT
                else:  # b: part below a unit, x: a's value before, y: ratio
                    now = a[2]
                    more[2] = now
                    if kind == _CARRY:
                        if now < x:
                            odd -= 1
                    elif kind == _TICKS:
                        odd -= a[5][2] * 1000
                    else:
                        now -= x
                        part = 0
                        if 0 < now < _MORE_MAX:
                            part = now * y + b
                            odd -= part >> 12
                        else:
                            now = 0
            # 2. Its code: the part of the interval that is its own, then bits.
            if level < _WAKE:
                if level <= _STEPPED:
                    self._at, self._low, self._span = at, low, span
                    odd = self._step(level, value, before, odd)
                    at, low, span = self._at, self._low, self._span
                    level = 0
                else:
                    size = span >> _QUIET
                    span -= size
                    if odd:
                        level = _WOKEN
                        self._at, self._low, self._span = at, low + span, size
                        self._bits(0, 0)
                        at, low, span = self._at, self._low, self._span
                    elif kind:
                        level = 0
                    else:
                        continue
            if level:
                size = level >> 3
                place = middle[size]
                left = rounded[size]
                if left:
                    size = odd >> left
                    if size + _REACH & -2 * _REACH:
                        place += _REACH
                        size = left if left < _JOINED else 0
                        span >>= widths[place] + size
                        self._at, self._low = at, low + span * (starts[place] << size)
                        self._span = span
                        odd = self._tell(value, before, odd)
                        at, low, span = self._at, self._low, self._span
                        if level > _LEVEL_MAX:
                            level = _LEVEL_MAX
                    else:
                        place += size
                        if left < _JOINED:
                            span >>= widths[place] + left
                            low += span * ((starts[place] << left) + odd)
                        else:
                            span >>= widths[place]
                            low += span * (starts[place] + size)
                            while span < _BOTTOM:
                                size = low >> 20
                                if size > 255:
                                    self._carry(at)
                                    size &= 255
                                buffer[at] = size
                                at += 1
                                low = (low & _LOW) << 8
                                span <<= 8
                            span >>= left
                            low += span * (odd & (1 << left) - 1)
                            if left > _TAME:
                                if level > _LEVEL_MAX:
                                    level = _LEVEL_MAX
                                if not -_LINK_MAX < odd < _LINK_MAX:
                                    odd = 0
                else:
                    span >>= 12
                    if -_EDGE < odd < _EDGE:
                        place += odd
                        low += span * starts[place]
                        span *= widths[place]
                    else:
                        place += _EDGE
                        self._at, self._low = at, low + span * starts[place]
                        self._span = span * widths[place]
                        odd = self._tell(value, before, odd)
                        at, low, span = self._at, self._low, self._span
                if span < _BOTTOM:
                    while True:
                        size = low >> 20
                        if size > 255:
                            self._carry(at)
                            size &= 255
                        buffer[at] = size
                        at += 1
                        low = (low & _LOW) << 8
                        span <<= 8
                        if span >= _BOTTOM:
                            break
                level += steps[place]
                state[3] = level
            # 3. Learn.
            state[2] = value
            if not kind:
                continue
            if kind <= _ALIKE:
                state[4] = odd
                if learns and more and odd:
                    if odd_a:
                        more[2] = x + 8 if odd ^ odd_a >= 0 else x - 8
                    if odd_b:
                        more[3] = y + 8 if odd ^ odd_b >= 0 else y - 8
            elif kind == _TIME:
                size = 0
                if 0 <= value < _DAY_S and 0 <= before < _DAY_S:
                    size = value - before
                    if size < 0:
                        size += _DAY_S
                more[2] = size
            elif kind <= _EXPORT:
                more[3] = (0 if odd > 0 else _UNIT - 1) if odd else part % _UNIT
            elif kind == _RATIO:
                if odd:
                    if now:
                        size = y + odd * 1024 // (now if rows > 1 else now + 3 >> 2)
                        if 0 <= size < 16384:
                            more[3] = size
                    more[1] = 0 if odd > 0 else 4095
                else:
                    more[1] = part & 4095
        self._at, self._low, self._span = at, low, span

    def _tell(self, value: int, before: int, odd: int) -> int:
        """Code a surprise beyond the tables: how many bits it has, itself, its sign; or the value
        in its stead. Returns what is to be learned from."""
        if not -_FAR < value - before < _FAR:
            self._bits(_ABSOLUTE, 5)
            self._bits(value >> 16, 16)
            self._bits(value, 16)
            return 0
        amount = size = odd if odd > 0 else -odd
        n = 0
        while size:
            size >>= 1
            n += 1
        self._bits(n, 5)
        self._bits(amount << 1 if odd > 0 else amount << 1 | 1, n)
        return odd if amount < _LINK_MAX else 0
