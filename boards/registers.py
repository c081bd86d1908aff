"""Engineering values to registers and back, the way a device's own firmware would do it.

Written independently of the gateway's decoder, on `struct` and fractions, so that the two can be
held against each other.
"""

import struct
from fractions import Fraction

_FORMATS = {"u16": ">H", "i16": ">h", "u32": ">I", "i32": ">i", "u64": ">Q", "i64": ">q",
            "f32": ">f", "f64": ">d"}


def to_words(kind: str, raw: Fraction | int) -> list[int]:
    """Registers of a raw value, in address order; a float takes the nearest there is.

    Raises ValueError when the value does not fit the type.
    """
    form = _FORMATS[kind.removesuffix("s")]
    try:
        data = struct.pack(form, float(raw) if kind[0] == "f" else round(raw))
    except (struct.error, OverflowError) as error:
        raise ValueError(f"found {raw}, expected a value that fits {kind}") from error
    words = list(struct.unpack(f">{len(data) // 2}H", data))
    return words[::-1] if kind.endswith("s") else words


def to_raw(kind: str, words: list[int]) -> Fraction:
    """Raw value of registers in address order. Raises ValueError for a float that is no number."""
    ordered = words[::-1] if kind.endswith("s") else words
    data = struct.pack(f">{len(ordered)}H", *ordered)
    try:
        return Fraction(struct.unpack(_FORMATS[kind.removesuffix("s")], data)[0])
    except OverflowError as error:
        raise ValueError(f"found an infinite {kind}, expected a number") from error
