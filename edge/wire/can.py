"""A classic CAN frame as 16 bytes, and the numbers in it, least significant byte first.

The layout is Linux's struct can_frame (linux/can.h) on a little-endian machine: the identifier with
three flags in its uppermost bits, the length, three bytes of padding, eight bytes of data. The port
of any other controller fills the same 16 bytes.
"""

from edge.compat import TYPE_CHECKING, const

if TYPE_CHECKING:
    from typing import Sequence

FRAME = const(16)
_LENGTH = const(4)
_DATA = const(8)


def identifier(rx: bytearray) -> int:
    """Return the 11-bit identifier of a data frame; -1: it is an extended, a remote or an error
    frame, or says that it is longer than a frame can be."""
    if rx[3] or rx[2] or rx[1] > 7 or rx[_LENGTH] > 8:
        return -1
    return rx[1] << 8 | rx[0]


def length(rx: bytearray) -> int:
    """Return how many bytes of data a frame brings."""
    return rx[_LENGTH]


def number(rx: bytearray, at: int, kind: str) -> int:
    """Return the number of a kind, u8 u16 i16, that begins at byte `at` of a frame's data."""
    at += _DATA
    if kind == "u8":
        return rx[at]
    value = rx[at + 1] << 8 | rx[at]
    return value - 0x10000 if kind == "i16" and value & 0x8000 else value


def put(tx: bytearray, ident: int, data: "Sequence[int]") -> None:
    """Make a data frame with an 11-bit identifier of up to eight bytes."""
    tx[0], tx[1], tx[2], tx[3] = ident & 255, ident >> 8, 0, 0
    tx[_LENGTH] = len(data)
    for at in range(len(data)):
        tx[_DATA + at] = data[at]
