"""Reading a log from its static files, without any key but the log's public one.

Every hash that is used is first traced to the root of a signed checkpoint, tile by tile, and every entry to its
hash: the host that serves the files need not be trusted. Where the bytes come from is the caller's business:
`read(path)` returns a file's bytes, or None where there is no such file.

Beside the files of C2SP tlog-tiles this project publishes `cosigned/<size>`, the checkpoint of that size with
every cosignature ever collected, and `cosigned/index`, the sizes for which there is one, a decimal a line.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache

from transparency_log.checkpoint import Checkpoint, SignedCheckpoint, open_checkpoint
from transparency_log.encoding import decode_decimal
from transparency_log.errors import MerkleError, StorageError, TileError
from transparency_log.merkle import consistency_proof_from, inclusion_proof_from, leaf_hash, root, root_from
from transparency_log.note import Verifier
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

CHECKPOINT = "checkpoint"
COSIGNED_INDEX = "cosigned/index"

# An idle log is cosigned again and again at one size, say by seven witnesses once a day for a year and a half.
MAX_COSIGNED = 4096

_CACHED_TILES = 1024  # of 8 KiB: the path to any leaf of a large log, and many neighbours


class TileReader:
    """The tree below one checkpoint, read from tiles and checked against its root. `node` is a node reader."""

    def __init__(self, read: Read, checkpoint: Checkpoint) -> None:
        self._read = read
        self._size = checkpoint.size
        self._hashes_of = lru_cache(_CACHED_TILES)(self._checked_hashes)
        edge = RightEdge(checkpoint.size, levels=[self._edge_hashes(level) for level in range(self._depth())])
        if edge.root() != checkpoint.root:
            raise MerkleError("right-edge-mismatch", expected=checkpoint.root.hex(), found=edge.root().hex())

    @property
    def size(self) -> int:
        """The number of leaves."""
        return self._size

    def node(self, level: int, index: int) -> bytes:
        """Return the root of a perfect subtree of 2^level leaves."""
        tile_level, below = divmod(level, TILE_HEIGHT)
        first = index << below
        tile = tile_at(tile_level, first, size=self._size)
        start = first % TILE_WIDTH
        return root(self._hashes_of(tile)[start : start + (1 << below)])

    def leaves(self, tile: Tile) -> tuple[bytes, ...]:
        """Return the leaf hashes above an entry bundle."""
        return self._hashes_of(Tile(0, tile.index, tile.width))

    def edge(self, entries: tuple[bytes, ...]) -> RightEdge:
        """Return the right edge, from which the log grows on; `entries` are those of its unfinished bundle."""
        levels = [self._edge_hashes(level) for level in range(self._depth())]
        return RightEdge(self._size, entries, levels)

    def _depth(self) -> int:
        return -(-self._size.bit_length() // TILE_HEIGHT)

    def _edge_hashes(self, level: int) -> tuple[bytes, ...]:
        count = level_size(self._size, level)
        if count % TILE_WIDTH == 0:
            return ()
        return decode_tile(self._read, tile_at(level, count - 1, size=self._size))

    def _checked_hashes(self, tile: Tile) -> tuple[bytes, ...]:
        if not isinstance(tile.level, int) or tile.width < TILE_WIDTH:
            return decode_tile(self._read, tile)
        hashes = decode_tile(self._read, tile)
        expected = self.node((tile.level + 1) * TILE_HEIGHT, tile.index)
        if root(hashes) != expected:
            raise TileError("tile-mismatch", path=tile.path, expected=expected.hex(), found=root(hashes).hex())
        return hashes
