"""HMAC-SHA256 by the vectors of RFC 4231, against the standard library, and on MicroPython."""

from __future__ import annotations

import hmac as standard
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.hmac256 import hmac, same

# RFC 4231, 4.2 to 4.8: key, data, HMAC-SHA-256 (4.6 is cut to 128 bits there).
VECTORS = [
    (b"\x0b" * 20, b"Hi There",
     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
    (b"Jefe", b"what do ya want for nothing?",
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
    (b"\xaa" * 20, b"\xdd" * 50,
     "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
    (bytes(range(1, 26)), b"\xcd" * 50,
     "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"),
    (b"\xaa" * 131, b"Test Using Larger Than Block-Size Key - Hash Key First",
     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"),
]


@pytest.mark.parametrize(("key", "data", "code"), VECTORS)
def test_vectors_of_the_rfc(key, data, code):
    assert hmac(key, data).hex() == code


def test_vectors_on_micropython(micropython):
    script = ("from edge.hmac256 import hmac\n"
              + "".join(f"print(hmac({key!r}, {data!r}).hex())\n" for key, data, _ in VECTORS))
    root = Path(__file__).parents[2]
    assert micropython.run("-c", f"import sys; sys.path.insert(0, {str(root)!r})\n{script}"
                           ).stdout.split() == [code for *_, code in VECTORS]


@given(st.binary(max_size=200), st.lists(st.binary(max_size=100), max_size=4))
def test_any_key_and_any_parts(key, parts):
    assert hmac(key, *parts) == standard.digest(key, b"".join(parts), "sha256")


@given(st.binary(max_size=8), st.binary(max_size=8))
def test_codes_are_compared_whole(one, other):
    assert same(one, other) == (one == other)
    assert same(one, bytes(bytearray(one)))
