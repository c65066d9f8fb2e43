"""Merkle trees over SHA-256 as RFC 6962 §2.1 defines them, the only hash tree of this project.

A leaf is hashed with a leading 0x00 and an inner node with 0x01, so neither can pass for the other. Proofs
are lists of 32-byte hashes, lowest first; RFC 6962 calls an inclusion proof an audit path.

Everything that makes proofs works on a *node reader*: `read(level, index)` is the root of the perfect subtree
over the leaves [index·2^level, (index+1)·2^level). A `Tree` in memory is one, a folder of tiles is another.
Storing nodes is not done here (see `tiles` and `storage`), and neither are subtree proofs of Merkle Tree
Certificates.
"""

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from itertools import islice

from transparency_log.errors import MerkleError

HASH_SIZE = 32
MAX_PROOF = 63  # hashes: a tree has fewer than 2^63 leaves
EMPTY_ROOT = sha256(b"").digest()  # RFC 6962 §2.1: MTH({}) = SHA-256()

NodeReader = Callable[[int, int], bytes]
"""`read(level, index)`: the root of the perfect subtree of 2^level leaves that starts at index·2^level."""

_BLOCK_LEVEL = 8  # leaves are hashed 256 at a time: the loop costs little, and a tile has as many
_BLOCK = 1 << _BLOCK_LEVEL


def leaf_hash(entry: bytes) -> bytes:
    """Return SHA-256(0x00 ‖ entry), RFC 6962 §2.1."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return SHA-256(0x01 ‖ left ‖ right), RFC 6962 §2.1."""
    return sha256(b"\x01" + left + right).digest()


def next_level(nodes: Sequence[bytes]) -> list[bytes]:
    """Return the parents of neighbouring `nodes`; an odd last node has none yet."""
    pairs = iter(nodes)
    return [sha256(b"\x01" + left + right).digest() for left, right in zip(pairs, pairs, strict=False)]


def root(leaf_hashes: Iterable[bytes]) -> bytes:
    """Return the root over `leaf_hashes`, read once; memory grows with the logarithm of their number."""
    tree = CompactRange()
    tree.extend(leaf_hashes)
    return tree.root()


class CompactRange:
    """A tree that only grows, kept as the roots of its perfect subtrees: one for each 1-bit of its size."""

    __slots__ = ("_nodes", "_size")

    def __init__(self, size: int = 0, nodes: Sequence[bytes] = ()) -> None:
        if size < 0 or len(nodes) != size.bit_count():
            raise MerkleError("range-nodes", size=size, expected=max(size, 0).bit_count(), found=len(nodes))
        self._size = size
        self._nodes = list(nodes)

    @classmethod
    def read(cls, read: NodeReader, size: int) -> "CompactRange":
        """Return the range of the first `size` leaves behind a node reader."""
        return cls(size, [read(level, index) for level, index in _perfect_subtrees(0, size)])

    @property
    def size(self) -> int:
        """The number of leaves."""
        return self._size

    @property
    def nodes(self) -> tuple[bytes, ...]:
        """The roots of the perfect subtrees, the largest first."""
        return tuple(self._nodes)

    def append(self, leaf_hash: bytes) -> None:
        """Add one leaf."""
        self._push(leaf_hash, 0)

    def extend(self, leaf_hashes: Iterable[bytes]) -> None:
        """Add many leaves: the same as appending each, at about the speed of hashing alone."""
        leaves = iter(leaf_hashes)
        for leaf in islice(leaves, -self._size % _BLOCK):
            self._push(leaf, 0)
        while block := list(islice(leaves, _BLOCK)):
            if len(block) < _BLOCK:
                for leaf in block:
                    self._push(leaf, 0)
            else:
                while len(block) > 1:
                    block = next_level(block)
                self._push(block[0], _BLOCK_LEVEL)

    def root(self) -> bytes:
        """Return the root over all leaves so far."""
        return _fold(self._nodes) if self._nodes else EMPTY_ROOT

    def _push(self, node: bytes, level: int) -> None:
        # As in binary addition, each 1-bit that is carried over joins two subtrees of one size.
        carry = self._size >> level
        while carry & 1:
            node = node_hash(self._nodes.pop(), node)
            carry >>= 1
        self._nodes.append(node)
        self._size += 1 << level


class Tree:
    """A whole tree in memory, for many proofs over one list of leaves."""

    __slots__ = ("_levels",)

    def __init__(self, leaf_hashes: Iterable[bytes]) -> None:
        self._levels = [list(leaf_hashes)]
        while len(self._levels[-1]) > 1:
            self._levels.append(next_level(self._levels[-1]))

    @property
    def size(self) -> int:
        """The number of leaves."""
        return len(self._levels[0])

    def node(self, level: int, index: int) -> bytes:
        """Return the root of a perfect subtree: the tree is a node reader."""
        return self._levels[level][index]

    def root(self) -> bytes:
        """Return the root over all leaves."""
        return root_from(self.node, size=self.size)

    def inclusion_proof(self, index: int) -> list[bytes]:
        """Return the inclusion proof of the leaf at `index`, RFC 6962 §2.1.1."""
        return inclusion_proof_from(self.node, index=index, size=self.size)

    def consistency_proof(self, old_size: int) -> list[bytes]:
        """Return the proof that the first `old_size` leaves are a prefix of this tree, RFC 6962 §2.1.2."""
        return consistency_proof_from(self.node, old_size=old_size, new_size=self.size)


def inclusion_proof(leaf_hashes: Sequence[bytes], index: int) -> list[bytes]:
    """Return the inclusion proof of one leaf; for more than one build a `Tree` once."""
    return Tree(leaf_hashes).inclusion_proof(index)


def consistency_proof(leaf_hashes: Sequence[bytes], old_size: int) -> list[bytes]:
    """Return the proof that the first `old_size` of `leaf_hashes` are a prefix of all of them."""
    return Tree(leaf_hashes).consistency_proof(old_size)


def root_from(read: NodeReader, *, size: int) -> bytes:
    """Return the root over the first `size` leaves behind a node reader."""
    return _range_root(read, 0, size) if size > 0 else EMPTY_ROOT


def inclusion_proof_from(read: NodeReader, *, index: int, size: int) -> list[bytes]:
    """Return PATH(index, D[size]), RFC 6962 §2.1.1, from a logarithmic number of reads.

    Raises:
        MerkleError: `index-out-of-range`.
    """
    _check_index(index, size)
    path, start, end = [], 0, size
    while end - start > 1:
        split = _split(start, end)
        if index < split:
            path.append(_range_root(read, split, end))
            end = split
        else:
            path.append(_range_root(read, start, split))
            start = split
    return path[::-1]


def consistency_proof_from(read: NodeReader, *, old_size: int, new_size: int) -> list[bytes]:
    """Return PROOF(old_size, D[new_size]), RFC 6962 §2.1.2, from a logarithmic number of reads.

    Raises:
        MerkleError: `size-out-of-range` unless 1 ≤ old_size ≤ new_size. From the empty tree there is
        nothing to prove.
    """
    _check_sizes(old_size, new_size)
    proof, start, end = [], 0, new_size
    while end != old_size:
        split = _split(start, end)
        if old_size <= split:
            proof.append(_range_root(read, split, end))
            end = split
        else:
            proof.append(_range_root(read, start, split))
            start = split
    if start > 0:  # else the old root itself is the subtree, and the verifier has it
        proof.append(_range_root(read, start, end))
    return proof[::-1]


def check_inclusion(leaf_hash: bytes, *, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check that `leaf_hash` is the leaf at `index` of the tree with `size` leaves and this `root`.

    Raises:
        MerkleError: `index-out-of-range`, `hash-length`, `proof-length` or `root-mismatch`.
    """
    _check_index(index, size)
    _check_hashes(leaf_hash, root, *proof)
    # Below `inner` the leaf's path and the last leaf's differ, and the bits of the index tell left from
    # right. Above it the path runs along the right edge, where only left siblings exist.
    inner = (index ^ (size - 1)).bit_length()
    _check_length(proof, inner + (index >> inner).bit_count())
    found = leaf_hash
    for level, sibling in enumerate(proof):
        on_the_right = level >= inner or index >> level & 1
        found = node_hash(sibling, found) if on_the_right else node_hash(found, sibling)
    if found != root:
        raise MerkleError("root-mismatch", expected=root.hex(), found=found.hex())


def check_consistency(
    *, old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Check that the tree of `old_size` leaves is a prefix of the tree of `new_size` leaves.

    An old size of 0 is refused, because such a proof would say nothing; who must accept growth from the empty
    tree (C2SP tlog-witness) does so on a path of its own.

    Raises:
        MerkleError: `size-out-of-range`, `hash-length`, `proof-length`, `old-root-mismatch` or
        `root-mismatch`.
    """
    _check_sizes(old_size, new_size)
    _check_hashes(old_root, new_root, *proof)
    if old_size == new_size:
        _check_length(proof, 0)
        if old_root != new_root:
            raise MerkleError("root-mismatch", expected=new_root.hex(), found=old_root.hex())
        return
    # The proof climbs from the last perfect subtree of the old tree, as an inclusion proof climbs from a
    # leaf.
    last = old_size - 1
    level_zero = (old_size & -old_size).bit_length() - 1
    inner = (last ^ (new_size - 1)).bit_length()
    length = inner - level_zero + (last >> inner).bit_count()
    if old_size == 1 << level_zero:  # that subtree is the whole old tree, and its root is not sent
        _check_length(proof, length)
        old = new = old_root
        siblings = proof
    else:
        _check_length(proof, length + 1)
        old = new = proof[0]
        siblings = proof[1:]
    for level, sibling in enumerate(siblings, level_zero):
        if level >= inner or last >> level & 1:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
        else:  # what hangs on the right was not there yet
            new = node_hash(new, sibling)
    if old != old_root:
        raise MerkleError("old-root-mismatch", expected=old_root.hex(), found=old.hex())
    if new != new_root:
        raise MerkleError("root-mismatch", expected=new_root.hex(), found=new.hex())


def _split(start: int, end: int) -> int:
    # RFC 6962 §2.1: k is the largest power of two smaller than n.
    return start + (1 << ((end - start - 1).bit_length() - 1))


def _perfect_subtrees(start: int, end: int) -> list[tuple[int, int]]:
    """Cut [start, end) into perfect subtrees (level, index), largest first; `start` is aligned to it."""
    subtrees = []
    while start < end:
        level = (end - start).bit_length() - 1
        subtrees.append((level, start >> level))
        start += 1 << level
    return subtrees


def _range_root(read: NodeReader, start: int, end: int) -> bytes:
    return _fold([read(level, index) for level, index in _perfect_subtrees(start, end)])


def _fold(nodes: Sequence[bytes]) -> bytes:
    """Join perfect subtrees of falling size, the smallest two first."""
    folded = nodes[-1]
    for node in reversed(nodes[:-1]):
        folded = node_hash(node, folded)
    return folded


def _check_index(index: int, size: int) -> None:
    if not 0 <= index < size:
        raise MerkleError("index-out-of-range", index=index, size=size)


def _check_sizes(old_size: int, new_size: int) -> None:
    if not 0 < old_size <= new_size:
        raise MerkleError("size-out-of-range", old_size=old_size, new_size=new_size)


def _check_hashes(*hashes: bytes) -> None:
    for value in hashes:
        if len(value) != HASH_SIZE:
            raise MerkleError("hash-length", expected=HASH_SIZE, found=len(value))


def _check_length(proof: Sequence[bytes], expected: int) -> None:
    if len(proof) != expected:
        raise MerkleError("proof-length", expected=expected, found=len(proof))
