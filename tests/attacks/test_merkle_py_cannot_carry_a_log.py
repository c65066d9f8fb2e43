"""Forgeries against the PyPI package `merkle-py`, and the same forgeries against our tree.

The package was asked for. It hashes leaves and nodes alike, so whoever knows two neighbouring leaf hashes has an
"entry" that nobody logged, with a proof that holds; its proofs name no place; and it cannot prove that a tree grew.
"""

from hashlib import sha256

import merklepy
import pytest

from transparency_log.errors import MerkleError
from transparency_log.merkle import Tree, check_inclusion, leaf_hash

ENTRIES = [b"hospital A", b"hospital B", b"hospital C", b"hospital D"]


@pytest.fixture
def theirs():
    tree = merklepy.MerkleTree()
    tree.add_leaves(True, *ENTRIES)
    return tree


def forged_entry(hash_leaf):
    """Two leaf hashes side by side: bytes that were never an entry."""
    return hash_leaf(ENTRIES[0]) + hash_leaf(ENTRIES[1])


def test_merkle_py_proves_an_entry_that_nobody_logged(theirs):
    entry = forged_entry(lambda data: sha256(data).digest())
    assert entry not in ENTRIES
    sibling = sha256(sha256(ENTRIES[2]).digest() + sha256(ENTRIES[3]).digest()).digest()
    proof = merklepy.Proof([sibling], merklepy.path.LEFT, 4)
    # The verifier hashes the "entry" as it hashes every entry, and gets the inner node above A and B.
    assert theirs.validate_proof(proof, sha256(entry).digest(), theirs.get_root_hash())


def test_our_tree_refuses_that_entry_at_every_place_and_size():
    tree = Tree(map(leaf_hash, ENTRIES))
    entry = forged_entry(leaf_hash)
    for size in range(1, 9):
        for index in range(size):
            for path in ([tree.node(1, 1)], [tree.node(1, 0)], [tree.node(0, 1), tree.node(1, 1)], []):
                with pytest.raises(MerkleError):
                    check_inclusion(leaf_hash(entry), index=index, size=size, proof=path, root=tree.root())


def test_merkle_py_proves_a_tree_of_two_with_the_root_of_a_tree_of_four(theirs):
    inner = [sha256(sha256(a).digest() + sha256(b).digest()).digest() for a, b in (ENTRIES[:2], ENTRIES[2:])]
    smaller = merklepy.MerkleTree()
    smaller.add_leaves(False, *inner)
    assert smaller.get_root_hash() == theirs.get_root_hash()


def test_our_trees_of_two_and_of_four_have_different_roots_whatever_the_entries():
    tree = Tree(map(leaf_hash, ENTRIES))
    inner = [tree.node(0, 0) + tree.node(0, 1), tree.node(0, 2) + tree.node(0, 3)]
    assert Tree(map(leaf_hash, inner)).root() != tree.root()


def test_merkle_py_proves_only_the_first_of_two_equal_entries():
    tree = merklepy.MerkleTree()
    first, _, third = tree.add_leaves(True, b"same", b"other", b"same")
    assert first.to_string() == third.to_string()


def test_our_proof_of_an_entry_holds_at_its_own_index_only():
    tree = Tree(map(leaf_hash, [b"same", b"other", b"same"]))
    for index in (0, 2):
        for claimed in range(3):
            claim = {"index": claimed, "size": 3, "proof": tree.inclusion_proof(index), "root": tree.root()}
            if claimed == index:
                check_inclusion(leaf_hash(b"same"), **claim)
            else:
                with pytest.raises(MerkleError):
                    check_inclusion(leaf_hash(b"same"), **claim)


def test_merkle_py_cannot_prove_that_a_tree_has_grown(theirs):
    assert not [name for name in dir(theirs) + dir(merklepy) if "consist" in name.lower()]
    assert callable(Tree([leaf_hash(b"")]).consistency_proof)
