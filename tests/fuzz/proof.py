"""Any bytes as the proof beside a passport: refused in one line, unless the log's key signed."""

from contextlib import suppress

from cloud_bridge.documents import canonical
from cloud_bridge.evidence import proof
from cloud_bridge.fields import DocumentError
from edge.evidence.tree import leaf_hash
from edge.ledger.leaf import unpack
from tests.evidence.test_notes import LOG, written
from tests.fuzz.leaf import SEEDS as LEAVES
from tests.fuzz.terms import SEEDS as TERMS


def _proof(leaf: bytes = LEAVES[0]) -> bytes:
    """Of a tree of one leaf, whose hash is the root."""
    return canonical({"version": 1, "head": written(1, leaf_hash(leaf)).decode(),
                      "terms": [text.decode() for text in TERMS], "leaves": [[0, leaf.hex(), []]]})


SEEDS = [_proof(), _proof(LEAVES[1])]


def one(data: bytes) -> None:
    """As it is; and as a leaf under a head that the log has signed."""
    _check(data)
    with suppress(ValueError):
        unpack(data)
        _check(_proof(data))


def _check(data: bytes) -> None:
    try:
        head, quarters = proof.check(data, [LOG])
    except DocumentError as reason:
        assert str(reason).isprintable()
        return
    assert head.origin == LOG.name
    assert len(quarters) <= head.size
