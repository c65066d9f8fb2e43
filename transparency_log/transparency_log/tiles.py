"""Tiles: how a tree and its entries lie in static files (C2SP tlog-tiles).

    tile/<L>/<N>[.p/<W>]          256 hashes (or W) of the tree's level 8·L, 32 bytes each
    tile/entries/<N>[.p/<W>]      the entries below the hashes of tile/0/<N>, each with a 2-byte length

N is written in groups of three digits, all but the last with an `x`: 1234067 is `x001/x234/067`. A full tile
never changes. A partial one has its width in its name, so it never changes either. A hash of level L+1 stands
only over a full tile of level L.

Nothing is read or written here. Pruned logs and other entry encodings are not supported.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count, islice
from typing import Final, Literal, Self

from transparency_log.encoding import MAX_INT
from transparency_log.errors import TileError
from transparency_log.merkle import HASH_SIZE, CompactRange, leaf_hashes

TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT
MAX_LEVEL = 63
MAX_ENTRY = 0xFFFF  # bytes: the length of an entry is written in two
ENTRIES: Final = "entries"

_PATH = re.compile(
    r"tile/(?P<level>entries|[0-9]{1,2})/(?P<index>(?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/(?P<width>[0-9]{1,3}))?"
)


@dataclass(frozen=True, slots=True)
class Tile:
    """The place of one file: `level` of tiles (or "entries"), `index` in that level, `width` in hashes."""

    level: int | Literal["entries"]
    index: int
    width: int = TILE_WIDTH

    def __post_init__(self) -> None:
        if self.level != ENTRIES and not 0 <= self.level <= MAX_LEVEL:
            raise TileError("level-out-of-range", limit=MAX_LEVEL, found=self.level)
        if not 0 <= self.index <= MAX_INT:
            raise TileError("index-out-of-range", limit=MAX_INT, found=self.index)
        if not 1 <= self.width <= TILE_WIDTH:
            raise TileError("width-out-of-range", limit=TILE_WIDTH, found=self.width)

    @classmethod
    def parse(cls, path: str) -> Self:
        """Read a path in its only spelling."""
        match = _PATH.fullmatch(path)
        if match is None:
            raise TileError("path", expected="tile/<L>/<N>[.p/<W>]", found=path)
        level, index, width = match["level"], match["index"], match["width"]
        tile = cls(
            ENTRIES if level == ENTRIES else int(level),
            int(index.replace("x", "").replace("/", "")),
            TILE_WIDTH if width is None else int(width),
        )
        if tile.path != path:  # a leading zero, an empty group, a full width spelled out
            raise TileError("path", expected=tile.path, found=path)
        return tile

    @property
    def path(self) -> str:
        """The path below the log's prefix."""
        groups = f"{self.index % 1000:03}"
        rest = self.index // 1000
        while rest:
            groups = f"x{rest % 1000:03}/{groups}"
            rest //= 1000
        partial = "" if self.width == TILE_WIDTH else f".p/{self.width}"
        return f"tile/{self.level}/{groups}{partial}"

    @property
    def full(self) -> "Tile":
        """The full tile at the same place."""
        return Tile(self.level, self.index)


def level_size(size: int, level: int | Literal["entries"]) -> int:
    """Return how many hashes (or entries) a tree of `size` leaves has at one level of tiles."""
    return size if level == ENTRIES else size >> (TILE_HEIGHT * level)


def tile_at(level: int | Literal["entries"], position: int, *, size: int) -> Tile:
    """Return the tile with the hash (or entry) at `position` of a level, as wide as `size` leaves make it."""
    count = level_size(size, level)
    if not 0 <= position < count:
        raise TileError("position-out-of-range", level=level, position=position, limit=count)
    index = position // TILE_WIDTH
    return Tile(level, index, min(TILE_WIDTH, count - index * TILE_WIDTH))


def tiles_between(old_size: int, new_size: int) -> Iterator[Tile]:
    """Yield every tile and entry bundle that a tree needs after it grew, and did not need before."""
    levels: list[int | Literal["entries"]] = [ENTRIES, *range(MAX_LEVEL // TILE_HEIGHT + 1)]
    for level in levels:
        old, new = level_size(old_size, level), level_size(new_size, level)
        if old < new:
            for index in range(old // TILE_WIDTH, -(-new // TILE_WIDTH)):
                yield tile_at(level, index * TILE_WIDTH, size=new_size)


def encode_bundle(entries: Iterable[bytes]) -> bytes:
    """Return the entries, each after its length in two bytes, big-endian."""
    parts = []
    for entry in entries:
        if len(entry) > MAX_ENTRY:
            raise TileError("entry-length", limit=MAX_ENTRY, found=len(entry))
        parts += [len(entry).to_bytes(2), entry]
    return b"".join(parts)


def decode_bundle(data: bytes, *, limit: int | None = None) -> tuple[bytes, ...]:
    """Return the entries of a bundle, at most one more than `limit`; bytes that are left over are refused."""
    entries: list[bytes] = []
    at, end = 0, len(data)
    # A bundle of empty entries, a few kilobytes when packed, would else become eight million of them.
    most = end if limit is None else limit
    try:
        while at < end and len(entries) <= most:
            start = at + 2
            at = start + (data[at] << 8 | data[at + 1])
            entries.append(data[start:at])
    except IndexError:
        at = end + 1
    if at > end:
        raise TileError("bundle-truncated", expected=at, found=end)
    return tuple(entries)


def encode_hashes(hashes: Sequence[bytes]) -> bytes:
    """Return the content of a hash tile."""
    return b"".join(hashes)


def decode_hashes(data: bytes, width: int) -> tuple[bytes, ...]:
    """Return the `width` hashes of a tile."""
    if len(data) != width * HASH_SIZE:
        raise TileError("tile-length", expected=width * HASH_SIZE, found=len(data))
    return tuple(data[at : at + HASH_SIZE] for at in range(0, len(data), HASH_SIZE))


class RightEdge:
    """The unfinished tiles of a growing tree, from which all later files and roots follow.

    `entries` are those of the unfinished bundle, `levels` the hashes of the unfinished tile at each level.
    """

    def __init__(self, size: int = 0, entries: Sequence[bytes] = (), levels: Sequence[Sequence[bytes]] = ()) -> None:
        self._size = size
        self._entries = list(entries)
        self._levels = [_Unfinished(encode_hashes(hashes)) for hashes in levels]

    @property
    def size(self) -> int:
        """The number of entries so far."""
        return self._size

    def root(self) -> bytes:
        """Return the root over all entries so far."""
        nodes = [node for level in reversed(self._levels) for node in level.range.nodes]
        return CompactRange(self._size, nodes).root()

    def append(self, entry: bytes) -> list[tuple[Tile, bytes]]:
        """Add an entry and return the full tiles that it completes, with their bytes: seldom any."""
        return self.extend([entry])

    def extend(self, entries: Iterable[bytes]) -> list[tuple[Tile, bytes]]:
        """Add entries and return the full tiles and bundles that they complete, with their bytes."""
        finished: list[tuple[Tile, bytes]] = []
        rest = iter(entries)
        while some := list(islice(rest, TILE_WIDTH - len(self._entries))):
            self._entries += some
            self._size += len(some)
            if len(self._entries) == TILE_WIDTH:
                finished.append((Tile(ENTRIES, self._size // TILE_WIDTH - 1), encode_bundle(self._entries)))
                self._entries.clear()
            finished += self._push(leaf_hashes(some))
        return finished

    def grow(self, entries: Iterable[bytes]) -> list[tuple[Tile, bytes]]:
        """Add entries and return every file that the larger tree needs and the smaller one had not."""
        before = self._size
        finished = self.extend(entries)
        needed = set(tiles_between(before, self._size))
        return finished + [(tile, data) for tile, data in self.partials() if tile in needed]

    def partials(self) -> list[tuple[Tile, bytes]]:
        """Return the partial tiles of the present size, with their bytes."""
        partials = []
        if self._entries:
            tile = Tile(ENTRIES, self._size // TILE_WIDTH, len(self._entries))
            partials.append((tile, encode_bundle(self._entries)))
        for level, unfinished in enumerate(self._levels):
            if hashes := unfinished.hashes:
                index = level_size(self._size, level) // TILE_WIDTH
                partials.append((Tile(level, index, len(hashes) // HASH_SIZE), hashes))
        return partials

    def _push(self, hashes: bytes) -> list[tuple[Tile, bytes]]:
        """Add hashes, end to end, to the unfinished tile of level 0, which has room for them."""
        finished = []
        for level in count():
            if level == len(self._levels):
                self._levels.append(_Unfinished())
            unfinished = self._levels[level]
            unfinished.extend(hashes)
            if len(unfinished.hashes) < TILE_WIDTH * HASH_SIZE:
                break
            index = level_size(self._size, level) // TILE_WIDTH - 1
            finished.append((Tile(level, index), unfinished.hashes))
            hashes = unfinished.range.root()  # the tile's only hash at the next level
            self._levels[level] = _Unfinished()
        return finished


class _Unfinished:
    """The hashes of a tile that is not full, end to end, and the perfect subtrees over them."""

    def __init__(self, hashes: bytes = b"") -> None:
        self.hashes = b""
        self.range = CompactRange()
        self.extend(hashes)

    def extend(self, hashes: bytes) -> None:
        self.hashes += hashes
        self.range.add(hashes)
