"""IEC 60870-5-104 on the wire: frames, information elements and times, from integers alone.

Field widths are those that 104 fixes: cause of transmission 2 bytes, common address 2, information
object address 3. A short float is made of a fraction and read into one; nothing here is a float.
"""

from edge.clock import month_of
from edge.compat import const

START = const(0x68)
MOST = const(253)  # bytes behind the length byte,
ASDU_MOST = const(249)  # and without the control field
ASDU_AT = const(6)  # where an ASDU begins in its frame
HEAD = const(6)  # bytes of an ASDU before its first object
SEQUENCE = const(32768)  # numbers count from 0 below it

STARTDT = const(0x07)  # first control byte of a U frame
STARTDT_CON = const(0x0B)
STOPDT = const(0x13)
STOPDT_CON = const(0x23)
TESTFR = const(0x43)
TESTFR_CON = const(0x83)

M_SP = const(1)  # type identifications: single point,
M_ME_NB = const(11)  # measured value, scaled,
M_ME_NC = const(13)  # short float,
M_IT = const(15)  # integrated totals,
STAMPED = {M_SP: 30, M_ME_NB: 35, M_ME_NC: 36, M_IT: 37}  # the same with CP56Time2a
M_EI = const(70)
C_SC = const(45)
C_SE_NB = const(49)
C_SE_NC = const(50)
C_IC = const(100)
C_CI = const(101)
C_RD = const(102)
C_CS = const(103)
C_TS = const(104)
C_TS_TA = const(107)

CYCLIC = const(1)  # causes of transmission
SPONTANEOUS = const(3)
INITIALIZED = const(4)
REQUEST = const(5)
ACT = const(6)
ACT_CON = const(7)
DEACT = const(8)
DEACT_CON = const(9)
ACT_TERM = const(10)
INTERROGATED = const(20)
COUNTED = const(37)
UNKNOWN_TYPE = const(44)
UNKNOWN_CAUSE = const(45)
UNKNOWN_CA = const(46)
UNKNOWN_IOA = const(47)
NEGATIVE = const(0x40)  # beside a cause
TEST = const(0x80)

OV = const(0x01)  # quality: beyond what the type can tell,
NT = const(0x40)  # not topical: the last that was read, too old to act upon,
IV = const(0x80)  # invalid: never read
SIZES = {M_SP: 1, M_ME_NB: 3, M_ME_NC: 5, M_IT: 5}  # bytes of an element with its quality
TIME = const(7)  # and of the time behind it


def put_control(buf: bytearray, n: int, first: int, third: int) -> None:
    """Write the head of a frame with `n` bytes of ASDU: two 16-bit control fields."""
    buf[0], buf[1] = START, n + 4
    buf[2], buf[3] = first & 0xFF, first >> 8
    buf[4], buf[5] = third & 0xFF, third >> 8


def put_head(buf: bytearray, kind: int, count: int, cause: int, address: int) -> None:
    """Write the head of an ASDU of `count` objects, each with its own address, at ASDU_AT."""
    buf[6], buf[7], buf[8], buf[9] = kind, count, cause, 0
    buf[10], buf[11] = address & 0xFF, address >> 8


def put_ioa(buf: bytearray, at: int, ioa: int) -> int:
    """Write an information object address; returns where its element begins."""
    buf[at], buf[at + 1], buf[at + 2] = ioa & 0xFF, ioa >> 8 & 0xFF, ioa >> 16
    return at + 3


def put_element(buf: bytearray, at: int, kind: int, value: int, per: int, quality: int) -> int:
    """Write value / per of the type `kind` and its quality; returns the end. For M_IT, `quality`
    is the sequence byte as well."""
    if kind == M_SP:
        buf[at] = (1 if value else 0) | quality
        return at + 1
    if kind == M_ME_NC:
        word = short(value, per)
    elif kind == M_IT:
        word = value // per & 0x7FFFFFFF
    else:
        word = rounded(value, per)
        if not -32768 <= word <= 32767:
            word = 32767 if word > 0 else -32768
            quality |= OV
        buf[at], buf[at + 1], buf[at + 2] = word & 0xFF, word >> 8 & 0xFF, quality
        return at + 3
    for place in range(4):
        buf[at + place] = word >> 8 * place & 0xFF
    buf[at + 4] = quality
    return at + 5


def rounded(value: int, per: int) -> int:
    """value / per as the nearest integer, halves upwards."""
    return (2 * value + per) // (2 * per)


def short(value: int, per: int) -> int:
    """The bits of value / per as IEEE 754 binary32, to nearest, halves to even. Both are integers
    of any sign below 2^63, `per` is not 0: that is inside the range of normal numbers."""
    sign = 0
    if (value < 0) != (per < 0):
        sign = 1 << 31
    value, per = abs(value), abs(per)
    if value == 0:
        return 0
    exponent = 150  # the bias, and 23 places of the significand
    while value < per << 23:
        value <<= 1
        exponent -= 1
    while value >= per << 24:
        per <<= 1
        exponent += 1
    significand = value // per
    rest = value % per * 2 - per
    if rest > 0 or (rest == 0 and significand & 1):
        significand += 1
        if significand == 1 << 24:
            significand >>= 1
            exponent += 1
    return sign | exponent << 23 | significand & 0x7FFFFF


def scaled(bits: int, per: int):
    """A short float times `per` as the nearest integer, halves away from 0; None: it is no number.
    What is beyond 2^40 comes as 2^40."""
    exponent, significand = bits >> 23 & 0xFF, bits & 0x7FFFFF
    if exponent == 255:
        return None
    if exponent:
        significand |= 1 << 23
    else:
        exponent = 1
    value, places = significand * abs(per), 150 - exponent
    if places > 0:
        value = (value + (1 << places - 1)) >> places if places < 100 else 0
    else:
        value <<= -places if places > -40 else 41
    if value > 1 << 40:
        value = 1 << 40
    return -value if (bits >> 31 == 1) != (per < 0) else value


def put_time(buf: bytearray, at: int, day: int, ms: int, is_summer: bool, is_set: bool) -> int:
    """Write CP56Time2a: `day` since 2000-01-01, `ms` of it; returns the end."""
    month = month_of(day)
    date = 1
    while month_of(day - date) == month:
        date += 1
    minute = ms // 60_000
    ms %= 60_000
    buf[at], buf[at + 1] = ms & 0xFF, ms >> 8
    buf[at + 2] = minute % 60 | (0 if is_set else IV)
    buf[at + 3] = minute // 60 | (0x80 if is_summer else 0)
    buf[at + 4] = date | ((day + 5) % 7 + 1) << 5  # 2000-01-01 was a Saturday, Monday is 1
    buf[at + 5] = month % 12 + 1
    buf[at + 6] = month // 12 % 100
    return at + TIME
