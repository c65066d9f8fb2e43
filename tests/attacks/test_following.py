"""Attacks on readers who follow a log, and on those who keep a copy (docs/threat-model.md, 23 to 26)."""

import pytest

from support.followed import POLICY, SIGNER, TIME, VERIFIER, W1, Source, digest, entries, named_by, signed_note
from support.keys import grease
from transparency_log.checkpoint import Checkpoint, cosign, open_checkpoint, sign_checkpoint
from transparency_log.errors import ForkError, LogError, MirrorError
from transparency_log.evidence import Fork, find_fork
from transparency_log.log import Log
from transparency_log.merkle import Tree, leaf_hash
from transparency_log.mirror import Mirror
from transparency_log.monitor import Monitor
from transparency_log.note import Note
from transparency_log.state import Committed, MemoryState
from transparency_log.storage import Memory
from transparency_log.tiles import decode_bundle, encode_bundle
from transparency_log.tree import TileReader

DAY = 86_400


def following(source, seen=None, *, now=TIME + 60):
    monitor = Monitor(source.read, VERIFIER, policy=POLICY, artifacts=named_by)
    return monitor.follow(seen, now=now, max_age=DAY)


def codes(told):
    return [finding.code for finding in told.findings]


def convicted(told):
    """The sizes of the two trees of which each finding's evidence convicts the log."""
    evidence = [finding.evidence.format() for finding in told.findings if finding.evidence is not None]
    return [tuple(tree.size for tree in Fork.parse(data).convict(VERIFIER)) for data in evidence]


@pytest.fixture
def honest():
    """A log of some 700 entries with an artifact, cosigned, and a follower who has read it."""
    source = Source(600)
    source.publish(b"a roster")
    source.grow(100)
    source.cosign()
    return source


@pytest.fixture
def seen(honest):
    told = following(honest)
    assert codes(told) == []
    return told.state


def other_history(count, *, shared=0):
    """The same key's other log, whose first `shared` entries are those of the honest one."""
    source = Source(shared)
    source.log.append_many(entries(count - shared, shared, "forged"))
    source.cosign()
    return source


# -- 23: one witness counts once ----------------------------------------------------------------------------------


def test_two_fresh_lines_of_one_witness_do_not_keep_a_log_from_being_stale(honest, seen):
    honest.cosign(at=TIME + DAY, by=[W1])
    honest.cosign(at=TIME + DAY + 1, by=[W1])
    assert codes(following(honest, seen, now=TIME + DAY + 2)) == ["stale"]


# -- 24: forks, rollbacks, edited files ---------------------------------------------------------------------------


@pytest.mark.parametrize(("one", "other"), [(300, 300), (256, 300), (300, 511), (701, 3)])
def test_two_readers_who_were_shown_different_logs_convict_it_by_comparing_what_they_saw(one, other):
    first, second = Source(one), other_history(other)
    first.cosign()
    states = [following(source).state for source in (first, second)]
    seen = [open_checkpoint(state.checkpoint.format(), VERIFIER) for state in states]
    larger = one > other
    node = TileReader((second, first)[larger].read, seen[not larger].checkpoint).node
    evidence = find_fork(*seen, log_verifier=VERIFIER, node=node)
    assert [tree.size for tree in Fork.parse(evidence.format()).convict(VERIFIER)] == sorted((one, other))
    # Whoever saw less finds it in what the other is shown; whoever saw more is shown a log that was rolled back.
    told = [following(second, states[0]), following(first, states[1])]
    found = "rollback" if one != other else "fork"
    assert [found in codes(told[larger ^ 1]), "fork" in codes(told[larger])] == [True, True]


@pytest.mark.parametrize("size", [701, 702, 900, 1100])
def test_a_log_that_goes_on_from_another_past_is_convicted(honest, seen, size):
    told = following(other_history(size, shared=500), seen)
    assert codes(told)[0] == "fork"
    assert convicted(told)[0] == (701, size)
    # What was seen is not forgotten for it.
    assert told.state.checkpoint == seen.checkpoint


def test_a_checkpoint_signed_again_at_the_same_size_is_convicted_without_its_tiles(honest, seen):
    honest.files["checkpoint"] = signed_note(701, leaf_hash(b"another tree"))
    told = following(honest, seen)
    assert "fork" in codes(told)
    assert convicted(told) == [(701, 701)]


def test_a_log_that_shows_less_than_it_did_is_rolled_back(honest, seen):
    old = Source(600)
    old.cosign()
    honest.files.update(old.files)
    told = following(honest, seen)
    assert codes(told) == ["rollback"]
    assert told.findings[0].params == {"expected": 701, "found": 600}
    assert told.state.size == 701


def test_a_log_that_shows_less_and_something_else_is_convicted(honest, seen):
    honest.files["checkpoint"] = signed_note(600, leaf_hash(b"another tree"))
    told = following(honest, seen)
    assert "fork" in codes(told)
    assert (600, 701) in convicted(told)


def test_a_log_that_shows_less_and_has_thrown_the_rest_away_is_rolled_back_all_the_same(honest, seen):
    told = following(other_history(300), seen)
    assert "rollback" in codes(told)
    assert {"missing-file", "altered-file"} & set(codes(told))


def test_an_entry_that_is_edited_in_place_is_found_in_its_turn(honest, seen):
    path = "tile/entries/001"
    bundle = list(decode_bundle(honest.files[path]))
    bundle[7] = b"entry 263, edited"
    honest.files[path] = encode_bundle(bundle)
    told = following(honest, seen)
    assert codes(told) == ["altered-file"]
    assert told.findings[0].params == {"path": path, "index": 263, "reason": "entry-mismatch"}


def test_an_entry_that_is_edited_together_with_its_hash_is_found(honest, seen):
    bundle = [*decode_bundle(honest.files["tile/entries/000"])[:-1], b"edited"]
    honest.files["tile/entries/000"] = encode_bundle(bundle)
    honest.files["tile/0/000"] = b"".join(map(leaf_hash, bundle))
    told = following(honest, seen)
    assert codes(told) == ["altered-file"]
    assert told.findings[0].params["path"] == "tile/0/000"


@pytest.mark.parametrize("path", ["tile/0/000", "tile/0/002.p/189", "tile/1/000.p/2", "tile/entries/001"])
@pytest.mark.parametrize("how", ["cut short", "swapped", "emptied", "lost"])
def test_a_tile_that_is_cut_short_swapped_or_lost_is_found_by_its_name(honest, seen, path, how):
    swapped = {"tile/0/000": "tile/0/001", "tile/entries/001": "tile/entries/000"}
    match how:
        case "cut short":
            honest.files[path] = honest.files[path][:-32]
        case "swapped":
            honest.files[path] = honest.files[swapped.get(path, path)][::-1]
            honest.files[path] = honest.files[swapped[path]] if path in swapped else honest.files[path]
        case "emptied":
            honest.files[path] = b""
        case "lost":
            del honest.files[path]
    told = following(honest, seen)
    assert codes(told)[0] == ("missing-file" if how == "lost" else "altered-file")
    assert path in str(told.findings[0].params["path"])


def test_a_cosigned_file_of_another_tree_is_a_fork_and_convicts(honest, seen):
    honest.files["cosigned/650"] = signed_note(650, leaf_hash(b"another tree"))
    honest.files["cosigned/index"] = b"650\n701\n"
    told = following(honest, seen)
    assert codes(told) == ["fork"]
    assert convicted(told) == [(650, 701)]


def test_a_cosigned_file_under_the_name_of_another_size_is_found(honest, seen):
    honest.files["cosigned/650"] = honest.files["cosigned/701"]
    honest.files["cosigned/index"] = b"650\n701\n"
    assert codes(following(honest, seen)) == ["altered-file"]


def test_a_cosignature_that_does_not_hold_is_found(honest, seen):
    forged = cosign(W1, honest.log.checkpoint.note.text.replace("\n701\n", "\n700\n"), TIME + 1)
    for path in ("cosigned/701", "checkpoint"):
        good = honest.files[path]
        honest.files[path] = Note(honest.log.checkpoint.note.text, (*honest.log.checkpoint.note.signatures, forged)
                                  ).format()  # fmt: skip
        told = following(honest, seen)
        assert codes(told)[0] == "bad-signature"
        assert told.findings[0].params["path"] == path
        honest.files[path] = good


def test_a_line_of_an_unknown_kind_is_no_finding(honest, seen):
    for path in ("cosigned/701", "checkpoint"):
        note = Note.parse(honest.files[path])
        honest.files[path] = Note(note.text, (*note.signatures, grease(1), grease(2))).format()
    assert codes(following(honest, seen)) == []


def test_an_artifact_that_is_altered_or_taken_away_later_is_found(honest, seen):
    path = f"artifact/{digest(b'a roster')}"
    for data, code in (
        (b"another!", "altered-artifact"),
        (b"a roster ", "altered-artifact"),
        (None, "missing-artifact"),
    ):
        honest.files[path] = data
        if data is None:
            del honest.files[path]
        told = following(honest, seen)
        assert codes(told) == [code]
        assert told.findings[0].params["digest"] == digest(b"a roster")


def test_an_altered_entry_does_not_hide_a_missing_artifact_of_its_neighbour(honest, seen):
    bundle = [b"edited", *decode_bundle(honest.files["tile/entries/002.p/189"])[1:]]
    honest.files["tile/entries/002.p/189"] = encode_bundle(bundle)
    del honest.files[f"artifact/{digest(b'a roster')}"]
    assert codes(following(honest, seen)) == ["altered-file", "missing-artifact"]


def test_a_log_that_grows_after_it_said_it_ended_is_found(honest, seen):
    honest.log.freeze()
    seen = following(honest, seen).state
    # Its operator goes on with the same key from the same files; perhaps without the note that it ended.
    grown, state = Source(), MemoryState()
    grown.storage.files = {path: data for path, data in honest.files.items() if path != "frozen"}
    state.begin(Committed(honest.log.checkpoint.note.format()))
    grown.log = Log.open(grown.storage, SIGNER, state=state)
    grown.log.append(b"one more")
    grown.cosign(at=TIME + 1)
    assert "grown-after-freeze" in codes(following(grown, seen))
    grown.files["frozen"] = honest.files["frozen"]
    for memory in (seen, None):
        told = following(grown, memory)
        assert codes(told) == ["grown-after-freeze"]
        assert told.findings[0].params == {"expected": 701, "found": 702}


def test_an_honest_log_cannot_be_convicted_with_its_own_checkpoints_and_any_hashes_of_its_tree(honest):
    tree = Tree([leaf_hash(entry) for entry in entries(13)])
    notes = {size: sign_checkpoint(Checkpoint(SIGNER.name, size, part.root()), SIGNER)
             for size in range(1, 14) if (part := Tree(tree.node(0, i) for i in range(size)))}  # fmt: skip
    for old in range(1, 13):
        proof = tuple(tree.consistency_proof(old))
        roots = {Checkpoint.parse(notes[size].text).root for size in notes} | {*proof, tree.node(0, 0), bytes(32)}
        for root in roots:
            for hashes in (proof, proof[1:], (*proof, root), (root, *proof[1:]), ()):
                with pytest.raises(LogError):
                    Fork(notes[old], notes[13], root, hashes).convict(VERIFIER)
        with pytest.raises(LogError):
            Fork(notes[old], notes[old]).convict(VERIFIER)


def test_a_mirror_keeps_what_the_log_has_thrown_away_and_does_not_take_the_other_history(honest):
    copy = Memory()
    Mirror(copy, honest.read, VERIFIER, artifacts=named_by).update()
    before = dict(copy.files)
    for source, error in ((other_history(900, shared=500), ForkError), (Source(300), MirrorError)):
        with pytest.raises(error):
            Mirror(copy, source.read, VERIFIER, artifacts=named_by).update()
    assert copy.files == before
    kept = Source()
    kept.storage = copy
    assert codes(following(kept)) == []


def test_an_early_cosignature_that_a_mirror_once_had_cannot_be_hidden_any_more(honest):
    copy = Memory()
    Mirror(copy, honest.read, VERIFIER).update()
    early = set(Note.parse(copy.files["cosigned/701"]).signatures)
    honest.files["cosigned/701"] = honest.log.checkpoint.note.format()
    honest.files["checkpoint"] = honest.log.checkpoint.note.format()
    Mirror(copy, honest.read, VERIFIER).update()
    assert early <= set(Note.parse(copy.files["cosigned/701"]).signatures)


# -- 26: an old genuine log -------------------------------------------------------------------------------------


def test_an_old_genuine_log_that_is_served_for_ever_goes_stale(honest, seen):
    assert codes(following(honest, seen, now=TIME + DAY)) == []
    for memory in (seen, None):  # whether one has read it before or comes to it fresh
        told = following(honest, memory, now=TIME + DAY + 1)
        assert codes(told) == ["stale"]
        assert told.fresh == TIME


def test_signing_the_old_checkpoint_anew_does_not_make_it_fresh(honest, seen):
    honest.files["checkpoint"] = honest.log.checkpoint.note.format()
    assert "stale" in codes(following(honest, seen, now=TIME + 2 * DAY))
