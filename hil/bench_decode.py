"""Runs on MicroPython: a poll of a device decoded, by offset as the firmware does it, and from a
`struct` format with pads; what `hil bench --only devices.decode` measures.

With `count` a byte is written to standard error twice before and once after each poll, between
which an emulator counts instructions; with `heap` it prints what the polls took of the heap. The
file holds JSON: points as in a device's image, a format for each block, its bytes as hex digits.
"""

import gc
import json
import struct
import sys

from edge.devices.decode import TYPES, decode, nearest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_POLLS = 8


def _by_offset(points: "list[Any]", formats: "list[str]", blocks: "list[Any]",
               values: "list[Any]") -> None:
    k = 0
    for block in range(len(blocks)):
        rx = blocks[block]
        for point in points:
            if point[1] == block:
                values[k] = decode(rx, 0, point)
                k += 1


def _by_struct(points: "list[Any]", formats: "list[str]", blocks: "list[Any]",
               values: "list[Any]") -> None:
    """The points of a block stand in the order of their registers, one number each."""
    k = 0
    for block in range(len(blocks)):
        for raw in struct.unpack_from(formats[block], blocks[block], 0):
            values[k] = _scaled(raw, points[k])
            k += 1


def _scaled(raw: int, point: "Any") -> "int | None":
    """What a number of the format comes to; a float, or one with its words swapped, is unsigned."""
    flags = TYPES[point[3]]
    if flags & 32:
        raw = raw >> 16 | (raw & 0xFFFF) << 16
        if flags & 8 and raw >> 31:
            raw -= 1 << 32
    for absent in point[6]:
        if absent == raw:
            return None
    if flags & 16:
        digits, bits = (23, 32) if flags & 7 == 2 else (52, 64)
        top = (1 << bits - 1 - digits) - 1
        exponent = raw >> digits & top
        mantissa = raw & (1 << digits) - 1
        if exponent == top:
            return None
        if exponent:
            mantissa |= 1 << digits
        else:
            exponent = 1
        if raw >> bits - 1:
            mantissa = -mantissa
        exponent -= (top >> 1) + digits
        if exponent >= 0:
            return nearest((mantissa << exponent) * point[4], point[5])
        return nearest(mantissa * point[4], point[5] << -exponent)
    return nearest(raw * point[4], point[5])


def main(mode: str, way: str, path: str) -> None:
    """One measurement; then the values, as JSON."""
    with open(path) as file:
        points, formats, told = json.load(file)
    blocks = [bytearray(bytes.fromhex(one)) for one in told]
    work = _by_offset if way == "offset" else _by_struct
    values: list[Any] = [None] * len(points)
    work(points, formats, blocks, values)
    gc.collect()
    gc.disable()
    mark = sys.stderr.buffer.write
    before: int = gc.mem_alloc()  # type: ignore[attr-defined]  # only MicroPython tells
    for _ in range(_POLLS):
        if mode == "count":
            mark(b".")
            mark(b".")  # what a mark costs
        work(points, formats, blocks, values)
        if mode == "count":
            mark(b".")
    taken = gc.mem_alloc() - before  # type: ignore[attr-defined]
    if mode == "heap":
        print("taken", taken // _POLLS)
    print("values", json.dumps(values))


main(*sys.argv[1:])
