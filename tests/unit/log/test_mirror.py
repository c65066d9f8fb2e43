import pytest

from support.followed import (
    SIGNER,
    TIME,
    VERIFIER,
    W1,
    W2,
    Source,
    digest,
    entries,
    named_by,
    naming,
    signed_note,
    withdrawing,
)
from support.keys import log_signer
from support.logs import Failing
from transparency_log import mirror as mirror_module
from transparency_log.checkpoint import Checkpoint, cosign, open_checkpoint
from transparency_log.errors import (
    CheckpointError,
    ForkError,
    LogError,
    MirrorError,
    NoteError,
    RemoteError,
    StorageError,
    TileError,
)
from transparency_log.evidence import Fork
from transparency_log.merkle import leaf_hash
from transparency_log.mirror import Mirror
from transparency_log.note import Note
from transparency_log.reader import LogReader
from transparency_log.storage import Directory, Memory
from transparency_log.tiles import encode_bundle


def mirror(source, storage, **options):
    return Mirror(storage, source.read, VERIFIER, artifacts=named_by, **options)


def check(storage):
    return LogReader(storage.read, VERIFIER).check().checkpoint


def public(files):
    """The files that a log and its copies have in common."""
    return {path: data for path, data in files.items() if path not in {"incoming", "lacking"}}


@pytest.mark.parametrize("count", [0, 1, 255, 256, 257, 700, 65_536])
def test_a_copy_has_what_the_log_has_and_checks_by_itself(count):
    source, copy = Source(count), Memory()
    update = mirror(source, copy).update()
    assert (update.before, update.signed.checkpoint.size, update.lacking, update.withdrawn) == (0, count, (), ())
    assert public(copy.files) == source.files
    assert check(copy) == source.log.checkpoint.checkpoint


def test_a_copy_grows_with_the_log_and_asks_for_nothing_twice():
    source, copy = Source(), Memory()
    for more in (3, 250, 3, 1, 255, 300, 0):
        source.grow(more)
        source.cosign(at=TIME + source.log.size)
        before = source.log.size - more
        source.asked.clear()
        assert mirror(source, copy).update().before == before
        read = [path for path in source.asked if path.startswith("tile/entries/")]
        assert len(read) == len(set(read)) == (-(-source.log.size // 256) - before // 256 if more else 0)
        assert check(copy).size == source.log.size
    assert public(copy.files).keys() <= source.files.keys()
    assert all(source.files[path] == data for path, data in public(copy.files).items())


def test_a_copy_keeps_the_partial_tiles_of_every_cosigned_size():
    source, copy = Source(3), Memory()
    source.cosign()
    source.grow(300)
    source.cosign(at=TIME + 1)
    source.grow(7)
    mirror(source, copy).update()
    assert {"tile/0/001.p/47", "tile/entries/001.p/47", "tile/1/000.p/1", "tile/0/001.p/54"} <= copy.files.keys()
    assert "tile/0/000.p/3" not in copy.files  # the full tile is there
    assert check(copy).size == 310


@pytest.mark.parametrize("persists", [False, True])
def test_a_copy_that_was_interrupted_at_any_write_goes_on_from_there(monkeypatch, persists):
    monkeypatch.setattr(mirror_module, "STEP", 1)
    source = Source(200)
    source.publish(b"an artifact")
    source.cosign()
    start = Memory()
    mirror(source, start).update()
    source.publish(b"another artifact")
    source.log.append(naming(b"not served"))
    source.grow(900)
    source.cosign(at=TIME + 1)
    source.log.freeze()
    for at in range(200):
        copy = Failing(dict(start.files), at=at, persists=persists)
        try:
            mirror(source, copy).update()
        except StorageError:
            pass
        else:
            break
        shown = open_checkpoint(copy.files["checkpoint"], VERIFIER, max_signatures=99).checkpoint
        assert check(copy) == shown  # whatever happened, the copy is whole
        copy.left = 10**9
        source.asked.clear()
        assert mirror(source, copy).update().lacking == (digest(b"not served"),)
        written = sum(path.startswith("tile/entries/") and ".p/" not in path for path in copy.files)
        assert written == 4
        assert check(copy) == source.log.checkpoint.checkpoint
        assert public(copy.files).keys() <= source.files.keys()
    else:
        pytest.fail("the copy writes more files than this test expects")
    assert at > 15


def test_an_interrupted_copy_asks_again_for_one_step_at_most(monkeypatch):
    monkeypatch.setattr(mirror_module, "STEP", 2)
    source = Source(256 * 20)
    copy = Failing({}, at=40, persists=False)
    with pytest.raises(StorageError):
        mirror(source, copy).update()
    had = sum(path.startswith("tile/entries/") for path in copy.files)
    assert had > 10
    copy.left = 10**9
    source.asked.clear()
    mirror(source, copy).update()
    assert sum(path.startswith("tile/entries/") for path in source.asked) <= 20 - had + 2
    assert check(copy).size == source.log.size


def test_a_source_that_forks_is_convicted_and_nothing_of_it_is_taken():
    honest, other, copy = Source(300), Source(400, name="forged"), Memory()
    mirror(honest, copy).update()
    before = dict(copy.files)
    for forged in (other, Source(300, name="forged"), Source(200, name="forged")):
        with pytest.raises(ForkError) as caught:
            mirror(forged, copy).update()
        assert Fork.parse(caught.value.evidence).convict(VERIFIER)
        assert copy.files == before


def test_a_source_that_forks_between_an_interruption_and_the_next_try_is_convicted():
    honest, copy = Source(3), Failing({}, at=10**9, persists=False)
    mirror(honest, copy).update()
    other = Source(3)
    honest.grow(600)
    copy.left = 5
    with pytest.raises(StorageError):
        mirror(honest, copy).update()
    assert "tile/entries/000" in copy.files
    copy.left = 10**9
    # What was shown in the meantime is gone from the source; its signature is not.
    other.log.append_many(entries(900, name="forged"))
    with pytest.raises(ForkError) as caught:
        mirror(other, copy).update()
    assert [tree.size for tree in Fork.parse(caught.value.evidence).convict(VERIFIER)] == [603, 903]
    assert check(copy).size == 3
    mirror(honest, copy).update()
    assert check(copy).size == 603


def test_a_copy_never_moves_back():
    source, copy = Source(300), Memory()
    old = dict(source.files)
    source.grow(5)
    mirror(source, copy).update()
    before = dict(copy.files)
    source.storage.files = old
    with pytest.raises(MirrorError, match="source-behind"):
        mirror(source, copy).update()
    assert copy.files == before


def test_bytes_that_are_held_are_never_replaced():
    source, copy = Source(3), Memory()
    mirror(source, copy).update()
    copy.files["tile/entries/000.p/5"] = b"somebody else's"
    source.grow(2)
    with pytest.raises(StorageError, match="immutable"):
        mirror(source, copy).update()
    assert check(copy).size == 3


@pytest.mark.parametrize(
    ("path", "data", "error"),
    [
        ("tile/entries/000", encode_bundle([b"other"] * 256), TileError),
        ("tile/entries/001.p/44", None, StorageError),
        ("tile/0/000", bytes(256 * 32), TileError),
        ("tile/0/000", bytes(7), TileError),
        ("tile/1/000.p/1", bytes(32), LogError),
        ("checkpoint", None, StorageError),
        ("checkpoint", b"no note", NoteError),
        ("cosigned/300", None, StorageError),
        ("cosigned/index", b"300", StorageError),
    ],
)
def test_what_is_not_right_at_the_source_does_not_reach_the_copy(path, data, error):
    source, copy = Source(300), Memory()
    source.cosign()
    if data is None:
        del source.files[path]
    else:
        source.files[path] = data
    with pytest.raises(error):
        mirror(source, copy).update()
    assert "checkpoint" not in copy.files
    assert not any(copy.files.get(path) == data for path, data in source.files.items() if data == b"other")


def test_a_checkpoint_of_another_log_is_not_mirrored():
    source, copy = Source(3), Memory()
    with pytest.raises(CheckpointError, match="origin-mismatch"):
        Mirror(copy, source.read, log_signer("other.example").verifier).update()
    with pytest.raises(NoteError):
        Mirror(copy, source.read, SIGNER.from_seed(SIGNER.name, bytes(32)).verifier).update()
    assert not copy.files


def test_cosignatures_are_united_and_never_dropped():
    source, copy = Source(3), Memory()
    source.cosign(at=TIME, by=[W1])
    mirror(source, copy).update()
    early = Note.parse(copy.files["cosigned/3"]).signatures
    # The log hides the early line, and shows a later one.
    log_line, hidden = early
    source.files["cosigned/3"] = Note(source.log.checkpoint.note.text,
                                      (log_line, later := cosign(W1, source.log.checkpoint.note.text, TIME + 9))
                                      ).format()  # fmt: skip
    mirror(source, copy).update()
    assert set(Note.parse(copy.files["cosigned/3"]).signatures) >= {log_line, hidden, later}
    del source.files["cosigned/3"], source.files["cosigned/index"]
    source.grow(1)
    mirror(source, copy).update()
    assert set(Note.parse(copy.files["cosigned/3"]).signatures) >= {log_line, hidden, later}
    assert LogReader(copy.read, VERIFIER).cosigned_sizes() == (3,)


def test_cosignatures_that_only_the_checkpoint_shows_are_kept():
    source, copy = Source(3), Memory()
    source.cosign(by=[W2])
    del source.files["cosigned/3"], source.files["cosigned/index"]
    mirror(source, copy).update()
    assert len(Note.parse(copy.files["cosigned/3"]).signatures) == 2
    assert LogReader(copy.read, VERIFIER).cosigned_sizes() == (3,)


def test_a_flood_of_lines_drives_out_none_that_is_held(monkeypatch):
    monkeypatch.setattr(mirror_module, "MAX_COSIGNED", 5)
    source, copy = Source(3), Memory()
    source.cosign()
    mirror(source, copy).update()
    for at in range(2):
        source.cosign(at=TIME + 1 + at, by=[W1])
    mirror(source, copy).update()
    assert len(Note.parse(copy.files["cosigned/3"]).signatures) == 5
    kept = Note.parse(copy.files["cosigned/3"]).signatures
    monkeypatch.undo()
    source.cosign(at=TIME + 50)
    monkeypatch.setattr(mirror_module, "MAX_COSIGNED", 9)
    mirror(source, copy).update()
    assert Note.parse(copy.files["cosigned/3"]).signatures[:5] == kept


def test_a_cosigned_file_of_another_tree_convicts():
    source, copy = Source(300), Memory()
    source.files["cosigned/200"] = signed_note(200, leaf_hash(b"another tree"))
    source.files["cosigned/index"] = b"200\n"
    with pytest.raises(ForkError) as caught:
        mirror(source, copy).update()
    assert Fork.parse(caught.value.evidence).convict(VERIFIER)[0].size == 200
    source.files["cosigned/200"] = source.files["checkpoint"]
    with pytest.raises(MirrorError, match="size-mismatch"):
        mirror(source, copy).update()


def test_a_frozen_log_is_mirrored_and_may_not_grow_any_more():
    source, copy = Source(300), Memory()
    before = dict(source.files)
    source.log.freeze()
    mirror(source, copy).update()
    mirror(source, copy).update()
    assert copy.files["frozen"] == source.files["frozen"]
    assert check(copy).size == 300
    other = Source(310)
    with pytest.raises(MirrorError, match="grown-after-freeze"):
        mirror(other, copy).update()
    other.files["frozen"] = source.files["frozen"]
    with pytest.raises(MirrorError, match="grown-after-freeze"):
        mirror(other, Memory()).update()
    assert check(copy).size == 300
    # A log that froze after its checkpoint was read is not blamed.
    source.storage.files = {**before, "frozen": copy.files["frozen"]}
    source.files["checkpoint"] = Source(200).files["checkpoint"]
    source.files.update({k: v for k, v in Source(200).files.items() if ".p/" in k})
    fresh = Memory()
    mirror(source, fresh).update()
    assert "frozen" not in fresh.files


def test_artifacts_are_fetched_compared_and_asked_for_again_until_they_are_there():
    source, copy = Source(2), Memory()
    source.publish(b"one")
    source.log.append(naming(b"two"))
    source.log.append(naming(b"bent"))
    source.files[f"artifact/{digest(b'bent')}"] = b"other"
    update = mirror(source, copy).update()
    assert set(update.lacking) == {digest(b"two"), digest(b"bent")}
    assert {path for path in copy.files if path.startswith("artifact/")} == {f"artifact/{digest(b'one')}"}
    assert check(copy).size == 5
    source.files[f"artifact/{digest(b'two')}"] = b"two"
    assert mirror(source, copy).update().lacking == (digest(b"bent"),)
    source.files[f"artifact/{digest(b'bent')}"] = b"bent"
    source.grow(1)
    assert mirror(source, copy).update().lacking == ()
    assert copy.files[f"artifact/{digest(b'bent')}"] == b"bent"
    assert copy.files["lacking"] == b""


def test_a_withdrawn_artifact_is_not_asked_for_and_one_that_is_held_is_reported_and_kept():
    source, copy = Source(2), Memory()
    source.publish(b"personal data")
    mirror(source, copy).update()
    source.log.append(naming(b"gone before"))
    source.log.append_many([withdrawing(b"gone before"), withdrawing(b"personal data"), naming(b"gone before")])
    update = mirror(source, copy).update()
    assert (update.lacking, update.withdrawn) == ((), (digest(b"personal data"),))
    del copy.files[f"artifact/{digest(b'personal data')}"]
    source.publish(b"personal data")  # named once more, still withdrawn
    update = mirror(source, copy).update()
    assert (update.lacking, update.withdrawn) == ((), ())


def test_a_list_of_lacking_artifacts_that_is_damaged_is_said_to_be():
    source, copy = Source(2), Memory()
    mirror(source, copy).update()
    copy.files["lacking"] = b"lacking abc 3\n"
    with pytest.raises(MirrorError, match="lacking-format"):
        mirror(source, copy).update()


@pytest.mark.parametrize(("code", "stops"), [("remote-too-large", False), ("remote-unreachable", True)])
def test_an_artifact_that_is_too_large_is_lacking_and_one_that_cannot_be_reached_stops_the_update(code, stops):
    source, copy = Source(2), Memory()
    source.publish(b"large")

    def read(path):
        if path.startswith("artifact/"):
            raise RemoteError(code, url=path)
        return source.read(path)

    copying = Mirror(copy, read, VERIFIER, artifacts=named_by)
    if stops:
        with pytest.raises(RemoteError):
            copying.update()
        assert "checkpoint" not in copy.files
    else:
        assert copying.update().lacking == (digest(b"large"),)


def test_a_witness_may_hold_exactly_what_it_is_asked_to_cosign():
    source, copy = Source(300), Memory()
    copying = mirror(source, copy)
    first = source.log.checkpoint.checkpoint
    copying.hold(first)
    assert check(copy) == first
    source.asked.clear()
    copying.hold(first)  # nobody is asked for what is held
    assert not source.asked
    source.grow(10)
    copying.hold(first)
    copying.hold(source.log.checkpoint.checkpoint)
    copying.hold(first)
    copying.hold(Checkpoint(first.origin, 0, check_root_of_nothing()))
    with pytest.raises(MirrorError, match="not-held"):
        copying.hold(Checkpoint(first.origin, 300, leaf_hash(b"another tree")))
    with pytest.raises(MirrorError, match="not-public"):
        copying.hold(Checkpoint(first.origin, 400, leaf_hash(b"not there yet")))
    source.log.append(naming(b"kept back"))
    with pytest.raises(MirrorError, match="artifact-lacking"):
        copying.hold(source.log.checkpoint.checkpoint)
    source.files[f"artifact/{digest(b'kept back')}"] = b"kept back"
    copying.hold(source.log.checkpoint.checkpoint)


def check_root_of_nothing():
    return Source().log.checkpoint.checkpoint.root


def test_progress_is_told_and_threads_read_the_same(tmp_path):
    source, heard = Source(256 * 40 + 3), []
    copy = Directory(tmp_path / "copy")
    mirror(source, copy, workers=4, progress=lambda done, size: heard.append((done, size))).update()
    assert heard == [(4096, 10243), (8192, 10243), (10243, 10243)]
    assert check(copy).size == 10243
    source.grow(1)
    mirror(source, copy, workers=4).update()
    assert check(copy).size == 10244
