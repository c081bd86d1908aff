"""Proofs from a log's leaf hashes, made and checked: RFC 6962, 2.1; the checks are RFC 9162's.

A gateway keeps only its tree's frontier (edge/evidence/tree.py). Whoever has the leaves proves to
somebody who has but two signed heads that the later extends the earlier, or that a leaf is in one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256

from edge.evidence.tree import node_hash


class Leaves:
    """All leaf hashes of a log and the nodes above them; a proof looks up at most 2 for each level
    it crosses. Sizes of the past give the proofs of the past; ValueError for what there is not."""

    def __init__(self, hashes: Iterable[bytes] = ()):
        self._levels: list[list[bytes]] = [[]]  # [k][i]: over the leaves from i * 2^k, 2^k of them
        for leaf in hashes:
            self.append(leaf)

    @property
    def size(self) -> int:
        """How many leaves there are."""
        return len(self._levels[0])

    def append(self, leaf: bytes) -> None:
        """Add a leaf by its hash of 32 bytes."""
        if len(leaf) != 32:
            raise ValueError(f"leaf hash: found {len(leaf)} bytes, expected 32")
        level, node = 0, leaf
        self._levels[0].append(node)
        while len(self._levels[level]) % 2 == 0:
            node = node_hash(*self._levels[level][-2:])
            level += 1
            if level == len(self._levels):
                self._levels.append([])
            self._levels[level].append(node)

    def root(self, size: int | None = None) -> bytes:
        """The root over the first `size` leaves, all without it."""
        size = self._checked(size)
        return self._over(0, size) if size else sha256(b"").digest()

    def inclusion(self, index: int, size: int | None = None) -> list[bytes]:
        """That the leaf at `index` is in the tree of `size` leaves; from the leaf upwards."""
        start, end = 0, self._checked(size)
        if not 0 <= index < end:
            raise ValueError(f"leaf: found index {index}, expected 0 to {end - 1}")
        path = []
        while end - start > 1:
            middle = start + _split(end - start)
            if index < middle:
                path.append(self._over(middle, end))
                end = middle
            else:
                path.append(self._over(start, middle))
                start = middle
        return path[::-1]

    def consistency(self, first: int, size: int | None = None) -> list[bytes]:
        """That the tree of `size` leaves begins with the `first` ones as they were."""
        start, end = 0, self._checked(size)
        if not 0 <= first <= end:
            raise ValueError(f"first size: found {first}, expected 0 to {end}")
        path = []
        while first not in (0, end):
            middle = start + _split(end - start)
            if first <= middle:
                path.append(self._over(middle, end))
                end = middle
            else:
                path.append(self._over(start, middle))
                start = middle
        if start:
            path.append(self._over(start, end))
        return path[::-1]

    def _checked(self, size: int | None) -> int:
        if size is None:
            return self.size
        if not 0 <= size <= self.size:
            raise ValueError(f"size: found {size}, expected 0 to {self.size}")
        return size

    def _over(self, start: int, end: int) -> bytes:
        """The hash over the leaves from `start` to before `end`, a subtree of the log's."""
        count = end - start
        if count & (count - 1) == 0:
            level = count.bit_length() - 1
            return self._levels[level][start >> level]
        middle = start + _split(count)
        return node_hash(self._over(start, middle), self._over(middle, end))


def verify_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes],
                     root: bytes) -> bool:
    """Whether `path` proves the leaf hash to be at `index` of the tree (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    at, last, node = index, size - 1, leaf
    for other in path:
        if last == 0:
            return False
        if at & 1 or at == last:
            node = node_hash(other, node)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            node = node_hash(node, other)
        at, last = at >> 1, last >> 1
    return last == 0 and node == root


def verify_consistency(first: int, first_root: bytes, size: int, root: bytes,
                       path: Sequence[bytes]) -> bool:
    """Whether `path` proves the larger tree to begin with the smaller one (RFC 9162, 2.1.4.2).
    The empty tree begins every other."""
    if not 0 <= first <= size:
        return False
    if first == 0:
        return not path and first_root == sha256(b"").digest() and (size > 0 or root == first_root)
    if first == size:
        return not path and root == first_root
    nodes = list(path)
    if first & (first - 1) == 0:
        nodes.insert(0, first_root)
    if not nodes:
        return False
    at, last = first - 1, size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old = new = nodes[0]
    for node in nodes[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            old, new = node_hash(node, old), node_hash(node, new)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            new = node_hash(new, node)
        at, last = at >> 1, last >> 1
    return last == 0 and old == first_root and new == root


def _split(count: int) -> int:
    """The largest power of two below `count`, which is at least 2."""
    return 1 << (count - 1).bit_length() - 1
