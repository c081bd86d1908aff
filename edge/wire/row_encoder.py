"""Codes the fields of a row: each is predicted, and only the surprise is told.

One long method, and no small ones: on a gateway a call costs as much as six operations.
"""

from edge.compat import TYPE_CHECKING, const
from edge.wire.range_encoder import RangeEncoder
from edge.wire.spread import MIDDLE, ROUNDED, STARTS, STEPS, WIDTHS

if TYPE_CHECKING:
    from array import array

# Kinds: what a field is expected to do.
STAY = const(0)  # stay as it was
NOTED = const(1)  # the same; other fields follow what surprises in it
LINKED = const(2)  # follow what surprised in field a of this row, and in field b
ALIKE = const(3)  # the same; in the first row it is near field a
TIME = const(4)  # go on as fast as before, second of a day
IMPORT = const(5)  # grow by the positive part of the power a [W] over the seconds of b, in Wh
EXPORT = const(6)  # by the negative part
CARRY = const(7)  # grow by one when field a begins again from a smaller number
RATIO = const(8)  # grow as field a does, times what that has been so far
TICKS = const(9)  # grow by a thousand for each second of a

DAY_S = const(86400)
EDGE = const(12)  # surprises of 12 and more steps are told by their length
QUIET = const(4064)  # of 4096: a field that has long been as expected is so again: below level
WAKE = const(8)  # this
WOKEN = const(48)  # its level when it was not
LEVEL_MAX = const(350)  # surprises of 12 million; what is larger is told by its length
LINK_MAX = const(1 << 17)  # larger surprises say nothing of other fields
POWER_MAX_W = const(1 << 23)
UNIT = const(450)  # a Wh, where two powers are summed in units of 16 W
MORE_MAX = const(32768)  # of a counter in a row, for another to follow it
ABSOLUTE = const(31)  # no surprise has so many bits: the value itself follows
_FAR = const(1 << 29)  # no surprise is as large
_FIRST = const(179)  # where the tables have a surprise of 0, the mean a little above a step
_BOTTOM = const(1 << 20)  # the range encoder's, which costs a fifth less spelled out here
_LOW = const((1 << 20) - 1)
_BITS = const(14)
TAME_MIN = const(-(1 << 28) + (1 << 22))  # the difference of such values is a small int
TAME_MAX = const(3 << 28)


class RowEncoder(RangeEncoder):
    """What is known of a field is a list: kind, field, last value, level, last surprise, place in
    the schema, and of kinds from LINKED on four things more, see `_next`.
    """

    _schema: bytes
    rows: int
    _wild: bool  # a value of this row is so large that a difference may not be a small int,
    _tame_max: int  # and if one of the last row was, no value is below this

    def _first(self, state, value: int) -> None:
        """Code a field of the first row."""
        kind, before, more = state[0], state[2], state[6]
        if kind == ALIKE:
            before = more[0][2]
        elif kind > TIME:
            now = -more[0][2] if kind == EXPORT else more[0][2]
            more[2] = now if kind > EXPORT or 0 < now < POWER_MAX_W else 0
        state[2] = value
        left = self._schema[state[5] + 6]
        more = (value >> 16) - (before >> 16)
        if not TAME_MIN < value < TAME_MAX:
            self._wild = True
        odd = _FAR
        if -4096 < more < 4096:
            odd = (more << 16) + (value & 65535) - (before & 65535)
        size = odd + (1 << left - 1) >> left
        if odd != _FAR and -EDGE < size < EDGE:
            self._symbol(_FIRST + size)
            self._bits(odd + (1 << left - 1), left)
        else:
            self._symbol(_FIRST + EDGE)
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
            if kind > NOTED:
                if kind <= ALIKE:  # more: a, b, weight of a, weight of b
                    odd_a = more[0][4]
                    expected = more[2] * odd_a + 128
                    odd_b = 0
                    if more[3]:
                        odd_b = more[1][4]
                        expected += more[3] * odd_b
                    expected >>= 8
                elif kind == TIME:  # more: -, -, growth
                    if 0 <= before < DAY_S:
                        expected = more[2]
                        if before + expected >= DAY_S:
                            expected -= DAY_S
                elif kind <= EXPORT:  # more: a, b, power before, part
                    now = more[0][2] if kind == IMPORT else -more[0][2]
                    if not 0 < now < POWER_MAX_W:
                        now = 0
                    size = more[1][6][2]  # seconds
                    if size < 512:
                        part = (now + more[2] >> 4) * size + more[3]
                        expected = part // UNIT
                    else:
                        part = 0
                    more[2] = now
                else:  # more: a, part, a's value before, ratio
                    now = more[0][2]
                    was = more[2]
                    more[2] = now
                    if kind == CARRY:
                        if now < was:
                            expected = 1
                    elif kind == TICKS:
                        expected = more[0][6][2] * 1000
                    else:
                        size = (now >> 15) - (was >> 15)
                        now = now - was if 0 <= size < 2 else 0
                        part = 0
                        if 0 < now < MORE_MAX:
                            part = now * more[3] + more[1]
                            expected = part >> 12
                        else:
                            now = 0
            # 2. The surprise, a small int.
            if TAME_MIN < value < tame_max:
                odd = value - before - expected
            else:
                if not TAME_MIN < value < TAME_MAX:
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
            if level < WAKE and odd == 0:
                span *= QUIET
                if not kind:
                    continue
            else:
                if level < WAKE:
                    low += span * QUIET
                    span = span * (4096 - QUIET) >> 12
                    level = WOKEN
                size = level >> 3
                place = middle[size]
                left = rounded[size]
                if left:
                    bits = odd + (1 << left - 1)
                    size = bits >> left
                else:
                    size = odd
                if -EDGE < size < EDGE:
                    place += size
                    low += span * starts[place]
                    span *= widths[place]
                    if left:
                        if left > _BITS:
                            if level > LEVEL_MAX:
                                level = LEVEL_MAX
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
                    place += EDGE
                    self._at, self._low = at, low + span * starts[place]
                    self._span = span * widths[place]
                    odd = self._tell(value, before, odd)
                    at, low, span = self._at, self._low, self._span
                    if level > LEVEL_MAX:
                        level = LEVEL_MAX
                level += steps[place] * pace if pace else steps[place]
                state[3] = level
            # 4. Learn.
            state[2] = value
            if not kind:
                continue
            if kind <= ALIKE:
                state[4] = odd if -LINK_MAX < odd < LINK_MAX else 0
                if kind > NOTED and odd:
                    if odd_a:
                        more[2] += 8 if odd ^ odd_a >= 0 else -8
                    if odd_b:
                        more[3] += 8 if odd ^ odd_b >= 0 else -8
            elif kind == TIME:
                size = 0
                if 0 <= value < DAY_S and 0 <= before < DAY_S:
                    size = value - before
                    if size < 0:
                        size += DAY_S
                more[2] = size
            elif kind <= EXPORT:
                more[3] = part % UNIT if odd == 0 else 0 if odd > 0 else UNIT - 1
            elif kind == RATIO:
                if now and -MORE_MAX < odd < MORE_MAX:
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
            self._bits(ABSOLUTE, 5)
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
