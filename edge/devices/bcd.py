"""Binary-coded decimals to integers, exactly, as DL/T 645-2007 sends them: the lowest byte first.

A point of an image is [signal, block, offset, type, num, den]; its value is raw * num / den to the
nearest integer. Types: u1 .. u4 as many bytes, s2 .. s4 with the sign in the highest bit, `clock`
of three bytes (second, minute, hour) as the second of the day, `moment` of five (minute, hour, day,
month, year) as minutes since 2000, as if every month had 31 days: it only tells before from after.
"""

from edge.compat import TYPE_CHECKING, const
from edge.devices.decode import nearest

if TYPE_CHECKING:
    from typing import Any, Sequence

_OFFSET = const(2)
_TYPE = const(3)
_NUM = const(4)
_DEN = const(5)
_CLOCK, _MOMENT = "clock", "moment"
_MONTH_MIN = const(44_640)  # 31 days

BYTES = {"u1": 1, "u2": 2, "u3": 3, "u4": 4, "s2": 2, "s3": 3, "s4": 4, _CLOCK: 3, _MOMENT: 5}


def check(point: "Sequence[Any]", blocks: "Sequence[Sequence[int]]") -> None:
    """Refuse a point that no reply to its block could fill: ValueError."""
    signal, block, offset, kind, _, den = point
    if kind not in BYTES:
        raise ValueError(signal + ": no such type: " + str(kind))
    if not 0 <= block < len(blocks):
        raise ValueError(signal + ": no such block: " + str(block))
    if offset < 0 or offset + BYTES[kind] > blocks[block][2]:
        raise ValueError(signal + ": does not lie within block " + str(block))
    if den <= 0:
        raise ValueError(signal + ": the denominator must be positive")


def decode(data: bytearray, point: "Sequence[Any]") -> "int | None":
    """Return the value of a point of a block, or None where the meter has none: its bytes are no
    decimals, or no time of day."""
    at, kind = point[_OFFSET], point[_TYPE]
    if kind == _CLOCK:
        return _time(data, at + 2, (24, 60, 60))
    if kind == _MOMENT:
        return _moment(data, at)
    n = BYTES[kind]
    top = data[at + n - 1]
    negative = kind[0] == "s" and top & 0x80
    raw = _two(top & 0x7F if negative else top)
    for i in range(at + n - 2, at - 1, -1):
        low = _two(data[i])
        if raw is None or low is None:
            return None
        raw = raw * 100 + low
    if raw is None:
        return None
    return nearest((-raw if negative else raw) * point[_NUM], point[_DEN])


def _moment(data: bytearray, at: int) -> "int | None":
    year, month, day = _two(data[at + 4]), _two(data[at + 3]), _two(data[at + 2])
    minute = _time(data, at + 1, (24, 60))
    if year is None or month is None or day is None or minute is None \
            or not 1 <= month <= 12 or not 1 <= day <= 31:
        return None
    return (year * 12 + month - 1) * _MONTH_MIN + (day - 1) * 1440 + minute


def _time(data: bytearray, at: int, limits: "Sequence[int]") -> "int | None":
    """A time whose parts lie downward from index `at`, each below its limit, in the last one."""
    total = 0
    for limit in limits:
        part = _two(data[at])
        if part is None or part >= limit:
            return None
        total = total * limit + part
        at -= 1
    return total


def _two(byte: int) -> "int | None":
    """Two decimals of a byte."""
    high, low = byte >> 4, byte & 0x0F
    return high * 10 + low if high < 10 and low < 10 else None
