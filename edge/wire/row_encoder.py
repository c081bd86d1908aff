"""Codes the fields of a row: each is predicted, and only the surprise is told.

One long method, and no small ones: on a gateway a call costs as much as six operations.
"""

from edge.compat import TYPE_CHECKING, const
from edge.wire.range_encoder import RangeEncoder
from edge.wire.spread import MIDDLE, ROUNDED, STARTS, STEPS, WIDTHS

if TYPE_CHECKING:
    from array import array

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
_EDGE = const(12)  # surprises of 12 and more steps are told by their length
_QUIET = const(4064)  # of 4096: a field that has long been as expected is so again: below level
_WAKE = const(8)  # this
_WOKEN = const(48)  # its level when it was not
_LEVEL_MAX = const(350)  # surprises of 12 million; what is larger is told by its length
_LINK_MAX = const(1 << 17)  # larger surprises say nothing of other fields
_POWER_MAX_W = const(1 << 23)
_UNIT = const(450)  # a Wh, where two powers are summed in units of 16 W
_MORE_MAX = const(32768)  # of a counter in a row, for another to follow it
_ABSOLUTE = const(31)  # no surprise has so many bits: the value itself follows
_FAR = const(1 << 29)  # no surprise is as large
_FIRST = const(179)  # where the tables have a surprise of 0, the mean a little above a step
_BOTTOM = const(1 << 20)  # the range encoder's, which costs a fifth less spelled out here
_LOW = const((1 << 20) - 1)
_BITS = const(14)
_TAME_MIN = const(-(1 << 28) + (1 << 22))  # the difference of such values is a small int
_TAME_MAX = const(3 << 28)


class RowEncoder(RangeEncoder):
    """What is known of a field is a list: kind, field, last value, level, last surprise, place in
    the schema, and of kinds from _LINKED on four things more, see `_next`.
    """

    _schema: bytes
    rows: int
    _wild: bool  # a value of this row is so large that a difference may not be a small int,
    _tame_max: int  # and if one of the last row was, no value is below this

    def _end_row(self) -> None:
        self._tame_max = _TAME_MIN if self._wild else _TAME_MAX
        self._wild = False

    def _first(self, state, value: int) -> None:
        """Code a field of the first row."""
        kind, before, more = state[0], state[2], state[6]
        if kind == _ALIKE:
            before = more[0][2]
        elif kind > _TIME:
            now = -more[0][2] if kind == _EXPORT else more[0][2]
            more[2] = now if kind > _EXPORT or 0 < now < _POWER_MAX_W else 0
        state[2] = value
        left = self._schema[state[5] + 6]
        more = (value >> 16) - (before >> 16)
        if not _TAME_MIN < value < _TAME_MAX:
            self._wild = True
        odd = _FAR
        if -4096 < more < 4096:
            odd = (more << 16) + (value & 65535) - (before & 65535)
        size = odd + (1 << left - 1) >> left
        if odd != _FAR and -_EDGE < size < _EDGE:
            self._symbol(_FIRST + size)
            self._bits(odd + (1 << left - 1), left)
        else:
            self._symbol(_FIRST + _EDGE)
            self._tell(value, before, odd)

    def _next(self, group, row: "array[int]") -> None:
        """Code these fields of a row that is not the first."""
        # A gateway has the first sixteen names at hand, others cost half as much again.
        buffer = self.buffer
        at, low, span = self._at, self._low, self._span
        odd = size = left = bits = place = level = value = before = expected = 0
        odd_a = odd_b = part = now = 0
        starts, widths, steps = STARTS, WIDTHS, STEPS
        middle, rounded = MIDDLE, ROUNDED
        tame_max = self._tame_max
        pace = 3 if self.rows < 4 else 2 if self.rows < 12 else 0
        for state in group:
            kind, field, before, level, odd, place, more = state
            value = row[field]
            # 1. By how much it is expected to grow (`part` of which is below a unit).
            expected = 0
            if kind > _NOTED:
                if kind <= _ALIKE:  # more: a, b, weight of a, weight of b
                    odd_a = more[0][4]
                    expected = more[2] * odd_a + 128
                    odd_b = 0
                    if more[3]:
                        odd_b = more[1][4]
                        expected += more[3] * odd_b
                    expected >>= 8
                elif kind == _TIME:  # more: -, -, growth
                    if 0 <= before < _DAY_S:
                        expected = more[2]
                        if before + expected >= _DAY_S:
                            expected -= _DAY_S
                elif kind <= _EXPORT:  # more: a, b, power before, part
                    now = more[0][2] if kind == _IMPORT else -more[0][2]
                    if not 0 < now < _POWER_MAX_W:
                        now = 0
                    size = more[1][6][2]  # seconds
                    if size < 512:
                        part = (now + more[2] >> 4) * size + more[3]
                        expected = part // _UNIT
                    else:
                        part = 0
                    more[2] = now
                else:  # more: a, part, a's value before, ratio
                    now = more[0][2]
                    was = more[2]
                    more[2] = now
                    if kind == _CARRY:
                        if now < was:
                            expected = 1
                    elif kind == _TICKS:
                        expected = more[0][6][2] * 1000
                    else:
                        size = (now >> 15) - (was >> 15)
                        now = now - was if 0 <= size < 2 else 0
                        part = 0
                        if 0 < now < _MORE_MAX:
                            part = now * more[3] + more[1]
                            expected = part >> 12
                        else:
                            now = 0
            # 2. The surprise, a small int.
            if _TAME_MIN < value < tame_max:
                odd = value - before - expected
            else:
                if not _TAME_MIN < value < _TAME_MAX:
                    self._wild = True
                odd = (value >> 16) - (before >> 16)
                if -4096 < odd < 4096:
                    odd = (odd << 16) + (value & 65535) - (before & 65535) - expected
                else:
                    odd = _FAR
            # 3. Its code: of 4096 the part that is its own, then bits.
            while span < _BOTTOM:
                size = low >> 20
                if size > 255:
                    self._carry(at)
                    size &= 255
                buffer[at] = size
                at += 1
                low = (low & _LOW) << 8
                span <<= 8
            span >>= 12
            if level < _WAKE and odd == 0:
                span *= _QUIET
                if not kind:
                    continue
            else:
                if level < _WAKE:
                    low += span * _QUIET
                    span = span * (4096 - _QUIET) >> 12
                    level = _WOKEN
                size = level >> 3
                place = middle[size]
                left = rounded[size]
                if left:
                    bits = odd + (1 << left - 1)
                    size = bits >> left
                else:
                    size = odd
                if -_EDGE < size < _EDGE:
                    place += size
                    low += span * starts[place]
                    span *= widths[place]
                    if left:
                        if left > _BITS:
                            if level > _LEVEL_MAX:
                                level = _LEVEL_MAX
                            self._at, self._low, self._span = at, low, span
                            self._bits(bits, left)
                            at, low, span = self._at, self._low, self._span
                        else:
                            bits -= size << left
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
                            low += span * bits
                else:
                    place += _EDGE
                    self._at, self._low = at, low + span * starts[place]
                    self._span = span * widths[place]
                    odd = self._tell(value, before, odd)
                    at, low, span = self._at, self._low, self._span
                    if level > _LEVEL_MAX:
                        level = _LEVEL_MAX
                level += steps[place] * pace if pace else steps[place]
                state[3] = level
            # 4. Learn.
            state[2] = value
            if not kind:
                continue
            if kind <= _ALIKE:
                state[4] = odd if -_LINK_MAX < odd < _LINK_MAX else 0
                if kind > _NOTED and odd:
                    if odd_a:
                        more[2] += 8 if odd ^ odd_a >= 0 else -8
                    if odd_b:
                        more[3] += 8 if odd ^ odd_b >= 0 else -8
            elif kind == _TIME:
                size = 0
                if 0 <= value < _DAY_S and 0 <= before < _DAY_S:
                    size = value - before
                    if size < 0:
                        size += _DAY_S
                more[2] = size
            elif kind <= _EXPORT:
                more[3] = part % _UNIT if odd == 0 else 0 if odd > 0 else _UNIT - 1
            elif kind == _RATIO:
                if now and -_MORE_MAX < odd < _MORE_MAX:
                    size = more[3] + odd * 1024 // (now if self.rows > 1 else now + 3 >> 2)
                    if 0 <= size < 16384:
                        more[3] = size
                more[1] = part & 4095 if odd == 0 else 0 if odd > 0 else 4095
        self._at, self._low, self._span = at, low, span

    def _tell(self, value: int, before: int, odd: int) -> int:
        """Code a surprise beyond the tables: how many bits it has, itself, its sign; or the value
        in its stead. Returns what is to be learned from."""
        size = (value >> 16) - (before >> 16)
        if not -4096 < size < 4096:
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
        return odd
