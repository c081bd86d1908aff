"""The envelope of a message, and gaps; and what the decoder says to anything else."""

import contextlib

import msgpack as reference
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_bridge.batches import BadMessage, decode_batch, decode_gap, decode_message


@given(st.integers(1, 100), st.integers(1, 2**32 - 1), st.integers(1, 2**32 - 1), st.binary())
def test_opens_the_envelope(kind, epoch, seq, body):
    payload = reference.packb([1, kind, epoch, seq, body])
    assert decode_message(payload) == (kind, epoch, seq, body)
    for end in range(len(payload)):
        with pytest.raises(BadMessage):
            decode_message(payload[:end])


@pytest.mark.parametrize(("items", "reason"), [
    ([1, 0, 7, 7, b""], "kind 0"), ([1, 101, 7, 7, b""], "kind 101"),
    ([1, 1, 0, 7, b""], "epoch 0"), ([1, 1, 2**32, 7, b""], "epoch 4294967296"),
    ([1, 1, 7, 0, b""], "sequence number 0"), ([1, 1, 7, -1, b""], "sequence number -1"),
    ([2, 1, 7, 7, b""], "version 2"), ([1, 1, 7, 7, ""], "unexpected kind of item"),
    ([1, 1, 7, 7, bytes(200_000)], "too long")])
def test_says_what_is_wrong_with_an_envelope(items, reason):
    with pytest.raises(BadMessage, match=reason):
        decode_message(reference.packb(items))


@given(st.binary(max_size=50))
def test_an_envelope_of_any_bytes_raises_nothing_else(payload):
    for decode in (decode_message, decode_batch, decode_gap):
        with contextlib.suppress(BadMessage):
            decode(payload)


@pytest.mark.parametrize("items", [[1, 0, 4], [1, 4, 0], [1, 2**32 - 1, 2], [1, 4], [2, 4, 4]])
def test_refuses_an_impossible_gap(items):
    with pytest.raises(BadMessage, match="gap"):
        decode_gap(reference.packb(items))
