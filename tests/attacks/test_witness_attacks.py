"""Attacks on a witness: on its clock, its memory, its answers, and on the time that it has (docs/threat-model.md)."""

import gzip
import io
import shutil
from dataclasses import replace

import pytest
from werkzeug.test import Client, EnvironBuilder, run_wsgi_app

from fairdraw.errors import WorkspaceError
from fairdraw_cli.beaconfloor import CHAIN, newest_time
from fairdraw_cli.witnessing import Home
from support.keys import ORIGIN, grease, log_signer, witness_signer
from transparency_log.checkpoint import Checkpoint, cosign, cosignatures, open_checkpoint, sign_checkpoint
from transparency_log.encoding import MAX_INT
from transparency_log.endpoint import Rate, WitnessSite
from transparency_log.errors import CheckpointError, SequenceError, WitnessError
from transparency_log.evidence import find_fork
from transparency_log.merkle import EMPTY_ROOT, Tree, leaf_hash
from transparency_log.note import Note
from transparency_log.policy import Policy, order_time, suffices
from transparency_log.seen import MemoryWitnessState, SqliteWitnessState, origin_hash
from transparency_log.witness import MAX_REQUEST, Witness, add_checkpoint_request

LOG = log_signer()
OTHER = log_signer("other.example")
SIGNER = witness_signer("witness.example")
LOGS = {ORIGIN: LOG.verifier, OTHER.name: OTHER.verifier}
HONEST = [leaf_hash(b"%d" % number) for number in range(20)]
FORKED = [*HONEST[:3], leaf_hash(b"fork"), *HONEST[4:]]
NOW = 1_790_000_000


def note(size, leaves=HONEST, log=LOG):
    return sign_checkpoint(Checkpoint(log.name, size, Tree(leaves[:size]).root()), log)


def request(old, new, leaves=HONEST, log=LOG):
    proof = Tree(leaves[:new]).consistency_proof(old) if old else []
    return add_checkpoint_request(old, proof, note(new, leaves, log))


def refused(witness, body, *, now=NOW, floor=0):
    with pytest.raises(WitnessError) as error:
        witness.add_checkpoint(body, now=now, floor=floor, logs=LOGS)
    return error.value.status


# -- 20: slow clocks ----------------------------------------------------------------------------------------------


def test_a_witness_that_is_started_again_with_a_slow_clock_still_knows_which_round_had_passed(tmp_path):
    path = tmp_path / "witness.sqlite"
    with SqliteWitnessState.create(path) as state:
        Witness(SIGNER, state).raise_floor(NOW)
    with SqliteWitnessState(path) as state:
        witness = Witness(SIGNER, state)
        assert refused(witness, request(0, 3), now=NOW - 1) == 503
        assert refused(witness, request(0, 3), now=NOW - 1, floor=NOW - 900) == 503  # nor can a relay lower it
        assert witness.add_checkpoint(request(0, 3), now=NOW, logs=LOGS)  # the honest twin


def test_a_clock_that_stepped_back_behind_a_signature_signs_for_no_log(tmp_path):
    path = tmp_path / "witness.sqlite"
    with SqliteWitnessState.create(path) as state:
        Witness(SIGNER, state).add_checkpoint(request(0, 3), now=NOW, logs=LOGS)
    with SqliteWitnessState(path) as state:
        witness = Witness(SIGNER, state)
        for body in (request(3, 5), request(3, 3), request(0, 3, log=OTHER)):
            assert refused(witness, body, now=NOW - 1) == 503
        assert witness.add_checkpoint(request(0, 3, log=OTHER), now=NOW, logs=LOGS)


def test_a_slowed_clock_is_found_out_by_a_round_that_it_takes_for_a_future_one():
    # Whoever asks a beacon only for what is due by the own, slow, clock never learns that it is slow.
    slow = NOW - 900
    witness = Witness(SIGNER, MemoryWitnessState())
    witness.raise_floor(newest_time(CHAIN, slow, lambda number: CHAIN.time_of(number) <= NOW))
    assert refused(witness, request(0, 3), now=slow) == 503
    assert witness.add_checkpoint(request(0, 3), now=NOW, logs=LOGS)


@pytest.mark.parametrize("now", [0, -1, MAX_INT + 1, 2**64])
def test_a_time_that_no_cosignature_can_state_is_not_signed(now):
    state = MemoryWitnessState()
    assert refused(Witness(SIGNER, state), request(0, 3), now=now) == 503
    assert state.read(ORIGIN) is None


# -- 23: one witness twice ----------------------------------------------------------------------------------------


def test_a_witness_that_cosigns_one_checkpoint_twice_counts_once():
    witness = Witness(SIGNER, MemoryWitnessState())
    first = witness.add_checkpoint(request(0, 3), now=NOW, logs=LOGS)
    second = witness.add_checkpoint(request(3, 3), now=NOW + 60, logs=LOGS)
    lone = witness_signer("lone.example").verifier
    text = (
        f"log {LOG.verifier.vkey}\nwitness a {SIGNER.verifier.vkey}\nwitness b {lone.vkey}\ngroup g 2 a b\nquorum g\n"
    )
    policy = Policy.parse(text)
    found = cosignatures(Note(note(3).text, (*first, *second)), [SIGNER.verifier, lone])
    assert [one.timestamp for one in found] == [NOW, NOW + 60]
    assert not suffices(policy, found)
    assert suffices(replace(policy, quorum="a"), found)
    assert order_time(replace(policy, quorum="a"), found) == NOW


# -- 24: forks, replays and old memories --------------------------------------------------------------------------


def test_a_fork_is_cosigned_on_one_side_only_whichever_comes_first():
    for first, second in ((HONEST, FORKED), (FORKED, HONEST)):
        witness = Witness(SIGNER, MemoryWitnessState())
        witness.add_checkpoint(request(0, 5, first), now=NOW, logs=LOGS)
        assert refused(witness, request(5, 5, second)) == 422
        assert refused(witness, request(5, 9, second)) == 422
        assert refused(witness, request(0, 9, second)) == 409
        assert refused(witness, request(3, 9, second)) == 409
        assert witness.add_checkpoint(request(5, 9, first), now=NOW, logs=LOGS)


def test_a_request_that_lies_about_what_the_witness_saw_gets_nothing():
    witness = Witness(SIGNER, MemoryWitnessState())
    witness.add_checkpoint(request(0, 5), now=NOW, logs=LOGS)
    # An empty tree again, or an earlier size of the fork, from which everything would follow.
    empty = sign_checkpoint(Checkpoint(ORIGIN, 0, EMPTY_ROOT), LOG)
    assert refused(witness, add_checkpoint_request(0, [], empty)) == 409
    assert refused(witness, add_checkpoint_request(0, [], note(9, FORKED))) == 409
    assert refused(witness, request(3, 9, FORKED)) == 409


def test_a_cosignature_replayed_under_another_log_or_size_is_none():
    witness = Witness(SIGNER, MemoryWitnessState())
    (line,) = witness.add_checkpoint(request(0, 3), now=NOW, logs=LOGS)
    for other in (note(3, log=OTHER), note(5), note(3, FORKED[::-1])):
        with pytest.raises(CheckpointError, match="cosignature-invalid"):
            cosignatures(Note(other.text, (line,)), [SIGNER.verifier])
    assert cosignatures(Note(note(3).text, (line,)), [SIGNER.verifier])
    later = replace(line, data=(NOW + 1).to_bytes(8) + line.data[8:])
    with pytest.raises(CheckpointError, match="cosignature-invalid"):
        cosignatures(Note(note(3).text, (later,)), [SIGNER.verifier])


def test_lines_that_a_request_brings_along_are_not_shown_as_the_witness_s_own():
    # A line in the witness's name, made up or of another time, must not stand under what monitors get.
    witness = Witness(SIGNER, MemoryWitnessState())
    forged = replace(cosign(SIGNER, note(3).text, NOW), data=bytes(72))
    crowd = [grease(number) for number in range(60)]
    body = add_checkpoint_request(0, [], Note(note(3).text, (forged, *note(3).signatures, *crowd)))
    lines = witness.add_checkpoint(body, now=NOW, logs=LOGS)
    assert Note.parse(witness.monitored(origin_hash(ORIGIN))).signatures == (*note(3).signatures, *lines)


def test_a_witness_s_memory_that_went_missing_is_not_begun_anew(tmp_path):
    path = tmp_path / "witness.sqlite"
    with SqliteWitnessState.create(path) as state:
        Witness(SIGNER, state).add_checkpoint(request(0, 5), now=NOW, logs=LOGS)
    path.rename(tmp_path / "mislaid")
    with pytest.raises(SequenceError, match="state-missing"):
        SqliteWitnessState(path)
    assert not path.exists()
    (tmp_path / "mislaid").rename(path)
    with SqliteWitnessState(path) as state:
        assert refused(Witness(SIGNER, state), request(0, 5, FORKED)) == 409


def test_a_memory_restored_from_an_old_backup_lets_a_fork_pass_and_two_cosigned_notes_convict_the_log(tmp_path):
    # No witness can know that its memory is an old one: that is why key and memory are restored together or not at
    # all, and why a quorum is more than one. What was cosigned before the restore is somewhere, and convicts.
    path = tmp_path / "witness.sqlite"
    with SqliteWitnessState.create(path) as state:
        Witness(SIGNER, state).add_checkpoint(request(0, 3), now=NOW, logs=LOGS)
    shutil.copy(path, tmp_path / "backup")
    with SqliteWitnessState(path) as state:
        before = Witness(SIGNER, state)
        before.add_checkpoint(request(3, 5), now=NOW + 1, logs=LOGS)
        shown = open_checkpoint(before.monitored(origin_hash(ORIGIN)), LOG.verifier)
    shutil.copy(tmp_path / "backup", path)
    with SqliteWitnessState(path) as state:
        after = Witness(SIGNER, state)
        after.add_checkpoint(request(3, 5, FORKED), now=NOW + 2, logs=LOGS)
        now_shown = open_checkpoint(after.monitored(origin_hash(ORIGIN)), LOG.verifier)
    fork = find_fork(shown, now_shown, log_verifier=LOG.verifier, node=lambda *_: b"")
    assert fork.convict(LOG.verifier)
    for signed in (shown, now_shown):
        assert cosignatures(signed.note, [SIGNER.verifier])


def test_another_key_under_the_name_of_a_log_that_was_cosigned_is_not_taken_into_the_list(tmp_path):
    thief = replace(LOG, seed=bytes(32))
    home = Home.create(tmp_path / "w", "witness.example", second=False, logs=f"log {LOG.verifier.vkey}\n")
    with home.state() as state:
        Witness(home.signers[0], state).add_checkpoint(request(0, 3), now=NOW, logs=home.logs(state).verifiers)
        (tmp_path / "w" / "logs").write_text(f"log {thief.verifier.vkey}\n")
        with pytest.raises(WorkspaceError, match="log-key-changed"):
            home.logs(state)
        (tmp_path / "w" / "logs").write_text(f"log {LOG.verifier.vkey} https://log.example/\n")
        assert home.logs(state).verifiers == {ORIGIN: LOG.verifier}


# -- the witness itself -------------------------------------------------------------------------------------------


def site(witness, **options):
    return WitnessSite(witness, logs=lambda: LOGS, clock=lambda: NOW, monotonic=lambda: 0.0, **options)


class Endless(io.RawIOBase):
    """A body without an end."""

    taken = 0

    def readable(self):
        return True

    def read(self, size=-1):
        assert size > 0, "nobody may ask for all of it"
        self.taken += size
        return b"A" * size

    def readinto(self, buffer):
        buffer[:] = self.read(len(buffer))
        return len(buffer)


def test_a_body_without_an_end_is_read_up_to_the_limit():
    state, body = MemoryWitnessState(), Endless()
    environ = EnvironBuilder(path="/add-checkpoint", method="POST").get_environ() | {"wsgi.input": body}
    environ |= {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
    rest, status, _ = run_wsgi_app(site(Witness(SIGNER, state)), environ)
    list(rest)
    assert status.startswith("400")
    assert body.taken <= 2 * MAX_REQUEST


def test_a_bomb_in_a_compressed_body_is_not_unfolded():
    state = MemoryWitnessState()
    bomb = gzip.compress(bytes(1 << 24))
    answer = Client(site(Witness(SIGNER, state))).post(
        "/add-checkpoint", data=bomb, headers={"Content-Encoding": "gzip"}
    )
    assert answer.status_code == 415


HUGE = "9" * 4000


@pytest.mark.parametrize(
    ("old", "size"),
    [(HUGE, "3"), ("0", HUGE), (str(2**63), str(2**63)), ("0", str(2**63)), ("-1", "3"), ("0", "1e9"), ("0", "３")],
)
def test_a_huge_or_strange_number_is_a_bad_request(old, size):
    state = MemoryWitnessState()
    text = f"{ORIGIN}\n{size}\n{note(3).text.splitlines()[2]}\n"
    body = f"old {old}\n\n".encode() + Note(text, (LOG.sign(text),)).format()
    assert refused(Witness(SIGNER, state), body) == 400
    assert state.read(ORIGIN) is None


def test_the_largest_size_there_is_can_be_cosigned_and_asked_for_again(tmp_path):
    signed = sign_checkpoint(Checkpoint(ORIGIN, MAX_INT, bytes(32)), LOG)
    with SqliteWitnessState.create(tmp_path / "witness.sqlite") as state:
        witness = Witness(SIGNER, state)
        witness.add_checkpoint(add_checkpoint_request(0, [], signed), now=MAX_INT, logs=LOGS)
        assert witness.add_checkpoint(add_checkpoint_request(MAX_INT, [], signed), now=MAX_INT, logs=LOGS)
        assert refused(witness, add_checkpoint_request(0, [], signed), now=MAX_INT) == 409


def test_a_flood_of_replays_and_junk_costs_no_write_and_does_not_lock_the_log_out():
    state = MemoryWitnessState()
    client = Client(site(Witness(SIGNER, state), rate=Rate(per_second=0, burst=2)))

    def post(body):
        return client.post("/add-checkpoint", data=body).status_code

    assert post(request(0, 3)) == 200
    really, state.replace = state.replace, lambda *_: pytest.fail("a stranger made the witness write")
    stranger = Note(note(5).text, (grease(1),))
    for _ in range(50):
        assert post(request(3, 3)) == 200
        assert post(request(0, 3)) == 409
        assert post(add_checkpoint_request(3, [], stranger)) == 403
        assert post(add_checkpoint_request(3, [], note(5))) == 422
        assert post(request(0, 3, log=log_signer("unknown.example"))) == 404
    state.replace = really
    assert post(request(3, 5)) == 200


def test_a_stranger_who_is_faster_with_a_logs_checkpoint_takes_nothing_from_it():
    client = Client(site(Witness(SIGNER, MemoryWitnessState())))
    body = request(0, 3)
    assert client.post("/add-checkpoint", data=body).status_code == 200  # the stranger
    answer = client.post("/add-checkpoint", data=body)
    assert (answer.status_code, answer.data) == (409, b"3\n")
    assert client.post("/add-checkpoint", data=request(3, 3)).status_code == 200  # what the log then asks for
