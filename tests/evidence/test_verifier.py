"""Verification of Ed25519: published signatures, other implementations, and forgeries that some
implementations take."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.evidence import ed25519, verifier
from edge.evidence.verifier import Verifier
from tests.evidence import vectors

P = 2**255 - 19
ORDER = ed25519.ORDER
# The points of order 1, 2, 4 and 8 in every encoding, those with y not below p too.
_Y8 = tuple(int.from_bytes(bytes.fromhex(text), "little") for text in (
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"))
SMALL = [(y + k * P | sign << 255).to_bytes(32, "little") for y in (0, 1, P - 1, *_Y8)
         for k in (0, 1) for sign in (0, 1) if y + k * P < 2**255]


def check(public: bytes, message: bytes, signature: bytes) -> bool:
    work = Verifier()
    work.begin(public, message, signature)
    n = 0
    while not work.step():
        n += 1
        assert n < 600
    return work.good


@pytest.mark.parametrize(("seed", "public", "message", "signature"), vectors.ED25519)
def test_signatures_of_the_standard(seed, public, message, signature):
    assert check(bytes.fromhex(public), bytes.fromhex(message), bytes.fromhex(signature))


@settings(max_examples=10)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200))
def test_another_makers_signature_is_right_and_for_nothing_else(seed, message):
    key = Ed25519PrivateKey.from_private_bytes(seed)
    public, signature = key.public_key().public_bytes_raw(), key.sign(message)
    assert check(public, message, signature)
    assert not check(public, message + b"\0", signature)


KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC, MESSAGE = KEY.public_key().public_bytes_raw(), b"keys"
SIGNATURE = KEY.sign(MESSAGE)


def test_no_bit_can_be_flipped_and_nothing_cut_off():
    """Every seventh bit of key and signature here; a command's are all tried in tests/attacks."""
    for bit in range(0, 8 * 96, 7):
        both = bytearray(PUBLIC + SIGNATURE)
        both[bit // 8] ^= 1 << bit % 8
        assert not check(bytes(both[:32]), MESSAGE, bytes(both[32:])), bit
    for n in (0, 31, 32, 63):
        assert not check(PUBLIC, MESSAGE, SIGNATURE[:n])
        assert not check(PUBLIC[:n % 32], MESSAGE, SIGNATURE)
    assert not check(PUBLIC, MESSAGE, SIGNATURE + b"\0")


@pytest.mark.parametrize("times", [1, 2, 15])
def test_a_signature_cannot_be_made_into_another(times):
    """S + order is the same scalar; taken, one signature would be many."""
    scalar = int.from_bytes(SIGNATURE[32:], "little") + times * ORDER
    if scalar < 1 << 256:
        assert not check(PUBLIC, MESSAGE, SIGNATURE[:32] + scalar.to_bytes(32, "little"))


@pytest.mark.parametrize("public", SMALL)
@pytest.mark.parametrize("r", [SMALL[0], SMALL[2], PUBLIC])
def test_a_key_of_small_order_signs_nothing(public, r):
    """Under such a key R = S B is right for one message in eight, or for all."""
    assert len(SMALL) == 14
    for scalar in (0, 1):
        point = r if scalar == 0 else _base()
        assert not any(check(public, bytes([n]), point + scalar.to_bytes(32, "little"))
                       for n in range(4))


def _base() -> bytes:
    return (4 * pow(5, -1, P) % P).to_bytes(32, "little")


def test_the_points_of_small_order_are_those():
    """8 times each is the neutral element: checked with nothing of the verifier but its curve."""
    for y in (0, 1, P - 1, *_Y8):
        u, v = (y * y - 1) % P, (verifier._D * y * y + 1) % P
        x2 = u * pow(v, -1, P) % P
        x = pow(x2, (P + 3) // 8, P)
        if x * x % P != x2:
            x = x * pow(2, (P - 1) // 4, P) % P
        assert x * x % P == x2
        point = (x, y, 1, x * y % P)
        for _ in range(3):
            point = ed25519.doubled(*point[:3])
        assert (point[0], point[1]) == (0, point[2])


def test_a_key_that_is_no_point_signs_nothing():
    bad = 0
    for y in range(2, 40):
        u, v = (y * y - 1) % P, (verifier._D * y * y + 1) % P
        if pow(u * v % P, (P - 1) // 2, P) == P - 1:
            bad += 1
            assert not check(y.to_bytes(32, "little"), MESSAGE, SIGNATURE)
    assert bad > 10
    assert not check((P + 2).to_bytes(32, "little"), MESSAGE, SIGNATURE)


def test_an_error_in_between_is_no_signature(monkeypatch):
    work = Verifier()
    work.begin(PUBLIC, MESSAGE, SIGNATURE)
    for _ in range(100):
        work.step()
    calls = ed25519.doubled

    def fails(*point):
        raise MemoryError

    monkeypatch.setattr(verifier, "doubled", fails)
    with pytest.raises(MemoryError):
        work.step()
    monkeypatch.setattr(verifier, "doubled", calls)
    assert work.step()
    assert not work.good


def test_a_gateway_verifies_the_same(micropython, tmp_path: Path):
    script = tmp_path / "verify.py"
    bad = bytearray(SIGNATURE)
    bad[40] ^= 1
    script.write_text(
        "from edge.evidence.verifier import Verifier\n"
        f"for signature in ({SIGNATURE!r}, {bytes(bad)!r}):\n"
        "    work = Verifier()\n"
        f"    work.begin({PUBLIC!r}, {MESSAGE!r}, signature)\n"
        "    while not work.step():\n"
        "        pass\n"
        "    print(work.good)\n")
    assert micropython.run(script, heap="96k").stdout == "True\nFalse\n"
