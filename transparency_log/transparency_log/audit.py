"""Recomputing a whole log from its entries, and comparing every file with what it must be.

Entries are read once, in order; memory does not grow with the log. What is wrong is named: the file, and the index of
the entry where there is one.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence

from transparency_log.errors import LogError, MerkleError, StorageError, TileError
from transparency_log.tiles import ENTRIES, TILE_WIDTH, RightEdge, Tile, tile_at
from transparency_log.tree import Read, TileReader, read_ahead, read_bundle

Visit = Callable[[Sequence[bytes]], None]
"""Hears of the entries in order, up to 256 at a time, and must not believe them before the audit has ended."""


def audit(
    read: Read,
    tree: TileReader,
    *,
    published: Sequence[int] = (),
    confirm: Callable[[int, bytes], None],
    workers: int = 1,
    visit: Visit | None = None,
) -> None:
    """Check every file of a tree, and that it grew through each of the `published` sizes, which rise.

    `confirm(size, root)` raises unless this root is what was published for the size.

    Raises:
        LogError: The first thing that is not as it must be, `entry-mismatch`, `tile-mismatch`, `file-mismatch`,
            `missing`, `bundle-length`, `bundle-truncated` or `root-mismatch`.
    """
    edge = RightEdge()
    if published and published[0] == 0:
        confirm(0, edge.root())

    def both(bundle: Tile) -> tuple[tuple[bytes, ...], bytes | None]:
        return read_bundle(read, bundle), read(Tile(0, bundle.index, bundle.width).path)

    bundles = (tile_at(ENTRIES, first, size=tree.size) for first in range(0, tree.size, TILE_WIDTH))
    for entries, leaves in read_ahead(both, bundles, workers):
        first, end = edge.size, edge.size + len(entries)
        stops = published[bisect_right(published, first) : bisect_right(published, end)]
        for stop in dict.fromkeys((*stops, end)):
            for tile, data in edge.extend(entries[edge.size - first : stop - first]):
                _compare(read, tree, tile, data, found=leaves if tile.level == 0 else None)
            if stop in stops:
                _check_published(read, tree, edge, confirm)
        if visit is not None:
            visit(entries)
    _check_end(read, tree, edge)


def first_beyond(published: Sequence[int], size: int) -> int | None:
    """Return the first published size that a tree of this size has not reached."""
    at = bisect_left(published, size + 1)
    return published[at] if at < len(published) else None


def _check_published(read: Read, tree: TileReader, edge: RightEdge, confirm: Callable[[int, bytes], None]) -> None:
    try:
        confirm(edge.size, edge.root())
    except LogError:
        tree.entries((edge.size - 1) // TILE_WIDTH)  # an altered entry is to be told as such, not as a fork
        raise
    for tile, data in edge.partials():  # C2SP tlog-tiles: they are served for every published size
        _compare(read, tree, tile, data)


def _check_end(read: Read, tree: TileReader, edge: RightEdge) -> None:
    for tile, data in edge.partials():
        _compare(read, tree, tile, data)
    if edge.root() != tree.root():
        raise MerkleError("root-mismatch", expected=tree.root().hex(), found=edge.root().hex())


def _compare(read: Read, tree: TileReader, tile: Tile, data: bytes, found: bytes | None = None) -> None:
    if tile.level == ENTRIES and tile.width == TILE_WIDTH:
        return  # these are the entries that were read, and a bundle has but one spelling
    found = found if found is not None else read(tile.path)
    if found == data:
        return
    if found is None:
        if tile.width < TILE_WIDTH and read(tile.full.path) is not None:
            return  # a partial tile may go when the full one has come, which is compared in its turn
        raise StorageError("missing", path=tile.path)
    if tile.level == 0:
        tree.entries(tile.index)  # tells which of the two is wrong, the tile or an entry
    raise TileError("file-mismatch", path=tile.path, expected=len(data), found=len(found))
