"""Registers to integers and back, exactly.

A device image says for each point: [signal, block, offset, type, num, den, na, sf]. Its value is
raw * num / den to the nearest integer, halves up, in integer arithmetic only: a gateway's floats
have 24 bits and lose a watt-hour in any energy register worth reading. An IEEE 754 float is taken
apart into mantissa and exponent, so that it too is converted without being rounded on the way.
"""

from struct import unpack_from

from edge.compat import TYPE_CHECKING, const

if TYPE_CHECKING:
    from typing import Any, Sequence

_WORDS = const(0x07)
_SIGNED = const(0x08)
_FLOAT = const(0x10)
_SWAPPED = const(0x20)  # the least significant register comes first
_FORMATS = ("", ">H", ">I", "", ">Q")  # by the number of registers
_BIT = const(0x40)  # one bit of a register: num is its mask, den what it is worth

TYPES = {
    "u16": 1, "i16": 1 | _SIGNED, "bit": 1 | _BIT,
    "u32": 2, "i32": 2 | _SIGNED, "f32": 2 | _FLOAT,
    "u64": 4, "i64": 4 | _SIGNED, "f64": 4 | _FLOAT,
    "u32s": 2 | _SWAPPED, "i32s": 2 | _SIGNED | _SWAPPED, "f32s": 2 | _FLOAT | _SWAPPED,
    "u64s": 4 | _SWAPPED, "i64s": 4 | _SIGNED | _SWAPPED, "f64s": 4 | _FLOAT | _SWAPPED,
}

# Where things are in a point of the image, behind signal and block.
_OFFSET = const(2)
_TYPE = const(3)
_NUM = const(4)
_DEN = const(5)
_NA = const(6)
_SCALE = const(7)

_SCALE_MAX = const(10)  # SunSpec Device Information Model V1.2, 6.5.4: powers of ten -10 .. 10


def words(kind: str) -> int:
    """Return how many registers a type takes."""
    return TYPES[kind] & _WORDS


def nearest(num: int, den: int) -> int:
    """Return num / den to the nearest integer, halves up; `den` is positive."""
    return (num + den // 2) // den


def decode(buf: bytearray, at: int, point: "Sequence[Any]") -> "int | None":
    """Return the value of a point, or None where the device says that it is not available.

    `at` is the index in `buf` of the first register of the point's block.
    """
    flags = TYPES[point[_TYPE]]
    n = flags & _WORDS
    raw: int = unpack_from(_FORMATS[n], buf, at + 2 * point[_OFFSET])[0]
    if flags & _SWAPPED:
        raw = _turned(raw, n)
    for absent in point[_NA]:
        if (absent ^ raw) & (1 << 16 * n) - 1 == 0:  # be it 0x8000 or -32768
            return None
    num = point[_NUM]
    if flags & _BIT:
        return point[_DEN] if raw & num else 0
    den = point[_DEN]
    if point[_SCALE] >= 0:
        power: int = unpack_from(">h", buf, at + 2 * point[_SCALE])[0]
        if power > _SCALE_MAX or power < -_SCALE_MAX:
            return None
        if power >= 0:
            num *= 10**power
        else:
            den *= 10**-power
    if flags & _FLOAT:
        return _float(raw, 16 * n, num, den)
    if flags & _SIGNED:
        raw = _signed(raw, 16 * n)
    return nearest(raw * num, den)


def encode(value: int, num: int, den: int) -> int:
    """Return value * num / den rounded toward zero: a setpoint is never exceeded by rounding."""
    scaled = value * num
    return scaled // den if scaled >= 0 else -(-scaled // den)


def fits(raw: int, kind: str) -> bool:
    """Say whether a raw value can be written to a register of this (integer) type."""
    flags = TYPES[kind]
    bits = 16 * (flags & _WORDS)
    if flags & _SIGNED:
        return -(1 << bits - 1) <= raw < 1 << bits - 1
    return 0 <= raw < 1 << bits and not flags & _FLOAT


def split(raw: int, kind: str) -> "list[int]":
    """Return the registers that hold a raw value, in the order of their addresses."""
    flags = TYPES[kind]
    registers = [raw >> 16 * i & 0xFFFF for i in range(flags & _WORDS)]
    if not flags & _SWAPPED:
        registers.reverse()
    return registers


def check(point: "Sequence[Any]", blocks: "Sequence[Sequence[int]]") -> None:
    """Refuse a point that no reply to its block could fill: ValueError."""
    signal, block, offset, kind, _, den, _, scale = point
    if kind not in TYPES:
        raise ValueError(signal + ": no such type: " + str(kind))
    if not 0 <= block < len(blocks):
        raise ValueError(signal + ": no such block: " + str(block))
    last = max(offset + words(kind), scale + 1)
    if offset < 0 or last > blocks[block][2]:
        raise ValueError(signal + ": does not lie within block " + str(block))
    if den <= 0:
        raise ValueError(signal + ": the denominator must be positive")


def _turned(raw: int, n: int) -> int:
    """The other way round: its least significant register became the first of `n`."""
    turned = 0
    for _ in range(n):
        turned = turned << 16 | raw & 0xFFFF
        raw >>= 16
    return turned


def _signed(raw: int, bits: int) -> int:
    return raw - (1 << bits) if raw >> bits - 1 else raw


def _float(raw: int, bits: int, num: int, den: int) -> "int | None":
    """IEEE 754 binary32 or binary64 (3.4): (-1)^sign * mantissa * 2^exponent; None for NaN and
    infinity."""
    digits = 23 if bits == 32 else 52
    top = (1 << bits - 1 - digits) - 1
    exponent = raw >> digits & top
    mantissa = raw & (1 << digits) - 1
    if exponent == top:
        return None
    if exponent:
        mantissa |= 1 << digits
    else:
        exponent = 1  # subnormal
    if raw >> bits - 1:
        mantissa = -mantissa
    exponent -= (top >> 1) + digits  # the bias, and the digits behind the point
    if exponent >= 0:
        return nearest((mantissa << exponent) * num, den)
    return nearest(mantissa * num, den << -exponent)
