import hashlib

import pytest

from support.keys import ORIGIN, grease, log_signer, witness_signer
from support.logs import SIGNER, TIME, W1, W2, Failing, LosingState, entries, new_log, reader
from transparency_log import log as log_module
from transparency_log.checkpoint import Checkpoint, Cosignature, cosign, cosignatures, open_checkpoint, sign_checkpoint
from transparency_log.errors import CheckpointError, NoteError, SequenceError, StorageError, TileError
from transparency_log.log import Log
from transparency_log.merkle import leaf_hash, root
from transparency_log.note import Note
from transparency_log.state import Committed, MemoryState, SqliteState
from transparency_log.storage import Directory, Memory
from transparency_log.tiles import tiles_between


def test_a_new_log_is_empty_signed_and_public():
    log, storage, _ = new_log()
    assert log.size == 0
    assert storage.files.keys() == {"checkpoint"}
    assert reader(storage).check().checkpoint == Checkpoint(ORIGIN, 0, root([]))


def test_an_appended_entry_is_public_when_append_returns():
    log, storage, _ = new_log()
    for index, entry in enumerate(entries(5)):
        assert log.append(entry) == index
        assert reader(storage).entry(index, index + 1) == entry
    assert log.append_many(entries(3, 5)) == [5, 6, 7]
    assert log.append_many([]) == []
    assert reader(storage).check() == log.checkpoint
    assert log.checkpoint.checkpoint.root == root(map(leaf_hash, entries(8)))


@pytest.mark.parametrize("sizes", [(255, 256, 257), (1, 300, 513), (256, 512), (65_536, 66_000)])
def test_a_log_has_every_file_that_its_checkpoints_need(sizes):
    log, storage, _ = new_log()
    needed = {"checkpoint"}
    for size in sizes:
        needed |= {tile.path for tile in tiles_between(log.size, size)}
        log.append_many(entries(size - log.size, log.size))
    assert set(storage.files) == needed
    assert reader(storage).check().checkpoint.size == sizes[-1]


@pytest.mark.parametrize("bad", [b"", b"x" * 65_536])
def test_an_entry_that_does_not_fit_is_refused_and_the_log_goes_on(bad):
    log, storage, _ = new_log(2)
    with pytest.raises(TileError, match="entry-length"):
        log.append_many([b"good", bad])
    assert log.append(b"x" * 65_535) == 2
    assert reader(storage).check().checkpoint.size == 3


def test_a_batch_beyond_its_limit_is_refused(monkeypatch):
    monkeypatch.setattr(log_module, "MAX_BATCH", 3)
    log, *_ = new_log(3)
    with pytest.raises(TileError, match="batch-length"):
        log.append_many(entries(4))
    assert log.append(b"next") == 3


def test_creating_is_refused_where_files_or_state_exist():
    _, storage, state = new_log(1)
    for args in ((storage, state), (Memory(), state), (storage, MemoryState())):
        with pytest.raises(SequenceError, match="log-exists"):
            Log.create(args[0], SIGNER, state=args[1])


def test_opening_is_refused_where_nothing_was_committed():
    _, storage, _ = new_log(1)
    with pytest.raises(SequenceError, match="log-missing"):
        Log.open(storage, SIGNER, state=MemoryState())


@pytest.mark.parametrize("count", [0, 1, 255, 256, 300])
def test_an_opened_log_goes_on_where_it_stopped(count):
    log, storage, state = new_log(count)
    before = dict(storage.files)
    again = Log.open(storage, SIGNER, state=state)
    assert storage.files == before
    assert (again.size, again.checkpoint) == (count, log.checkpoint)
    assert again.append_many(entries(400, count)) == list(range(count, count + 400))
    assert reader(storage).check().checkpoint.root == root(map(leaf_hash, entries(count + 400)))


@pytest.mark.parametrize("persists", [False, True])
@pytest.mark.parametrize("first", [3, 254])
def test_a_crash_at_any_write_loses_nothing_and_forks_nothing(first, persists):
    for at in range(20):
        _, before, state = new_log(first)
        public = reader(before).checkpoint().checkpoint
        storage = Failing(before.files, at=10**6, persists=persists)
        log = Log.open(storage, SIGNER, state=state)
        log._settle()  # the first write after opening comes before the commit; tests/unit/log/test_faults.py has it
        storage.left = at
        try:
            log.append_many(entries(4, first))
        except StorageError:
            with pytest.raises(SequenceError, match="stopped"):
                log.append(b"more")
            with pytest.raises(SequenceError, match="stopped"):
                log.add_cosignatures(first, [], [])
        else:
            assert at > 1
            return
        seen = open_checkpoint(storage.files["checkpoint"], SIGNER.verifier).checkpoint
        assert seen.size in (first, first + 4)
        storage.left = 10**6
        again = Log.open(storage, SIGNER, state=state)
        assert again.append(b"next") == first + 4
        assert reader(storage).check().checkpoint.root == root(map(leaf_hash, [*entries(first + 4), b"next"]))
        assert public.root == root(map(leaf_hash, entries(first)))
    pytest.fail("the log writes more files than this test expects")


@pytest.mark.parametrize("persists", [False, True])
def test_a_crash_around_the_commit_shows_all_or_nothing(persists):
    storage, state = Memory(), LosingState(persists=persists)
    log = Log.create(storage, SIGNER, state=state)
    with pytest.raises(StorageError):
        log.append(b"entry")
    assert set(storage.files) == {"checkpoint"}
    assert Log.open(storage, SIGNER, state=state).size == (1 if persists else 0)
    assert reader(storage).check().checkpoint.size == (1 if persists else 0)


def test_a_crash_right_after_creation_is_finished_by_opening():
    storage, state = Failing({}, at=0, persists=False), MemoryState()
    with pytest.raises(StorageError):
        Log.create(storage, SIGNER, state=state)
    storage.left = 10
    assert Log.open(storage, SIGNER, state=state).append(b"entry") == 0


def test_a_second_writer_that_was_slower_signs_nothing_that_is_seen():
    log, storage, state = new_log(2)
    slower = Log.open(storage, SIGNER, state=state)
    public = storage.files["checkpoint"]
    log.append(b"faster")
    storage.files["checkpoint"] = public  # as the slower one saw it when it looked
    with pytest.raises(SequenceError, match="state-moved"):
        slower.append(b"slower")
    assert storage.files["checkpoint"] == public
    with pytest.raises(SequenceError, match="stopped"):
        slower.append(b"slower")


def test_a_restored_backup_of_the_state_does_not_sign_on():
    log, storage, state = new_log(3)
    backup = state.read()
    log.append(b"seen by the public")
    restored = MemoryState()
    restored.begin(backup)
    with pytest.raises(SequenceError, match="public-ahead"):
        Log.open(storage, SIGNER, state=restored)


def test_restored_backups_of_the_files_are_not_gone_on_from():
    log, storage, state = new_log(3)
    backup = dict(storage.files)
    log.append(b"one")
    log.append(b"two")
    storage.files = backup
    with pytest.raises(SequenceError, match="public-behind"):
        Log.open(storage, SIGNER, state=state)
    storage.files = {}
    with pytest.raises(SequenceError, match="public-behind"):
        Log.open(storage, SIGNER, state=state)


def test_a_public_checkpoint_of_the_same_size_and_another_root_stops_the_log():
    _, storage, state = new_log(3)
    storage.files["checkpoint"] = sign_checkpoint(Checkpoint(ORIGIN, 3, leaf_hash(b"fork")), SIGNER).format()
    with pytest.raises(SequenceError, match="public-differs"):
        Log.open(storage, SIGNER, state=state)


def test_another_key_or_origin_does_not_open_the_log():
    _, storage, state = new_log(3)
    other_key = SIGNER.from_seed(ORIGIN, hashlib.sha256(b"other").digest())
    for other in (other_key, log_signer("other.example")):
        with pytest.raises(SequenceError, match="not-this-log"):
            Log.open(storage, other, state=state)
    storage.files["checkpoint"] = sign_checkpoint(Checkpoint(ORIGIN, 3, leaf_hash(b"x")), other_key).format()
    with pytest.raises(SequenceError, match="not-this-log"):
        Log.open(storage, SIGNER, state=state)


def test_every_changed_byte_at_the_right_edge_stops_the_log():
    _, storage, state = new_log(258)
    for path in ("tile/0/001.p/2", "tile/1/000.p/1", "tile/entries/001.p/2"):
        good = storage.files[path]
        for at in range(len(good)):
            storage.files[path] = good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :]
            with pytest.raises(SequenceError, match="right-edge"):
                Log.open(storage, SIGNER, state=state)
        del storage.files[path]
        with pytest.raises(SequenceError, match="right-edge"):
            Log.open(storage, SIGNER, state=state)
        storage.files[path] = good
    assert Log.open(storage, SIGNER, state=state).size == 258


def test_committed_entries_that_rotted_are_not_published():
    log, storage, state = new_log(2)
    public = dict(storage.files)
    log.append(b"entry")
    rotten = MemoryState()
    rotten.begin(Committed(state.read().checkpoint, (b"enter",)))
    storage.files = public
    with pytest.raises(SequenceError, match="committed-mismatch"):
        Log.open(storage, SIGNER, state=rotten)
    assert storage.files == public


def test_a_file_that_was_changed_by_hand_is_not_overwritten():
    log, storage, _ = new_log(2)
    storage.files["tile/entries/000.p/3"] = b"somebody else's"
    with pytest.raises(StorageError, match="immutable"):
        log.append(b"entry")


def test_cosignatures_are_kept_beside_the_checkpoint_and_shown_with_it():
    log, storage, _ = new_log(3)
    text = log.checkpoint.note.text
    early, late, other = cosign(W1, text, TIME), cosign(W1, text, TIME + 60), cosign(W2, text, TIME + 5)
    keys = [W1.verifier, W2.verifier]
    assert log.add_cosignatures(3, [late, grease(1)], keys) == (Cosignature(W1.verifier, TIME + 60),)
    log.add_cosignatures(3, [early, other], keys)
    log.add_cosignatures(3, [early], keys)
    kept = reader(storage).signed(3).note
    assert kept.signatures == (*log.checkpoint.note.signatures, late, early, other)
    shown = cosignatures(reader(storage).checkpoint().note, keys)
    assert set(shown) == {Cosignature(W1.verifier, TIME + 60), Cosignature(W2.verifier, TIME + 5)}
    assert reader(storage).cosigned_sizes() == (3,)
    assert reader(storage).check().checkpoint.size == 3


def test_a_witness_may_answer_after_the_log_has_grown():
    log, storage, _ = new_log(3)
    text = log.checkpoint.note.text
    log.append_many(entries(300, 3))
    newest = storage.files["checkpoint"]
    log.add_cosignatures(3, [cosign(W1, text, TIME)], [W1.verifier])
    assert storage.files["checkpoint"] == newest
    log.add_cosignatures(303, [cosign(W1, log.checkpoint.note.text, TIME)], [W1.verifier])
    assert reader(storage).cosigned_sizes() == (3, 303)
    assert reader(storage).signed(3).checkpoint.root == root(map(leaf_hash, entries(3)))
    assert reader(storage).check().checkpoint.size == 303


def test_collected_cosignatures_outlive_a_restart():
    log, storage, state = new_log(3)
    log.add_cosignatures(3, [cosign(W1, log.checkpoint.note.text, TIME)], [W1.verifier])
    before = dict(storage.files)
    again = Log.open(storage, SIGNER, state=state)
    assert storage.files == before
    again.add_cosignatures(3, [cosign(W2, again.checkpoint.note.text, TIME)], [W2.verifier])
    assert len(cosignatures(reader(storage).signed(3).note, [W1.verifier, W2.verifier])) == 2


def test_cosignatures_that_do_not_hold_are_not_published():
    log, storage, _ = new_log(3)
    before = dict(storage.files)
    text = log.checkpoint.note.text
    wrong_tree = cosign(W1, text.replace("\n3\n", "\n4\n"), TIME)
    with pytest.raises(CheckpointError, match="cosignature-invalid"):
        log.add_cosignatures(3, [cosign(W2, text, TIME), wrong_tree], [W1.verifier, W2.verifier])
    with pytest.raises(CheckpointError, match="size-ahead"):
        log.add_cosignatures(4, [cosign(W1, text, TIME)], [W1.verifier])
    assert log.add_cosignatures(3, [grease(1), cosign(W1, text, TIME)], [W2.verifier]) == ()
    assert storage.files == before


def test_a_cosigned_file_of_another_size_is_not_added_to():
    log, storage, _ = new_log(3)
    text = log.checkpoint.note.text
    log.add_cosignatures(3, [cosign(W1, text, TIME)], [W1.verifier])
    storage.files["cosigned/2"] = storage.files["cosigned/3"]
    with pytest.raises(CheckpointError, match="size-mismatch"):
        log.add_cosignatures(2, [cosign(W1, text, TIME)], [W1.verifier])


def test_a_size_is_cosigned_only_so_often(monkeypatch):
    log, *_ = new_log(3)
    monkeypatch.setattr(log_module, "MAX_COSIGNED", 3)
    text = log.checkpoint.note.text
    log.add_cosignatures(3, [cosign(W1, text, TIME), cosign(W1, text, TIME + 1)], [W1.verifier])
    with pytest.raises(CheckpointError, match="cosigned-full"):
        log.add_cosignatures(3, [cosign(W1, text, TIME + 2)], [W1.verifier])
    assert log.append(b"next") == 3


def test_the_published_checkpoint_never_has_more_lines_than_everybody_reads():
    log, storage, _ = new_log(1)
    text = log.checkpoint.note.text
    signers = [witness_signer(f"w{number}.example") for number in range(70)]
    log.add_cosignatures(1, [cosign(s, text, TIME) for s in signers], [s.verifier for s in signers])
    assert len(Note.parse(storage.files["checkpoint"]).signatures) == 64
    with pytest.raises(NoteError, match="too-many-signatures"):
        Note.parse(storage.files["cosigned/1"])
    assert len(reader(storage).signed(1).note.signatures) == 71


def test_a_log_on_a_disk_outlives_its_process(tmp_path):
    storage = Directory(tmp_path / "public")
    with SqliteState.create(tmp_path / "state.sqlite") as state:
        log = Log.create(storage, SIGNER, state=state)
        log.append_many(entries(3))
        with pytest.raises(SequenceError, match="locked"):
            SqliteState(tmp_path / "state.sqlite")
    with SqliteState(tmp_path / "state.sqlite") as state:
        log = Log.open(storage, SIGNER, state=state)
        assert log.append(b"entry") == 3
        log.add_cosignatures(4, [cosign(W1, log.checkpoint.note.text, TIME)], [W1.verifier])
    assert reader(storage).check().checkpoint.size == 4
    assert not list((tmp_path / "public").rglob(".*"))
