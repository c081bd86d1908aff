"""Any bytes as a firmware manifest or a new set of keys: refused with one of few reasons unless
enough keys have signed; what is behind a signature is judged as a whole.

A hash stands for the signature: the gateway's Ed25519 takes 60 ms, and has tests of its own."""

from hashlib import sha512

import msgpack

from edge import manifest
from tests.attacks.test_26_manifest import BODY, DOMAIN, NEXT, OWN, TRUST, public, result

REASONS = {"format", "signatures", "kind", "body", "board", "boot", "version", "life", "expired",
           "path", "file", "slot", "own signatures"}


def _signature(key: bytes, data: bytes) -> bytes:
    return sha512(key + data).digest()


def _sealed(body: bytes) -> bytes:
    """Signed by two of the trusted keys, and by the next one."""
    signers = [*enumerate(TRUST[2][:2]), (0, public(NEXT))]
    return msgpack.packb([1, body, [[2, number, _signature(key, DOMAIN + body)]
                                    for number, key in signers]])


_KEYS = msgpack.packb(["keys", 4, 1, [public(NEXT)]])
SEEDS = [msgpack.packb(BODY), _KEYS, _sealed(msgpack.packb(BODY)), _sealed(_KEYS)]


def _verify(key: bytes, data: bytes, signature: bytes):
    yield
    return signature == _signature(key, data)


def one(data: bytes) -> None:
    """As it is, and as a body that enough keys have signed."""
    real, manifest.verify = manifest.verify, _verify
    try:
        _judged(data)
        if len(data) < 2_048:
            _judged(_sealed(data))
    finally:
        manifest.verify = real


def _judged(data: bytes) -> None:
    reason, found = result(manifest.judge(data, TRUST, OWN))
    assert (found is None) == bool(reason)
    assert reason in REASONS or reason == ""
    if found:
        version, floor, made_s, expires_s, files = found
        assert OWN["version"] < version < 1 << 30
        assert floor <= version
        assert made_s < expires_s
        assert sum(size for _, size, _ in files) <= OWN["slot_bytes"]
        assert all(".." not in path.split("/") and path[0] != "/" for path, _, _ in files)
    reason, following = result(manifest.new_keys(data, TRUST))
    assert (following is None) == bool(reason)
    assert reason in REASONS or following[0] == TRUST[0] + 1
