"""The hash tree of RFC 6962, 2.1, kept by its frontier: 32 bytes for each 1 bit of its size.

What is below the frontier never changes again, so appending needs no older leaf. Proofs need them
all, and are made where they are: cloud_bridge/merkle.py.
"""

import struct
from hashlib import sha256


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf, 32 bytes."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of a node above two others, 32 bytes."""
    return sha256(b"\x01" + left + right).digest()


class Tree:
    """`size` leaves, below 2^30. `saved` is what `save` gave; ValueError when it is not."""

    def __init__(self, saved: bytes = b"\x00\x00\x00\x00"):
        self.size = struct.unpack(">I", saved[:4])[0] if len(saved) >= 4 else -1
        self._frontier = []  # hashes of complete subtrees, the largest first
        for at in range(4, len(saved), 32):
            self._frontier.append(bytes(saved[at:at + 32]))
        if not 0 <= self.size < 1 << 30 or len(saved) != 4 + 32 * _ones(self.size):
            raise ValueError("tree: found %d bytes for %d leaves, expected 4 + 32 for each 1 bit"
                             % (len(saved), self.size))

    def append(self, leaf: bytes):
        """Add a leaf by its hash."""
        size = self.size
        while size & 1:
            leaf = node_hash(self._frontier.pop(), leaf)
            size >>= 1
        self._frontier.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        """The hash over all leaves, 32 bytes."""
        if not self._frontier:
            return sha256(b"").digest()
        root = self._frontier[-1]
        for i in range(len(self._frontier) - 2, -1, -1):
            root = node_hash(self._frontier[i], root)
        return root

    def save(self) -> bytes:
        """All of it: the size, 32 bits big-endian, and the frontier; 4 to 964 bytes."""
        return struct.pack(">I", self.size) + b"".join(self._frontier)


def _ones(number: int) -> int:
    ones = 0
    while number > 0:
        ones += number & 1
        number >>= 1
    return ones
