"""Registers to integers, held against struct and Fraction, which share nothing with the decoder."""

import math
import struct
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from edge.devices.decode import TYPES, check, decode, encode, fits, split, words

FORMATS = {"u16": "H", "i16": "h", "u32": "I", "i32": "i", "u64": "Q", "i64": "q", "f32": "f",
           "f64": "d"}
KINDS = st.sampled_from(sorted(TYPES.keys() - {"bit"}))
NUMS = st.integers(-10**9, 10**9).filter(bool)
DENS = st.integers(1, 10**9)


def registers(data: bytes, kind: str) -> bytes:
    """The bytes of a value as a device of this type sends them."""
    if not kind.endswith("s"):
        return data
    return b"".join(data[i:i + 2] for i in range(len(data) - 2, -1, -2))


def nearest(value: Fraction) -> int:
    """The nearest integer, halves up."""
    return math.floor(value + Fraction(1, 2))


def decoded(data: bytes, kind: str, num=1, den=1, na=(), scale=-1, offset=0) -> "int | None":
    buf = bytearray(b"\xee" * 3 + b"\xdd" * 2 * offset + registers(data, kind) + b"\xee" * 9)
    return decode(buf, 3, ("p_w", 0, offset, kind, num, den, na, scale))


@given(KINDS, st.binary(min_size=8, max_size=8), NUMS, DENS, st.integers(0, 3))
def test_any_value_is_the_nearest_integer_to_the_exact_one(kind, data, num, den, offset):
    data = data[:2 * words(kind)]
    raw, = struct.unpack(">" + FORMATS[kind[:3]], data)
    expected = None
    if math.isfinite(raw):
        expected = nearest(Fraction(raw) * num / den)
    assert decoded(data, kind, num, den, offset=offset) == expected


@given(st.floats(width=32, allow_nan=False, allow_infinity=False), NUMS, DENS)
def test_any_single_is_exact(value, num, den):
    assert decoded(struct.pack(">f", value), "f32", num, den) == nearest(
        Fraction(value) * num / den)


@given(st.floats(allow_nan=False, allow_infinity=False), NUMS, DENS)
def test_any_double_is_exact(value, num, den):
    assert decoded(struct.pack(">d", value), "f64", num, den) == nearest(
        Fraction(value) * num / den)


@pytest.mark.parametrize("data", ["7FF0000000000000", "FFF0000000000000", "7FF8000000000000"])
def test_a_double_that_is_no_number(data):
    assert decoded(bytes.fromhex(data), "f64") is None


@pytest.mark.parametrize(("data", "value"), [
    ("3F800000", 1), ("C1200000", -10), ("4B800001", 16_777_218), ("80000000", 0),
    ("00000001", 0), ("3EFFFFFF", 0), ("3F000000", 1), ("BF000000", 0), ("7FC00000", None),
    ("7F800000", None), ("FF800000", None), ("7F800001", None),
])
def test_singles_worth_a_look(data, value):
    """16777218 is the first that a gateway's own floats could not have counted up to."""
    assert decoded(bytes.fromhex(data), "f32") == value


def test_a_register_of_100_megawatt_hours_keeps_its_last_one():
    assert decoded(struct.pack(">Q", 100_000_001), "u64") == 100_000_001
    assert decoded(struct.pack(">I", 4_000_000_001), "u32", 100, 1) == 400_000_000_100


@given(st.sampled_from(["u16", "i16", "u32", "i32", "u32s", "u64", "i64s"]),
       st.binary(min_size=8, max_size=8))
def test_what_is_not_available_is_no_number(kind, data):
    """However the profile wrote it, as the raw pattern or with its sign."""
    data = data[:2 * words(kind)]
    signed, = struct.unpack(">" + FORMATS["i" + kind[1:3]], data)
    unsigned, = struct.unpack(">" + FORMATS["u" + kind[1:3]], data)
    assert decoded(data, kind, na=[signed]) is None
    assert decoded(data, kind, na=[unsigned]) is None
    assert decoded(data, kind, na=[unsigned ^ 1]) is not None


@given(st.integers(-32768, 32767), st.integers(-32768, 32767), NUMS, DENS)
def test_scale_factor_of_sunspec(raw, power, num, den):
    """Device Information Model: a power of ten -10 .. 10; 0x8000 says there is none."""
    buf = bytearray(struct.pack(">hh", raw, power))
    value = decode(buf, 0, ("p_w", 0, 0, "i16", num, den, (), 1))
    if not -10 <= power <= 10:
        assert value is None
    else:
        assert value == nearest(Fraction(raw) * num / den * Fraction(10)**power)


@given(st.integers(-8_000_000, 8_000_000), st.integers(-10**5, 10**5).filter(bool), DENS)
def test_a_setpoint_is_never_exceeded_by_rounding(w, num, den):
    exact = Fraction(w * num, den)
    raw = encode(w, num, den)
    assert raw == math.trunc(exact)
    assert abs(raw) <= abs(exact) < abs(raw) + 1


@given(KINDS.filter(lambda kind: kind[0] != "f"), st.integers(-2**64, 2**64))
def test_what_fits_is_split_into_the_registers_it_is_read_from(kind, raw):
    code = ">" + FORMATS[kind[:3]]
    try:
        data = struct.pack(code, raw)
    except struct.error:
        assert not fits(raw, kind)
        return
    assert fits(raw, kind)
    assert struct.pack(f">{words(kind)}H", *split(raw, kind)) == registers(data, kind)


@pytest.mark.parametrize(("point", "word"), [
    (("p_w", 0, 0, "u24", 1, 1, (), -1), "type"),
    (("p_w", 1, 0, "u16", 1, 1, (), -1), "block"),
    (("p_w", 0, 3, "u32", 1, 1, (), -1), "within"),
    (("p_w", 0, -1, "u16", 1, 1, (), -1), "within"),
    (("p_w", 0, 0, "u16", 1, 1, (), 4), "within"),
    (("p_w", 0, 0, "u16", 1, 0, (), -1), "denominator"),
])
def test_a_point_that_no_reply_could_fill_is_refused(point, word):
    with pytest.raises(ValueError, match=word):
        check(point, [[3, 100, 4, 1]])


@given(KINDS, st.integers(0, 130), st.integers(-1, 130))
def test_a_point_that_is_accepted_can_be_decoded_from_its_block(kind, offset, scale):
    point = ("p_w", 0, offset, kind, 1, 1, (), scale)
    try:
        check(point, [[3, 100, 125, 1]])
    except ValueError:
        assume(False)
    decode(bytearray(250), 0, point)


@given(st.integers(0, 0xFFFF), st.integers(0, 15))
def test_a_bit_is_one_bit(word, place):
    assert decode(bytearray(word.to_bytes(2, "big")), 0,
                  ("x", 0, 0, "bit", 1 << place, 1, (), -1)) == word >> place & 1
