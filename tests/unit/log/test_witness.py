from dataclasses import replace

import pytest

from support.keys import ORIGIN, grease, log_signer, witness_signer
from transparency_log.checkpoint import Checkpoint, Cosignature, cosignatures, sign_checkpoint
from transparency_log.errors import NoteError, WitnessError
from transparency_log.merkle import EMPTY_ROOT, Tree, leaf_hash
from transparency_log.note import MAX_SIGNATURES, Note
from transparency_log.seen import MemoryWitnessState, Seen, SqliteWitnessState
from transparency_log.witness import (
    AddCheckpoint,
    Witness,
    add_checkpoint_request,
    parse_add_checkpoint,
    parse_cosignatures,
)

LOG = log_signer()
SIGNER = witness_signer("witness.example")
LOGS = {ORIGIN: LOG.verifier}
LEAVES = [leaf_hash(b"%d" % number) for number in range(20)]
NOW = 1_790_000_000


def note(size, leaves=LEAVES):
    return sign_checkpoint(Checkpoint(ORIGIN, size, Tree(leaves[:size]).root()), LOG)


def request(old, new, leaves=LEAVES):
    proof = Tree(leaves[:new]).consistency_proof(old) if old else []
    return add_checkpoint_request(old, proof, note(new, leaves))


@pytest.fixture(params=["memory", "sqlite"])
def state(request, tmp_path):
    if request.param == "memory":
        yield MemoryWitnessState()
    else:
        with SqliteWitnessState(tmp_path / "witness.sqlite") as opened:
            yield opened


@pytest.fixture
def witness(state):
    return Witness(SIGNER, state)


def status(witness, body, *, now=NOW, floor=0, logs=LOGS):
    with pytest.raises(WitnessError) as error:
        witness.add_checkpoint(body, now=now, floor=floor, logs=logs)
    return error.value.status


def test_a_log_that_grows_is_cosigned_at_each_size(witness):
    for step, (old, new) in enumerate([(0, 1), (1, 3), (3, 3), (3, 16), (16, 20)]):
        line = witness.add_checkpoint(request(old, new), now=NOW + step, logs=LOGS)
        signed = Note(note(new).text, (*note(new).signatures, line))
        assert cosignatures(signed, [SIGNER.verifier]) == (Cosignature(SIGNER.verifier, NOW + step),)


def test_a_witness_stores_before_it_signs(witness, state, monkeypatch):
    def crash(*_):
        raise RuntimeError("power cut")

    monkeypatch.setattr("transparency_log.witness.cosign", crash)
    with pytest.raises(RuntimeError):
        witness.add_checkpoint(request(0, 3), now=NOW, logs=LOGS)
    assert state.read(ORIGIN) == Seen(3, Tree(LEAVES[:3]).root(), NOW)


def test_of_two_requests_at_once_the_slower_is_told_the_new_size(witness, state):
    witness.add_checkpoint(request(0, 3), now=NOW, logs=LOGS)
    really = state.replace

    def overtaken(origin, old, new):
        del state.replace
        witness.add_checkpoint(request(3, 9), now=NOW, logs=LOGS)
        return really(origin, old, new)

    state.replace = overtaken
    with pytest.raises(WitnessError) as error:
        witness.add_checkpoint(request(3, 5), now=NOW, logs=LOGS)
    assert (error.value.status, error.value.params["size"]) == (409, 9)
    assert state.read(ORIGIN).size == 9


def test_an_old_size_that_is_not_the_last_is_a_conflict_that_names_the_last(witness):
    with pytest.raises(WitnessError) as error:
        witness.add_checkpoint(request(1, 3), now=NOW, logs=LOGS)
    assert (error.value.status, error.value.params["size"]) == (409, 0)
    witness.add_checkpoint(request(0, 5), now=NOW, logs=LOGS)
    for body in (request(0, 5), request(3, 5), request(3, 9), request(6, 9), request(0, 0)):
        with pytest.raises(WitnessError) as error:
            witness.add_checkpoint(body, now=NOW, logs=LOGS)
        assert (error.value.status, error.value.params["size"]) == (409, 5)


def test_a_fork_is_never_cosigned(witness, state):
    witness.add_checkpoint(request(0, 5), now=NOW, logs=LOGS)
    fork = [leaf_hash(b"fork"), *LEAVES[1:]]
    for body in (request(5, 9, fork), request(5, 5, fork)):
        assert status(witness, body) == 422
    proof = Tree(LEAVES[:9]).consistency_proof(5)
    for wrong in ([], proof[:-1], [*proof, bytes(32)], [bytes(32), *proof[1:]]):
        assert status(witness, add_checkpoint_request(5, wrong, note(9))) == 422
    assert status(witness, add_checkpoint_request(5, [bytes(32)], note(5))) == 422
    assert state.read(ORIGIN).size == 5


def test_from_size_zero_no_proof_is_needed_and_none_is_allowed(witness):
    assert status(witness, add_checkpoint_request(0, [bytes(32)], note(5))) == 422
    empty = sign_checkpoint(Checkpoint(ORIGIN, 0, EMPTY_ROOT), LOG)
    witness.add_checkpoint(add_checkpoint_request(0, [], empty), now=NOW, logs=LOGS)
    witness.add_checkpoint(add_checkpoint_request(0, [], empty), now=NOW, logs=LOGS)
    assert status(witness, add_checkpoint_request(0, [bytes(32)], note(5))) == 422
    witness.add_checkpoint(request(0, 5), now=NOW, logs=LOGS)


def test_an_empty_tree_with_another_root_is_not_cosigned(witness):
    text = Checkpoint(ORIGIN, 0, leaf_hash(b"x")).format()
    assert status(witness, add_checkpoint_request(0, [], Note(text, (LOG.sign(text),)))) == 422


def test_a_log_that_nobody_introduced_is_not_found(witness):
    assert status(witness, request(0, 3), logs={}) == 404
    assert status(witness, request(0, 3), logs={"other": LOG.verifier}) == 404


def test_a_checkpoint_that_the_log_did_not_sign_is_forbidden(witness):
    good = note(3)
    bad = replace(good.signatures[0], data=bytes(64))
    for signatures in ((grease(1),), (bad,), (good.signatures[0], bad)):
        assert status(witness, add_checkpoint_request(0, [], Note(good.text, signatures))) == 403
    no_base64 = add_checkpoint_request(0, [], good).removesuffix(b"\n") + b"=\n"
    assert status(witness, no_base64) == 403
    with_grease = Note(good.text, (grease(1), *good.signatures, grease(2)))
    assert witness.add_checkpoint(add_checkpoint_request(0, [], with_grease), now=NOW, logs=LOGS)


def test_an_old_size_above_the_new_one_and_extension_lines_are_bad_requests(witness):
    assert status(witness, add_checkpoint_request(4, [], note(3))) == 400
    text = note(3).text + "extension\n"
    assert status(witness, add_checkpoint_request(0, [], Note(text, (LOG.sign(text),)))) == 400


GOOD = request(3, 5)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"old 3\n",
        GOOD.removeprefix(b"old 3\n"),
        GOOD.replace(b"old 3", b"old 03"),
        GOOD.replace(b"old 3", b"old  3"),
        GOOD.replace(b"old 3", b"old -3"),
        GOOD.replace(b"old 3", b"Old 3"),
        GOOD.replace(b"old 3", b"old 3 "),
        GOOD.replace(b"old 3", b"old"),
        GOOD.replace(b"\n", b"\r\n"),
        GOOD.replace(b"=\n", b"\n", 1),
        GOOD.replace(b"\n", b"\nAAAA\n", 1),
        GOOD.replace(b"\n", b"\n\xff\n", 1),
        GOOD.replace(b"\n", b"\n" + (b"A" * 43 + b"=\n") * 63, 1),
        GOOD[:-1],
        GOOD + b"\n",
        GOOD.replace(b"\n\n", b"\n", 1),
        GOOD + b"x" * 128 * 1024,
    ],
)
def test_malformed_requests_are_bad_requests(witness, body):
    assert status(witness, body) == 400


@pytest.mark.parametrize(("now", "floor"), [(0, 0), (-1, 0), (NOW - 1, NOW)])
def test_a_clock_that_cannot_be_right_signs_nothing(witness, state, now, floor):
    assert status(witness, request(0, 3), now=now, floor=floor) == 503
    assert state.read(ORIGIN) is None


def test_a_clock_that_stepped_back_signs_nothing_for_any_log(witness, state):
    witness.add_checkpoint(request(0, 3), now=NOW, logs=LOGS)
    assert status(witness, request(3, 5), now=NOW - 1) == 503
    other = log_signer("other.example")
    first = sign_checkpoint(Checkpoint(other.name, 0, EMPTY_ROOT), other)
    body = add_checkpoint_request(0, [], first)
    assert status(witness, body, now=NOW - 1, logs={other.name: other.verifier}) == 503
    assert state.read(other.name) is None
    assert witness.add_checkpoint(request(3, 5), now=NOW, floor=NOW, logs=LOGS)


def test_a_request_reads_back():
    assert parse_add_checkpoint(GOOD).format() == GOOD
    assert parse_add_checkpoint(GOOD) == AddCheckpoint(3, tuple(Tree(LEAVES[:5]).consistency_proof(3)), note(5))
    assert parse_add_checkpoint(request(0, 5)).proof == ()


def test_an_answer_reads_back(witness):
    line = witness.add_checkpoint(request(0, 3), now=NOW, logs=LOGS)
    lines = (line, grease(1))
    body = "".join(signature.format() + "\n" for signature in lines).encode()
    assert parse_cosignatures(body) == lines
    for bad in (b"", b"\n", body[:-1], body + b"\n", b"\xff" + body, body * MAX_SIGNATURES):
        with pytest.raises(NoteError):
            parse_cosignatures(bad)


def test_a_witness_needs_a_cosigner_key():
    with pytest.raises(NoteError, match="not-a-cosigner-key"):
        Witness(LOG, MemoryWitnessState())
