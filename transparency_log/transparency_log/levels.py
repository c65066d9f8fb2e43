"""Level files: a tree that no memory needs to hold, for proofs from a few reads.

    <L>    the roots of all perfect subtrees of 2^L leaves, in their order, 32 bytes each; L in two digits

Where the leaves are many, and all known: a frozen registry keeps such a folder beside its roster. Level 0 is named
last, so where it is, all are. They hold nothing that does not follow from the leaves: whoever doubts them deletes them.
A growing log keeps tiles instead.
"""

import os
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

from transparency_log import fast
from transparency_log.errors import MerkleError, StorageError
from transparency_log.merkle import (
    HASH_SIZE,
    CompactRange,
    Tree,
    check_inclusion,
    inclusion_proof_from,
    leaf_hashes_in,
    node_hash,
    root_from,
)
from transparency_log.storage import failure, sync, sync_folder
from transparency_log.tree import read_ahead

PIECE_LEVEL: Final = 16
PIECE: Final = 1 << PIECE_LEVEL  # leaves: some milliseconds of hashing, and two megabytes

Chunk = tuple[bytes | bytearray | memoryview, Sequence[int]]
"""Entries end to end, and their ends."""


def level_name(level: int) -> str:
    """Return the name of a level's file."""
    return f"{level:02d}"


def level_count(size: int) -> int:
    """Return how many levels have a perfect subtree in a tree of `size` leaves; level 0 is always there."""
    return max(size.bit_length(), 1)


def range_over(chunks: Iterable[Chunk], hashes: int) -> CompactRange:
    """Return the tree over entries, hashed by all cores; each chunk but the last has `PIECE` of them.

    `hashes` is about how many entries there are, which decides how it is done. A few chunks are in memory at once.
    """
    whole = CompactRange()
    for part in read_ahead(_range_of, chunks, fast.workers(hashes)):
        whole.join(part)
    return whole


def _range_of(chunk: Chunk) -> CompactRange:
    part = CompactRange()
    part.add(leaf_hashes_in(*chunk))
    return part


def write_levels(folder: Path, leaves: Path) -> CompactRange:
    """Make the level files of a tree whose leaf hashes lie in a file, which becomes level 0, and return its range.

    The file must be on the file system of `folder`, which exists. Memory does not grow with the tree.

    Raises:
        StorageError: `level-length`: the file holds no whole hashes; or what a write raises, see `Storage`.
    """
    try:
        with leaves.open("rb") as file, LevelWriter(folder, first=1, level=PIECE_LEVEL) as writer:
            size, rest = divmod(os.fstat(file.fileno()).st_size, HASH_SIZE)
            if rest:
                found = size * HASH_SIZE + rest
                raise StorageError(
                    "level-length", path=str(leaves), folder=str(folder), expected=size * HASH_SIZE, found=found
                )
            pieces = iter(lambda: file.read(PIECE * HASH_SIZE), b"")
            for tree in read_ahead(Tree.of, pieces, fast.workers(size)):
                writer.append(tree)
            sync(file.fileno())
            whole = writer.finish()
        leaves.replace(folder / level_name(0))
        sync_folder(folder)
    except OSError as error:
        raise failure(str(folder), error) from None
    return whole


class LevelWriter:
    """Writes level files piece by piece, in a `with`; they get their names when all of them are on the disk.

    The tree over a piece may be made anywhere: by another thread, or on another machine. With `first` 1 there is a file
    of leaf hashes already, and only the levels above it are written. A piece has 2^`level` leaves. A write that fails
    raises OSError.
    """

    def __init__(self, folder: Path, *, first: int = 0, level: int = PIECE_LEVEL) -> None:
        self._folder, self._level = folder, level
        self._first = first
        self._files: list[BinaryIO] = []
        self._whole = CompactRange()
        self._top = bytearray()  # the roots of the whole pieces: two megabytes for 2^32 leaves
        self._opened = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._opened.close()

    def append(self, piece: Tree) -> None:
        """Add the tree over the next leaves: a multiple of a piece of them, or, at the end, any number.

        Raises:
            MerkleError: `range-unaligned`: the piece before was no multiple, and must have been the last.
        """
        top = self._level
        roots = b"".join(piece.levels[top : top + 1])
        self._whole.add(roots, top)
        self._whole.add(piece.levels[0][len(roots) << top :])
        self._top += roots
        for level, nodes in enumerate(piece.levels[: top + 1]):
            self._write(level, nodes)

    def finish(self) -> CompactRange:
        """Make the levels above the pieces, give all files their names, and return the range of the whole tree."""
        self._write(0, b"")  # an empty tree has a level 0 too
        for level, nodes in enumerate(Tree.of(bytes(self._top)).levels[1:], self._level + 1):
            self._write(level, nodes)
        for file in self._files:
            file.flush()
            sync(file.fileno())
        for level in reversed(range(self._first, self._first + len(self._files))):
            self._temporary(level).replace(self._folder / level_name(level))
        sync_folder(self._folder)
        return self._whole

    def _write(self, level: int, nodes: bytes) -> None:
        while self._first + len(self._files) <= level:
            path = self._temporary(self._first + len(self._files))
            self._opened.callback(path.unlink, missing_ok=True)
            self._files.append(self._opened.enter_context(path.open("wb")))
        if level >= self._first:
            self._files[level - self._first].write(nodes)

    def _temporary(self, level: int) -> Path:
        return self._folder / f".{level_name(level)}.tmp"


class Levels:
    """The tree of a folder of level files, read where it is needed; `node` is a node reader.

    The files are not trusted: their lengths are checked at once, and no proof is handed out that does not lead to the
    root; `root` is what they must come to, where the caller knows it. Close it, or use it in a `with`.
    """

    def __init__(self, folder: Path, size: int, root: bytes | None = None) -> None:
        """Open the files of a tree of `size` leaves.

        Raises:
            StorageError: `level-missing`, `not-readable`, `level-length` or `levels-damaged`.
        """
        self._folder, self._size = folder, size
        with ExitStack() as opened:
            self._files = [opened.enter_context(self._open(level)) for level in range(level_count(size))]
            self._root = root_from(self.node, size=size)
            if root not in (None, self._root):
                raise self._damaged(folder)
            self._opened = opened.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the files."""
        self._opened.close()

    @property
    def size(self) -> int:
        """The number of leaves."""
        return self._size

    def root(self) -> bytes:
        """Return the root over all leaves."""
        return self._root

    def node(self, level: int, index: int) -> bytes:
        """Return the root of a perfect subtree.

        Raises:
            StorageError: `not-readable`, or `level-length`: the file was cut since it was opened.
        """
        if not 0 <= index < self._size >> level:
            raise IndexError(index)
        try:
            found = os.pread(self._files[level].fileno(), HASH_SIZE, HASH_SIZE * index)
        except OSError as error:
            raise StorageError("not-readable", path=str(self._folder / level_name(level)), reason=str(error)) from None
        if len(found) != HASH_SIZE:
            raise self._wrong_length(level, HASH_SIZE * index + len(found))
        return found

    def inclusion_proof(self, index: int) -> list[bytes]:
        """Return the inclusion proof of the leaf at `index`, RFC 6962 §2.1.1.

        Raises:
            MerkleError: `index-out-of-range`.
            StorageError: `levels-damaged`: the files do not lead to the root, so that it would not hold.
        """
        proof = inclusion_proof_from(self.node, index=index, size=self._size)
        try:
            check_inclusion(self.node(0, index), index=index, size=self._size, proof=proof, root=self._root)
        except MerkleError:
            raise self._damaged(self._first_damaged(index)) from None
        return proof

    def _open(self, level: int) -> BinaryIO:
        path = self._folder / level_name(level)
        try:
            file = path.open("rb", buffering=0)
        except FileNotFoundError:
            raise StorageError("level-missing", path=str(path), folder=str(self._folder)) from None
        except OSError as error:
            raise StorageError("not-readable", path=str(path), reason=str(error)) from None
        found = os.fstat(file.fileno()).st_size
        if found != HASH_SIZE * (self._size >> level):
            file.close()
            raise self._wrong_length(level, found)
        return file

    def _first_damaged(self, index: int) -> Path:
        """Return the lowest file above a leaf whose nodes there, on the path or beside it, do not fit those below."""
        for level in range(1, len(self._files)):
            on_path = index >> level
            for at in (on_path, on_path ^ 1):
                if at < self._size >> level:
                    left, right = self.node(level - 1, 2 * at), self.node(level - 1, 2 * at + 1)
                    if self.node(level, at) != node_hash(left, right):
                        return self._folder / level_name(level)
        return self._folder

    def _damaged(self, path: Path) -> StorageError:
        return StorageError("levels-damaged", path=str(path), folder=str(self._folder))

    def _wrong_length(self, level: int, found: int) -> StorageError:
        path, expected = self._folder / level_name(level), HASH_SIZE * (self._size >> level)
        return StorageError("level-length", path=str(path), folder=str(self._folder), expected=expected, found=found)
