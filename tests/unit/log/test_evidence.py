import pytest

from support.followed import SIGNER, VERIFIER, Source, signed_note
from support.keys import ORIGIN, flipped_bits, grease, log_signer, ml_dsa_signer, witness_signer
from transparency_log.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from transparency_log.errors import EvidenceError, LogError, MerkleError, NoteError
from transparency_log.evidence import MAX_EVIDENCE, Fork, find_fork
from transparency_log.merkle import EMPTY_ROOT, Tree, leaf_hash, root
from transparency_log.note import Note

ONE = Tree([leaf_hash(b"one %d" % number) for number in range(300)])
TWO = Tree([leaf_hash(b"two %d" % number) for number in range(300)])


def part(tree, size):
    return Tree(tree.node(0, index) for index in range(size))


def signed(tree, size):
    return open_checkpoint(signed_note(size, part(tree, size).root()), VERIFIER)


def fork(old, new):
    return find_fork(signed(ONE, old), signed(TWO, new), log_verifier=VERIFIER, node=part(TWO, new).node)


def convicts(data):
    try:
        Fork.parse(data).convict(VERIFIER)
    except LogError:
        return False
    return True


SIZES = [(1, 1), (1, 2), (3, 3), (3, 4), (4, 7), (5, 8), (255, 256), (256, 300), (299, 300)]


@pytest.mark.parametrize(("old", "new"), SIZES)
def test_two_histories_convict_by_a_file_alone(old, new):
    evidence = fork(old, new)
    assert Fork.parse(evidence.format()) == evidence
    smaller, larger = Fork.parse(evidence.format()).convict(VERIFIER)
    assert (smaller.size, larger.size) == (old, new)


@pytest.mark.parametrize(("old", "new"), SIZES)
def test_one_history_gives_no_evidence(old, new):
    assert find_fork(signed(ONE, new), signed(ONE, old), log_verifier=VERIFIER, node=part(ONE, new).node) is None


def test_every_mangled_bit_of_the_evidence_is_refused():
    data = fork(3, 5).format()
    assert convicts(data)
    assert not any(map(convicts, flipped_bits(data)))
    for at in range(len(data)):
        assert not convicts(data[:at] + data[at + 1 :])
        assert not convicts(data[:at])
        assert not convicts(data[:at] + b"\n" + data[at:])


def test_the_tree_of_no_leaves_has_one_root():
    wrong = open_checkpoint(signed_note(2, leaf_hash(b"x")), VERIFIER)
    zero = open_checkpoint(bytes(Note((text := Checkpoint(ORIGIN, 0, leaf_hash(b"x")).format()),
                                      (SIGNER.sign(text),)).format()), VERIFIER)  # fmt: skip
    evidence = find_fork(zero, wrong, log_verifier=VERIFIER, node=ONE.node)
    assert Fork.parse(evidence.format()).convict(VERIFIER)[0].root != EMPTY_ROOT
    honest = open_checkpoint(signed_note(0, EMPTY_ROOT), VERIFIER)
    assert find_fork(honest, wrong, log_verifier=VERIFIER, node=ONE.node) is None
    with pytest.raises(EvidenceError, match="not-a-fork"):
        Fork(honest.note, wrong.note).convict(VERIFIER)


def test_cosignatures_and_unknown_lines_are_left_out_of_the_evidence():
    source = Source(3)
    source.cosign()
    cosigned = open_checkpoint(source.files["checkpoint"], VERIFIER)
    strange = open_checkpoint(Note(signed(TWO, 3).note.text, (grease(1), *signed(TWO, 3).note.signatures)).format(),
                              VERIFIER)  # fmt: skip
    evidence = find_fork(cosigned, strange, log_verifier=VERIFIER, node=ONE.node)
    assert [len(note.signatures) for note in (evidence.smaller, evidence.larger)] == [1, 1]
    assert convicts(evidence.format())
    with pytest.raises(EvidenceError, match="evidence-signatures"):
        Fork(cosigned.note, evidence.larger)


def test_another_logs_key_is_not_convicted():
    data = fork(3, 5).format()
    for other in (log_signer("other.example"), SIGNER.from_seed(ORIGIN, bytes(32)), witness_signer(ORIGIN)):
        with pytest.raises(LogError):
            Fork.parse(data).convict(other.verifier)


def test_a_log_with_a_post_quantum_key_is_convicted_likewise():
    signer = ml_dsa_signer(ORIGIN)
    notes = (sign_checkpoint(Checkpoint(ORIGIN, 3, leaf_hash(x)), SIGNER, signer) for x in (b"1", b"2"))
    one, two = (open_checkpoint(note.format(), signer.verifier) for note in notes)
    evidence = find_fork(one, two, log_verifier=signer.verifier, node=ONE.node)
    assert len(evidence.format()) < MAX_EVIDENCE / 2
    assert Fork.parse(evidence.format()).convict(signer.verifier)


def test_evidence_that_is_not_in_its_one_form_is_refused():
    good = fork(3, 5)
    data = good.format()
    head, rest = data.split(b"\n\n", 1)
    lines = head.split(b"\n")
    for bad in (
        b"", b"fork/v1\n", data * 2, data.replace(b"fork/v1", b"fork/v2"), data.replace(b"root ", b"Root "),
        b"\n".join([lines[0], *lines[2:]]) + b"\n\n" + rest,
        b"\n".join([lines[0], lines[1][:-4], *lines[2:]]) + b"\n\n" + rest,
        head + b"\n\xff\n\n" + rest, head + b"\nnot base64\n\n" + rest, data + b" " * MAX_EVIDENCE,
    ):  # fmt: skip
        with pytest.raises((EvidenceError, NoteError)):
            Fork.parse(bad)
    for hashes in (good.proof[:-1], (*good.proof, good.proof[0]), good.proof[::-1]):
        with pytest.raises(MerkleError):
            Fork(good.smaller, good.larger, good.root, hashes).convict(VERIFIER)
    with pytest.raises(EvidenceError, match="proof-length"):
        Fork(good.smaller, good.larger, None, good.proof)
    with pytest.raises(EvidenceError, match="proof-length"):
        Fork(good.smaller, good.larger, good.root, good.proof * 64)
    with pytest.raises(EvidenceError, match="evidence-format"):
        Fork(good.smaller, good.larger).convict(VERIFIER)
    with pytest.raises(EvidenceError, match="evidence-order"):
        Fork(good.larger, good.smaller, good.root, good.proof).convict(VERIFIER)
    same = fork(3, 3)
    with pytest.raises(MerkleError, match="proof-length"):
        Fork(same.smaller, same.larger, root([]), ()).convict(VERIFIER)
