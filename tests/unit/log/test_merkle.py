from hashlib import sha256

import pytest

from support.keys import flipped_bits
from transparency_log import merkle
from transparency_log.errors import MerkleError

LEAVES = [merkle.leaf_hash(str(number).encode()) for number in range(66)]


def defined_root(leaves):
    """MTH as RFC 6962 §2.1 writes it down."""
    if len(leaves) <= 1:
        return leaves[0] if leaves else sha256(b"").digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return sha256(b"\x01" + defined_root(leaves[:split]) + defined_root(leaves[split:])).digest()


def holds(check, *args, **named):
    try:
        check(*args, **named)
    except MerkleError:
        return False
    return True


def test_a_leaf_and_a_node_are_hashed_under_different_prefixes():
    assert merkle.leaf_hash(b"a") == sha256(b"\x00a").digest()
    assert merkle.node_hash(b"a" * 32, b"b" * 32) == sha256(b"\x01" + b"a" * 32 + b"b" * 32).digest()


@pytest.mark.parametrize("size", range(len(LEAVES) + 1))
def test_every_way_to_a_root_gives_the_root_that_the_rfc_defines(size):
    leaves = LEAVES[:size]
    expected = defined_root(leaves)
    assert merkle.root(iter(leaves)) == expected
    tree = merkle.Tree(leaves)
    assert (tree.root(), tree.size) == (expected, size)
    grown = merkle.CompactRange()
    for leaf in leaves:
        grown.append(leaf)
    assert (grown.root(), grown.size) == (expected, size)
    assert merkle.CompactRange.read(tree.node, size).nodes == grown.nodes
    assert merkle.CompactRange(size, grown.nodes).root() == expected


def test_a_streamed_root_over_many_blocks_is_the_root_of_the_tree():
    leaves = [merkle.leaf_hash(number.to_bytes(4)) for number in range(3000)]
    assert merkle.root(leaves) == merkle.Tree(leaves).root()
    pieces = merkle.CompactRange()
    for start, end in [(0, 1), (1, 1500), (1500, 1500), (1500, 3000)]:
        pieces.extend(leaves[start:end])
    assert pieces.root() == merkle.root(leaves)


def test_a_compact_range_refuses_nodes_that_do_not_fit_its_size():
    for size, nodes in [(0, 1), (1, 0), (3, 1), (4, 2), (-1, 1)]:
        with pytest.raises(MerkleError, match="range-nodes"):
            merkle.CompactRange(size, [bytes(32)] * nodes)


def test_hashes_that_are_not_whole_make_no_tree():
    for hashes in ([bytes(31)], [bytes(31), bytes(33)], [LEAVES[0], b""]):
        with pytest.raises(MerkleError, match="hash-length"):
            merkle.Tree(hashes)
        with pytest.raises(MerkleError, match="hash-length"):
            merkle.root(hashes)
    for length in (1, 31, 33, 65):
        with pytest.raises(MerkleError, match="hash-length"):
            merkle.Tree.of(bytes(length))
        with pytest.raises(MerkleError, match="range-unaligned"):
            merkle.CompactRange().add(bytes(length))


def test_a_subtree_has_a_place_only_where_it_is_aligned():
    tree = merkle.Tree(LEAVES)
    for level in range(1, 7):
        nodes = tree.levels[level]
        grown = merkle.CompactRange()
        grown.add(nodes, level)
        assert grown.root() == merkle.root(LEAVES[: len(nodes) // 32 << level])
        for size in range(1, 1 << level):
            with pytest.raises(MerkleError, match="range-unaligned"):
                merkle.CompactRange.read(tree.node, size).add(nodes, level)


def test_a_tree_has_no_node_outside_its_levels():
    tree = merkle.Tree(LEAVES[:5])
    assert tree.node(1, 1) == merkle.node_hash(LEAVES[2], LEAVES[3])
    for level, index in [(0, 5), (0, -1), (0, -2), (1, 2), (3, 0)]:
        with pytest.raises(IndexError):
            tree.node(level, index)


@pytest.mark.parametrize("size", range(1, 34))
def test_every_leaf_of_every_tree_has_a_proof_and_no_other_leaf_or_place_has_it(size):
    tree = merkle.Tree(LEAVES[:size])
    for index in range(size):
        proof = tree.inclusion_proof(index)
        for claimed in range(size):
            for leaf in {LEAVES[claimed], LEAVES[index]}:
                claim = {"index": claimed, "size": size, "proof": proof, "root": tree.root()}
                assert holds(merkle.check_inclusion, leaf, **claim) == (claimed == index and leaf == LEAVES[index])


@pytest.mark.parametrize("new_size", range(1, 34))
def test_every_prefix_of_every_tree_has_a_proof_and_no_other_prefix_has_it(new_size):
    tree = merkle.Tree(LEAVES[:new_size])
    roots = [merkle.root(LEAVES[:size]) for size in range(new_size + 1)]
    for old_size in range(1, new_size + 1):
        proof = tree.consistency_proof(old_size)
        claim = {"new_size": new_size, "new_root": tree.root(), "proof": proof}
        assert holds(merkle.check_consistency, old_size=old_size, old_root=roots[old_size], **claim)
        for other in range(new_size + 1):
            if other != old_size:
                assert not holds(merkle.check_consistency, old_size=old_size, old_root=roots[other], **claim)


def test_a_flipped_bit_anywhere_spoils_an_inclusion_proof():
    tree = merkle.Tree(LEAVES[:13])
    proof = tree.inclusion_proof(11)
    claim = {"index": 11, "size": 13}
    assert holds(merkle.check_inclusion, LEAVES[11], **claim, proof=proof, root=tree.root())
    for mangled in flipped_bits(LEAVES[11]):
        assert not holds(merkle.check_inclusion, mangled, **claim, proof=proof, root=tree.root())
    for mangled in flipped_bits(tree.root()):
        assert not holds(merkle.check_inclusion, LEAVES[11], **claim, proof=proof, root=mangled)
    for at, value in enumerate(proof):
        for mangled in flipped_bits(value):
            changed = [*proof[:at], mangled, *proof[at + 1 :]]
            assert not holds(merkle.check_inclusion, LEAVES[11], **claim, proof=changed, root=tree.root())
    for changed in (proof[:-1], proof[1:], [*proof, bytes(32)], [bytes(32), *proof], proof[::-1], []):
        assert not holds(merkle.check_inclusion, LEAVES[11], **claim, proof=changed, root=tree.root())


@pytest.mark.parametrize("old_size", [4, 6, 7])
def test_a_flipped_bit_anywhere_spoils_a_consistency_proof(old_size):
    tree = merkle.Tree(LEAVES[:13])
    old_root = merkle.root(LEAVES[:old_size])
    proof = tree.consistency_proof(old_size)
    claim = {"old_size": old_size, "new_size": 13}
    assert holds(merkle.check_consistency, **claim, old_root=old_root, new_root=tree.root(), proof=proof)
    for mangled in flipped_bits(old_root):
        assert not holds(merkle.check_consistency, **claim, old_root=mangled, new_root=tree.root(), proof=proof)
    for mangled in flipped_bits(tree.root()):
        assert not holds(merkle.check_consistency, **claim, old_root=old_root, new_root=mangled, proof=proof)
    for at, value in enumerate(proof):
        for mangled in flipped_bits(value):
            changed = [*proof[:at], mangled, *proof[at + 1 :]]
            assert not holds(merkle.check_consistency, **claim, old_root=old_root, new_root=tree.root(), proof=changed)
    for changed in (proof[:-1], proof[1:], [*proof, bytes(32)], [bytes(32), *proof], []):
        assert not holds(merkle.check_consistency, **claim, old_root=old_root, new_root=tree.root(), proof=changed)


def test_indices_and_sizes_outside_the_tree_are_errors_when_proving_and_when_checking():
    tree = merkle.Tree(LEAVES[:5])
    for index in (-1, 5, 6):
        with pytest.raises(MerkleError, match="index-out-of-range"):
            tree.inclusion_proof(index)
        with pytest.raises(MerkleError, match="index-out-of-range"):
            merkle.check_inclusion(LEAVES[0], index=index, size=5, proof=[], root=tree.root())
    for old_size in (-1, 0, 6):
        with pytest.raises(MerkleError, match="size-out-of-range"):
            tree.consistency_proof(old_size)
        with pytest.raises(MerkleError, match="size-out-of-range"):
            merkle.check_consistency(old_size=old_size, old_root=bytes(32), new_size=5, new_root=tree.root(), proof=[])


def test_the_one_shot_functions_prove_what_the_tree_proves():
    tree = merkle.Tree(LEAVES[:21])
    assert merkle.inclusion_proof(LEAVES[:21], 20) == tree.inclusion_proof(20)
    assert merkle.consistency_proof(LEAVES[:21], 9) == tree.consistency_proof(9)


def test_an_inner_node_shown_as_an_entry_is_refused():
    tree = merkle.Tree(LEAVES[:4])
    inner = LEAVES[0] + LEAVES[1]  # the attacker's "entry"
    path = [merkle.node_hash(LEAVES[2], LEAVES[3])]
    for size in (2, 3, 4):
        claim = {"index": 0, "size": size, "proof": path, "root": tree.root()}
        assert not holds(merkle.check_inclusion, merkle.leaf_hash(inner), **claim)
