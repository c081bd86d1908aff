"""Journal rows through the batch and back; and what the decoder says to anything else."""

import contextlib
import random
from array import array

import msgpack as reference
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_bridge.batches import BadMessage, decode_batch, decode_gap, decode_message
from edge.wire.batch import BatchEncoder

I31 = st.integers(-(2**30), 2**30 - 1)
I32 = st.integers(-(2**31), 2**31 - 1)
EXTREME = st.sampled_from([0, 1, -1, 63, 64, -64, -65, 2**30 - 1, -(2**30), 2**31 - 1, -(2**31)])


@st.composite
def some_rows(draw):
    n_fields = draw(st.integers(1, 40))
    value = draw(st.sampled_from([st.integers(-3, 3), I31, I32, EXTREME]))
    rows = st.lists(st.lists(value, min_size=n_fields, max_size=n_fields), min_size=1, max_size=20)
    return n_fields, draw(rows)


def encode(n_fields, rows, capacity=8000):
    encoder = BatchEncoder(n_fields, capacity)
    for row in rows:
        assert encoder.add(array("i", row))
    return bytes(encoder.buffer[:encoder.finish()])


@given(some_rows())
def test_any_rows_come_back(case):
    n_fields, rows = case
    body = encode(n_fields, rows)
    version, fields, count, coded = reference.unpackb(body)
    assert (version, fields, count) == (1, n_fields, len(rows))
    batch = decode_batch(body)
    assert batch.rows == rows
    assert batch.columns() == [[row[field] for row in rows] for field in range(n_fields)]
    assert len(coded) <= len(rows) * ((n_fields + 7) // 8 + 5 * n_fields)


def test_the_form_on_the_wire():
    """Worked by hand from the description: a form that changes needs a new version number."""
    body = encode(9, [[1, -1, 0, 0, 0, 0, 0, 0, 64], [1, -1, 0, 0, 0, 0, 0, 0, -65]])
    head = "94 01 09 cd0002 c5000a"
    first = "0301 02 01 8001"  # fields 0, 1 and 8: 1, -1 and 64 as zigzag 2, 1 and 128
    second = "0001 8102"  # field 8: -129 as zigzag 257
    assert body == bytes.fromhex(head + first + second)


@given(some_rows(), st.integers(0, 300))
def test_a_full_batch_keeps_what_it_took_and_never_outgrows_its_capacity(case, spare):
    n_fields, rows = case
    capacity = 9 + (n_fields + 7) // 8 + 5 * n_fields + spare
    encoder = BatchEncoder(n_fields, capacity)
    batches = []
    taken = []
    for row in rows:
        if not encoder.add(array("i", row)):
            assert not encoder.add(array("i", [0] * n_fields)), "closed: rows stay in order"
            n = encoder.finish()
            assert n == encoder.finish() <= capacity
            batches.append(bytes(encoder.buffer[:n]))
            encoder.reset()
            assert encoder.add(array("i", row)), "a new batch takes any row"
        taken.append(row)
    batches.append(bytes(encoder.buffer[:encoder.finish()]))
    assert [row for body in batches for row in decode_batch(body).rows] == rows


def test_an_empty_batch_has_no_body():
    encoder = BatchEncoder(3, 100)
    assert encoder.finish() == 0
    assert not encoder.add(array("i", [1, 2, 3])), "finished: reset begins the next"
    encoder.reset()
    assert encoder.add(array("i", [1, 2, 3]))
    assert encoder.finish() == 9 + 1 + 3


def test_is_closed_as_soon_as_another_row_might_not_fit():
    encoder = BatchEncoder(1, 65_544)
    row = array("i", [0])  # a byte; the longest has six
    assert all(encoder.add(row) for _ in range(65_530))
    assert encoder.closed
    assert not encoder.add(row)
    assert len(decode_batch(bytes(encoder.buffer[:encoder.finish()])).rows) == 65_530


@pytest.mark.parametrize(("n_fields", "capacity"), [(0, 100), (128, 9000), (10, 60), (10, 65_545)])
def test_refuses_sizes_that_could_not_work(n_fields, capacity):
    with pytest.raises(ValueError, match="a batch"):
        BatchEncoder(n_fields, capacity)


def test_a_quiet_site_costs_little():
    """35 fields, ten of which move by less than 64 each second: a bitmap and a byte each."""
    rnd = random.Random(1)
    rows = [[0] * 35]
    for _ in range(59):
        rows.append([value + (rnd.randint(1, 63) if field % 4 == 0 else 0)
                     for field, value in enumerate(rows[-1])])
    assert len(encode(35, rows)) == 9 + 5 + 59 * (5 + 9)


def test_one_bit_turned_is_never_another_exception():
    body = encode(12, [[i * i * 7 ** field % 99_991 for field in range(12)] for i in range(9)])
    rows = decode_batch(body).rows
    for bit in range(8 * len(body)):
        damaged = bytearray(body)
        damaged[bit // 8] ^= 1 << bit % 8
        with contextlib.suppress(BadMessage):
            assert decode_batch(bytes(damaged)).rows != rows


def check_any_body(body):
    """Refused with a reason, or its rows are coded in the only way there is."""
    try:
        batch = decode_batch(body)
    except BadMessage:
        return False
    coded = reference.unpackb(body)[3]
    again = encode(batch.n_fields, batch.rows, 65_544)
    assert reference.unpackb(again)[3] == coded
    return True


@given(st.integers(1, 127), st.integers(0, 30), st.binary(max_size=60))
def test_any_coded_bytes_decode_to_what_encodes_to_them(n_fields, n_rows, coded):
    check_any_body(reference.packb([1, n_fields, n_rows, coded]))


def test_random_and_damaged_bodies_raise_nothing_else():
    rnd = random.Random(9)
    body = encode(5, [[rnd.randint(-(10**k), 10**k) for k in range(5)] for _ in range(6)])
    decoded = 0
    for _ in range(10_000):
        check_any_body(rnd.randbytes(rnd.randint(0, 40)))
        damaged = bytearray(body)
        for _ in range(rnd.randint(1, 3)):
            damaged[rnd.randrange(len(damaged))] = rnd.getrandbits(8)
        cut = rnd.randint(0, len(damaged)) if rnd.random() < 0.3 else len(damaged)
        decoded += check_any_body(bytes(damaged[:cut]))
    assert decoded > 100, "some damage only changes values: that is the frame's CRC to find"


@pytest.mark.parametrize(("body", "reason"), [
    (b"", "batch: too short"),
    (reference.packb({}), "batch: unexpected kind of item"),
    (reference.packb([2, 1, 1, b"\x01\x02"]), "version 2 of 4 items, not 1 of 4"),
    (reference.packb([1, 1, 1]), "version 1 of 3 items, not 1 of 4"),
    (reference.packb([1, 1, 1, b"\x00"]) + b"!", "something follows"),
    (reference.packb([1, 1, "1", b"\x00"]), "unexpected kind"),
    (reference.packb([1, 128, 1, b"\x00"]), "128 fields"),
    (reference.packb([1, 1, 0, b""]), "0 rows"),
    (reference.packb([1, 1, 9, b"\x00\x00"]), "9 rows in 2 bytes"),
    (reference.packb([1, 1, 1, b"\x01"]), "ends within row 0 of 1"),
    (reference.packb([1, 9, 1, b"\x00"]), "-1 bytes more or less"),
    (reference.packb([1, 1, 1, b"\x00\x00"]), "1 bytes more or less"),
    (reference.packb([1, 1, 1, b"\x02\x02"]), "a field that the batch does not have"),
    (reference.packb([1, 1, 1, b"\x01\x00"]), "row 0 changes field 0 to 0"),
    (reference.packb([1, 1, 1, b"\x01\x80\x80\x80\x80\x10"]), "changes field 0 to 2147483648"),
    (reference.packb([1, 1, 1, b"\x01\x82\x00"]), "more bytes than it needs"),
    (reference.packb([1, 1, 1, b"\x01\x82\x82\x82\x82\x82\x01"]), "more than 5 bytes"),
])
def test_says_what_is_wrong_with_a_body(body, reason):
    with pytest.raises(BadMessage, match=reason):
        decode_batch(body)


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
