"""Many batches decoded at once are what each is alone; and what a bridge without numpy does."""

from array import array

import msgpack
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from cloud_bridge import batch_bulk
from cloud_bridge.batch_body import SCHEMAS, BadCode
from cloud_bridge.batch_decoder import decode
from cloud_bridge.batches import BadMessage, decode_batch, decode_batches
from edge.wire.batch import _ENTRY as ENTRY
from edge.wire.batch import BatchEncoder
from hil import streams
from tests.sync.test_batch import encode, some_rows, vectors
from tests.sync.test_batch_old import EXAMPLE

FEW = settings(max_examples=25, phases=(Phase.explicit, Phase.reuse, Phase.generate))


def alone(body):
    try:
        return decode(body)
    except BadCode as error:
        return str(error)


def together(bodies):
    return [str(found) if isinstance(found, BadCode) else found
            for found in batch_bulk.decode_all(bodies)]


def check(bodies):
    assert together(bodies) == [alone(body) for body in bodies]


def metered(step_s, cuts):
    """Batches of a generated site, of 1 to 40 rows."""
    for block in streams.generate(step_s, blocks=2, records=240):
        at, n = 0, 1
        while at + n <= len(block):
            rows = [[9800, (80_000 + step_s * (at + k)) % 86_400, *record]
                    for k, record in enumerate(block[at:at + n])]
            yield encode(129, rows, cuts)
            at, n = at + n, n % 40 + 3


@pytest.mark.parametrize("step_s", [1, 60])
def test_batches_of_all_lengths_and_parts(step_s):
    bodies = [*metered(step_s, ()), *metered(step_s, (0, 4, 5, 17))]
    assert len(bodies) > batch_bulk._FEW
    check(bodies)
    assert not any(isinstance(found, BadCode) for found in batch_bulk.decode_all(bodies))


@FEW
@given(st.lists(some_rows(), min_size=1, max_size=5), st.sets(st.integers(0, 12), max_size=3))
def test_any_rows(cases, cuts):
    bodies = [encode(schema, rows, cuts) for schema, rows in cases for _ in range(17)]
    check(bodies)


@FEW
@given(st.lists(st.tuples(st.integers(0, 10), st.integers(2, 400), st.integers(1, 255)),
                min_size=20, max_size=60))
def test_damaged_ones_are_refused_as_alone_and_spoil_no_other(damage):
    whole = [body for _, body in vectors()]
    bodies = []
    for which, place, bits in damage:
        damaged = bytearray(whole[which % len(whole)])
        if place < len(damaged):
            damaged[place] ^= bits
        bodies.append(bytes(damaged))
    check([*bodies, *whole, b"", b"\x02", b"\x02\x81", msgpack.packb([1, 1, 1, b"\x00"])])


def test_nothing_is_nothing():
    assert batch_bulk.decode_all([]) == []


def test_without_numpy_they_are_read_one_by_one(monkeypatch):
    monkeypatch.setattr(batch_bulk, "np", None)
    check([body for _, body in vectors()] * 3)


def test_a_long_quiet_time_of_every_schema():
    """Levels at their lowest, 255 rows."""
    for schema in (7, *SCHEMAS):
        encoder = BatchEncoder(SCHEMAS.get(schema, schema), 20_000)
        n = len(SCHEMAS[schema]) // ENTRY if schema in SCHEMAS else schema
        for number in range(255):
            encoder.add(array("i", [9800, 300 * number, *range(n - 2)]))
        body = bytes(encoder.buffer[:encoder.finish()])
        check([body] * 20)


def read(body):
    """What one is, or why it is none."""
    try:
        return decode_batch(body)
    except BadMessage as reason:
        return str(reason)


@FEW
@given(st.lists(st.one_of(st.just(EXAMPLE), st.binary(max_size=30),
                          some_rows().map(lambda drawn: encode(*drawn))), max_size=40))
def test_batches_of_both_versions_among_any_bytes(bodies):
    assert [str(found) if isinstance(found, BadMessage) else found
            for found in decode_batches(bodies)] == [read(body) for body in bodies]
