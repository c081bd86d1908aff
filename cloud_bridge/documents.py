"""Signed documents: whatever an outsider has to believe, in bytes that have one form only.

A document is a JSON object in the canonical form of RFC 8785, restricted to objects, arrays, texts
and whole numbers within +-(2^53 - 1), so that no reader can differ about a value; exact decimals
and larger numbers are texts. Names are ASCII. What is not byte for byte canonical is refused.

    {"algorithm":1,"body":{...},"issued":"2026-01-31","issuer":"<16 hex>","kind":"factors",
     "signature":"<128 hex>","version":1}

The signature stands for b"parkedge document\\0" and the canonical form of all but the signature;
the first eight bytes of the SHA-256 of the same are the document's id. `algorithm` is one byte:
0 nothing but the hash, 1 Ed25519 (RFC 8032), 2 ECDSA P-256 with SHA-256, 3 SM2 with SM3; 2 and 3
are declared, and refused until there is one.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, NoReturn

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from cloud_bridge import fields
from cloud_bridge.fields import DocumentError, Field

HASH_ONLY, ED25519, ECDSA_P256, SM2 = range(4)
LARGEST = 2**53 - 1
MOST_BYTES = 4 << 20
_DEEPEST = 8
_DOMAIN = b"parkedge document\0"
_NAMES = {ECDSA_P256: "ECDSA P-256", SM2: "SM2"}
_HEAD = {
    "version": fields.whole(1, 1), "kind": fields.NAME, "issued": fields.DATE,
    "algorithm": fields.whole(0, 255),
    "issuer": Field("16 hexadecimal digits, or nothing at algorithm 0",
                    lambda value: b"" if value == "" else fields.hexadecimal(8).read(value)),
    "signature": Field("128 hexadecimal digits, or nothing at algorithm 0",
                       lambda value: b"" if value == "" else fields.hexadecimal(64).read(value)),
    "body": Field("a table", lambda value: value if isinstance(value, dict) else None),
}


@dataclass(frozen=True)
class Document:
    """`issued`: YYYY-MM-DD, as its issuer claims. `issuer`: the id of the key, b"" without."""

    kind: str
    issued: str
    body: Mapping[str, Any]
    algorithm: int = HASH_ONLY
    issuer: bytes = b""
    signature: bytes = b""

    def signed_bytes(self) -> bytes:
        """What the signature stands for. DocumentError when the body holds what it must not."""
        return _DOMAIN + canonical(self._head())

    @property
    def id(self) -> bytes:
        """Eight bytes by which records name it; the signature does not change it."""
        return sha256(self.signed_bytes()).digest()[:8]

    def encode(self) -> bytes:
        """The bytes of its file."""
        return canonical({**self._head(), "signature": self.signature.hex()})

    def _head(self) -> dict[str, Any]:
        return {"version": 1, "kind": self.kind, "issued": self.issued, "body": self.body,
                "algorithm": self.algorithm, "issuer": self.issuer.hex()}


def canonical(value: object) -> bytes:
    """The one form of a value. DocumentError when it holds what no document holds."""
    _judge(value, "document", 0)
    try:
        return json.dumps(value, ensure_ascii=False, sort_keys=True,
                          separators=(",", ":")).encode()
    except UnicodeEncodeError:
        raise DocumentError("document: found half a surrogate pair, expected text") from None


def value_of(data: bytes, what: str, most_bytes: int = MOST_BYTES) -> Any:
    """The value that canonical bytes stand for, whatever the bytes are; `what` they should be, for
    the message. DocumentError."""
    if len(data) > most_bytes:
        raise DocumentError(f"{what}: found {len(data)} bytes, expected at most {most_bytes}")
    try:
        value = json.loads(data.decode(), parse_float=_no_number, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise DocumentError(f"{what}: not JSON: {error}") from None
    if canonical(value) != data:
        raise DocumentError(f"{what}: not in canonical form (RFC 8785), so not as it was signed")
    return value


def parse(data: bytes) -> Document:
    """Read a document whatever the bytes are. DocumentError; nothing is verified yet."""
    raw = value_of(data, "document")
    got = fields.read("document", raw, _HEAD)
    if got["algorithm"] in (HASH_ONLY, ED25519):
        for name in ("issuer", "signature"):
            if bool(got[name]) != (got["algorithm"] == ED25519):
                raise fields.mistake(f"document: {name}", raw[name], _HEAD[name].expected)
    return Document(got["kind"], raw["issued"], got["body"], got["algorithm"], got["issuer"],
                    got["signature"])


def key_id(key: Ed25519PublicKey) -> bytes:
    """Eight bytes by which a document names its issuer's key."""
    return sha256(b"parkedge key\0" + bytes([ED25519]) + key.public_bytes_raw()).digest()[:8]


def sign(document: Document, key: Ed25519PrivateKey) -> Document:
    """The same document with the signature of `key`."""
    named = replace(document, algorithm=ED25519, issuer=key_id(key.public_key()))
    return replace(named, signature=key.sign(named.signed_bytes()))


def verify(document: Document, key: Ed25519PublicKey) -> None:
    """DocumentError, unless `key` has signed exactly this."""
    if document.algorithm == HASH_ONLY:
        raise DocumentError("document: is not signed (algorithm 0, a hash only)")
    if document.algorithm != ED25519:
        name = _NAMES.get(document.algorithm, "unknown")
        raise DocumentError(f"document: algorithm {document.algorithm} ({name}) is not supported, "
                            "expected 1 (Ed25519)")
    if document.issuer != key_id(key):
        raise DocumentError(f"document: is by key {document.issuer.hex()}, expected "
                            f"{key_id(key).hex()}")
    try:
        key.verify(document.signature, document.signed_bytes())
    except InvalidSignature:
        raise DocumentError("document: the signature is wrong: it was changed, or another key "
                            "has signed") from None


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text[:20]} is no whole number; decimals are texts")


def _judge(value: object, where: str, depth: int) -> None:
    """DocumentError for whatever has no canonical form here."""
    if depth > _DEEPEST:
        raise DocumentError(f"{where}: is nested deeper than {_DEEPEST}")
    if type(value) is int:
        if abs(value) > LARGEST:
            raise fields.mistake(where, value, "at most 2^53 - 1; larger numbers are texts")
    elif isinstance(value, dict):
        for name, inner in value.items():
            if not isinstance(name, str) or not name.isascii():
                raise fields.mistake(where, name, "an ASCII name")
            _judge(inner, f"{where}: {ascii(name[:40])[1:-1]}", depth + 1)
    elif isinstance(value, list | tuple):
        for inner in value:
            _judge(inner, where, depth + 1)
    elif not isinstance(value, str):
        raise fields.mistake(where, value, "whole numbers, texts, arrays and objects only")
