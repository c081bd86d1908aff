"""HMAC-SHA256 (RFC 2104, FIPS 198-1) over the interpreter's own SHA-256, which MicroPython has
without its HMAC."""

import hashlib

from edge.compat import TYPE_CHECKING, const

if TYPE_CHECKING:
    from edge.blocks import Bytes

_BLOCK = const(64)  # bytes SHA-256 takes at a time


def hmac(key: "Bytes", *parts: "Bytes") -> bytes:
    """The 32-byte code of all parts, one behind the other, under `key` of any length."""
    if len(key) > _BLOCK:
        key = hashlib.sha256(key).digest()
    inner, outer = bytearray(b"\x36" * _BLOCK), bytearray(b"\x5c" * _BLOCK)
    for at in range(len(key)):
        inner[at] ^= key[at]
        outer[at] ^= key[at]
    hashed = hashlib.sha256(inner)
    for part in parts:
        hashed.update(part)
    outer_hash = hashlib.sha256(outer)
    outer_hash.update(hashed.digest())
    return outer_hash.digest()


def same(one: "Bytes", other: "Bytes") -> bool:
    """Whether two codes are equal, in a time that does not tell where they differ."""
    if len(one) != len(other):
        return False
    differs = 0
    for at in range(len(one)):
        differs |= one[at] ^ other[at]
    return differs == 0
