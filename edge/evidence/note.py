"""Signed tree heads: c2sp.org/tlog-checkpoint as the text of a c2sp.org/signed-note.

The text is three lines: origin, number of leaves, root. Signatures follow after an empty line.
"""

from binascii import b2a_base64
from hashlib import sha256

from edge.compat import const

# Signature types of signed-note. Every signed format here carries one, so that a key in a secure
# element or a national algorithm changes no format.
ED25519 = const(0x01)
ECDSA = const(0x02)  # P-256; its key id is made otherwise
COSIGNATURE = const(0x04)  # Ed25519 of a witness, with a time
OTHER = const(0xFF)  # what has no number there, SM2 among it: a longer identifier follows

_TYPES = {ED25519: "", COSIGNATURE: "", ECDSA: "ECDSA is not supported yet",
          OTHER: "SM2 and other unnumbered types are not supported yet"}


def checkpoint(origin: str, size: int, root: bytes) -> bytes:
    """The text that is signed. ValueError for a name that is none."""
    check_name(origin)
    return ("%s\n%d\n" % (origin, size)).encode() + b2a_base64(root)


def key_id(name: str, public: bytes, kind: int = ED25519) -> bytes:
    """Four bytes that tell a verifier which key it was; ValueError for a type there is not yet."""
    refusal = _TYPES.get(kind, "it is not known")
    if refusal:
        raise ValueError("signature type %d: %s" % (kind, refusal))
    check_name(name)
    return sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:4]


def signed(text: bytes, name: str, key: bytes, signature: bytes) -> bytes:
    """The note: a text with one signature by the key of this `name` and id."""
    return text + b"\n" + line(name, key, signature)


def line(name: str, key: bytes, signature: bytes) -> bytes:
    """The line of one signature."""
    return "\u2014 ".encode() + name.encode() + b" " + b2a_base64(key + signature)


def check_name(name: str):
    """Origins and key names alike: printable ASCII without space and plus; ValueError otherwise.

    The specification allows more, but nothing that two readers could take for the same.
    """
    for letter in name:
        if not "!" <= letter <= "~" or letter == "+":
            break
    else:
        if name:
            return
    raise ValueError("name: found %r, expected printable ASCII without space and plus" % name)
