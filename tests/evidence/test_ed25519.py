"""SHA-512 and Ed25519 against published vectors, other implementations, and the laws their tables
come from."""

import hashlib
import math

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.evidence import comb, ed25519, sha512
from edge.evidence.ed25519 import Ed25519
from tests.evidence import vectors

P = 2**255 - 19


@pytest.mark.parametrize(("message", "digest"), vectors.SHA512)
def test_sha512_of_the_standard(message, digest):
    assert drained(sha512.sha512(message)).hex() == digest


@given(st.binary(max_size=400))
def test_sha512_is_that_of_hashlib(message):
    assert drained(sha512.sha512(message)) == hashlib.sha512(message).digest()


def test_the_constants_of_sha512_are_roots_of_primes():
    primes = [n for n in range(2, 410) if all(n % k for k in range(2, n))]
    assert len(primes) == 80
    for i, prime in enumerate(primes):
        whole = max(n for n in range(8) if n**3 <= prime)
        root = whole << 64 | sha512._word(sha512._ROUNDS, i)
        assert root**3 <= prime << 192 < (root + 1) ** 3
    for i, prime in enumerate(primes[:8]):
        assert sha512._word(sha512._START, i) == math.isqrt(prime << 128) & (1 << 64) - 1


@pytest.mark.parametrize(("seed", "public", "message", "signature"), vectors.ED25519)
def test_ed25519_of_the_standard(seed, public, message, signature):
    key = Ed25519(bytes.fromhex(seed))
    key.begin(bytes.fromhex(message))
    assert steps(key) > 100
    assert (key.public.hex(), key.signature.hex()) == (public, signature)


@settings(max_examples=30)
@given(st.binary(min_size=32, max_size=32), st.lists(st.binary(max_size=300), max_size=3))
def test_ed25519_is_that_of_cryptography(seed, messages):
    other = Ed25519PrivateKey.from_private_bytes(seed)
    key = Ed25519(seed)
    for message in messages:
        key.begin(message)
        assert key.signature == b""
        steps(key)
        assert key.signature == other.sign(message)
    steps(key)
    assert key.public == other.public_key().public_bytes_raw()


@given(st.integers(0, 130), st.binary(max_size=50))
def test_what_is_begun_replaces_what_was(done, message):
    key = Ed25519(bytes(32))
    key.begin(b"something else")
    for _ in range(done):
        key.step()
    key.begin(message)
    steps(key)
    assert key.signature == Ed25519PrivateKey.from_private_bytes(bytes(32)).sign(message)
    assert key.step()  # and stays so


@pytest.mark.parametrize("after", [1, 60, 120])
def test_a_buffer_that_changes_while_it_is_signed_gives_no_key_away(after):
    """One nonce for two messages would."""
    message = bytearray(b"one message")
    key = Ed25519(bytes(32))
    steps(key)
    key.begin(message)
    for _ in range(after):
        key.step()
    message[0:3] = b"two"
    steps(key)
    other = Ed25519PrivateKey.from_private_bytes(bytes(32))
    assert key.signature == other.sign(b"one message")


@pytest.mark.parametrize("fails_at", [10, 100])
def test_an_error_is_not_taken_for_the_end(monkeypatch, fails_at):
    """A slice that finds no heap: no signature, and none is claimed, until it is begun again."""
    calls = 0

    def doubled(*point, whole=ed25519.doubled):
        nonlocal calls
        calls += 1
        if calls == fails_at:
            raise MemoryError
        return whole(*point)

    monkeypatch.setattr(ed25519, "doubled", doubled)
    key = Ed25519(bytes(32))
    key.begin(b"message")
    with pytest.raises(MemoryError):
        steps(key)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="broken off"):
            key.step()
    assert key.signature == b""
    key.begin(b"message")
    steps(key)
    assert key.signature == Ed25519PrivateKey.from_private_bytes(bytes(32)).sign(b"message")


@pytest.mark.parametrize("seed", [b"", bytes(31), bytes(33)])
def test_a_seed_of_another_length_is_refused(seed):
    with pytest.raises(ValueError, match=rf"found {len(seed)} bytes, expected 32"):
        Ed25519(seed)


def test_the_comb_is_made_of_the_base_point():
    """The base point has y = 4/5 and an even x (RFC 8032, 5.1)."""
    d = -121665 * pow(121666, -1, P) % P
    y = 4 * pow(5, -1, P) % P
    x2 = (y * y - 1) * pow(d * y * y + 1, -1, P) % P
    x = pow(x2, (P + 3) // 8, P)
    if x * x % P != x2:
        x = x * pow(2, (P - 1) // 4, P) % P
    assert x * x % P == x2

    def plus(p, q):
        k = d * p[0] * p[1] * q[0] * q[1]
        return ((p[0] * q[1] + p[1] * q[0]) * pow(1 + k, -1, P) % P,
                (p[1] * q[1] + p[0] * q[0]) * pow(1 - k, -1, P) % P)

    teeth = [(P - x if x % 2 else x, y)]
    for _ in range(3):
        point = teeth[-1]
        for _ in range(64):
            point = plus(point, point)
        teeth.append(point)
    for entry in range(16):
        point = (0, 1)
        for j in range(4):
            if entry >> j & 1:
                point = plus(point, teeth[j])
        x, y = point
        stored = [int.from_bytes(comb.TABLE[at:at + 32], "little")
                  for at in range(96 * entry, 96 * entry + 96, 32)]
        assert stored == [(y + x) % P, (y - x) % P, 2 * d * x * y % P]
    assert len(comb.TABLE) == 16 * 96


def drained(work):
    """What a generator returns."""
    try:
        while True:
            next(work)
    except StopIteration as end:
        return end.value


def steps(work: Ed25519) -> int:
    """Step until all is done; how often."""
    n = 1
    while not work.step():
        n += 1
    return n
