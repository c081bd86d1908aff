"""Signed heads, read strictly and checked: c2sp.org/signed-note, tlog-checkpoint, tlog-cosignature.

A head is believed when the log's own key signed it, and as many witnesses as are asked for. What
is signed by keys nobody named is ignored; a bad signature by a named key spoils the whole note.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from edge.evidence.note import COSIGNATURE, ED25519, key_id, line

_SIGNATURES_MAX = 100
_BYTES_MAX = 1 << 20
_SIZE_DIGITS = 19
_TIME_MAX = (1 << 63) - 1
_DASH = "\u2014 "


class NoteError(ValueError):
    """Why a note or a key is not accepted, in one line."""


@dataclass(frozen=True)
class Signature:
    """One line below the text: who says to have signed, and what."""

    name: str
    key_id: bytes
    data: bytes


@dataclass(frozen=True)
class Note:
    """A text as it was signed, and its signatures, none of them checked."""

    text: bytes
    signatures: tuple[Signature, ...]


@dataclass(frozen=True)
class Checkpoint:
    """A tree's head: the log's name, how many leaves, the root over them."""

    origin: str
    size: int
    root: bytes


@dataclass(frozen=True)
class Key:
    """A public key somebody was told to trust: Ed25519 of a log, or of a witness (COSIGNATURE)."""

    name: str
    public: bytes
    kind: int = ED25519

    def __post_init__(self) -> None:
        if len(self.public) != 32 and self.kind in (ED25519, COSIGNATURE):
            raise NoteError(f"public key: found {len(self.public)} bytes, expected 32")
        try:
            key_id(self.name, self.public, self.kind)
        except ValueError as error:
            raise NoteError(str(error)) from None

    @property
    def id(self) -> bytes:
        """Its four bytes in a signature line."""
        return key_id(self.name, self.public, self.kind)

    def __str__(self) -> str:
        """As it is handed on: NAME+ID+KEY, the "vkey" of signed-note."""
        material = base64.b64encode(bytes([self.kind]) + self.public).decode()
        return f"{self.name}+{self.id.hex()}+{material}"

    @classmethod
    def read(cls, text: str) -> Key:
        """The key of such a text. NoteError when it is none."""
        parts = text.split("+", 2)
        if len(parts) != 3:
            raise NoteError(f"key: found {text!r}, expected NAME+ID+KEY")
        name, told, material = parts
        raw = _base64(material, "key")
        if not raw:
            raise NoteError("key: found no signature type")
        key = cls(name, raw[1:], raw[0])
        if told != key.id.hex():
            raise NoteError(f"key: found id {told}, expected {key.id.hex()}")
        return key


def key_from(text: str) -> Key:
    """A key as text, or from the file of that name. NoteError when it is none; OSError."""
    path = Path(text)
    if text.count("+") < 2 or path.is_file():
        text = path.read_text(encoding="utf-8", errors="replace").strip()
    return Key.read(text)


def parse(data: bytes) -> Note:
    """Take a note apart. NoteError for anything the specification does not allow."""
    if len(data) > _BYTES_MAX:
        raise NoteError(f"note: found {len(data)} bytes, expected at most {_BYTES_MAX}")
    whole = _utf8(data, "note")
    if any(letter < " " and letter != "\n" for letter in whole):
        raise NoteError("note: found a control character")
    text, empty, signatures = whole.rpartition("\n\n")
    if not empty or not text:
        raise NoteError("note: found no empty line between text and signatures")
    if not signatures.endswith("\n"):
        raise NoteError("note: found no end of line after the last signature")
    lines = signatures[:-1].split("\n")
    if len(lines) > _SIGNATURES_MAX:
        raise NoteError(f"note: found {len(lines)} signatures, expected at most {_SIGNATURES_MAX}")
    return Note(f"{text}\n".encode(), tuple(map(_signature, lines)))


def checkpoint(text: bytes) -> Checkpoint:
    """Read the text of a head. NoteError when it is none; lines after the root are let pass."""
    lines = _utf8(text, "head").split("\n")
    if len(lines) < 4 or lines.pop() or not all(lines):
        raise NoteError("head: expected origin, size and root, a line each, and no empty line")
    origin, size, root = lines[:3]
    if not (size.isascii() and size.isdigit()) or len(size) > _SIZE_DIGITS or (
            size != str(int(size))):
        raise NoteError(f"head: found size {size[:40]!r}, expected a plain decimal number")
    digest = _base64(root, "root")
    if len(digest) != 32:
        raise NoteError(f"head: found a root of {len(digest)} bytes, expected 32")
    return Checkpoint(origin, int(size), digest)


def verified(note: Note, keys: Sequence[Key]) -> dict[Key, int | None]:
    """Which of `keys` signed; a witness's with the latest time it vouches for, Unix seconds;
    whether that lies in the future is the caller's to judge.

    NoteError for a bad signature by one of them, and when none signed.
    """
    if len({key.public for key in keys}) != len(keys):
        raise NoteError("keys: found one public key twice; it would count for two")
    known = {(key.name, key.id): key for key in keys}
    found: dict[Key, int | None] = {}
    for signature in note.signatures:
        key = known.get((signature.name, signature.key_id))
        if key is not None:
            time_s = _checked(note.text, signature, key)
            found[key] = max(time_s, found.get(key) or 0) if time_s is not None else None
    if not found:
        raise NoteError("note: found no signature by a known key")
    return found


def head(data: bytes, log: Key, witnesses: Sequence[Key] = (), quorum: int = 0,
         ) -> tuple[Checkpoint, dict[Key, int | None]]:
    """The head a note holds, and who signed it: the log itself and at least `quorum` witnesses.
    NoteError when it is not to be believed."""
    note = parse(data)
    found = verified(note, [log, *witnesses])
    told = checkpoint(note.text)
    if log not in found:
        raise NoteError(f"head: found no signature by {log.name}")
    if told.origin != log.name:
        raise NoteError(f"head: found origin {told.origin!r}, expected {log.name!r}")
    if len(found) - 1 < quorum:
        raise NoteError(f"head: found {len(found) - 1} witnesses, expected {quorum}")
    return told, found


def cosigned(note: bytes, name: str, private: Ed25519PrivateKey, time_s: int) -> bytes:
    """The note with a witness's signature added. That the head is consistent with the last one it
    saw, and that the log's own signature is good, the witness has checked before."""
    if not 0 <= time_s <= _TIME_MAX:
        raise NoteError(f"time: found {time_s}, expected 0 to 2^63 - 1")
    text = parse(note).text
    checkpoint(text)
    key = Key(name, private.public_key().public_bytes_raw(), COSIGNATURE)
    signature = private.sign(_cosigned_text(text, time_s))
    return note + line(name, key.id, time_s.to_bytes(8, "big") + signature)


def _cosigned_text(text: bytes, time_s: int) -> bytes:
    return f"cosignature/v1\ntime {time_s}\n".encode() + text


def _checked(text: bytes, signature: Signature, key: Key) -> int | None:
    """The time of a witness's signature, None for a log's. NoteError when it is not good."""
    data, time_s = signature.data, None
    if key.kind == COSIGNATURE:
        checkpoint(text)  # what else would it vouch for
        time_s, data = int.from_bytes(data[:8], "big"), data[8:]
        text = _cosigned_text(text, time_s)
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(data, text)
    except (InvalidSignature, ValueError):
        raise NoteError(f"note: found a bad signature by {key.name}") from None
    if time_s is not None and time_s > _TIME_MAX:
        raise NoteError(f"note: found time {time_s} by {key.name}, expected below 2^63")
    return time_s


def _signature(text: str) -> Signature:
    parts = text[len(_DASH):].split(" ")
    if not text.startswith(_DASH) or len(parts) != 2:
        raise NoteError(f"signature: found {text[:80]!r}, expected a dash, a name and base64")
    name, encoded = parts
    if not name or "+" in name or any(letter.isspace() for letter in name):
        raise NoteError(f"signature: found {name[:80]!r}, which is no name")
    raw = _base64(encoded, "signature")
    if len(raw) < 5:
        raise NoteError(f"signature: found {len(raw)} bytes by {name}, expected a key id and more")
    return Signature(name, raw[:4], raw[4:])


def _utf8(data: bytes, what: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NoteError(f"{what}: found byte {error.start} that is not UTF-8") from None


def _base64(text: str, what: str) -> bytes:
    """Only the one way to write these bytes: no other is what was signed."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if base64.b64encode(raw).decode() != text:
        raise NoteError(f"{what}: found {text[:80]!r}, which is not base64")
    return raw
