"""Reading a log from its static files, without any key but the log's public one.

Beside the files of C2SP tlog-tiles this project publishes `cosigned/<size>`, the checkpoint of that size with
every cosignature ever collected, and `cosigned/index`, the sizes for which there is one, a decimal a line.
"""

from collections.abc import Iterable, Iterator

from transparency_log.audit import Visit, audit, first_beyond
from transparency_log.checkpoint import SignedCheckpoint, open_checkpoint
from transparency_log.encoding import decode_decimal
from transparency_log.errors import CheckpointError, MerkleError, NoteError, StorageError, TileError
from transparency_log.frozen import FROZEN, open_frozen
from transparency_log.merkle import NodeReader, consistency_proof_from, inclusion_proof_from, root_from
from transparency_log.note import Verifier
from transparency_log.tiles import TILE_WIDTH
from transparency_log.tree import Read, TileReader, read_ahead

CHECKPOINT = "checkpoint"
COSIGNED_INDEX = "cosigned/index"

# An idle log is cosigned again and again at one size, say by seven witnesses once a day for a year and a
# half.
MAX_COSIGNED = 4096


class LogReader:
    """A log as anybody sees it: `read` gives its files, `log_verifier` is its public key.

    What it returns is checked against the newest `checkpoint`, which is fetched when one is asked for or
    when a size above the last one seen is. With `workers` above 1 so many threads call `read` at once.
    """

    def __init__(self, read: Read, log_verifier: Verifier, *, origin: str | None = None, workers: int = 1) -> None:
        self._read = read
        self._verifier = log_verifier
        self._origin = origin
        self._workers = workers
        self._tree: TileReader | None = None

    @property
    def origin(self) -> str:
        """The origin that every checkpoint must have."""
        return self._verifier.name if self._origin is None else self._origin

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
        bundles = range(start // TILE_WIDTH, -(-end // TILE_WIDTH))
        for index, entries in zip(bundles, read_ahead(tree.entries, bundles, self._workers), strict=True):
            first = index * TILE_WIDTH
            yield from entries[max(start - first, 0) : end - first]

    def node(self, size: int) -> NodeReader:
        """Return a node reader of the tree with `size` leaves, of which only the tiles that are asked for are read."""
        return self._tree_of(size).node

    def inclusion_proof(self, index: int, size: int) -> list[bytes]:
        """Return the proof that the entry at `index` is in the tree with `size` leaves."""
        return inclusion_proof_from(self._tree_of(size).node, index=index, size=size)

    def consistency_proof(self, old_size: int, new_size: int) -> list[bytes]:
        """Return the proof that one tree is a prefix of the other; empty from size 0 (C2SP tlog-witness)."""
        if old_size == 0:
            return []
        return consistency_proof_from(self._tree_of(new_size).node, old_size=old_size, new_size=new_size)

    def root(self, size: int) -> bytes:
        """Return the root that the log had when it had `size` entries."""
        return root_from(self._tree_of(size).node, size=size)

    def frozen(self) -> bool:
        """Whether the log says that the newest checkpoint is its last.

        Raises:
            CheckpointError: `frozen-differs`: it ended at one size and shows another.
        """
        data = self._read(FROZEN)
        if data is None:
            return False
        last, newest = open_frozen(data, self._verifier, origin=self._origin), self.checkpoint().checkpoint
        if (last.size, last.root) != (newest.size, newest.root):
            raise CheckpointError("frozen-differs", expected=last.size, found=newest.size)
        return True

    def check(self, *, visit: Visit | None = None) -> SignedCheckpoint:
        """Recompute the whole log from its entries and compare every file; return the newest checkpoint.

        `visit` hears of all entries on the way (`audit.Visit`).

        Raises:
            LogError: The first thing that is not as it must be, with its path and, for an entry, its index.
        """
        signed = self.checkpoint()
        tree = self._tree_of(signed.checkpoint.size)
        sizes = self.cosigned_sizes()
        if (beyond := first_beyond(sizes, tree.size)) is not None:
            raise CheckpointError("cosigned-ahead", path=COSIGNED_INDEX, size=tree.size, found=beyond)
        audit(
            self._read,
            tree,
            published=sizes,
            confirm=self._confirm,
            workers=self._workers,
            visit=visit,
        )
        self.frozen()
        return signed

    def _confirm(self, size: int, root: bytes) -> None:
        claimed = self.signed(size).checkpoint.root
        if claimed != root:  # two signed trees of one size: the log forked
            raise MerkleError("root-mismatch", path=cosigned_path(size), expected=root.hex(), found=claimed.hex())

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
        try:
            return open_checkpoint(data, self._verifier, origin=self._origin, max_signatures=MAX_COSIGNED)
        except (NoteError, CheckpointError) as error:
            raise error.at(path) from None


def cosigned_path(size: int) -> str:
    """Return where the cosigned checkpoint of one size lies."""
    return f"cosigned/{size}"


def read_cosigned_sizes(read: Read) -> tuple[int, ...]:
    """Return the sizes in `cosigned/index`, rising; none if there is no such file."""
    lines = (read(COSIGNED_INDEX) or b"").split(b"\n")
    sizes: list[int] = []
    for line in lines[:-1]:
        size = decode_decimal(line.decode("ascii", "replace"))
        if size is None or (sizes and size <= sizes[-1]):
            break
        sizes.append(size)
    if lines[-1] != b"" or len(sizes) != len(lines) - 1:
        raise StorageError("index-format", path=COSIGNED_INDEX, expected="rising decimals, one a line")
    return tuple(sizes)


def format_cosigned_sizes(sizes: Iterable[int]) -> bytes:
    """Return the bytes of `cosigned/index`."""
    return "".join(f"{size}\n" for size in sorted(sizes)).encode("ascii")
