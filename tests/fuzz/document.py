"""Any bytes as a signed document: refused in one line, or exactly the bytes of that document; and
its signature holds for no other."""

from contextlib import suppress

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud_bridge import documents
from cloud_bridge.documents import Document
from cloud_bridge.fields import DocumentError

_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
_PLAIN = Document("factors", "2026-01-31", {"a": [1, -2, "drei ü", {"b": {}}], "z": "1.5"})
_SIGNED = documents.sign(_PLAIN, _KEY).encode()
SEEDS = [_PLAIN.encode(), _SIGNED, documents.canonical([[[[[[[[1]]]]]]]]),
         b'{"a\\n\\u001b[2J":9007199254740993}']


def one(data: bytes) -> None:
    """As they are."""
    try:
        value = documents.value_of(data, "document", 4096)
    except DocumentError as reason:
        assert str(reason).startswith("document")
        assert str(reason).isprintable(), "nobody's terminal is written to"
        return
    assert documents.canonical(value) == data
    try:
        found = documents.parse(data)
    except DocumentError as reason:
        assert str(reason).isprintable()
        return
    assert found.encode() == data
    assert len(found.id) == 8
    with suppress(DocumentError):
        documents.verify(found, _KEY.public_key())
        assert data == _SIGNED
