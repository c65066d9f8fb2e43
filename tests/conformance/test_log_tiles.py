"""Tiles written by Tessera and Sunlight, read as if they were ours; and our files compared with Tessera's."""

import re

import pytest

from support.keys import b64, log_signer
from support.log_vectors import recorded, recorded_bytes, recorded_json
from transparency_log.checkpoint import Checkpoint
from transparency_log.errors import MerkleError
from transparency_log.log import Log
from transparency_log.merkle import Tree, check_inclusion, leaf_hash, root
from transparency_log.note import Note, Verifier
from transparency_log.reader import LogReader
from transparency_log.state import MemoryState
from transparency_log.storage import Memory
from transparency_log.tiles import Tile, decode_bundle, decode_hashes, encode_bundle
from transparency_log.tree import TileReader

TESSERA = "transparency-dev-tessera/testdata/log"
TESSERA_KEY = Verifier.parse("example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx")
MIRROR = (
    "sunlight/cmd/skylight/testdata/witness/mirror/000de184301123b9278c086a7d9f68c9577e83872224c197058fd90784ea9706"
)


def folder(path):
    """A read function over a recorded folder."""
    base = recorded(path)

    def read(name):
        found = base / name
        return found.read_bytes() if found.is_file() else None

    return read


def test_a_log_written_by_tessera_is_whole_at_its_newest_size():
    log = LogReader(folder(TESSERA), TESSERA_KEY)
    signed = log.check()
    assert signed.checkpoint == Checkpoint.parse(Note.parse(recorded_bytes(f"{TESSERA}/checkpoint")).text)


def test_every_size_of_a_log_written_by_tessera_is_read_from_its_own_tiles():
    read = folder(TESSERA)
    for size in range(16):
        at_size = LogReader(lambda path, s=size: read(f"checkpoint.{s}" if path == "checkpoint" else path), TESSERA_KEY)
        entries = list(at_size.entries(0, size, size))
        assert at_size.checkpoint().checkpoint.root == root(map(leaf_hash, entries))


def test_our_files_for_tesseras_entries_are_tesseras_files():
    read = folder(TESSERA)
    entries = list(LogReader(read, TESSERA_KEY).entries(0, 15, 15))
    storage = Memory()
    log = Log.create(storage, log_signer(), state=MemoryState())
    for entry in entries:
        log.append(entry)
        checkpoint = Checkpoint.parse(Note.parse(read(f"checkpoint.{log.size}")).text)
        assert log.checkpoint.checkpoint.root == checkpoint.root
    tiles = {path: data for path, data in storage.files.items() if path != "checkpoint"}
    assert len(tiles) == 30
    for path, data in tiles.items():
        assert read(path) == data, path


def test_every_recorded_tile_has_the_path_that_we_would_give_it():
    paths = [path for path in recorded(TESSERA).rglob("*") if path.is_file() and "/tile/" in path.as_posix()]
    names = [re.sub(r".*/(?=tile/)", "", path.as_posix()) for path in paths]
    assert len(names) == 30
    assert all(Tile.parse(name).path == name for name in names)


def test_a_two_level_tree_mirrored_by_sunlight_makes_its_signed_root():
    read = folder(MIRROR)
    checkpoint = Checkpoint.parse(Note.parse(read("checkpoint")).text)
    tree = TileReader(read, checkpoint)
    leaves = [tree.node(0, index) for index in range(300)]
    assert root(leaves) == checkpoint.root
    assert tree.node(8, 0) == root(leaves[:256])
    assert tree.node(5, 8) == root(leaves[256:288])


def test_real_certificate_transparency_tiles_agree_with_their_entries():
    base = "sunlight/testdata/navigli2025h2/tile"
    partial = decode_hashes(recorded_bytes(f"{base}/0/003.p/10"), 10)
    assert decode_hashes(recorded_bytes(f"{base}/0/003"), 256)[:10] == partial
    for index in range(4):
        assert len(set(decode_hashes(recorded_bytes(f"{base}/0/{index:03}"), 256))) == 256
    leaves = list(static_ct_leaves(recorded_bytes(f"{base}/data/003.p/10")))
    assert tuple(map(leaf_hash, leaves)) == partial
    for leaf, expected in zip(leaves, partial, strict=True):
        assert leaf_hash(leaf[:-1]) != expected


def static_ct_leaves(data):
    """The leaves (RFC 6962 §3.4) of a data tile of C2SP static-ct-api, which frames its entries in another way."""
    at = 0
    while at < len(data):
        start, kind = at, int.from_bytes(data[at + 8 : at + 10])
        at += 10 + 32 * kind  # a precertificate has its issuer's key hash
        at += 3 + int.from_bytes(data[at : at + 3])
        at += 2 + int.from_bytes(data[at : at + 2])
        yield b"\0\0" + data[start:at]
        if kind == 1:
            at += 3 + int.from_bytes(data[at : at + 3])
        at += 2 + int.from_bytes(data[at : at + 2])


def test_records_of_the_go_checksum_database_lie_in_our_bundles_as_they_are():
    data = recorded_bytes("sumdb/sum.golang.org-tile-2-data-000.txt")
    records = [record + b"\n" for record in data.removesuffix(b"\n").split(b"\n\n")]
    assert len(records) == 4  # one tile of height 2, as Go reads it
    assert decode_bundle(encode_bundle(records)) == tuple(records)
    tree = Tree(map(leaf_hash, records))
    for index, record in enumerate(records):
        proof = tree.inclusion_proof(index)
        check_inclusion(leaf_hash(record), index=index, size=4, proof=proof, root=tree.root())
        with pytest.raises(MerkleError):
            check_inclusion(leaf_hash(record[:-1]), index=index, size=4, proof=proof, root=tree.root())


def test_the_state_that_tessera_keeps_is_what_it_signed_last():
    state = recorded_json(f"{TESSERA}/.state/treeState")
    checkpoint = Checkpoint.parse(Note.parse(recorded_bytes(f"{TESSERA}/checkpoint")).text)
    assert (state["size"], b64(state["root"])) == (checkpoint.size, checkpoint.root)


def test_tesseras_bundles_frame_their_entries_as_ours_do():
    for width in range(1, 16):
        entries = decode_bundle(recorded_bytes(f"{TESSERA}/tile/entries/000.p/{width}"))
        hashes = decode_hashes(recorded_bytes(f"{TESSERA}/tile/0/000.p/{width}"), width)
        assert tuple(map(leaf_hash, entries)) == hashes
