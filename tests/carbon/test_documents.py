"""Documents have one form, survive every reader, and nothing but the issuer's key makes them."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from cloud_bridge import documents
from cloud_bridge.documents import Document, canonical, parse, sign, verify
from cloud_bridge.fields import DocumentError
from tests.carbon.papers import JUNK, change

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))
BODY = {"name": "表计 1", "wh": 12, "parts": ["0.5366", {"gas": "CO2"}]}
SIGNED = sign(Document("factors", "2026-11-28", BODY), KEY)

VALUES = st.recursive(
    st.integers(-documents.LARGEST, documents.LARGEST) | st.text(
        st.characters(exclude_categories=["Cs"]), max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.text(st.characters(max_codepoint=126), max_size=8), inner, max_size=4), max_leaves=12)


@given(st.dictionaries(st.text(st.characters(max_codepoint=126), max_size=8), VALUES, max_size=4))
def test_what_is_written_is_read_again(body):
    for document in (Document("note", "2026-01-31", body),
                     sign(Document("note", "2026-01-31", body), KEY)):
        data = document.encode()
        assert parse(data) == document
        assert parse(data).encode() == data
        assert parse(data).id == document.id


@given(VALUES)
def test_the_form_does_not_depend_on_the_order_of_keys(value):
    turned = json.loads(json.dumps(value), object_pairs_hook=lambda pairs: dict(reversed(pairs)))
    assert canonical(turned) == canonical(value)
    assert json.loads(canonical(value)) == value


def test_the_form_is_that_of_rfc_8785():
    # the text of RFC 8785, 3.2.2
    assert canonical({"string": "\u20ac$\x0f\nA'B\"\\\\\"/", "a": 1}) == \
        '{"a":1,"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'.encode()


@pytest.mark.parametrize(("value", "said"), [
    (0.5, "document: found 0.5, expected whole numbers, texts, arrays and objects only"),
    (True, "document: found True, expected whole numbers, texts, arrays and objects only"),
    ({"a": [None]}, "document: a: found nothing, expected whole numbers, texts, arrays and objects "
                    "only"),
    (2**53, "document: found 9007199254740992, expected at most 2^53 - 1; larger numbers are "
            "texts"),
    ({"é": 1}, "document: found '\\xe9', expected an ASCII name"),
    ([[[[[[[[[[]]]]]]]]]], "document: is nested deeper than 8"),
    ("\ud800", "document: found half a surrogate pair, expected text"),
])
def test_what_has_no_form_is_refused(value, said):
    with pytest.raises(DocumentError) as error:
        canonical(value)
    assert str(error.value) == said


@given(st.binary(max_size=60) | JUNK.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_read_or_refused_in_one_way(data):
    with pytest.raises(DocumentError) as error:
        parse(data)
    assert "\n" not in str(error.value)


@given(st.data())
def test_any_value_in_a_document_is_read_or_refused_in_one_way(data):
    raw = json.loads(SIGNED.encode())
    change(data.draw, raw)
    text = json.dumps(raw, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    said = ""
    try:
        found = parse(text.encode("utf-8", "surrogatepass"))
        verify(found, KEY.public_key())
    except DocumentError as error:
        said = str(error)
    assert "\n" not in said
    assert said or found == SIGNED


def test_no_bit_can_be_changed():
    data = SIGNED.encode()
    for at in range(len(data)):
        for bit in range(8):
            changed = bytearray(data)
            changed[at] ^= 1 << bit
            with pytest.raises(DocumentError):
                verify(parse(bytes(changed)), KEY.public_key())
    for n in range(len(data)):
        with pytest.raises(DocumentError):
            parse(data[:n])
    verify(parse(data), KEY.public_key())


@pytest.mark.parametrize("wrong", [
    lambda data: data + b"\n", lambda data: b" " + data, lambda data: b"\xef\xbb\xbf" + data,
    lambda data: data.replace(b'"wh":12', b'"wh":12.0'),
    lambda data: data.replace(b'"wh":12', b'"wh":1,"wh":12'),
    lambda data: data.replace("表".encode(), b"\\u8868"), lambda data: b"[" * 100_000,
    lambda data: b'{"version":' + b"9" * 5_000 + b"}"])
def test_another_form_of_the_same_is_refused(wrong):
    with pytest.raises(DocumentError):
        parse(wrong(SIGNED.encode()))


def test_a_document_larger_than_any_is_refused_unread():
    with pytest.raises(DocumentError, match="found 4194305 bytes, expected at most 4194304"):
        parse(b" " * (documents.MOST_BYTES + 1))


def test_another_key_has_not_signed_it():
    with pytest.raises(DocumentError, match="is by key"):
        verify(SIGNED, OTHER.public_key())
    forged = replace(sign(replace(SIGNED), OTHER), issuer=SIGNED.issuer)
    with pytest.raises(DocumentError, match="the signature is wrong"):
        verify(forged, KEY.public_key())


@pytest.mark.parametrize(("algorithm", "said"), [
    (0, "document: is not signed (algorithm 0, a hash only)"),
    (2, "document: algorithm 2 (ECDSA P-256) is not supported, expected 1 (Ed25519)"),
    (3, "document: algorithm 3 (SM2) is not supported, expected 1 (Ed25519)"),
    (77, "document: algorithm 77 (unknown) is not supported, expected 1 (Ed25519)")])
def test_algorithms_that_are_only_declared_are_refused(algorithm, said):
    bare = Document("note", "2026-01-31", {}, algorithm, *((b"8bytes..", bytes(64))
                                                           if algorithm else ()))
    with pytest.raises(DocumentError) as error:
        verify(parse(bare.encode()), KEY.public_key())
    assert str(error.value) == said


@pytest.mark.parametrize("change", [{"algorithm": 0}, {"issuer": b""}, {"signature": b""}])
def test_a_signature_is_there_where_it_is_announced_and_nowhere_else(change):
    with pytest.raises(DocumentError, match="or nothing at algorithm 0"):
        parse(replace(SIGNED, **change).encode())


def test_the_id_is_of_what_is_signed():
    assert SIGNED.id == replace(SIGNED, signature=b"").id
    assert SIGNED.id != replace(SIGNED, issued="2026-11-29").id
    assert SIGNED.id != Document("factors", "2026-11-28", BODY).id  # nobody's word
    bare = ('{"algorithm":1,"body":{"name":"表计 1","parts":["0.5366",{"gas":"CO2"}],"wh":12},'
            f'"issued":"2026-11-28","issuer":"{documents.key_id(KEY.public_key()).hex()}",'
            '"kind":"factors","version":1}')
    assert SIGNED.id == sha256(b"parkedge document\0" + bare.encode()).digest()[:8]
