"""A passport says what the batch took, fits into a code, and is checked with a public key alone."""

from __future__ import annotations

from fractions import Fraction

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud_bridge import documents
from cloud_bridge.carbon import passport
from cloud_bridge.carbon.measure import load_ug
from cloud_bridge.carbon.passport import Batch
from cloud_bridge.documents import Document, sign
from cloud_bridge.fields import DocumentError
from tests.carbon.papers import FIRST, ISSUED, change, quarter, quarters, shipped

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
SET = shipped()
HEAD = {"origin": "parkedge/park/gateway", "size": 35_040, "root": "ab" * 32}


def batch(n: int = 8, **more) -> Batch:
    return Batch(**{"product": "gear", "batch": "7", "first": FIRST, "end": FIRST + n,
                    "quantity": "1200", "unit": "piece", **more})


def signed(rows, head=None, **more):
    return sign(passport.make(batch(len(rows), **more), rows, SET, ISSUED, head), KEY)


@given(quarters(), st.data())
@settings(max_examples=40)
def test_it_says_what_the_line_took_of_energy_and_carbon(rows, data):
    by_index = {one.index: one for one in rows}
    rows = [by_index.get(index) or quarter(index, minutes=0) for index in range(FIRST, FIRST + 12)]
    share = data.draw(st.integers(0, 100))
    taken = [one.given(0) * share // 100 for one in rows]
    rows = [type(one)(one.index, one.flows, one.stored, one.minutes, {"press": wh})
            for one, wh in zip(rows, taken, strict=True)]
    document = signed(rows, line="press")
    got = passport.check(passport.payload(document), KEY.public_key())
    assert got["energy_wh"] == sum(taken) == sum(got["from_wh"].values())
    exact = sum(Fraction(load_ug(one, SET) * wh, one.given(0)) if one.given(0) else 0
                for one, wh in zip(rows, taken, strict=True))
    assert exact <= got["carbon_ug"] < exact + 1
    green = sum(Fraction(one.green_wh() * wh, one.given(0)) if one.given(0) else 0
                for one, wh in zip(rows, taken, strict=True))
    assert green - 2 < got["from_wh"]["pv"] + got["from_wh"]["direct"] <= green
    assert got["minutes"] == sum(one.minutes for one in rows)


def test_the_lines_of_a_site_are_its_load_and_nothing_more():
    rows = [quarter(FIRST + n, 700 + n, 311, lines={"a": 500, "b": 511 + n}) for n in range(8)]
    whole, a, b = (passport.read(signed(rows, line=line)) for line in ("", "a", "b"))
    assert a["energy_wh"] + b["energy_wh"] == whole["energy_wh"]
    assert 0 <= a["carbon_ug"] + b["carbon_ug"] - whole["carbon_ug"] <= 1  # each rounded up
    assert passport.g_per_unit(whole) == Fraction(whole["carbon_ug"], 1200 * 10**6)


def test_what_is_missing_makes_no_passport():
    rows = [quarter(FIRST + n, 10) for n in range(8) if n != 3]
    with pytest.raises(DocumentError, match="1 quarter-hours are missing, expected all 8 from "
                                            "2025-12-31T16:00Z on"):
        passport.make(batch(), rows, SET, ISSUED)
    with pytest.raises(DocumentError, match="line press has no meter"):
        passport.make(batch(line="press", first=FIRST + 4), rows, SET, ISSUED)


def test_a_gap_counts_whole_or_not_at_all():
    rows = [quarter(FIRST, 10), quarter(FIRST + 3, 30, span=3, minutes=0)]
    got = passport.read(passport.make(batch(4), rows, SET, ISSUED))
    assert (got["energy_wh"], got["minutes"]) == (40, 15)
    with pytest.raises(DocumentError, match="2 quarter-hours are missing"):
        passport.make(batch(2, first=FIRST + 2, end=FIRST + 4), rows, SET, ISSUED)


def test_it_fits_with_the_head_of_the_tree_and_chinese_texts():
    line = "热处理二线"
    document = signed([quarter(FIRST, 10**9, lines={line: 10**9})], HEAD, product="齿轮 20CrMnTi",
                      batch="2026-0131-7", line=line, site="湖南某某零碳园区三号厂房")
    data = passport.payload(document)
    assert len(data) < 900
    assert passport.check(data, KEY.public_key())["head"]["root"] == bytes.fromhex("ab" * 32)
    with pytest.raises(DocumentError, match="expected at most 1000: shorten the texts"):
        passport.payload(signed([quarter(FIRST)], HEAD, product="x" * 500))


def test_no_byte_of_it_can_be_changed():
    data = passport.payload(signed([quarter(FIRST, 1000)], HEAD))
    for at in range(len(data)):
        changed = bytearray(data)
        changed[at] ^= 1 << at % 8
        with pytest.raises(DocumentError):
            passport.check(bytes(changed), KEY.public_key())


@pytest.mark.parametrize(("change", "said"), [
    ({"minutes": 16}, "passport: minutes: found 16, expected 0 .. 15"),
    ({"end": "2025-12-31T16:00Z"}, "passport: minutes: found 15, expected 0 .. 0"),
    ({"energy_wh": 1001}, "passport: from_wh: found {'grid': 1000, 'pv': 0, 'direct': 0, 'gen': 0, "
                          "'unknown': 0}, expected parts of energy_wh"),
    ({"end": "2025-12-31T16:07Z"}, "passport: end: found '2025-12-31T16:07Z', expected a time as "
                                   "2026-01-31T00:15Z")])
def test_a_passport_that_cannot_be_is_one_line(change, said):
    body = passport.make(batch(1), [quarter(FIRST, 1000)], SET, ISSUED).body
    with pytest.raises(DocumentError) as error:
        passport.read(Document("passport", ISSUED, {**body, **change}))
    assert str(error.value) == said


@given(st.data())
def test_a_body_that_is_anything_is_read_or_refused_in_one_way(data):
    raw = documents.parse(passport.payload(signed([quarter(FIRST, 1000)], HEAD))).body
    change(data.draw, raw)
    said = ""
    try:
        passport.read(Document("passport", ISSUED, raw))
    except DocumentError as error:
        said = str(error)
    assert "\n" not in said
