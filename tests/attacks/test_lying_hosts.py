"""A host that lies about the log it serves: what a reader can be made to believe, to read, and to keep in memory.

The host has no key. It answers each path with whatever it likes, and not always with the same.
"""

import random
from hashlib import sha256

import pytest

from support.keys import ORIGIN, grease, log_signer, witness_signer
from transparency_log.checkpoint import Checkpoint, cosign, sign_checkpoint
from transparency_log.encoding import MAX_INT
from transparency_log.errors import CheckpointError, LogError, MerkleError, NoteError, StorageError, TileError
from transparency_log.log import Log
from transparency_log.merkle import MAX_PROOF
from transparency_log.note import Note, Signer
from transparency_log.reader import MAX_COSIGNED, LogReader
from transparency_log.state import MemoryState
from transparency_log.storage import Memory
from transparency_log.tiles import ENTRIES, Tile, decode_bundle, encode_bundle, level_size

KEY = log_signer()
WITNESS = witness_signer("w.example")
SIZES = (3, 256, 300, 700)
ENTRY = [b"entry %d" % number for number in range(700)]
FULL = ["tile/0/000", "tile/0/001", "tile/entries/000", "tile/entries/001"]
PARTIAL = ["tile/0/002.p/188", "tile/1/000.p/2", "tile/entries/002.p/188"]


class Host:
    """The files of an honest log, and the lies told instead; it remembers what it was asked for."""

    def __init__(self, files):
        self.files = files
        self.lies = {}
        self.asked = []

    def __call__(self, path):
        self.asked.append(path)
        return self.lies.get(path, self.files.get(path))

    @property
    def reader(self):
        return LogReader(self, KEY.verifier)

    def swap(self, *paths):
        for path, other in zip(paths, [*paths[1:], paths[0]], strict=True):
            self.lies[path] = self.files[other]

    def refused(self, code=None):
        """The host is refused by whoever reads all entries as by whoever checks the whole log."""
        with pytest.raises(LogError) as caught:
            self.reader.check()
        assert code is None or caught.value.code == code, caught.value
        with pytest.raises(LogError):
            list(self.reader.entries(0, 700, 700))


@pytest.fixture(scope="module")
def honest():
    storage = Memory()
    log = Log.create(storage, KEY, state=MemoryState())
    for size in SIZES:
        log.append_many(ENTRY[log.size : size])
        log.add_cosignatures(size, [cosign(WITNESS, log.checkpoint.note.text, 1_790_000_000)], [WITNESS.verifier])
    return storage.files


@pytest.fixture
def host(honest):
    return Host(honest)


def test_a_host_that_tells_the_truth_is_believed(host):
    assert host.reader.check().checkpoint.size == 700
    assert list(host.reader.entries(0, 700, 700)) == ENTRY


# Tiles


@pytest.mark.parametrize("path", FULL + PARTIAL)
def test_a_host_that_cuts_a_file_short_or_makes_it_longer_is_refused(host, path):
    data = host.files[path]
    for lie in (b"", data[:-1], data[:-32], data[1:], data[: len(data) // 2], data + bytes(1), data + data[-32:]):
        host.lies = {path: lie}
        host.refused()


@pytest.mark.parametrize("level", [0, ENTRIES])
def test_a_host_that_swaps_two_tiles_of_one_level_is_refused(host, level):
    host.swap(f"tile/{level}/000", f"tile/{level}/001")
    host.refused("entry-mismatch" if level == ENTRIES else None)
    for index in (0, 300):
        with pytest.raises(TileError):
            host.reader.entry(index, 700)


def test_a_host_that_swaps_tiles_together_with_their_bundles_is_refused(host):
    host.swap("tile/0/000", "tile/0/001")
    host.swap("tile/entries/000", "tile/entries/001")
    with pytest.raises(TileError, match="tile-mismatch"):
        host.reader.entry(0, 700)
    host.refused()


def test_a_partial_tile_in_the_place_of_the_full_one_is_refused_and_so_is_the_other_way_round(host):
    for level in (0, ENTRIES):
        host.lies = {f"tile/{level}/001": host.files[f"tile/{level}/001.p/44"]}
        host.refused("bundle-length" if level == ENTRIES else None)
        host.lies = {f"tile/{level}/002.p/188": host.files[f"tile/{level}/001"]}
        host.refused("bundle-length" if level == ENTRIES else "tile-length")


def test_a_tile_made_wider_than_the_tree_is_cut_to_the_tree_and_adds_nothing(host):
    # A log may have grown on; the full tile then stands in for the partial one, and its further hashes for nothing.
    for level, more in ((0, bytes(32) * 68), (ENTRIES, encode_bundle([b"never logged"] * 68))):
        host.lies |= {
            f"tile/{level}/002.p/188": None,
            f"tile/{level}/002": host.files[f"tile/{level}/002.p/188"] + more,
        }
    assert list(host.reader.entries(0, 700, 700)) == ENTRY
    with pytest.raises(CheckpointError, match="size-ahead"):
        host.reader.entry(700, 701)


@pytest.mark.parametrize("path", [path for path in FULL + PARTIAL if "entries" in path])
def test_a_bundle_with_one_entry_more_or_less_or_cut_otherwise_is_refused(host, path):
    entries = decode_bundle(host.files[path])
    lies = {
        "more": (*entries, b"never logged"),
        "less": entries[:-1],
        "an empty one more": (*entries, b""),
        "the first twice": (entries[0], *entries[:-1]),
        "the last two changed about": (*entries[:-2], entries[-1], entries[-2]),
        "two as one, and an empty one": (entries[0] + entries[1], b"", *entries[2:]),
    }
    for lie in lies.values():
        host.lies = {path: encode_bundle(lie)}
        host.refused()


def test_a_bundle_of_very_many_empty_entries_is_refused(host):
    host.lies = {"tile/entries/001": bytes(1 << 18)}
    host.refused("bundle-length")


# Checkpoints


@pytest.mark.parametrize("size", [701, 1 << 40, MAX_INT])
def test_a_huge_size_that_nobody_signed_costs_the_reader_one_file(host, size):
    note = Note.parse(host.files["checkpoint"])
    text = Checkpoint(ORIGIN, size, sha256(b"root").digest()).format()
    other = Signer.from_seed(ORIGIN, bytes(32))
    for lines in (note.signatures, (grease(1),), (other.sign(text),), (*note.signatures, other.sign(text))):
        host.lies, host.asked = {"checkpoint": Note(text, lines).format()}, []
        with pytest.raises(NoteError):
            host.reader.check()
        assert host.asked == ["checkpoint"]


def test_a_huge_size_that_the_log_signed_costs_the_reader_one_file_a_level(host):
    # Whoever has the log's key can make the right edge of any tree, though nobody has its entries.
    size, edge = MAX_INT, {}
    for level in range(8):
        width = level_size(size, level) % 256
        tile = Tile(level, level_size(size, level) // 256, width)
        edge[tile.path] = b"".join(sha256(b"%d %d" % (level, at)).digest() for at in range(width))
    host.lies = edge | {"checkpoint": sign_checkpoint(Checkpoint(ORIGIN, size, bytes(32)), KEY).format()}
    with pytest.raises(MerkleError) as caught:
        host.reader.check()
    assert len(host.asked) == 9
    root = bytes.fromhex(caught.value.params["found"])
    host.lies["checkpoint"] = sign_checkpoint(Checkpoint(ORIGIN, size, root), KEY).format()
    asks = [
        lambda log: log.check(),
        lambda log: log.entry(MAX_INT - 1, MAX_INT),
        lambda log: log.entry(0, MAX_INT),
        lambda log: log.inclusion_proof(0, MAX_INT),
        lambda log: log.consistency_proof(700, MAX_INT),
        lambda log: list(log.entries(0, MAX_INT, MAX_INT)),
    ]
    for ask in asks:
        log, host.asked = host.reader, []
        with pytest.raises(LogError):
            ask(log)
        assert len(host.asked) <= MAX_PROOF


def test_a_checkpoint_stuffed_with_lines_is_refused_before_any_of_them_is_verified(host, monkeypatch):
    data = host.files["checkpoint"]
    line = data.splitlines(keepends=True)[-1]
    host.lies = {"checkpoint": data + line * MAX_COSIGNED}

    def verify(*_):
        raise AssertionError("nothing to verify")

    monkeypatch.setattr("transparency_log.note.Verifier.holds", verify)
    host.refused("too-many-signatures")
    assert host.asked == ["checkpoint"] * 2


def test_the_checkpoint_of_another_size_is_not_taken_for_the_one_that_was_asked_for(host):
    host.swap("cosigned/256", "cosigned/300")
    for size in (256, 300):
        with pytest.raises(CheckpointError, match="size-mismatch"):
            host.reader.signed(size)
    with pytest.raises(CheckpointError, match="size-mismatch"):
        host.reader.check()


# The index of cosigned sizes


def test_an_index_of_very_many_sizes_that_the_log_has_not_reached_leads_to_no_further_file(host):
    host.lies = {"cosigned/index": b"".join(b"%d\n" % size for size in range(700, 200_000))}
    with pytest.raises(CheckpointError, match="cosigned-ahead"):
        host.reader.check()
    assert not [path for path in host.asked if path.startswith("cosigned/") and path != "cosigned/index"]


def test_an_index_of_sizes_that_were_never_cosigned_is_refused_at_the_first(host):
    host.lies = {"cosigned/index": b"".join(b"%d\n" % size for size in range(700))}
    with pytest.raises((StorageError, CheckpointError)):
        host.reader.check()
    assert len([path for path in host.asked if path.startswith("cosigned/")]) <= 3


INDICES = {
    "blank lines": b"\n" * 100_000,
    "no end of line": b"3\n256",
    "a zero in front": b"03\n",
    "a sign": b"+3\n",
    "a space": b"3 \n",
    "a carriage return": b"3\r\n",
    "other digits": "３\n".encode(),
    "not text": b"\xff\xfe\n",
    "one twice": b"3\n3\n",
    "falling": b"256\n3\n",
    "beyond 64 bits": b"%d\n" % (1 << 64),
    "a number of 100,000 digits": b"9" * 100_000 + b"\n",
}


@pytest.mark.parametrize("lie", INDICES.values(), ids=INDICES)
def test_an_index_in_any_other_spelling_is_refused(host, lie):
    host.lies = {"cosigned/index": lie}
    with pytest.raises(StorageError, match="index-format"):
        host.reader.cosigned_sizes()
    with pytest.raises(StorageError, match="index-format"):
        host.reader.check()


# Anything


def lie_about(chance, files):
    """Some file's name, and what the host says instead."""
    path = chance.choice(sorted(files))
    data = files[path]
    at = chance.randrange(len(data))
    lies = (
        None,
        data[:at],
        data[at:],
        data[:at] + chance.randbytes(chance.randrange(1, 40)) + data[at:],
        data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :],
        data[:at] + data[at + 32 :] + data[at : at + 32],
        files[chance.choice(sorted(files))],
        chance.randbytes(chance.randrange(100)),
    )
    return path, chance.choice(lies)


@pytest.mark.parametrize("seed", range(5))
def test_whatever_a_host_says_a_reader_has_the_logs_own_entries_or_an_error(honest, seed):
    chance = random.Random(seed)
    told = 0
    for _ in range(60):
        host = Host(honest)
        host.lies = dict(lie_about(chance, honest) for _ in range(chance.randrange(1, 4)))
        believed = []
        try:
            signed = host.reader.check(visit=believed.extend)
        except LogError:
            told += 1
        else:
            # The host may serve an older checkpoint, or leave out what is there twice: nothing that is not true.
            assert signed.checkpoint.size in (0, *SIZES)
            assert believed == ENTRY[: signed.checkpoint.size]
        log = host.reader
        for index in (0, 255, 256, 650):
            try:
                assert log.entry(index, 700) == ENTRY[index]
            except LogError:
                told += 1
    assert told > 60
