"""Fields that move in steps, through the batch and back; and what is refused of their heads."""

from array import array

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from cloud_bridge import batch_bulk
from cloud_bridge.batch_body import BadCode
from cloud_bridge.batches import BadMessage, decode_batch, decode_batches
from edge import journal
from edge.wire import schema_meters
from edge.wire.quanta import QuantaEncoder, quantum
from tests.fuzz.batch import encoder_of
from tests.sync.test_batch import EXTREME, I32, encode, ends_of, n_fields_of

STEPS = {byte: step for byte in range(256) if (step := quantum(byte))}
FEW = settings(max_examples=15, phases=(Phase.explicit, Phase.reuse, Phase.generate))
GRID_W, PV_W, IMPORT_WH, CO2_G = map(
    schema_meters.FIELDS.index, ("grid_w", "pv_w", "import_wh", "co2_g"))
IMPORT_KWH, IMPORT_KWH_WH = map(journal.FIELDS.index, ("import_kwh", "import_wh"))


@st.composite
def heads(draw):
    """Of a body of version 3: a schema, and some of its fields with their quanta."""
    schema = draw(st.one_of(st.integers(1, 127), st.sampled_from([128, 129])))
    fields = st.integers(0, n_fields_of(schema) - 1)
    quanta = draw(st.dictionaries(fields, st.sampled_from([*STEPS]), min_size=1))
    pairs = [byte for pair in sorted(quanta.items()) for byte in pair]
    return bytes((3, schema, len(quanta), *pairs))


@st.composite
def some_rows(draw):
    """A head, and rows of multiples, of what is nearly one, and of extremes."""
    begun = draw(heads())
    n, steps = n_fields_of(begun[1]), dict(zip(begun[3::2], begun[4::2], strict=True))
    near = st.tuples(st.just(False), st.integers(-4, 4), st.sampled_from([0] * 9 + [1, -1]))
    anew = st.tuples(st.just(True), st.one_of(EXTREME, I32), st.just(0))
    changed = st.dictionaries(st.integers(0, n - 1), st.one_of(near, anew))
    row, rows = draw(st.lists(EXTREME, min_size=n, max_size=n)), []
    for changes in draw(st.lists(changed, min_size=1, max_size=20)):
        for field, (anew, number, odd) in changes.items():
            step = STEPS.get(steps.get(field), 1)
            value = number if anew else row[field] // step * step + number * step + odd
            row[field] = max(-1 << 31, min(value, (1 << 31) - 1))
        rows.append(row.copy())
    return begun, rows


@given(some_rows(), st.sets(st.integers(0, 20)))
def test_any_rows_come_back_in_the_only_bytes_they_have(case, cuts):
    begun, rows = case
    body = encode(begun, rows, cuts)
    assert body.startswith(begun)
    assert decode_batch(body).rows == rows
    assert encode(begun, rows, ends_of(body)) == body


@FEW
@given(st.lists(some_rows(), min_size=1, max_size=5), st.sets(st.integers(0, 12), max_size=3))
def test_together_they_are_what_each_is_alone(cases, cuts):
    bodies = [encode(begun, rows, cuts) for begun, rows in cases for _ in range(17)]
    read = batch_bulk._together(bodies, [*range(17)])
    assert len(read) == 17, "none is left to the plain decoder"
    assert read[0][1].tolist() == cases[0][1]
    assert [found.rows for found in decode_batches(bodies)] == [
        rows for _, rows in cases for _ in range(17)]


@given(some_rows())
def test_coded_one_by_one_and_again_they_are_the_same_bytes(case):
    begun, rows = case
    encoder = QuantaEncoder(encoder_of(begun)._schema, 16_000, begun[3:], at_once=1)
    for _ in range(2):
        for row in rows:
            while not encoder.code(array("i", row)):
                pass
        assert bytes(encoder.buffer[:encoder.finish()]) == encode(begun, rows)
        encoder.reset()


@given(some_rows(), st.integers(0, 300))
def test_a_batch_never_outgrows_its_capacity(case, spare):
    begun, rows = case
    capacity = len(begun) + 9 + 7 * n_fields_of(begun[1]) + spare
    schema = encoder_of(begun)._schema
    encoder = QuantaEncoder(schema, capacity, begun[3:])
    batches = []
    for row in rows:
        if not encoder.add(array("i", row)):
            batches.append(bytes(encoder.buffer[:encoder.finish()]))
            encoder.reset()
            assert encoder.add(array("i", row)), "a new batch takes any row"
    batches.append(bytes(encoder.buffer[:encoder.finish()]))
    assert [row for body in batches for row in decode_batch(body).rows] == rows
    with pytest.raises(ValueError, match="room for a row"):
        QuantaEncoder(schema, capacity - spare - 1, begun[3:])


@FEW
@given(st.lists(st.tuples(heads(), st.integers(1, 9), st.binary(min_size=1, max_size=60)),
                min_size=1, max_size=3))
def test_any_code_is_refused_or_the_only_one_of_its_rows(parts):
    bodies = [begun + bytes((rows, 0, len(code))) + code for begun, rows, code in parts]
    for body, found in zip(bodies, batch_bulk.decode_all(bodies), strict=True):
        together = batch_bulk.decode_all([body] * 16)
        assert [str(one) for one in together] == [str(found)] * 16
        if not isinstance(found, BadCode):
            assert encode(body[:3 + 2 * body[2]], found, ends_of(body)) == body


def metered(begun, columns, step_s=15):
    """The body of 240 rows of a site where nothing else moves: field -> its value in row n."""
    rows = []
    for n in range(240):
        row = [9800, 3600 + step_s * n] + [0] * 16
        for field, value in columns.items():
            row[field] = value(n)
        rows.append(row)
    return encode(begun, rows)


def metering(*pairs):
    """The head of such a body."""
    return bytes((3, 129, len(pairs) // 2, *pairs))


@pytest.mark.parametrize("w", [81_600, 203_040, 996_960])
def test_a_counter_hits_the_steps_it_is_predicted_from(w):
    """In steps of 100 Wh by the power, in steps of 50 g by the energy. Who knows no steps tells
    most of them."""
    def wh(n):
        return 5_000_000 + w * 15 * n // 3600

    def coarse_wh(n):
        return wh(n) // 100 * 100

    def coarse_g(n):
        return wh(n) * 58 // 5000 * 50

    power = {GRID_W: lambda n: w}
    silent = metered(129, {**power, IMPORT_WH: wh})
    energy = {**power, IMPORT_WH: coarse_wh}
    assert len(metered(metering(IMPORT_WH, 0x21), energy)) - len(silent) < 25
    assert len(metered(129, energy)) - len(silent) > 100
    carbon = {**power, IMPORT_WH: wh, CO2_G: coarse_g}
    assert len(metered(metering(CO2_G, 0x15), carbon)) - len(silent) < 50
    assert len(metered(129, carbon)) - len(silent) > 80


def test_a_link_between_fields_of_other_steps_is_followed():
    """PV in steps of 1 kW and the grid in steps of 100 W under it: told once. All in one second, so
    that no energy is expected."""
    def pv_w(n):
        return 1000 * (n * 37 % 101)

    quanta = metering(GRID_W, 0x21, PV_W, 0x31)
    both = metered(quanta, {PV_W: pv_w, GRID_W: lambda n: 300_000 - pv_w(n)}, 0)
    alone = metered(quanta, {PV_W: pv_w}, 0)
    assert len(both) < len(alone) + 30


def test_a_carry_waits_for_its_step():
    """A counter of kWh in steps of 10 behind one of Wh that begins again each time."""
    head = bytes((3, 128, 1, IMPORT_KWH, 0x11))
    rows = [[0] * 35 for _ in range(200)]
    for n, row in enumerate(rows):
        row[IMPORT_KWH_WH], row[IMPORT_KWH] = 700 * n % 1000, 700 * n // 10_000 * 10
    still = [[*row[:IMPORT_KWH], 0, *row[IMPORT_KWH + 1:]] for row in rows]
    assert len(encode(head, rows)) < len(encode(128, still)) - 20


def test_coarse_noise_costs_less_and_what_is_between_steps_is_exact():
    rows = [[100 * (number * number * 7 % 31)] for number in range(200)]
    assert len(encode(b"\x03\x01\x01\x00\x21", rows)) < 0.5 * len(encode(1, rows))
    rows[100][0] += 1
    assert decode_batch(encode(b"\x03\x01\x01\x00\x21", rows)).rows == rows


def test_a_quantum_has_one_byte():
    assert len({*STEPS.values()}) == len(STEPS)
    assert {1, 10, 100, 250, 1 << 28} & {*STEPS.values()} == {10, 100}
    assert max(STEPS.values()) == 200_000_000


PART = b"\x01\x00\x01\x00"


@pytest.mark.parametrize(("body", "reason"), [
    (b"\x03", "version 3, not 2 or 3"),
    (b"\x03\x02", "0 rows"),
    (b"\x03\x02\x00" + PART, "no quanta"),
    (b"\x03\x02\x01\x00", "0 rows"),
    (b"\x03\x02\x01\x00\x21", "0 rows"),
    (b"\x03\x00\x01\x00\x21" + PART, "schema 0 is unknown"),
    (b"\x03\xff\x01\x00\x21" + PART, "schema 255 is unknown"),
    (b"\x03\x02\x01\x02\x21" + PART, "quantum 33 of field 2 after field -1"),
    (b"\x03\x02\x01\xff\x21" + PART, "quantum 33 of field 255 after field -1"),
    (b"\x03\x02\x02\x01\x21\x00\x21" + PART, "quantum 33 of field 0 after field 1"),
    (b"\x03\x02\x02\x01\x21\x01\x21" + PART, "quantum 33 of field 1 after field 1"),
    (b"\x03\x02\x01\x00\x00" + PART, "quantum 0 of field 0"),
    (b"\x03\x02\x01\x00\x01" + PART, "quantum 1 of field 0"),
    (b"\x03\x02\x01\x00\x0a" + PART, "quantum 10 of field 0"),
    (b"\x03\x02\x01\x00\x20" + PART, "quantum 32 of field 0"),
    (b"\x03\x02\x01\x00\x83" + PART, "quantum 131 of field 0"),
    (b"\x03\x02\x01\x00\x91" + PART, "quantum 145 of field 0"),
    (b"\x04\x02\x01\x00\x21" + PART, "batch"),
])
def test_says_what_is_wrong_with_a_head(body, reason):
    with pytest.raises(BadMessage, match=reason):
        decode_batch(body)


def test_a_multiple_told_in_full_is_refused(monkeypatch):
    """Another coder could tell any value so."""
    body = encode(b"\x03\x01\x01\x00\x21", [[100 * 7_000], [100 * 7_001]])
    assert decode_batch(body).rows == [[700_000], [700_100]]
    real = QuantaEncoder._step

    def in_full(self, place, value, before, odd):
        return real(self, place, value, before + (1 << 29), odd)

    monkeypatch.setattr(QuantaEncoder, "_step", in_full)
    with pytest.raises(BadMessage, match="value told in more bits than it needs in row 0"):
        decode_batch(encode(b"\x03\x01\x01\x00\x21", [[700_000], [700_100]]))
