"""Our MessagePack against the reference implementation, both ways, and against any bytes."""

import random

import msgpack as reference
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.wire import msgpack

INTEGERS = st.integers(-(2**63), 2**64 - 1)
LEAVES = INTEGERS | st.text(max_size=40) | st.binary(max_size=300)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=20), max_leaves=20)


def put_value(buf, at, value):
    """Write a value with the gateway's functions."""
    if isinstance(value, int):
        return msgpack.put_int(buf, at, value)
    if isinstance(value, str):
        return msgpack.put_str(buf, at, value)
    if isinstance(value, bytes):
        return msgpack.put_bin(buf, at, value, len(value))
    at = msgpack.put_array_head(buf, at, len(value))
    for item in value:
        at = put_value(buf, at, item)
    return at


def depth(value):
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


def is_plain(value):
    """Whether a gateway reads such values at all."""
    if isinstance(value, list):
        return all(map(is_plain, value))
    return type(value) in (int, str, bytes)


@given(VALUES, st.integers(0, 3))
def test_writes_what_the_reference_writes_and_nothing_beside_it(value, start):
    expected = reference.packb(value)
    buf = bytearray(b"\xa5" * (start + len(expected) + 3))
    end = put_value(buf, start, value)
    assert buf == b"\xa5" * start + expected + b"\xa5\xa5\xa5"
    assert end == start + len(expected)


@given(st.integers(0, 2**17))
def test_writes_long_heads_as_the_reference(n):
    packer = reference.Packer()
    buf = bytearray(9)
    assert buf[:msgpack.put_array_head(buf, 0, n)] == packer.pack_array_header(n)
    assert buf[:msgpack.put_map_head(buf, 0, n)] == packer.pack_map_header(n)
    data = bytes(n)
    buf = bytearray(n + 9)
    assert buf[:msgpack.put_bin(buf, 0, data, n)] == packer.pack(data)
    assert buf[:msgpack.put_str(buf, 0, "x" * n)] == packer.pack("x" * n)


@given(st.integers(0, 0xFFFF))
def test_heads_of_fixed_width_can_be_filled_in_later(value):
    buf = bytearray(3)
    assert msgpack.put_u16(buf, 0, value) == 3
    assert reference.unpackb(buf) == value
    assert msgpack.put_bin16_head(buf, 0, value) == 3
    assert reference.unpackb(buf + bytes(value)) == bytes(value)


@pytest.mark.parametrize("value", [2**64, -(2**63) - 1])
def test_refuses_an_integer_that_messagepack_cannot_hold(value):
    with pytest.raises(OverflowError):
        msgpack.put_int(bytearray(16), 0, value)


@pytest.mark.parametrize("put", [
    lambda buf: msgpack.put_int(buf, 2, 70_000),
    lambda buf: msgpack.put_str(buf, 0, "longer"),
    lambda buf: msgpack.put_bin(buf, 0, bytes(9), 9)])
def test_never_grows_a_buffer(put):
    buf = bytearray(4)
    with pytest.raises((IndexError, ValueError)):
        put(buf)
    assert len(buf) == 4


@given(VALUES)
def test_reads_what_the_reference_writes(value):
    data = reference.packb(value)
    error, got = msgpack.decode(data, len(data))
    if len(data) > 1024 or depth(value) > 4:
        assert (error, got) == (msgpack.LIMIT, None)
    else:
        assert (error, got) == (msgpack.OK, value)


def check_any_bytes(data):
    """Either our value and the reference's are equal, or there is none and a reason."""
    error, value = msgpack.decode(data, len(data))
    try:
        expected = reference.unpackb(data, strict_map_key=False)
    except (ValueError, TypeError):
        assert error
    else:
        readable = is_plain(expected) and depth(expected) <= 4
        assert (error == msgpack.OK) == readable
        assert value == (expected if readable else None)
    assert msgpack.ERRORS[error]


@given(st.binary(max_size=60))
def test_agrees_with_the_reference_on_any_bytes(data):
    check_any_bytes(data)


def test_agrees_with_the_reference_on_damaged_messages():
    rnd = random.Random(5)
    message = bytearray(reference.packb([1, 2**31, -5, "valve", b"\x00" * 40, [[7, 2**40], ""]]))
    for _ in range(20_000):
        data = message.copy()
        for _ in range(rnd.randint(1, 3)):
            data[rnd.randrange(len(data))] = rnd.getrandbits(8)
        check_any_bytes(bytes(data[:rnd.randint(0, len(data))]))


def read_ack(data, end=None):
    reader = msgpack.Reader()
    reader.start(data, 0, len(data) if end is None else end)
    got = reader.array(), reader.integer(), reader.integer(), reader.integer()
    return reader.finish(), got


def test_reads_an_acknowledgement_without_making_a_list():
    data = reference.packb([1, 0xFFFFFFFF, 77])
    assert read_ack(data) == (msgpack.OK, (3, 1, 0xFFFFFFFF, 77))
    assert read_ack(data + b"\x00")[0] == msgpack.EXTRA
    assert read_ack(data + b"\x00", len(data))[0] == msgpack.OK
    assert read_ack(data, len(data) + 9)[0] == msgpack.OK


@pytest.mark.parametrize(("message", "error"), [
    ([1, 2], msgpack.SHORT), ([1, "2", 3], msgpack.KIND), ([1, [2], 3], msgpack.KIND),
    ([1, None, 3], msgpack.KIND), ([1, 2.0, 3], msgpack.KIND), ([1, True, 3], msgpack.KIND),
    ({1: 2}, msgpack.KIND), ([1, 2, 3, 4], msgpack.EXTRA), ([b"x" * 2000, 2, 3], msgpack.LIMIT)])
def test_the_first_error_stays(message, error):
    found, got = read_ack(reference.packb(message))
    assert found == error
    assert error == msgpack.EXTRA or got[3] == 0


def test_a_reader_starts_afresh():
    reader = msgpack.Reader()
    reader.start(b"\xc0", 0, 1)
    assert reader.value() is None
    assert reader.finish() == msgpack.KIND
    reader.start(reference.packb("again"), 0, 6)
    assert (reader.text(), reader.finish()) == ("again", msgpack.OK)
