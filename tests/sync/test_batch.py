"""Journal rows through the batch and back; and what the decoder says to anything else."""

import contextlib
import random
import zlib
from array import array
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_bridge.batch_body import SCHEMAS, head, opened
from cloud_bridge.batches import BadMessage, decode_batch
from edge import journal
from edge.wire import schema_meters
from edge.wire.batch import _ENTRY as ENTRY
from edge.wire.batch import BatchEncoder
from hil import streams
from tests.fuzz import batch as fuzz
from tools import spread_tables

VECTORS = Path(__file__).with_name("batch_vectors.txt")
I31 = st.integers(-(2**30), 2**30 - 1)
I32 = st.integers(-(2**31), 2**31 - 1)
EXTREME = st.sampled_from([0, 1, -1, 11, 12, -12, 86_399, 2**28, 2**30 - 1, -(2**30),
                           2**31 - 1, -(2**31)])


def n_fields_of(schema):
    return schema if schema < 128 else len(SCHEMAS[schema]) // ENTRY


@st.composite
def some_rows(draw):
    """Rows of any kind, and by which schema to code them."""
    schema = draw(st.one_of(st.integers(1, 127), st.sampled_from([128, 129])))
    n = n_fields_of(schema)
    value = draw(st.sampled_from([st.integers(-3, 3), st.integers(0, 90_000), I31, I32, EXTREME]))
    first = draw(st.lists(value, min_size=n, max_size=n))
    rows = [first]
    for changes in draw(st.lists(st.dictionaries(st.integers(0, n - 1), value), max_size=20)):
        rows.append([changes.get(field, last) for field, last in enumerate(rows[-1])])
    return schema, rows


def encoder_of(schema, capacity=16_000):
    return BatchEncoder(SCHEMAS.get(schema, schema), capacity)


def encode(schema, rows, cuts=()):
    """A body of version 2, or of version 3 where a head of it is given instead of a schema."""
    encoder = encoder_of(schema) if isinstance(schema, int) else fuzz.encoder_of(schema)
    for number, row in enumerate(rows):
        assert encoder.add(array("i", row))
        if number in cuts:
            encoder.part()
    return bytes(encoder.buffer[:encoder.finish()])


@given(some_rows())
def test_any_rows_come_back(case):
    schema, rows = case
    body = encode(schema, rows)
    assert body[:2] == bytes((2, schema))
    batch = decode_batch(body)
    assert (batch.n_fields, batch.rows) == (n_fields_of(schema), rows)
    assert batch.columns() == [list(column) for column in zip(*rows, strict=True)]
    assert len(body) <= 6 + len(rows) * 7 * n_fields_of(schema)


@given(some_rows(), st.sets(st.integers(0, 20)))
def test_a_body_may_end_after_any_part(case, cuts):
    schema, rows = case
    encoder = encoder_of(schema)
    ends, before = [], b""
    for number, row in enumerate(rows):
        encoder.add(array("i", row))
        if number in cuts:
            end = encoder.part()
            assert encoder.part() == end, "a part without rows is none"
            assert bytes(encoder.buffer[:len(before)]) == before, "what is final stays as it was"
            before = bytes(encoder.buffer[:end])
            ends.append((number + 1, end))
    body = bytes(encoder.buffer[:encoder.finish()])
    for n_rows, end in ends:
        assert decode_batch(body[:end]).rows == rows[:n_rows]
    assert decode_batch(body).rows == rows
    assert encode(schema, rows, cuts) == body


@given(some_rows())
def test_fields_coded_one_by_one_give_the_same_bytes(case):
    schema, rows = case
    encoder = BatchEncoder(SCHEMAS.get(schema, schema), 16_000, at_once=1)
    for row in rows:
        slices = 1
        while not encoder.code(array("i", row)):
            slices += 1
        assert slices == n_fields_of(schema)
    assert bytes(encoder.buffer[:encoder.finish()]) == encode(schema, rows)


@given(some_rows(), st.integers(0, 300))
def test_a_full_batch_keeps_what_it_took_and_never_outgrows_its_capacity(case, spare):
    schema, rows = case
    n = n_fields_of(schema)
    capacity = 11 + 7 * n + spare
    encoder = encoder_of(schema, capacity)
    batches = []
    for row in rows:
        if not encoder.add(array("i", row)):
            assert not encoder.add(array("i", [0] * n)), "closed: rows stay in order"
            end = encoder.finish()
            assert end == encoder.finish() <= capacity
            batches.append(bytes(encoder.buffer[:end]))
            encoder.reset()
            assert encoder.add(array("i", row)), "a new batch takes any row"
    batches.append(bytes(encoder.buffer[:encoder.finish()]))
    assert [row for body in batches for row in decode_batch(body).rows] == rows


def test_an_empty_batch_has_no_body():
    encoder = BatchEncoder(3, 100)
    assert encoder.part() == 2
    assert encoder.finish() == 0
    assert not encoder.add(array("i", [1, 2, 3])), "finished: reset begins the next"
    encoder.reset()
    assert encoder.add(array("i", [1, 2, 3]))
    assert encoder.finish() > 5


def test_a_batch_has_at_most_255_rows():
    encoder = BatchEncoder(1, 4_000)
    row = array("i", [0])
    assert all(encoder.add(row) for _ in range(255))
    assert encoder.closed
    assert not encoder.add(row)
    assert len(decode_batch(bytes(encoder.buffer[:encoder.finish()])).rows) == 255


@pytest.mark.parametrize(("schema", "capacity"), [(0, 100), (128, 9000), (10, 60), (10, 65_536)])
def test_refuses_sizes_that_could_not_work(schema, capacity):
    with pytest.raises(ValueError, match="a batch"):
        BatchEncoder(schema, capacity)


@pytest.mark.parametrize("schema", SCHEMAS.values())
def test_a_schema_codes_each_field_once_and_follows_only_what_is_known(schema):
    entries = [schema[at:at + ENTRY] for at in range(1, len(schema), ENTRY)]
    fields = [entry[0] for entry in entries]
    assert sorted(fields) == list(range(len(fields)))
    for number, (_, kind, a, b, _, _, first, _, level) in enumerate(entries):
        assert kind <= 9
        assert 2 <= first <= 26
        assert level
        if kind > 1 and kind != 4:
            assert a in fields[:number]
        if kind in {2, 3, 5, 6} and b:
            assert b in fields[:number]


def test_the_schemas_are_of_what_is_coded():
    assert n_fields_of(128) == len(journal.FIELDS)
    assert ("day", "second", *streams.CHANNELS) == schema_meters.FIELDS


def test_the_tables_are_those_that_the_tool_makes():
    assert spread_tables.TARGET.read_text() == spread_tables.source()
    for table in range(spread_tables.TABLES):
        assert sum(spread_tables.likelihoods(table)) == spread_tables.ONE


def test_a_quiet_site_costs_next_to_nothing():
    """35 fields, of which only the time moves: a fiftieth of a bit each, and the first row."""
    rows = [[9800, 3600 + 15 * n, 15_000 * n, *range(1000, 1032)] for n in range(60)]
    assert len(encode(128, rows)) < 200


def test_noise_costs_what_it_must():
    """Gaussian noise of standard deviation 20: at least 6.37 bits, the head a quarter of one."""
    rnd = random.Random(5)
    rows, value = [], 0
    for _ in range(240):
        value += round(rnd.gauss(0, 20))
        rows.append([value])
    assert 8 * len(encode(1, rows)) / 240 < 6.37 + 0.25 + 0.4


def vectors():
    """The frozen bodies, each with a checksum of its rows."""
    for line in VECTORS.read_text().splitlines():
        checksum, body = line.split()
        yield int(checksum), bytes.fromhex(body)


def ends_of(body):
    """The last row of each part."""
    ends = [-1]
    for part in opened(body)[1]:
        ends.append(ends[-1] + part.rows)
    return ends


def test_the_bytes_are_those_that_are_frozen():
    """Of every schema, with values of all sizes. A form that changes needs a new version number,
    and the bridge the old one as well."""
    for checksum, body in vectors():
        rows = decode_batch(body).rows
        assert zlib.crc32(repr(rows).encode()) == checksum
        assert encode(head(body), rows, ends_of(body)) == body


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
    assert encode(head(body), batch.rows, ends_of(body)) == body
    return True


@given(st.sampled_from([1, 2, 9, 127, 128, 129]),
       st.lists(st.tuples(st.integers(0, 90), st.binary(max_size=60)), max_size=3))
def test_any_coded_bytes_decode_to_what_encodes_to_them(schema, parts):
    body = bytes((2, schema))
    for n_rows, code in parts:
        body += bytes((n_rows, 0, len(code))) + code
    check_any_body(body)


def test_random_and_damaged_bodies_raise_nothing_else():
    rnd = random.Random(9)
    bodies = [body for _, body in vectors()]
    decoded = 0
    for number in range(1_500):
        check_any_body(b"\x02" + rnd.randbytes(rnd.randint(0, 40)))
        damaged = bytearray(bodies[number % len(bodies)])
        for _ in range(rnd.randint(1, 2)):
            damaged[-rnd.randint(1, min(30, len(damaged) - 5))] ^= 1 << rnd.randrange(8)
        cut = rnd.randint(0, len(damaged)) if rnd.random() < 0.3 else len(damaged)
        decoded += check_any_body(bytes(damaged[:cut]))
    assert decoded > 10, "some damage only changes values: that is the frame's CRC to find"


@pytest.mark.parametrize(("body", "reason"), [
    (b"", "batch: too short"),
    (b"\x02", "version 2, not 2 or 3"),
    (b"\x02\x01", "0 rows"),
    (b"\x02\x00\x01\x00\x01\x00", "schema 0 is unknown"),
    (b"\x02\xff\x01\x00\x01\x00", "schema 255 is unknown"),
    (b"\x02\x01\x00\x00\x01\x00", "part at byte 2 of 6 has no rows or no end"),
    (b"\x02\x01\x01\x00\x00", "part at byte 2 of 5 has no rows or no end"),
    (b"\x02\x01\x01\x00\x02\x00", "part at byte 2 of 6 has no rows or no end"),
    (b"\x02\x01\x01\x00", "no rows or no end"),
    (b"\x02\x01" + b"\x80\x00\x01\x00" * 2, "256 rows, not 1 to 255"),
    (b"\x02\x01\x09\x00\x01\x77", "ends within row|longer or shorter"),
    (b"\x02\x01\x01\x00\x02\x05\x96", "surprise told in more bits than it needs in row 0"),
    (b"\x02\x01\x01\x00\x09" + bytes(9), "longer or shorter than its 1 rows need|ends within"),
])
def test_says_what_is_wrong_with_a_body(body, reason):
    with pytest.raises(BadMessage, match=reason):
        decode_batch(body)


@given(st.binary(max_size=40))
def test_any_bytes_alone_and_together(data):
    fuzz.one(data)


def test_no_prediction_leads_out_of_32_bits():
    """A counter at its end, carried once more: just as expected, and no value of a gateway."""
    kwh, wh = map(journal.FIELDS.index, ("import_kwh", "import_wh"))
    encoder = encoder_of(128)
    for number in range(62):
        row = [0] * 35
        row[kwh], row[wh] = (1 << 31) - 30 + number // 2, 500 * (number % 2)
        assert encoder.add(row)
    with pytest.raises(BadMessage, match="growth of 1 in row 60"):
        decode_batch(bytes(encoder.buffer[:encoder.finish()]))
