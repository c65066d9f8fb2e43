"""Reading a log from its static files, without any key but the log's public one.

Every hash that is used is first traced to the root of a signed checkpoint, tile by tile, and every entry to
its hash: the host that serves the files need not be trusted. Where the bytes come from is the caller's
business: `read(path)` returns a file's bytes, or None where there is no such file.

Beside the files of C2SP tlog-tiles this project publishes `cosigned/<size>`, the checkpoint of that size with
every cosignature ever collected, and `cosigned/index`, the sizes for which there is one, a decimal a line.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from itertools import pairwise

from transparency_log.checkpoint import Checkpoint, SignedCheckpoint, open_checkpoint
from transparency_log.encoding import decode_decimal
from transparency_log.errors import CheckpointError, MerkleError, StorageError, TileError
from transparency_log.merkle import consistency_proof_from, inclusion_proof_from, leaf_hash, root
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

# An idle log is cosigned again and again at one size, say by seven witnesses once a day for a year and a
# half.
MAX_COSIGNED = 4096

_CACHED_TILES = 1024  # of 8 KiB: the path to any leaf of a large log, and many neighbours


class TileReader:
    """The tree below one checkpoint, read from tiles, checked against its root. `node` is a node reader."""

    def __init__(self, read: Read, checkpoint: Checkpoint) -> None:
        self._read = read
        self._size = checkpoint.size
        depth = -(-self._size.bit_length() // TILE_HEIGHT)
        self._unfinished = [self._read_unfinished(level) for level in range(depth)]
        self._full_hashes = lru_cache(_CACHED_TILES)(self._read_full)
        # The partial tiles hold all that the root is made of, so one comparison covers them.
        found = RightEdge(self._size, (), self._unfinished).root()
        if found != checkpoint.root:
            raise MerkleError("right-edge-mismatch", expected=checkpoint.root.hex(), found=found.hex())

    @property
    def size(self) -> int:
        """The number of leaves."""
        return self._size

    def node(self, level: int, index: int) -> bytes:
        """Return the root of a perfect subtree of 2^level leaves."""
        tile_level, below = divmod(level, TILE_HEIGHT)
        first = index << below
        start = first % TILE_WIDTH
        return root(self._hashes(tile_at(tile_level, first, size=self._size))[start : start + (1 << below)])

    def entries(self, index: int) -> tuple[bytes, ...]:
        """Return the entries of the bundle `index`, each checked against its leaf hash."""
        bundle = tile_at(ENTRIES, index * TILE_WIDTH, size=self._size)
        entries = _read_bundle(self._read, bundle)
        for position, (entry, expected) in enumerate(zip(entries, self._hashes(_above(bundle)), strict=True)):
            if leaf_hash(entry) != expected:
                raise TileError("entry-mismatch", path=bundle.path, index=index * TILE_WIDTH + position)
        return entries

    def right_edge(self) -> RightEdge:
        """Return the point from which the log grows on: its unfinished tiles and its unfinished bundle."""
        bundle = self.entries(self._size // TILE_WIDTH) if self._size % TILE_WIDTH else ()
        return RightEdge(self._size, bundle, self._unfinished)

    def _hashes(self, tile: Tile) -> tuple[bytes, ...]:
        if tile.width < TILE_WIDTH:
            return self._unfinished[int(tile.level)]
        return self._full_hashes(tile)

    def _read_full(self, tile: Tile) -> tuple[bytes, ...]:
        hashes = _read_hashes(self._read, tile)
        found, expected = root(hashes), self.node((int(tile.level) + 1) * TILE_HEIGHT, tile.index)
        if found != expected:
            raise TileError("tile-mismatch", path=tile.path, expected=expected.hex(), found=found.hex())
        return hashes

    def _read_unfinished(self, level: int) -> tuple[bytes, ...]:
        count = level_size(self._size, level)
        if count % TILE_WIDTH == 0:
            return ()
        return _read_hashes(self._read, tile_at(level, count - 1, size=self._size))


class LogReader:
    """A log as anybody sees it: `read` gives its files, `log_verifier` is its public key.

    What it returns is checked against the newest `checkpoint`, which is fetched when one is asked for or
    when a size above the last one seen is.
    """

    def __init__(self, read: Read, log_verifier: Verifier, *, origin: str | None = None) -> None:
        self._read = read
        self._verifier = log_verifier
        self._origin = origin
        self._tree: TileReader | None = None

    def checkpoint(self) -> SignedCheckpoint:
        """Fetch the newest checkpoint and verify the log's signature."""
        signed = self._open(CHECKPOINT)
        self._tree = TileReader(self._read, signed.checkpoint)
        return signed

    def signed(self, size: int) -> SignedCheckpoint:
        """Return the checkpoint of one size, with every cosignature collected for it."""
        path = cosigned_path(size)
        if self._read(path) is None and (newest := self._open(CHECKPOINT)).checkpoint.size == size:
            return newest
        signed = self._open(path)
        if signed.checkpoint.size != size:
            raise CheckpointError("size-mismatch", path=path, expected=size, found=signed.checkpoint.size)
        return signed

    def cosigned_sizes(self) -> tuple[int, ...]:
        """Return the sizes for which cosignatures were collected, in rising order."""
        return read_cosigned_sizes(self._read)

    def entry(self, index: int, size: int) -> bytes:
        """Return one entry of the tree with `size` leaves."""
        return next(self.entries(index, index + 1, size))

    def entries(self, start: int, end: int, size: int) -> Iterator[bytes]:
        """Yield the entries [start, end) of the tree with `size` leaves."""
        if not 0 <= start <= end <= size:
            raise TileError("range", start=start, end=end, limit=size)
        tree = self._tree_of(size)
        for index in range(start // TILE_WIDTH, -(-end // TILE_WIDTH)):
            first = index * TILE_WIDTH
            yield from tree.entries(index)[max(start - first, 0) : end - first]

    def inclusion_proof(self, index: int, size: int) -> list[bytes]:
        """Return the proof that the entry at `index` is in the tree with `size` leaves."""
        return inclusion_proof_from(self._tree_of(size).node, index=index, size=size)

    def consistency_proof(self, old_size: int, new_size: int) -> list[bytes]:
        """Return the proof that one tree is a prefix of the other; empty from size 0 (C2SP tlog-witness)."""
        if old_size == 0:
            return []
        return consistency_proof_from(self._tree_of(new_size).node, old_size=old_size, new_size=new_size)

    def check(self) -> SignedCheckpoint:
        """Recompute the whole log from its entries and compare every file; return the newest checkpoint.

        Raises:
            LogError: The first thing that is not as it must be, with its path and, for an entry, its index.
        """
        signed = self.checkpoint()
        sizes = self.cosigned_sizes()
        edge = RightEdge()
        self._check_cosigned(edge, sizes)
        for entry in self.entries(0, signed.checkpoint.size, signed.checkpoint.size):
            for tile, data in edge.append(entry):
                self._compare(tile, data)
            self._check_cosigned(edge, sizes)
        for tile, data in edge.partials():
            self._compare(tile, data)
        if sizes and sizes[-1] > edge.size:
            raise CheckpointError("cosigned-ahead", path=COSIGNED_INDEX, size=edge.size, found=sizes[-1])
        return signed

    def _check_cosigned(self, edge: RightEdge, sizes: tuple[int, ...]) -> None:
        at = bisect_left(sizes, edge.size)
        if at < len(sizes) and sizes[at] == edge.size:
            claimed = self.signed(edge.size).checkpoint.root
            if claimed != edge.root():  # two signed trees of one size: the log forked
                raise MerkleError(
                    "root-mismatch",
                    path=cosigned_path(edge.size),
                    expected=edge.root().hex(),
                    found=claimed.hex(),
                )

    def _compare(self, tile: Tile, data: bytes) -> None:
        found = self._read(tile.path)
        if found is None and tile.width < TILE_WIDTH and self._read(tile.full.path) is not None:
            return  # a partial tile may go when the full one has come; that one was compared when it was read
        if found != data:
            raise TileError("file-mismatch", path=tile.path, expected=len(data), found=found and len(found))

    def _tree_of(self, size: int) -> TileReader:
        if self._tree is None or self._tree.size < size:
            self.checkpoint()
        if self._tree is None or self._tree.size < size:
            raise CheckpointError("size-ahead", size=self._tree and self._tree.size, found=size)
        return self._tree

    def _open(self, path: str) -> SignedCheckpoint:
        data = self._read(path)
        if data is None:
            raise StorageError("missing", path=path)
        return open_checkpoint(data, self._verifier, origin=self._origin, max_signatures=MAX_COSIGNED)


def cosigned_path(size: int) -> str:
    """Return where the cosigned checkpoint of one size lies."""
    return f"cosigned/{size}"


def read_cosigned_sizes(read: Read) -> tuple[int, ...]:
    """Return the sizes in `cosigned/index`, rising; none if there is no such file."""
    lines = (read(COSIGNED_INDEX) or b"").split(b"\n")
    sizes = tuple(decode_decimal(line.decode("ascii", "replace")) for line in lines[:-1])
    rising = [size for size in sizes if size is not None]
    if lines[-1] != b"" or len(rising) != len(sizes) or any(a >= b for a, b in pairwise(rising)):
        raise StorageError("index-format", path=COSIGNED_INDEX, expected="rising decimals, one a line")
    return tuple(rising)


def format_cosigned_sizes(sizes: Iterable[int]) -> bytes:
    """Return the bytes of `cosigned/index`."""
    return "".join(f"{size}\n" for size in sorted(sizes)).encode("ascii")


def _above(bundle: Tile) -> Tile:
    return Tile(0, bundle.index, bundle.width)


def _read_hashes(read: Read, tile: Tile) -> tuple[bytes, ...]:
    data, width = _read_widest(read, tile)
    return decode_hashes(data, width)[: tile.width]


def _read_bundle(read: Read, bundle: Tile) -> tuple[bytes, ...]:
    data, width = _read_widest(read, bundle)
    entries = decode_bundle(data)
    if len(entries) != width:
        raise TileError("bundle-length", path=bundle.path, expected=width, found=len(entries))
    return entries[: bundle.width]


def _read_widest(read: Read, tile: Tile) -> tuple[bytes, int]:
    data = read(tile.path)
    if data is not None:
        return data, tile.width
    # C2SP tlog-tiles: a partial tile may be deleted when the full one is there.
    if tile.width < TILE_WIDTH and (data := read(tile.full.path)) is not None:
        return data, TILE_WIDTH
    raise StorageError("missing", path=tile.path)
