"""Any bytes as a leaf of the ledger: refused with a reason, or exactly what a gateway writes."""

from cloud_bridge.evidence.accounts import LeafError, open_leaf
from cloud_bridge.evidence.terms import parse
from edge.ledger.leaf import SITE, Leaf, fields, unpack
from tests.fuzz.terms import SEEDS as TERMS

_KNOWN = {terms.id: terms for terms in map(parse, TERMS)}
_TERMS = next(iter(_KNOWN.values()))


def _coded(kind: int, numbers: list[int], terms_id: bytes, before: bytes) -> bytes:
    leaf = Leaf(kind, len(numbers))
    leaf.begin(numbers)
    while not leaf.step(terms_id, before):
        pass
    return bytes(leaf.buffer[:leaf.n])


def _site() -> bytes:
    names = fields(_TERMS.mask, len(_TERMS.factors))
    numbers = [7 * place for place in range(len(names))]
    numbers[:7] = [850_000, 1, 15, 2, 0, 0, _TERMS.mask]
    return _coded(SITE, numbers, _TERMS.id, bytes(range(32)))


SEEDS = [_site(), _coded(SITE, [], bytes(8), bytes(32)),
         _coded(2, [850_000, 1, 1, 5, 0, 0, 1 << 55, 1, 2], _TERMS.id, bytes(32))]


def one(data: bytes) -> None:
    """As it is, and as the numbers of one whose frame is right."""
    _check(data)
    if data:
        head = b"\xc4" + bytes([len(data) - 1]) if len(data) <= 256 else \
            b"\xc5" + (len(data) - 1).to_bytes(2)
        _check(b"\x94" + bytes([1 + data[0] % 2]) + head + data[1:] + b"\xc4\x08" + _TERMS.id
               + b"\xc4\x20" + bytes(32))


def _check(leaf: bytes) -> None:
    try:
        kind, numbers, terms_id, before = unpack(leaf)
    except ValueError as reason:
        assert str(reason).startswith("leaf")
        return
    assert _coded(kind, numbers, terms_id, before) == leaf
    try:
        account = open_leaf(leaf, _KNOWN)
    except LeafError as reason:
        assert str(reason).isprintable()
        return
    assert list(account.values.values()) == numbers
    if account.kind == SITE:
        assert len(account.flows) == 15
        assert account.load_wh >= 0
