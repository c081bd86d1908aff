"""The tree of hashes and its proofs, against published vectors and the naive definition."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_bridge.merkle import Leaves, verify_consistency, verify_inclusion
from edge.evidence.tree import Tree, leaf_hash

# Eight leaves, the root over the first n of them and some proofs, as certificate-transparency's
# own tests have them (merkletree/merkle_tree_test.cc).
LEAVES = [bytes.fromhex(leaf) for leaf in (
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
    "606162636465666768696a6b6c6d6e6f")]
ROOTS = [bytes.fromhex(root) for root in (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328")]
CONSISTENCY = {  # (first size, size): the proof
    (1, 8): ["96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
             "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
             "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"],
    (6, 8): ["0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
             "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
             "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"],
    (2, 5): ["5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
             "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"],
}


def top(hashes):
    """The Merkle tree hash as RFC 6962, 2.1, defines it, of leaf hashes."""
    if not hashes:
        return sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    k = half(len(hashes))
    return sha256(b"\x01" + top(hashes[:k]) + top(hashes[k:])).digest()


def audit_path(m, hashes):
    """PATH of 2.1.1."""
    if len(hashes) == 1:
        return []
    k = half(len(hashes))
    if m < k:
        return [*audit_path(m, hashes[:k]), top(hashes[k:])]
    return [*audit_path(m - k, hashes[k:]), top(hashes[:k])]


def subproof(m, hashes, whole=True):
    """SUBPROOF of 2.1.2."""
    if m == len(hashes):
        return [] if whole else [top(hashes)]
    k = half(len(hashes))
    if m <= k:
        return [*subproof(m, hashes[:k], whole), top(hashes[k:])]
    return [*subproof(m - k, hashes[k:], False), top(hashes[:k])]


def half(n):
    k = 1
    while 2 * k < n:
        k *= 2
    return k


def some(n):
    return [leaf_hash(bytes([i & 255, i >> 8])) for i in range(n)]


MANY = some(300)
sizes = st.integers(1, len(MANY))


def altered(digest, bit):
    number = int.from_bytes(digest, "big") ^ 1 << bit
    return number.to_bytes(32, "big")


def test_the_published_roots_and_proofs():
    tree, leaves = Tree(), Leaves()
    assert tree.root() == leaves.root() == ROOTS[0]
    for leaf, root in zip(LEAVES, ROOTS[1:], strict=True):
        tree.append(leaf_hash(leaf))
        leaves.append(leaf_hash(leaf))
        assert tree.root() == leaves.root() == root
    for (first, size), proof in CONSISTENCY.items():
        assert [node.hex() for node in leaves.consistency(first, size)] == proof
        assert verify_consistency(first, ROOTS[first], size, ROOTS[size],
                                  [bytes.fromhex(node) for node in proof])


def test_frontier_and_leaves_have_the_root_of_the_definition_at_every_size():
    tree, leaves = Tree(), Leaves(MANY)
    for size in range(len(MANY)):
        assert tree.size == size
        assert tree.root() == leaves.root(size) == top(MANY[:size])
        tree = Tree(tree.save())  # a restart between any two leaves
        tree.append(MANY[size])


@given(st.integers(0, 300), st.binary(max_size=80))
def test_what_is_no_saved_tree_is_refused(n, junk):
    tree = Tree()
    for leaf in MANY[:n]:
        tree.append(leaf)
    saved = tree.save()
    assert len(saved) == 4 + 32 * bin(n).count("1")
    for wrong in (saved[:-1], saved + b"\x00", saved + bytes(32), saved[:3], junk[:3],
                  b"\xff" + saved[1:]):
        with pytest.raises(ValueError, match="tree: found"):
            Tree(wrong)


@given(sizes, st.data())
def test_inclusion_is_proven_as_defined_and_for_nothing_else(size, data):
    index = data.draw(st.integers(0, size - 1))
    other = data.draw(st.integers(0, size - 1))
    bit = data.draw(st.integers(0, 255))
    leaves, root, leaf = Leaves(MANY), top(MANY[:size]), MANY[index]
    path = leaves.inclusion(index, size)
    assert path == audit_path(index, MANY[:size])
    assert verify_inclusion(leaf, index, size, path, root)
    assert verify_inclusion(leaf, other, size, path, root) == (other == index)
    assert not verify_inclusion(altered(leaf, bit), index, size, path, root)
    assert not verify_inclusion(leaf, index, size, path, altered(root, bit))
    assert not verify_inclusion(leaf, index, size, [*path, root], root)
    assert not verify_inclusion(leaf, index, index, path, root)
    assert not verify_inclusion(leaf, -1, size, path, root)
    for i in range(len(path)):
        assert not verify_inclusion(leaf, index, size, path[:i] + path[i + 1:], root)
        wrong = [*path[:i], altered(path[i], bit), *path[i + 1:]]
        assert not verify_inclusion(leaf, index, size, wrong, root)


@given(sizes, st.data())
def test_consistency_is_proven_as_defined_and_for_nothing_else(size, data):
    first = data.draw(st.integers(1, size))
    bit = data.draw(st.integers(0, 255))
    leaves, old, root = Leaves(MANY), top(MANY[:first]), top(MANY[:size])
    path = leaves.consistency(first, size)
    assert path == subproof(first, MANY[:size])
    assert verify_consistency(first, old, size, root, path)
    assert not verify_consistency(first, altered(old, bit), size, root, path)
    assert not verify_consistency(first, old, size, altered(root, bit), path)
    assert not verify_consistency(size + 1, old, size, root, path)
    assert not verify_consistency(first, old, size, root, [*path, root])
    for i in range(len(path)):
        assert not verify_consistency(first, old, size, root, path[:i] + path[i + 1:])
        wrong = [*path[:i], altered(path[i], bit), *path[i + 1:]]
        assert not verify_consistency(first, old, size, root, wrong)


@given(sizes, st.data())
def test_a_history_that_was_changed_is_not_consistent(size, data):
    """A log that alters one leaf below an old head finds no proof with its own means."""
    first = data.draw(st.integers(1, size))
    at = data.draw(st.integers(0, first - 1))
    forged = Leaves([*MANY[:at], leaf_hash(b"forged"), *MANY[at + 1:size]])
    assert not verify_consistency(first, top(MANY[:first]), size, forged.root(),
                                  forged.consistency(first))


def test_every_log_extends_the_empty_one():
    leaves = Leaves(MANY)
    assert leaves.consistency(0, 7) == []
    assert verify_consistency(0, ROOTS[0], 7, leaves.root(7), [])
    assert verify_consistency(0, ROOTS[0], 0, ROOTS[0], [])
    assert not verify_consistency(0, ROOTS[0], 0, leaves.root(7), [])
    assert not verify_consistency(0, ROOTS[1], 7, leaves.root(7), [])
    assert not verify_consistency(0, ROOTS[0], 7, leaves.root(7), [ROOTS[0]])


def test_what_there_is_not_cannot_be_proven():
    leaves = Leaves(MANY[:5])
    for wrong in (lambda: leaves.root(6), lambda: leaves.inclusion(5), lambda: leaves.inclusion(-1),
                  lambda: leaves.inclusion(3, 3), lambda: leaves.consistency(5, 4),
                  lambda: leaves.append(b"short"), lambda: Leaves().inclusion(0)):
        with pytest.raises(ValueError, match="found"):
            wrong()


def test_a_year_of_quarter_hours_is_proven_with_sixteen_hashes():
    hashes = some(35_040)
    leaves, tree = Leaves(hashes), Tree()
    for leaf in hashes:
        tree.append(leaf)
    root = tree.root()
    assert leaves.root() == root
    for index in range(0, 35_040, 97):
        path = leaves.inclusion(index)
        assert len(path) <= 16
        assert verify_inclusion(hashes[index], index, 35_040, path, root)
    for first in range(96, 35_040, 96 * 7):
        proof = leaves.consistency(first)
        assert len(proof) <= 17
        assert verify_consistency(first, leaves.root(first), 35_040, root, proof)
