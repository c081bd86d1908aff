"""Any bytes as an order by the root key: refused unless that key has signed, and whatever it signs
stays inside the nameplate of the gate.

Signatures are checked by another maker's code here, as in tests/fuzz/manifest.py."""

from contextlib import suppress

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from edge.root import DOMAIN, LIMITS
from tests.attacks.test_root import KEY, Rooted, order, site

_GATE = site()["gate"]
_PREFIX = b"\x9a\x01\x02\x00\xa3p/g"
SEEDS = [order(), order(LIMITS, 500_000, 0, 100, 900), order(LIMITS, -1, -1, -1, -1),
         *(order(counter=3)[place:-64] for place in (4, 8))]


class _Verifier:
    """As edge/evidence/verifier.py, at once."""

    good = False

    def begin(self, public: bytes, data: bytes, signature: bytes) -> None:
        self.good = False
        with suppress(InvalidSignature, ValueError):
            Ed25519PublicKey.from_public_bytes(public).verify(signature, data)
            self.good = True

    def step(self) -> bool:
        return True


def _made() -> Rooted:
    made = Rooted()
    made.commands.roots._verifier = _Verifier()
    return made


_gateway = _made()


def one(data: bytes) -> None:
    """As it is, and behind each of some beginnings with the signature it asks for."""
    _hear(data, False)
    for body in (b"\x9a\x01\x02\x00" + data, _PREFIX + data):
        _hear(body + KEY.sign(DOMAIN + body), True)


def _hear(message: bytes, is_signed: bool) -> None:
    global _gateway
    gateway = _gateway
    gateway.now_ms = (gateway.now_ms + 125) % (1 << 30)
    kept = gateway.commands.roots._kept
    reason = gateway.order(message)
    gateway.outbox.frames.clear()
    now = gateway.commands.roots._kept
    if reason or now == kept:
        assert now[:9] == kept[:9]
        return
    body = message[:-64]
    KEY.public_key().verify(message[-64:], DOMAIN + body)
    assert body.startswith(_PREFIX)
    import_w, export_w, floor_pm, ceiling_pm = now[5:9]
    assert import_w <= _GATE["import_max_w"]
    assert export_w <= _GATE["export_max_w"]
    assert floor_pm == -1 or floor_pm >= _GATE["soc_floor_pm"]
    assert ceiling_pm <= _GATE["soc_ceiling_pm"]
    _gateway = _made()
