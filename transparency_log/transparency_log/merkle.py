"""Merkle trees over SHA-256 as RFC 6962 §2.1 defines them, the only hash tree of this project.

A leaf is hashed with a leading 0x00 and an inner node with 0x01, so neither can pass for the other. Proofs
are lists of 32-byte hashes, lowest first; RFC 6962 calls an inclusion proof an audit path.

Many hashes lie end to end in one `bytes`, 32 bytes each, and are made in bulk: by compiled code where that pays (see
`fast`), by hashlib else, with the same result.

Everything that makes proofs works on a *node reader*: `read(level, index)` is the root of the perfect subtree
over the leaves [index·2^level, (index+1)·2^level). A `Tree` in memory is one, a folder of tiles is another.
Storing nodes is not done here (see `tiles` and `storage`), and neither are subtree proofs of Merkle Tree
Certificates.
"""

from array import array
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from itertools import accumulate, chain, islice, pairwise
from struct import iter_unpack

from transparency_log import fast
from transparency_log.errors import MerkleError

HASH_SIZE = 32
MAX_PROOF = 63  # hashes: a tree has fewer than 2^63 leaves
EMPTY_ROOT = sha256(b"").digest()  # RFC 6962 §2.1: MTH({}) = SHA-256()

NodeReader = Callable[[int, int], bytes]
"""`read(level, index)`: the root of the perfect subtree of 2^level leaves that starts at index·2^level."""

_NODE = sha256(b"\x01")  # to be copied: that is quicker than to begin anew
_BLOCK = 1 << 12  # hashes or entries that are joined at a time: the loop costs little, and so does the copy


def leaf_hash(entry: bytes) -> bytes:
    """Return SHA-256(0x00 ‖ entry), RFC 6962 §2.1."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return SHA-256(0x01 ‖ left ‖ right), RFC 6962 §2.1."""
    return sha256(b"\x01" + left + right).digest()


def leaf_hashes(entries: Sequence[bytes]) -> bytes:
    """Return the leaf hashes of many entries, end to end."""
    if not fast.pays(len(entries)):
        return b"".join([sha256(b"\x00" + entry).digest() for entry in entries])
    blocks = (entries[at : at + _BLOCK] for at in range(0, len(entries), _BLOCK))
    return b"".join(leaf_hashes_in(b"".join(some), array("q", accumulate(map(len, some)))) for some in blocks)


def leaf_hashes_in(data: bytes | bytearray | memoryview, ends: Sequence[int]) -> bytes:
    """Return the leaf hashes of entries that lie end to end in `data`; `ends` are their ends there.

    Raises:
        ValueError: the ends fall, or lie beyond the data.
    """
    kernels = fast.hashing(len(ends))
    if kernels is not None:
        return bytes(kernels.leaf_hashes(data, ends))
    places = list(pairwise(chain([0], ends)))
    if any(not at <= end <= len(data) for at, end in places):
        raise ValueError("ends do not rise within the data")
    return b"".join([sha256(b"\x00" + data[at:end]).digest() for at, end in places])


def parents(nodes: bytes) -> bytes:
    """Return the parents of neighbouring `nodes`, both end to end; an odd last node has none yet."""
    kernels = fast.hashing(len(nodes) // HASH_SIZE)  # as many as the whole tree above them has
    if kernels is not None:
        return bytes(kernels.parents(nodes))
    pairs = iter_unpack("64s", nodes[: len(nodes) & -2 * HASH_SIZE])
    return b"".join([sha256(b"\x01" + pair).digest() for (pair,) in pairs])


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
        while block := list(islice(leaves, _BLOCK)):
            self.add(_joined(block))

    def add(self, nodes: bytes, level: int = 0) -> None:
        """Add the roots of perfect subtrees of 2^level leaves, end to end: the same as appending all their leaves.

        Raises:
            MerkleError: `range-unaligned`: the size so far is no multiple of 2^level, or these are no whole hashes.
        """
        if self._size & ((1 << level) - 1) or len(nodes) % HASH_SIZE:
            raise MerkleError("range-unaligned", size=self._size, level=level, found=len(nodes))
        if nodes and self._size >> level & 1:
            self._push(nodes[:HASH_SIZE], level)
            nodes = nodes[HASH_SIZE:]
        if len(nodes) > HASH_SIZE:
            self.add(parents(nodes), level + 1)
        if len(nodes) // HASH_SIZE & 1:
            self._push(nodes[-HASH_SIZE:], level)

    def join(self, other: "CompactRange") -> None:
        """Add the leaves of another range, whose place in the tree is right behind this one.

        Raises:
            MerkleError: `range-unaligned`: the size so far is no multiple of the other's largest subtree.
        """
        for (level, _), node in zip(_perfect_subtrees(0, other.size), other.nodes, strict=True):
            self.add(node, level)

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
    """A whole tree in memory, 64 bytes a leaf, for many proofs over one list of leaves."""

    __slots__ = ("_levels",)

    def __init__(self, leaf_hashes: Iterable[bytes]) -> None:
        self._build(_joined(leaf_hashes))

    @classmethod
    def over(cls, entries: Sequence[bytes]) -> "Tree":
        """Return the tree over entries that are still to be hashed."""
        return cls.of(leaf_hashes(entries))

    @classmethod
    def of(cls, leaf_hashes: bytes) -> "Tree":
        """Return the tree of leaf hashes that lie end to end.

        Raises:
            MerkleError: `hash-length`: these are no whole hashes.
        """
        if len(leaf_hashes) % HASH_SIZE:
            raise MerkleError("hash-length", expected=HASH_SIZE, found=len(leaf_hashes) % HASH_SIZE)
        tree = cls.__new__(cls)
        tree._build(leaf_hashes)
        return tree

    def _build(self, leaf_hashes: bytes) -> None:
        self._levels = [leaf_hashes]
        while len(self._levels[-1]) > HASH_SIZE:
            self._levels.append(parents(self._levels[-1]))

    @property
    def levels(self) -> Sequence[bytes]:
        """The roots of the perfect subtrees of 2^L leaves, in order and end to end, for each level L that has any."""
        return self._levels

    @property
    def size(self) -> int:
        """The number of leaves."""
        return len(self._levels[0]) // HASH_SIZE

    def node(self, level: int, index: int) -> bytes:
        """Return the root of a perfect subtree: the tree is a node reader."""
        at = HASH_SIZE * index
        found = self._levels[level][at : at + HASH_SIZE]
        if index < 0 or not found:
            raise IndexError(index)
        return found

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
    rights = index | -1 << inner
    found = leaf_hash
    for sibling in proof:
        # `node_hash`, written out: of a check this is all the work, and a call would be a fifth of it.
        node = _NODE.copy()
        node.update(sibling + found if rights & 1 else found + sibling)
        found = node.digest()
        rights >>= 1
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
    if lengths := set(map(len, hashes)) - {HASH_SIZE}:
        raise MerkleError("hash-length", expected=HASH_SIZE, found=min(lengths))


def _joined(hashes: Iterable[bytes]) -> bytes:
    """Lay hashes end to end, where one of another length would move all that follow."""
    rest, blocks = iter(hashes), []
    while some := list(islice(rest, _BLOCK)):
        _check_hashes(*some)
        blocks.append(b"".join(some))
    return b"".join(blocks)


def _check_length(proof: Sequence[bytes], expected: int) -> None:
    if len(proof) != expected:
        raise MerkleError("proof-length", expected=expected, found=len(proof))
