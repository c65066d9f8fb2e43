import pytest

from transparency_log.errors import TileError
from transparency_log.merkle import Tree, leaf_hash, root
from transparency_log.tiles import (
    ENTRIES,
    RightEdge,
    Tile,
    decode_bundle,
    decode_hashes,
    encode_bundle,
    encode_hashes,
    level_size,
    tile_at,
    tiles_between,
)


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(0, 999), "tile/0/999"),
        (Tile(1, 1000), "tile/1/x001/000"),
        (Tile(63, 1234067), "tile/63/x001/x234/067"),
        (Tile(0, 273, 112), "tile/0/273.p/112"),
        (Tile(ENTRIES, 1234067, 1), "tile/entries/x001/x234/067.p/1"),
        (Tile(ENTRIES, 2**63 - 1), "tile/entries/x009/x223/x372/x036/x854/x775/807"),
    ],
)
def test_a_tile_has_one_path(tile, path):
    assert tile.path == path
    assert Tile.parse(path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile/0",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/x/000",
        "tile/data/000",
        "tile/0/x000/000",
        "tile/0/001/000",
        "tile/0/x001",
        "tile/0/x1/000",
        "tile/0/000.p",
        "tile/0/000.p/",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/999",
        "tile/0/000/",
        "/tile/0/000",
        "tile/0/000\n",
        "tile/0/００0",
        "tile/0/x999/x999/x999/x999/x999/x999/999",
        "tile/0/../000",
    ],
)
def test_other_paths_are_refused(path):
    with pytest.raises(TileError):
        Tile.parse(path)


def test_the_example_of_the_specification_has_its_tiles():
    tiles = set(tiles_between(0, 70_000))
    level_zero = {Tile(0, index) for index in range(273)} | {Tile(0, 273, 112)}
    bundles = {Tile(ENTRIES, tile.index, tile.width) for tile in level_zero}
    assert tiles == level_zero | bundles | {Tile(1, 0), Tile(1, 1, 17), Tile(2, 0, 1)}
    assert set(tiles_between(0, 256)) == {Tile(0, 0), Tile(ENTRIES, 0), Tile(1, 0, 1)}
    assert set(tiles_between(70_000, 70_000)) == set(tiles_between(0, 0)) == set()
    assert set(tiles_between(256, 257)) == {Tile(0, 1, 1), Tile(ENTRIES, 1, 1)}


def test_a_position_has_the_tile_that_the_size_makes():
    assert tile_at(0, 255, size=256) == Tile(0, 0)
    assert tile_at(0, 0, size=255) == Tile(0, 0, 255)
    assert tile_at(ENTRIES, 69_999, size=70_000) == Tile(ENTRIES, 273, 112)
    assert tile_at(1, 272, size=70_000) == Tile(1, 1, 17)
    assert level_size(70_000, 2) == 1
    for level, position, size in [(0, 5, 5), (1, 0, 255), (0, -1, 5), (0, 0, 0)]:
        with pytest.raises(TileError, match="position-out-of-range"):
            tile_at(level, position, size=size)


def test_tiles_outside_their_ranges_cannot_be_made():
    for tile in [(64, 0), (-1, 0), (0, -1), (0, 2**63), (0, 0, 0), (0, 0, 257)]:
        with pytest.raises(TileError, match="out-of-range"):
            Tile(*tile)


def test_a_bundle_frames_each_entry_with_its_length():
    entries = (b"a", b"", b"x" * 65535)
    data = encode_bundle(entries)
    assert data.startswith(b"\x00\x01a\x00\x00\xff\xffxx")
    assert decode_bundle(data) == entries
    assert decode_bundle(b"") == ()
    for cut in (1, 2, 4, 6, 7, len(data) - 1):  # 3 and 5 are the ends of whole entries
        with pytest.raises(TileError, match="bundle-truncated"):
            decode_bundle(data[:cut])
    with pytest.raises(TileError, match="entry-length"):
        encode_bundle([b"x" * 65536])


def test_a_hash_tile_is_its_hashes():
    hashes = [leaf_hash(b"%d" % number) for number in range(5)]
    assert decode_hashes(encode_hashes(hashes), 5) == tuple(hashes)
    for data in (encode_hashes(hashes)[:-1], encode_hashes(hashes) + b"\0", b"", encode_hashes(hashes[:4])):
        with pytest.raises(TileError, match="tile-length"):
            decode_hashes(data, 5)


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 600, 65_536, 65_537, 66_000])
def test_a_growing_edge_gives_the_files_and_the_root_of_the_whole_tree(size):
    entries = [size.to_bytes(4) + number.to_bytes(4) for number in range(size)]
    edge = RightEdge()
    files = dict(file for entry in entries for file in edge.append(entry))
    files.update(edge.partials())
    leaves = [leaf_hash(entry) for entry in entries]
    tree = Tree(leaves)
    assert (edge.size, edge.root()) == (size, tree.root())
    assert set(files) == set(tiles_between(0, size))
    for tile, data in files.items():
        first = tile.index * 256
        if tile.level == ENTRIES:
            assert decode_bundle(data) == tuple(entries[first : first + tile.width])
        else:
            expected = [tree.node(8 * tile.level, first + number) for number in range(tile.width)]
            assert decode_hashes(data, tile.width) == tuple(expected)


def test_an_edge_goes_on_from_its_unfinished_tiles():
    entries = [b"%d" % number for number in range(700)]
    leaves = [leaf_hash(entry) for entry in entries]
    whole = RightEdge()
    for entry in entries:
        whole.append(entry)
    levels = [leaves[512:600], [root(leaves[:256]), root(leaves[256:512])]]
    resumed = RightEdge(600, entries[512:600], levels)
    assert resumed.root() == root(leaves[:600])
    for entry in entries[600:]:
        resumed.append(entry)
    assert resumed.root() == whole.root()
    assert resumed.partials() == whole.partials()
