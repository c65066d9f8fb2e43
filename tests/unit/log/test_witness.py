import threading
from dataclasses import replace

import pytest

from support.keys import ORIGIN, grease, log_signer, ml_dsa_signer, witness_signer
from transparency_log.checkpoint import Checkpoint, Cosignature, cosign, cosignatures, sign_checkpoint
from transparency_log.errors import NoteError, StorageError, WitnessError
from transparency_log.evidence import Fork
from transparency_log.merkle import EMPTY_ROOT, Tree, leaf_hash
from transparency_log.note import MAX_SIGNATURES, Note
from transparency_log.seen import MemoryWitnessState, Seen, SqliteWitnessState, origin_hash
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
HASH = origin_hash(ORIGIN)


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
        with SqliteWitnessState.create(tmp_path / "witness.sqlite") as opened:
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
        (line,) = witness.add_checkpoint(request(old, new), now=NOW + step, logs=LOGS)
        signed = Note(note(new).text, (*note(new).signatures, line))
        assert cosignatures(signed, [SIGNER.verifier]) == (Cosignature(SIGNER.verifier, NOW + step),)


def test_a_witness_stores_before_it_signs(witness, state, monkeypatch):
    def crash(*_):
        raise RuntimeError("power cut")

    monkeypatch.setattr("transparency_log.witness.cosign", crash)
    with pytest.raises(RuntimeError):
        witness.add_checkpoint(request(0, 3), now=NOW, logs=LOGS)
    assert state.read(ORIGIN) == Seen(3, Tree(LEAVES[:3]).root(), NOW, note(3).format())


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
    (line,) = witness.add_checkpoint(request(0, 3), now=NOW, logs=LOGS)
    lines = (line, grease(1))
    body = "".join(signature.format() + "\n" for signature in lines).encode()
    assert parse_cosignatures(body) == lines
    for bad in (b"", b"\n", body[:-1], body + b"\n", b"\xff" + body, body * MAX_SIGNATURES):
        with pytest.raises(NoteError):
            parse_cosignatures(bad)


def test_a_witness_needs_a_cosigner_key():
    with pytest.raises(NoteError, match="not-a-cosigner-key"):
        Witness(LOG, MemoryWitnessState())


def test_every_key_of_a_witness_cosigns(state):
    second = ml_dsa_signer("witness.example")
    witness = Witness(SIGNER, state, also=[second])
    lines = witness.add_checkpoint(request(0, 3), now=NOW, logs=LOGS)
    found = cosignatures(Note(note(3).text, lines), [SIGNER.verifier, second.verifier])
    assert found == (Cosignature(SIGNER.verifier, NOW), Cosignature(second.verifier, NOW))
    # Monitors get the lines that were returned, although an ML-DSA-44 one is never made the same twice.
    assert Note.parse(witness.monitored(HASH)).signatures == (*note(3).signatures, *lines)
    with pytest.raises(NoteError, match="not-a-cosigner-key"):
        Witness(SIGNER, state, also=[LOG])


def test_monitors_get_the_logs_line_and_the_witness_s_and_nothing_else(witness):
    assert witness.monitored(HASH) is None
    with_grease = Note(note(3).text, (grease(1), *note(3).signatures, grease(2)))
    (line,) = witness.add_checkpoint(add_checkpoint_request(0, [], with_grease), now=NOW, logs=LOGS)
    assert Note.parse(witness.monitored(HASH)) == Note(note(3).text, (*note(3).signatures, line))
    assert witness.monitored(origin_hash("another")) is None
    assert witness.monitored(ORIGIN) is None
    (line,) = witness.add_checkpoint(request(3, 3), now=NOW + 9, logs=LOGS)
    assert cosignatures(Note.parse(witness.monitored(HASH)), [SIGNER.verifier])[0].timestamp == NOW + 9


def test_a_restart_keeps_what_monitors_get_and_finishes_what_a_crash_left_unsigned(tmp_path, monkeypatch):
    path = tmp_path / "witness.sqlite"
    with SqliteWitnessState.create(path) as state:
        lines = Witness(SIGNER, state).add_checkpoint(request(0, 3), now=NOW, logs=LOGS)
        before = Witness(SIGNER, state).monitored(HASH)
    with SqliteWitnessState(path) as state:
        assert Witness(SIGNER, state).monitored(HASH) == before
        with monkeypatch.context() as patch:
            patch.setattr("transparency_log.witness.cosign", lambda *_: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                Witness(SIGNER, state).add_checkpoint(request(3, 5), now=NOW + 1, logs=LOGS)
    with SqliteWitnessState(path) as state:
        told = Note.parse(Witness(SIGNER, state).monitored(HASH))
        assert told.text == note(5).text
        assert cosignatures(told, [SIGNER.verifier]) == (Cosignature(SIGNER.verifier, NOW + 1),)
    assert lines[0].format() in before.decode()


def test_a_tree_that_cannot_be_stored_is_not_signed(state, monkeypatch):
    signed = []
    monkeypatch.setattr("transparency_log.witness.cosign", lambda *a: signed.append(a) or cosign(*a))

    def full(*_):
        raise StorageError("disk-full", path="x", reason="x")

    witness = Witness(SIGNER, state)
    really, state.replace = state.replace, full
    with pytest.raises(StorageError):
        witness.add_checkpoint(request(0, 3), now=NOW, logs=LOGS)
    assert (signed, state.read(ORIGIN)) == ([], None)
    state.replace = really  # somebody made room
    assert witness.add_checkpoint(request(0, 3), now=NOW, logs=LOGS)
    assert len(signed) == 1


def test_after_a_failed_fsync_a_witness_signs_nothing_until_it_is_started_again(state):
    def failing(*_):
        raise StorageError("fsync-failed", path="x", reason="x")

    witness = Witness(SIGNER, state)
    really, state.replace = state.replace, failing
    with pytest.raises(StorageError):
        witness.add_checkpoint(request(0, 3), now=NOW, logs=LOGS)
    state.replace = really
    with pytest.raises(WitnessError, match="witness-stopped") as error:
        witness.add_checkpoint(request(0, 3), now=NOW, logs=LOGS)
    assert error.value.status == 503
    assert Witness(SIGNER, state).add_checkpoint(request(0, 3), now=NOW, logs=LOGS)


def test_within_one_second_the_same_answer_is_given_without_a_write_or_a_signature(witness, state, monkeypatch):
    lines = witness.add_checkpoint(request(0, 3), now=NOW, logs=LOGS)
    monkeypatch.setattr("transparency_log.witness.cosign", lambda *_: 1 / 0)
    monkeypatch.setattr(state, "replace", lambda *_: 1 / 0)
    assert witness.add_checkpoint(request(3, 3), now=NOW, logs=LOGS) == lines
    with pytest.raises(ZeroDivisionError):
        witness.add_checkpoint(request(3, 3), now=NOW + 1, logs=LOGS)


def test_of_two_requests_for_a_later_time_the_slower_one_is_granted_too(witness, state):
    witness.add_checkpoint(request(0, 3), now=NOW, logs=LOGS)
    really = state.replace
    times = iter([NOW + 1, NOW + 2])

    def overtaken(origin, old, new):
        del state.replace
        witness.add_checkpoint(request(3, 3), now=NOW + 2, logs=LOGS)
        return really(origin, old, new)

    state.replace = overtaken
    lines = witness.answer(witness.check(request(3, 3), logs=LOGS), clock=lambda: next(times))
    assert cosignatures(Note(note(3).text, lines), [SIGNER.verifier])[0].timestamp == NOW + 2


def test_a_second_tree_of_one_size_is_told_with_what_convicts_the_log(witness):
    witness.add_checkpoint(request(0, 5), now=NOW, logs=LOGS)
    fork = [leaf_hash(b"fork"), *LEAVES[1:]]
    with pytest.raises(WitnessError, match="log-forked") as error:
        witness.add_checkpoint(request(5, 5, fork), now=NOW, logs=LOGS)
    assert error.value.status == 422
    convicted = Fork.parse(error.value.params["evidence"].encode()).convict(LOG.verifier)
    assert {tree.root for tree in convicted} == {Tree(leaves[:5]).root() for leaves in (LEAVES, fork)}


def test_a_floor_is_remembered_after_a_restart(tmp_path):
    path = tmp_path / "witness.sqlite"
    with SqliteWitnessState.create(path) as state:
        witness = Witness(SIGNER, state)
        assert status(witness, request(0, 3), now=NOW - 1, floor=NOW) == 503
        witness.raise_floor(NOW + 5)
        witness.raise_floor(NOW + 4)
    with SqliteWitnessState(path) as state:
        witness = Witness(SIGNER, state)
        assert status(witness, request(0, 3), now=NOW + 4) == 503
        assert witness.add_checkpoint(request(0, 3), now=NOW + 5, logs=LOGS)


def test_the_clock_is_read_after_the_times_that_it_is_compared_with(witness, state):
    asked = witness.check(request(0, 3), logs=LOGS)
    told = []

    def clock():
        # Meanwhile another thread signs for another log, a second later than the time that is handed out here.
        told.append(state.last_time())
        state.replace("other", None, Seen(0, EMPTY_ROOT, NOW + 1, b""))
        return NOW

    assert witness.answer(asked, clock=clock)
    assert told == [0]


def test_a_mirror_cosigns_only_what_it_holds(state):
    held = []

    def hold(checkpoint):
        if checkpoint.size > 3:
            raise WitnessError("not-held", status=503)
        held.append(checkpoint)

    witness = Witness(SIGNER, state, hold=hold)
    assert status(witness, request(0, 3), logs={}) == 404
    assert held == []
    witness.add_checkpoint(request(0, 3), now=NOW, logs=LOGS)
    assert held == [Checkpoint(ORIGIN, 3, Tree(LEAVES[:3]).root())]
    assert status(witness, request(3, 5)) == 503
    assert state.read(ORIGIN).size == 3


def test_an_origin_that_no_second_key_could_sign_is_a_bad_request(witness):
    long = log_signer("é" * 128)
    text = Checkpoint(long.name, 0, EMPTY_ROOT).format()
    body = add_checkpoint_request(0, [], Note(text, (long.sign(text),)))
    assert status(witness, body, logs={long.name: long.verifier}) == 400


def test_of_two_forks_at_once_exactly_one_is_cosigned(tmp_path):
    fork = [leaf_hash(b"fork"), *LEAVES[1:]]
    bodies = [request(0, 5), request(0, 5, fork)] * 4
    with SqliteWitnessState.create(tmp_path / "witness.sqlite") as state:
        witness, ready, signed, refused = Witness(SIGNER, state), threading.Barrier(len(bodies)), [], []

        def ask(body):
            ready.wait()
            try:
                lines = witness.add_checkpoint(body, now=NOW, logs=LOGS)
            except WitnessError as error:
                refused.append(error.status)
            else:
                signed.append((parse_add_checkpoint(body).note.text, lines))

        threads = [threading.Thread(target=ask, args=(body,)) for body in bodies]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len({text for text, _ in signed}) == 1
        assert len(signed) + len(refused) == len(bodies)
        assert set(refused) <= {409, 422}
        assert state.read(ORIGIN).root.hex() in {Tree(leaves[:5]).root().hex() for leaves in (LEAVES, fork)}
