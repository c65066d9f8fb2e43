import pytest

from support.keys import ORIGIN, log_signer, witness_signer
from transparency_log.checkpoint import Checkpoint, cosign, sign_checkpoint
from transparency_log.errors import CheckpointError, LogError, MerkleError, NoteError, StorageError, TileError
from transparency_log.log import Log
from transparency_log.merkle import Tree, check_consistency, check_inclusion, leaf_hash
from transparency_log.reader import LogReader, format_cosigned_sizes, read_cosigned_sizes
from transparency_log.state import MemoryState
from transparency_log.storage import Memory

SIGNER = log_signer()
WITNESS = witness_signer("w1.example")
ENTRIES = [b"entry %d" % number for number in range(600)]
TREE = Tree(map(leaf_hash, ENTRIES))
SIZES = (2, 256, 300, 600)


@pytest.fixture(scope="module")
def published():
    storage = Memory()
    log = Log.create(storage, SIGNER, state=MemoryState())
    for old, new in zip((0, *SIZES), SIZES, strict=False):
        log.append_many(ENTRIES[old:new])
        if new != 300:
            log.add_cosignatures(new, [cosign(WITNESS, log.checkpoint.note.text, 1_790_000_000)], [WITNESS.verifier])
    return storage.files


@pytest.fixture
def files(published):
    return dict(published)


def reader(files):
    return LogReader(files.get, SIGNER.verifier)


def test_every_entry_is_read_and_proved(files):
    log = reader(files)
    root = log.checkpoint().checkpoint.root
    assert root == TREE.root()
    assert list(log.entries(0, 600, 600)) == ENTRIES
    for index in (0, 1, 255, 256, 299, 300, 511, 512, 599):
        assert log.entry(index, 600) == ENTRIES[index]
        proof = log.inclusion_proof(index, 600)
        assert proof == TREE.inclusion_proof(index)
        check_inclusion(leaf_hash(ENTRIES[index]), index=index, size=600, proof=proof, root=root)


def test_proofs_between_any_two_sizes_are_read_from_the_tiles(files):
    log = reader(files)
    for old, new in [(1, 600), (2, 256), (255, 257), (256, 600), (300, 301), (599, 600), (600, 600)]:
        tree = Tree(map(leaf_hash, ENTRIES[:new]))
        proof = log.consistency_proof(old, new)
        assert proof == tree.consistency_proof(old)
        old_root = Tree(map(leaf_hash, ENTRIES[:old])).root()
        check_consistency(old_size=old, old_root=old_root, new_size=new, new_root=tree.root(), proof=proof)
    assert log.consistency_proof(0, 600) == []
    with pytest.raises(MerkleError):
        log.consistency_proof(3, 2)


def test_ranges_and_smaller_trees_are_read(files):
    log = reader(files)
    assert list(log.entries(250, 260, 300)) == ENTRIES[250:260]
    assert list(log.entries(5, 5, 300)) == []
    assert log.inclusion_proof(7, 300) == Tree(map(leaf_hash, ENTRIES[:300])).inclusion_proof(7)
    for start, end, size in [(-1, 2, 300), (5, 4, 300), (0, 301, 300)]:
        with pytest.raises(TileError, match="range"):
            list(log.entries(start, end, size))
    with pytest.raises(CheckpointError, match="size-ahead"):
        log.entry(0, 601)


def test_a_reader_sees_a_log_grow(files):
    now = dict(files)
    now["checkpoint"] = files["cosigned/256"]
    log = LogReader(now.get, SIGNER.verifier)
    assert log.checkpoint().checkpoint.size == 256
    now["checkpoint"] = files["checkpoint"]
    assert log.entry(599, 600) == ENTRIES[599]


def test_a_deleted_partial_tile_is_taken_from_the_full_one(files):
    at_300 = {path: data for path, data in files.items() if ".p/" not in path}
    at_300["checkpoint"] = sign_checkpoint(
        Checkpoint(ORIGIN, 300, Tree(map(leaf_hash, ENTRIES[:300])).root()), SIGNER
    ).format()
    at_300["tile/1/000.p/1"] = files["tile/1/000.p/1"]
    log = reader(at_300)
    assert list(log.entries(0, 300, 300)) == ENTRIES[:300]
    del at_300["cosigned/index"]
    assert log.check().checkpoint.size == 300


def test_every_changed_file_is_noticed_by_whoever_reads_it(files):
    for path in [path for path in files if path.startswith("tile/") and path.count(".p/") == 0]:
        for at in (0, 1, len(files[path]) // 2, len(files[path]) - 1):
            mangled = dict(files)
            mangled[path] = files[path][:at] + bytes([files[path][at] ^ 1]) + files[path][at + 1 :]
            with pytest.raises(LogError):
                list(reader(mangled).entries(0, 600, 600))
            with pytest.raises(LogError):
                reader(mangled).check()


def test_a_changed_entry_is_named_by_its_index_and_file(files):
    bundle = files["tile/entries/001"]
    files["tile/entries/001"] = bundle.replace(b"entry 400", b"entry 4OO")
    with pytest.raises(TileError) as error:
        reader(files).check()
    assert error.value.code == "entry-mismatch"
    assert error.value.params == {"path": "tile/entries/001", "index": 400}
    assert reader(files).entry(3, 600) == ENTRIES[3]


def test_a_changed_tile_is_named(files):
    tile = bytearray(files["tile/0/001"])
    tile[32 * 9] ^= 1
    files["tile/0/001"] = bytes(tile)
    with pytest.raises(TileError, match="tile/0/001"):
        reader(files).inclusion_proof(300, 600)


def test_a_host_that_gives_one_file_two_faces_is_found_by_the_check(files):
    asked = []

    def read(path):
        asked.append(path)
        return files[path][::-1] if asked.count("tile/0/001") == 1 and path == "tile/0/001" else files.get(path)

    with pytest.raises(TileError, match=r"file-mismatch.*tile/0/001"):
        LogReader(read, SIGNER.verifier).check()


def test_a_partial_tile_that_went_is_no_fault_when_the_full_one_is_there(files):
    newest = dict(files)
    newest["checkpoint"] = files["cosigned/2"]
    newest["cosigned/index"] = b"2\n"
    assert LogReader(newest.get, SIGNER.verifier).check().checkpoint.size == 2
    for path in ("tile/0/000.p/2", "tile/entries/000.p/2"):
        del newest[path]
    assert LogReader(newest.get, SIGNER.verifier).check().checkpoint.size == 2
    for path in ("tile/0/000", "tile/entries/000"):
        del newest[path]
    with pytest.raises(StorageError, match=r"tile/0/000\.p/2"):
        LogReader(newest.get, SIGNER.verifier).check()


def test_a_missing_file_is_named(files):
    del files["tile/entries/001"]
    with pytest.raises(StorageError, match="tile/entries/001"):
        reader(files).check()
    del files["tile/0/002.p/88"]
    with pytest.raises(StorageError, match=r"tile/0/002\.p/88"):
        reader(files).checkpoint()
    with pytest.raises(StorageError, match="checkpoint"):
        reader({}).checkpoint()


def test_a_bundle_with_another_number_of_entries_is_refused(files):
    files["tile/entries/002.p/88"] += b"\0\1x"
    with pytest.raises(TileError, match="bundle-length"):
        list(reader(files).entries(512, 600, 600))


def test_tiles_that_do_not_make_the_signed_root_are_refused(files):
    files["checkpoint"] = sign_checkpoint(Checkpoint(ORIGIN, 600, leaf_hash(b"other")), SIGNER).format()
    with pytest.raises(MerkleError, match="right-edge-mismatch"):
        reader(files).checkpoint()


def test_a_checkpoint_that_the_log_did_not_sign_is_refused(files):
    with pytest.raises(NoteError):
        LogReader(files.get, SIGNER.from_seed(ORIGIN, bytes(32)).verifier).checkpoint()


def test_cosigned_checkpoints_are_found_by_size(files):
    log = reader(files)
    assert log.cosigned_sizes() == (2, 256, 600)
    assert [log.signed(size).checkpoint.size for size in log.cosigned_sizes()] == [2, 256, 600]
    with pytest.raises(StorageError, match="cosigned/300"):
        log.signed(300)
    del files["cosigned/600"]
    assert reader(files).signed(600).checkpoint.size == 600


def test_a_cosigned_checkpoint_of_another_size_is_refused(files):
    files["cosigned/2"] = files["cosigned/256"]
    with pytest.raises(CheckpointError, match="size-mismatch"):
        reader(files).signed(2)


def test_a_cosigned_fork_is_found_by_the_check(files):
    files["cosigned/256"] = sign_checkpoint(Checkpoint(ORIGIN, 256, leaf_hash(b"fork")), SIGNER).format()
    with pytest.raises(MerkleError, match="cosigned/256"):
        reader(files).check()


def test_a_cosigned_checkpoint_beyond_the_newest_is_found_by_the_check(files):
    files["cosigned/index"] += b"601\n"
    with pytest.raises(CheckpointError, match="cosigned-ahead"):
        reader(files).check()


def test_an_index_reads_back_and_other_spellings_are_refused():
    assert read_cosigned_sizes({"cosigned/index": format_cosigned_sizes([300, 0, 20])}.get) == (0, 20, 300)
    assert read_cosigned_sizes({}.get) == ()
    for data in (b"1", b"01\n", b"2\n1\n", b"1\n1\n", b"\n", b"1\n\n2\n", b"1\r\n", b"\xff\n"):
        with pytest.raises(StorageError, match="index-format"):
            read_cosigned_sizes({"cosigned/index": data}.get)
