"""Signs the heads of one log, and never two of one size.

Two heads that contradict each other would prove to anybody that the books were changed, even if
only the power failed. So what is about to be signed is stored first, and refused when it does not
follow from what was stored before. That a larger head really extends the smaller one is proven to
whoever holds the leaves (cloud_bridge/merkle.py); here nothing but the tree's frontier is left.
A medium that was erased, or lost the newest record after it was whole, has forgotten its heads: a
log that begins anew needs a new key, and a witness's memory is the defence against the rest.
"""

import struct

from edge.compat import TYPE_CHECKING, const
from edge.evidence.ed25519 import Ed25519
from edge.evidence.note import check_name, checkpoint, key_id, signed

if TYPE_CHECKING:
    from typing import Protocol

    class Record(Protocol):
        """What edge/keep.py is: `load` gives what was stored last, empty when nothing ever was."""

        def load(self) -> bytes: ...
        def store(self, buf: bytes, n: int) -> None: ...

_RECORD_BYTES = const(36)


class Signer:
    """`begin`, then `step` until it is True; then `note` is the signed head.

    `origin` names the log and its key, for example "park.example/gateway-7". `size` is that of the
    last head stored, -1 before the first. ValueError when the record is of something else.
    """

    def __init__(self, seed: bytes, origin: str, record: "Record"):
        check_name(origin)
        self.key = Ed25519(seed)
        self._origin = origin
        self._record = record
        self._text = b""
        self.note = b""
        saved = record.load()
        if len(saved) not in (0, _RECORD_BYTES):
            raise ValueError("head record: found %d bytes, expected 36" % len(saved))
        self.size = struct.unpack(">I", saved[:4])[0] if saved else -1
        self._root = saved[4:]

    def begin(self, size: int, root: bytes):
        """Store a head and start to sign it. The last one may be signed again.

        ValueError for a head that is smaller, or another one of the same size; OSError when it
        cannot be stored. Nothing is signed then.
        """
        if len(root) != 32:
            raise ValueError("root: found %d bytes, expected 32" % len(root))
        if size < self.size:
            raise ValueError("head: found size %d, expected at least %d" % (size, self.size))
        if size == self.size and root != self._root:
            raise ValueError("head: found another root at size %d, already signed" % size)
        if size > self.size:
            self._record.store(struct.pack(">I", size) + root, _RECORD_BYTES)
            self.size = size
            self._root = bytes(root)
        self.note = b""
        self._text = checkpoint(self._origin, size, root)
        self.key.begin(self._text)

    def step(self) -> bool:
        """Do one slice (see Ed25519); whether all is done. Before `begin` it is the key that is
        made: `key.public`."""
        if not self.key.step():
            return False
        if self._text and not self.note:
            key = key_id(self._origin, self.key.public)
            self.note = signed(self._text, self._origin, key, self.key.signature)
        return True
