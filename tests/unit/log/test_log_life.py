"""A log beyond its appends: its end, its garbage, its restoration, its witnesses, its second key."""

import hashlib

import pytest

from support.keys import ORIGIN, grease, log_signer
from support.logs import SIGNER, TIME, W1, Failing, entries, new_log, reader
from transparency_log.checkpoint import Checkpoint, cosign, open_checkpoint, sign_checkpoint
from transparency_log.errors import SequenceError, StorageError
from transparency_log.frozen import open_frozen
from transparency_log.log import Log
from transparency_log.merkle import leaf_hash
from transparency_log.note import COSIGNATURE_ML_DSA_44, Note, Signer, Verifier
from transparency_log.recovery import restore
from transparency_log.state import MemoryState
from transparency_log.storage import Memory


def test_a_frozen_log_takes_nothing_more_says_so_to_all_and_stays_frozen():
    log, storage, state = new_log(3)
    log.freeze()
    log.freeze()
    assert log.frozen
    assert open_frozen(storage.files["frozen"], SIGNER.verifier) == log.checkpoint.checkpoint
    assert reader(storage).frozen()
    for going in (log, Log.open(storage, SIGNER, state=state)):
        with pytest.raises(SequenceError, match="frozen"):
            going.append(b"more")
        going.add_cosignatures(3, [cosign(W1, log.checkpoint.note.text, TIME)], [W1.verifier])
    assert reader(storage).check().checkpoint.size == 3


def test_a_log_is_not_frozen_until_it_says_so():
    log, storage, _ = new_log(3)
    assert not log.frozen
    assert not reader(storage).frozen()


@pytest.mark.parametrize("persists", [False, True])
def test_a_freeze_that_was_cut_short_is_finished_by_opening(persists):
    log, storage, state = new_log(3)
    failing = Failing(storage.files, at=10**6, persists=persists)
    log = Log.open(failing, SIGNER, state=state)
    failing.left = 0
    with pytest.raises(StorageError):
        log.freeze()
    with pytest.raises(SequenceError, match="stopped"):
        log.append(b"more")
    failing.left = 10
    assert Log.open(failing, SIGNER, state=state).frozen
    assert reader(failing).frozen()


def test_a_state_from_before_the_end_does_not_go_on_after_it():
    log, storage, state = new_log(3)
    backup = state.read()
    log.freeze()
    restored = MemoryState()
    restored.begin(backup)
    with pytest.raises(SequenceError, match="public-frozen"):
        Log.open(storage, SIGNER, state=restored)


def test_partial_tiles_are_deleted_on_request_once_the_full_one_is_there():
    log, storage, state = new_log()
    for size in (1, 255, 300, 520):
        log.append_many(entries(size - log.size, log.size))
        log.add_cosignatures(size, [cosign(W1, log.checkpoint.note.text, TIME)], [W1.verifier])
    kept = {path for path in storage.files if ".p/" not in path or "/002.p/" in path or path.startswith("tile/1/")}
    gone = set(storage.files) - kept
    assert gone == {
        f"tile/{level}/{n}.p/{w}" for level in (0, "entries") for n, w in (("000", 1), ("000", 255), ("001", 44))
    }
    assert log.collect() == len(gone)
    assert log.collect() == 0
    assert set(storage.files) == kept
    assert reader(storage).check().checkpoint.size == 520
    assert Log.open(storage, SIGNER, state=state).append(b"next") == 520


def test_a_partial_tile_stays_while_the_full_one_is_missing():
    log, storage, _ = new_log()
    log.append_many(entries(200))
    log.append_many(entries(100, 200))
    del storage.files["tile/0/000"]
    log.collect()
    assert "tile/0/000.p/200" in storage.files
    assert "tile/entries/000.p/200" not in storage.files


def cosigned(log):
    text = log.checkpoint.note.text
    return Note(text, (*log.checkpoint.note.signatures, cosign(W1, text, TIME))).format()


def test_a_restored_copy_of_all_is_found_out_by_a_witness_that_has_seen_more():
    log, storage, state = new_log(3)
    files, backup = dict(storage.files), state.read()
    log.append(b"seen by a witness")
    seen = cosigned(log)
    restored = MemoryState()
    restored.begin(backup)
    old = Memory()
    old.files = files
    with pytest.raises(SequenceError, match="witness-ahead") as caught:
        Log.open(old, SIGNER, state=restored, seen=[seen])
    assert caught.value.params == {"expected": 3, "found": 4}
    assert old.files == files
    assert Log.open(storage, SIGNER, state=state, seen=[seen]).size == 4


@pytest.mark.parametrize("size", [1, 2, 3])
def test_a_witness_that_has_seen_another_tree_stops_the_log(size):
    _, storage, state = new_log(3)
    fork, *_ = new_log()
    fork.append_many(entries(size, 100))
    with pytest.raises(SequenceError, match="witness-differs"):
        Log.open(storage, SIGNER, state=state, seen=[cosigned(fork)])


def test_a_witness_that_shows_what_the_log_did_not_sign_does_not_stop_it():
    log, storage, state = new_log(3)
    other = SIGNER.from_seed(ORIGIN, hashlib.sha256(b"other").digest())
    forged = sign_checkpoint(Checkpoint(ORIGIN, 9, leaf_hash(b"x")), other).format()
    assert Log.open(storage, SIGNER, state=state, seen=[forged, b"garbage", b"", cosigned(log)]).append(b"x") == 3


def test_a_log_may_sign_with_a_second_key_that_others_ignore():
    if not Verifier(ORIGIN, COSIGNATURE_ML_DSA_44, bytes(1312)).supported:
        pytest.skip("the installed cryptography has no ML-DSA-44")
    second = Signer.from_seed(ORIGIN, hashlib.sha256(b"pq").digest(), COSIGNATURE_ML_DSA_44)
    storage, state = Memory(), MemoryState()
    Log.create(storage, SIGNER, state=state, further=[second]).append(b"entry")
    log = Log.open(storage, SIGNER, state=state, further=[second])
    log.append(b"another")
    log.add_cosignatures(2, [cosign(W1, log.checkpoint.note.text, TIME)], [W1.verifier])
    for path in ("checkpoint", "cosigned/2"):
        for key in (SIGNER.verifier, second.verifier):
            assert open_checkpoint(storage.files[path], key).checkpoint.size == 2
    assert reader(storage).check().checkpoint.size == 2


def restored(storage, state, *, size, seen=()):
    restore(storage, SIGNER.verifier, state, size=size, seen=seen)
    return Log.open(storage, SIGNER, state=state, seen=seen)


@pytest.mark.parametrize("frozen", [False, True])
def test_a_log_whose_state_is_lost_goes_on_from_its_public_files(frozen):
    log, storage, _ = new_log(300)
    log.add_cosignatures(300, [cosign(W1, log.checkpoint.note.text, TIME), grease(1)], [W1.verifier])
    if frozen:
        log.freeze()
    again = restored(storage, MemoryState(), size=300, seen=[cosigned(log)])
    assert (again.size, again.checkpoint, again.frozen) == (300, log.checkpoint, frozen)
    if not frozen:
        assert again.append(b"next") == 300
    assert reader(storage).check().checkpoint.size == again.size


def test_a_log_whose_state_is_an_old_copy_goes_on_from_newer_files():
    log, storage, state = new_log(3)
    old = MemoryState()
    old.begin(state.read())
    log.append_many(entries(300, 3))
    assert restored(storage, old, size=303).append(b"next") == 303


@pytest.mark.parametrize("size", [0, 299, 301])
def test_a_restored_log_must_have_the_size_that_somebody_knows(size):
    _, storage, _ = new_log(300)
    state = MemoryState()
    for files in (storage, Memory()):
        with pytest.raises(SequenceError, match="restore-size"):
            restore(files, SIGNER.verifier, state, size=size or 1, seen=[])
    assert state.read() is None


def test_files_that_are_older_than_what_a_witness_or_the_state_knows_are_not_gone_on_from():
    log, storage, state = new_log(3)
    files = Memory()
    files.files = dict(storage.files)
    log.append(b"more")
    before = state.read()
    with pytest.raises(SequenceError, match="public-behind"):
        restore(files, SIGNER.verifier, state, size=3, seen=[])
    assert state.read() == before
    empty = MemoryState()
    with pytest.raises(SequenceError, match="witness-ahead"):
        restore(files, SIGNER.verifier, empty, size=3, seen=[cosigned(log)])
    assert empty.read() is None


def test_files_of_another_history_are_not_gone_on_from():
    _, _, state = new_log(3)
    fork, storage, _ = new_log()
    fork.append_many(entries(5, 100))
    with pytest.raises(SequenceError, match="public-differs"):
        restore(storage, SIGNER.verifier, state, size=5, seen=[])
    with pytest.raises(SequenceError, match="not-this-log"):
        restore(storage, log_signer("other.example").verifier, MemoryState(), size=5, seen=[])
    storage.files["tile/0/000.p/5"] = bytes(160)
    with pytest.raises(SequenceError, match="right-edge"):
        restore(storage, SIGNER.verifier, MemoryState(), size=5, seen=[])


@pytest.mark.parametrize("count", [1, 2])
def test_a_writer_with_a_copy_of_the_state_does_not_write_beside_the_other(count):
    log, storage, state = new_log(2)
    copy = MemoryState()
    copy.begin(state.read())
    other = Log.open(storage, SIGNER, state=copy)
    log.append(b"acknowledged")
    public = dict(storage.files)
    with pytest.raises(SequenceError, match="public-moved"):
        other.append_many(entries(count, 50))
    assert storage.files == public
    with pytest.raises(SequenceError, match="public-ahead"):
        Log.open(storage, SIGNER, state=copy)
    assert log.append(b"next") == 3
