"""Keys in files, and whom to believe.

A secret key is PEM PKCS8 without a password, readable by its owner alone (0600); a public key is
PEM SubjectPublicKeyInfo. Who holds the machine holds the key: what must not be forged by its owner
needs a witness outside.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from cloud_bridge import fields
from cloud_bridge.documents import Document, key_id, verify
from cloud_bridge.fields import DocumentError

ROTATION = "rotation"
_ROTATION = {"new_key": fields.hexadecimal(32), "reason": fields.TEXT.or_else("")}
_MOST_BYTES = 10_000


def create(path: Path) -> Ed25519PrivateKey:
    """Make a key and write it to a new file. OSError when there is one already."""
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
    return key


def public_pem(key: Ed25519PublicKey) -> bytes:
    """What to give away."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def secret(path: Path) -> Ed25519PrivateKey:
    """Read a secret key. DocumentError when it is none, or others may read it; OSError."""
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        raise DocumentError(f"{path}: found mode {mode:04o}, expected 0600: others may have read "
                            "it; rotate the key, or chmod 600")
    try:
        key = load_pem_private_key(_content(path), None)
    except (ValueError, TypeError) as error:
        raise DocumentError(f"{path}: is no secret key (PEM PKCS8): {_line(error)}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise fields.mistake(str(path), type(key).__name__, "an Ed25519 key")
    return key


def public(path: Path) -> Ed25519PublicKey:
    """Read a public key. DocumentError when it is none; OSError."""
    try:
        key = load_pem_public_key(_content(path))
    except ValueError as error:
        raise DocumentError(f"{path}: is no public key (PEM): {_line(error)}") from None
    if not isinstance(key, Ed25519PublicKey):
        raise fields.mistake(str(path), type(key).__name__, "an Ed25519 key")
    return key


def rotation(new: Ed25519PublicKey, issued: str, reason: str = "") -> Document:
    """The document by which, signed with the old key, whoever trusts that trusts `new`."""
    body = {"new_key": new.public_bytes_raw().hex(), **({"reason": reason} if reason else {})}
    return Document(ROTATION, issued, body)


class Trust:
    """The keys to believe, and until when.

    A key that has been rotated is believed for what it issued up to that day. The day is the
    issuer's word: a thief of the old key can date back, and only a record that was witnessed
    before shows it.
    """

    def __init__(self, keys: Iterable[Ed25519PublicKey]) -> None:
        self._keys = {key_id(key): key for key in keys}
        self._until: dict[bytes, str] = {}

    def rotate(self, documents: Iterable[Document]) -> None:
        """Follow rotations, in whatever order they come. DocumentError for one that leads from no
        key we believe, or the second of one key."""
        waiting = list(documents)
        while waiting:
            document = next((one for one in waiting if one.issuer in self._keys), waiting[0])
            waiting.remove(document)
            if document.kind != ROTATION:
                raise fields.mistake("rotation: kind", document.kind, ROTATION)
            self.check(document)
            if document.issuer in self._until:
                raise DocumentError(f"rotation: key {document.issuer.hex()} was rotated already")
            new = fields.read("rotation", document.body, _ROTATION)["new_key"]
            key = Ed25519PublicKey.from_public_bytes(new)
            if key_id(key) in self._keys:
                raise DocumentError(f"rotation: key {key_id(key).hex()} is trusted already")
            self._keys[key_id(key)] = key
            self._until[document.issuer] = document.issued

    def check(self, document: Document) -> None:
        """DocumentError, unless a key we believe has signed it while it was in use."""
        key = self._keys.get(document.issuer)
        if document.issuer and key is None:
            raise DocumentError(f"document: is by key {document.issuer.hex()}, which is not trusted"
                                "; expected one of "
                                + (" ".join(one.hex() for one in self._keys) or "none at all"))
        if key is None:
            raise DocumentError("document: is not signed (algorithm 0, a hash only)")
        verify(document, key)
        until = self._until.get(document.issuer)
        if until is not None and document.issued > until:
            raise DocumentError(f"document: key {document.issuer.hex()} was rotated on {until}, "
                                f"found a document issued {document.issued}")


def _content(path: Path) -> bytes:
    data = path.read_bytes()
    if len(data) > _MOST_BYTES:
        raise DocumentError(f"{path}: found {len(data)} bytes, expected a key")
    return data


def _line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
