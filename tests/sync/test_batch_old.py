"""Batches of version 1, which gateways of before have left in their outboxes and stores."""

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_bridge.batches import BadMessage, decode_batch

EXAMPLE = bytes.fromhex("94 01 09 cd0002 c5000a 0301 02 01 8001 0001 8102")


def test_an_example_worked_by_hand():
    batch = decode_batch(EXAMPLE)
    assert batch.rows == [[1, -1, 0, 0, 0, 0, 0, 0, 64], [1, -1, 0, 0, 0, 0, 0, 0, -65]]
    assert batch.columns()[8] == [64, -65]


def encoded(rows):
    """As version 1 did it, in the plainest way."""
    coded, before = bytearray(), [0] * len(rows[0])
    for row in rows:
        marks = sum(1 << field for field, value in enumerate(row) if value != before[field])
        coded += marks.to_bytes((len(row) + 7) // 8, "little")
        for value, was in zip(row, before, strict=True):
            change = value - was
            zigzag = 2 * change if change >= 0 else -2 * change - 1
            while zigzag > 127:
                coded.append(zigzag & 127 | 128)
                zigzag >>= 7
            if change:
                coded.append(zigzag)
        before = row
    return msgpack.packb([1, len(rows[0]), len(rows), bytes(coded)])


I32 = st.integers(-(2**31), 2**31 - 1)


@given(st.integers(1, 40).flatmap(lambda n: st.lists(
    st.lists(st.one_of(st.integers(-3, 3), I32), min_size=n, max_size=n), min_size=1, max_size=9)))
def test_any_rows_come_back(rows):
    assert decode_batch(encoded(rows)).rows == rows


@given(st.integers(1, 127), st.integers(0, 30), st.binary(max_size=60))
def test_any_coded_bytes_decode_to_what_encodes_to_them(n_fields, n_rows, coded):
    body = msgpack.packb([1, n_fields, n_rows, coded])
    try:
        batch = decode_batch(body)
    except BadMessage:
        return
    assert encoded(batch.rows) == body


@pytest.mark.parametrize(("items", "reason"), [
    ({}, "batch: unexpected kind of item"),
    ([3, 1, 1, b"\x01\x02"], "version 3 of 4 items, not 1 of 4"),
    ([1, 1, 1], "version 1 of 3 items, not 1 of 4"),
    ([1, 1, "1", b"\x00"], "unexpected kind"),
    ([1, 128, 1, b"\x00"], "128 fields"),
    ([1, 1, 0, b""], "0 rows"),
    ([1, 1, 9, b"\x00\x00"], "9 rows in 2 bytes"),
    ([1, 1, 1, b"\x01"], "ends within row 0 of 1"),
    ([1, 9, 1, b"\x00"], "-1 bytes more or less"),
    ([1, 1, 1, b"\x00\x00"], "1 bytes more or less"),
    ([1, 1, 1, b"\x02\x02"], "a field that the batch does not have"),
    ([1, 1, 1, b"\x01\x00"], "row 0 changes field 0 to 0"),
    ([1, 1, 1, b"\x01\x80\x80\x80\x80\x10"], "changes field 0 to 2147483648"),
    ([1, 1, 1, b"\x01\x82\x00"], "more bytes than it needs"),
    ([1, 1, 1, b"\x01\x82\x82\x82\x82\x82\x01"], "more than 5 bytes"),
])
def test_says_what_is_wrong_with_a_body(items, reason):
    with pytest.raises(BadMessage, match=reason):
        decode_batch(msgpack.packb(items))
