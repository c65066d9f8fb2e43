"""However a tree is made - by hashlib or compiled, at once or in pieces, in memory or on disk - it is RFC 6962's."""

import tempfile
from array import array
from functools import cache
from hashlib import sha256
from itertools import accumulate, pairwise
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.paths import path
from transparency_log import levels, merkle

MOST = 300
ENTRIES = [number.to_bytes(3) * (number % 50) for number in range(MOST)]
LEAVES = [sha256(b"\0" + entry).digest() for entry in ENTRIES]


@cache
def defined_root(start, end):
    """MTH(D[start:end]), RFC 6962 §2.1."""
    if end - start <= 1:
        return LEAVES[start] if start < end else sha256(b"").digest()
    split = start + split_of(end - start)
    return sha256(b"\1" + defined_root(start, split) + defined_root(split, end)).digest()


def split_of(size):
    return 1 << (size - 1).bit_length() - 1


def defined_path(index, start, end):
    """PATH(m, D[n]), RFC 6962 §2.1.1."""
    if end - start == 1:
        return []
    split = start + split_of(end - start)
    if index < split:
        return [*defined_path(index, start, split), defined_root(split, end)]
    return [*defined_path(index, split, end), defined_root(start, split)]


def cuts_of(size, cuts):
    bounds = [0, *sorted(cut % (size + 1) for cut in cuts), size]
    return list(pairwise(bounds))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.binary(max_size=200), max_size=300), st.booleans())
def test_the_leaf_hashes_of_any_entries_are_those_of_the_rfc(entries, compiled):
    expected = b"".join(sha256(b"\0" + entry).digest() for entry in entries)
    with path(compiled=compiled):
        assert merkle.leaf_hashes(entries) == expected
        assert merkle.leaf_hashes_in(b"".join(entries), array("q", accumulate(map(len, entries)))) == expected


@settings(max_examples=50, deadline=None)
@given(st.integers(0, MOST), st.lists(st.integers(0, MOST), max_size=5), st.booleans())
def test_every_way_to_a_tree_of_any_size_gives_the_root_of_the_rfc(size, cuts, compiled):
    expected = defined_root(0, size)
    with path(compiled=compiled):
        assert merkle.root(iter(LEAVES[:size])) == expected
        assert merkle.Tree(iter(LEAVES[:size])).root() == expected
        assert merkle.Tree.over(ENTRIES[:size]).root() == expected
        assert merkle.Tree.of(b"".join(LEAVES[:size])).root() == expected
        extended, added, appended = merkle.CompactRange(), merkle.CompactRange(), merkle.CompactRange()
        for start, end in cuts_of(size, cuts):
            extended.extend(LEAVES[start:end])
            added.add(b"".join(LEAVES[start:end]))
        for leaf in LEAVES[:size]:
            appended.append(leaf)
        assert (extended.size, extended.nodes) == (added.size, added.nodes) == (appended.size, appended.nodes)
        assert added.root() == expected


@settings(max_examples=50, deadline=None)
@given(st.integers(1, MOST), st.data(), st.booleans())
def test_every_proof_is_the_path_of_the_rfc_and_proves_no_other_leaf(size, data, compiled):
    index, other = data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, size - 1))
    with path(compiled=compiled):
        tree = merkle.Tree.over(ENTRIES[:size])
    proof = tree.inclusion_proof(index)
    assert proof == defined_path(index, 0, size)
    claim = {"index": index, "size": size, "proof": proof, "root": defined_root(0, size)}
    merkle.check_inclusion(LEAVES[index], **claim)
    for leaf, changed in [
        (LEAVES[other], claim),
        (LEAVES[index], {**claim, "index": other}),
        (LEAVES[index], {**claim, "proof": [*proof, LEAVES[0]]}),
    ]:
        try:
            merkle.check_inclusion(leaf, **changed)
        except merkle.MerkleError:
            continue
        assert (leaf, changed) == (LEAVES[index], claim)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, MOST), st.integers(0, MOST), st.integers(0, 4), st.booleans())
def test_a_tree_joins_another_where_it_is_aligned_and_nowhere_else(size, start, level, compiled):
    """As machines hash the parts of a registry: each a multiple of 2^level but the last."""
    start = min(start, size) >> level << level
    with path(compiled=compiled):
        whole, part = merkle.CompactRange(), merkle.CompactRange()
        whole.add(merkle.Tree(LEAVES[:start]).levels[level] if start else b"", level)
        part.extend(LEAVES[start:size])
        if whole.size % (1 << max(part.size.bit_length() - 1, 0)):
            with pytest.raises(merkle.MerkleError, match="range-unaligned"):
                whole.join(part)
        else:
            whole.join(part)
            assert (whole.size, whole.root()) == (size, defined_root(0, size))


@settings(max_examples=50, deadline=None)
@given(st.integers(0, MOST), st.lists(st.integers(0, 80), max_size=4), st.booleans(), st.data())
def test_level_files_of_any_tree_prove_as_the_tree_does(size, widths, compiled, data):
    with tempfile.TemporaryDirectory() as name, path(compiled=compiled), pieces_of(8):
        folder = Path(name)
        leaves = folder / "leaves"
        leaves.write_bytes(b"".join(LEAVES[:size]))
        assert levels.write_levels(folder, leaves).root() == defined_root(0, size)
        by_hand = folder / "by hand"
        by_hand.mkdir()
        with levels.LevelWriter(by_hand, level=3) as writer:
            at = 0
            for end in [*accumulate(8 * width for width in widths), size]:
                writer.append(merkle.Tree(LEAVES[at : max(at, min(end, size))]))
                at = max(at, min(end, size))
                if at == size:
                    break
            assert writer.finish().root() == defined_root(0, size)
        names = sorted(file.name for file in folder.iterdir() if file.is_file())
        assert names == [levels.level_name(level) for level in range(levels.level_count(size))]
        for file in names:
            assert (folder / file).read_bytes() == (by_hand / file).read_bytes()
        with levels.Levels(folder, size, defined_root(0, size)) as written:
            assert written.root() == defined_root(0, size)
            for index in data.draw(st.lists(st.integers(0, size - 1), max_size=5)) if size else ():
                assert written.inclusion_proof(index) == defined_path(index, 0, size)


def pieces_of(leaves):
    """Cut trees into pieces that are small enough for a test to have many of."""
    return patch.multiple(levels, PIECE=leaves, PIECE_LEVEL=leaves.bit_length() - 1)
