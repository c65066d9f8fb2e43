"""A tree that lies in tiles, read under a checkpoint.

Every hash that is used is first traced to the root of the checkpoint, tile by tile, and every entry to its hash: the
host that serves the files need not be trusted. Where the bytes come from is the caller's business: `read(path)` returns
a file's bytes, or None where there is no such file.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import TypeVar

from transparency_log.checkpoint import Checkpoint
from transparency_log.errors import MerkleError, StorageError, TileError
from transparency_log.merkle import Tree, leaf_hash, leaf_hashes
from transparency_log.tiles import (
    ENTRIES,
    TILE_HEIGHT,
    TILE_WIDTH,
    RightEdge,
    Tile,
    decode_bundle,
    decode_hashes,
    level_size,
    tile_at,
)

Read = Callable[[str], bytes | None]

_CACHED_TILES = 512  # of 16 KiB with their inner nodes: the path to any leaf of a large log, and many neighbours

T = TypeVar("T")
R = TypeVar("R")


class TileReader:
    """The tree below one checkpoint, read from tiles, checked against its root. `node` is a node reader."""

    def __init__(self, read: Read, checkpoint: Checkpoint) -> None:
        self._read = read
        self._size = checkpoint.size
        depth = -(-self._size.bit_length() // TILE_HEIGHT)
        self._unfinished = [self._read_unfinished(level) for level in range(depth)]
        self._full = lru_cache(_CACHED_TILES)(self._read_full)
        # The partial tiles hold all that the root is made of, so one comparison covers them.
        found = RightEdge(self._size, (), [_hashes(tree) for tree in self._unfinished]).root()
        if found != checkpoint.root:
            raise MerkleError("right-edge-mismatch", expected=checkpoint.root.hex(), found=found.hex())
        self._root = found

    def root(self) -> bytes:
        """Return the root of the checkpoint."""
        return self._root

    @property
    def size(self) -> int:
        """The number of leaves."""
        return self._size

    def node(self, level: int, index: int) -> bytes:
        """Return the root of a perfect subtree of 2^level leaves."""
        tile_level, below = divmod(level, TILE_HEIGHT)
        tile = tile_at(tile_level, index << below, size=self._size)
        return self._tree(tile).node(below, index % (TILE_WIDTH >> below))

    def entries(self, index: int) -> tuple[bytes, ...]:
        """Return the entries of the bundle `index`, each checked against its leaf hash."""
        bundle = tile_at(ENTRIES, index * TILE_WIDTH, size=self._size)
        entries = read_bundle(self._read, bundle)
        tree = self._tree(Tile(0, bundle.index, bundle.width))
        if leaf_hashes(entries) != tree.levels[0]:
            wrong = next(at for at, entry in enumerate(entries) if leaf_hash(entry) != tree.node(0, at))
            raise TileError("entry-mismatch", path=bundle.path, index=index * TILE_WIDTH + wrong)
        return entries

    def hashes(self, tile: Tile) -> tuple[bytes, ...]:
        """Return the hashes of a tile of this tree."""
        return _hashes(self._tree(tile))

    def right_edge(self) -> RightEdge:
        """Return the point from which the log grows on: its unfinished tiles and its unfinished bundle."""
        bundle = self.entries(self._size // TILE_WIDTH) if self._size % TILE_WIDTH else ()
        return RightEdge(self._size, bundle, [_hashes(tree) for tree in self._unfinished])

    def _tree(self, tile: Tile) -> Tree:
        if tile.width < TILE_WIDTH:
            return self._unfinished[int(tile.level)]
        return self._full(tile)

    def _read_full(self, tile: Tile) -> Tree:
        # Its nodes are all hashed to check it against the tile above; every proof through it then only looks them up.
        tree = Tree(_read_hashes(self._read, tile))
        found, expected = tree.root(), self.node((int(tile.level) + 1) * TILE_HEIGHT, tile.index)
        if found != expected:
            raise TileError("tile-mismatch", path=tile.path, expected=expected.hex(), found=found.hex())
        return tree

    def _read_unfinished(self, level: int) -> Tree:
        count = level_size(self._size, level)
        if count % TILE_WIDTH == 0:
            return Tree(())
        return Tree(_read_hashes(self._read, tile_at(level, count - 1, size=self._size)))


def read_bundle(read: Read, bundle: Tile) -> tuple[bytes, ...]:
    """Return the entries of a bundle as they lie there, not checked against their hashes.

    Raises:
        StorageError: `missing`.
        TileError: `bundle-truncated` or `bundle-length`.
    """
    data, width = _read_widest(read, bundle)
    try:
        entries = decode_bundle(data, limit=width)
    except TileError as error:
        raise error.at(bundle.path) from None
    if len(entries) != width:
        raise TileError("bundle-length", path=bundle.path, expected=width, found=len(entries))
    return entries[: bundle.width]


def read_ahead(read: Callable[[T], R], wanted: Iterable[T], workers: int) -> Iterator[R]:
    """Yield what `read` gives for each wanted thing, in order, while `workers` threads read the next ones.

    At most two things a worker are in memory. With fewer than two workers nothing is read ahead.
    """
    if workers < 2:
        yield from map(read, wanted)
        return
    from concurrent.futures import Future, ThreadPoolExecutor  # noqa: PLC0415 - not for whoever reads one proof

    pool = ThreadPoolExecutor(workers, thread_name_prefix="read-ahead")
    pending: deque[Future[R]] = deque()
    try:
        for one in wanted:
            pending.append(pool.submit(read, one))
            if len(pending) == 2 * workers:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _hashes(tree: Tree) -> tuple[bytes, ...]:
    return decode_hashes(tree.levels[0], tree.size)


def _read_hashes(read: Read, tile: Tile) -> tuple[bytes, ...]:
    data, width = _read_widest(read, tile)
    try:
        return decode_hashes(data, width)[: tile.width]
    except TileError as error:
        raise error.at(tile.path) from None


def _read_widest(read: Read, tile: Tile) -> tuple[bytes, int]:
    data = read(tile.path)
    if data is not None:
        return data, tile.width
    # C2SP tlog-tiles: a partial tile may be deleted when the full one is there.
    if tile.width < TILE_WIDTH and (data := read(tile.full.path)) is not None:
        return data, TILE_WIDTH
    raise StorageError("missing", path=tile.path)
