"""A leaf has one form, which MessagePack reads, and none other is taken for one."""

from __future__ import annotations

import contextlib
import hashlib

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.ledger.leaf import SITE_NUMBERS, Leaf, fields, numbers, unpack


@pytest.mark.parametrize(("coded", "says"), [
    (b"\x80\x00", "0: not its shortest"), (b"\x01\x81", "1: cut off"),
    (b"\xff" * 8 + b"\x01", "0: not its shortest")])
def test_numbers_in_another_form_are_refused(coded, says):
    with pytest.raises(ValueError, match=says):
        numbers(coded)


def coded(values):
    leaf = Leaf(1, len(values))
    leaf.begin(values)
    while not leaf.step(bytes(range(8)), bytes(range(32))):
        pass
    return leaf


@given(st.lists(st.integers(0, 2**56 - 1), max_size=60))
def test_a_leaf_is_plain_messagepack_and_comes_back(values):
    leaf = coded(values)
    data = bytes(leaf.buffer[:leaf.n])
    assert unpack(data) == (1, values, bytes(range(8)), bytes(range(32)))
    kind, binary, factor_id, before = msgpack.unpackb(data)
    assert (kind, numbers(binary), factor_id, before) == unpack(data)
    assert msgpack.packb([kind, binary, factor_id, before]) == data
    assert leaf.digest == hashlib.sha256(b"\0" + data).digest()


@given(st.lists(st.integers(0, 300), max_size=60), st.data())
def test_a_changed_leaf_is_another_leaf_or_refused(values, data):
    """No byte is without meaning: what can be read at all reads differently."""
    leaf = bytearray(coded(values).buffer[:coded(values).n])
    whole = unpack(bytes(leaf))
    at = data.draw(st.integers(0, len(leaf) - 1))
    leaf[at] ^= data.draw(st.integers(1, 255))
    with contextlib.suppress(ValueError):
        assert unpack(bytes(leaf)) != whole


@given(st.binary(max_size=120))
def test_bytes_of_a_stranger_are_a_leaf_or_refused(data):
    with contextlib.suppress(ValueError):
        kind, values, factor_id, before = unpack(data)
        assert msgpack.unpackb(data) == [kind, msgpack.unpackb(data)[1], factor_id, before]
        assert all(0 <= value < 2**56 for value in values)


@pytest.mark.parametrize("meters", [0b1111111, 0b1110101, 0b0000001])
def test_there_is_room_for_every_number_of_any_site(meters):
    names = fields(meters, 4)
    assert len(names) == len(set(names)) <= SITE_NUMBERS + 20
    leaf = Leaf(1, SITE_NUMBERS + 20)
    leaf.begin([2**56 - 1] * (SITE_NUMBERS + 20))
    while not leaf.step(bytes(8), bytes(32)):
        pass
    assert len(unpack(bytes(leaf.buffer[:leaf.n]))[1]) == len(fields(0b1111111, 4))


TAIL = b"\xc4\x08" + bytes(8) + b"\xc4\x20" + bytes(32)


@pytest.mark.parametrize("data", [
    b"", b"\x94\x01\xc4\x01" + TAIL, b"\x94\x01\xc4\x00\x05" + TAIL,
    b"\x94\x01\xc5\x00\x01\x05" + TAIL, b"\x94\x03\xc4\x01\x05" + TAIL,
    b"\x93\x01\xc4\x01\x05" + TAIL, b"\x94\x01\xc4\x01\x05" + TAIL + b"\0",
    b"\x94\x01\xc4\x01\x05" + TAIL.replace(b"\x20", b"\x1f")])
def test_another_shape_is_no_leaf(data):
    assert unpack(b"\x94\x01\xc4\x01\x05" + TAIL)[1] == [5]
    with pytest.raises(ValueError, match="leaf: "):
        unpack(data)
