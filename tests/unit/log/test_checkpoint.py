from dataclasses import replace

import pytest

from support.keys import ORIGIN, flipped_bits, grease, log_signer, witness_signer
from transparency_log import note as note_module
from transparency_log.checkpoint import (
    Checkpoint,
    Cosignature,
    cosign,
    cosignatures,
    open_checkpoint,
    sign_checkpoint,
)
from transparency_log.encoding import MAX_INT
from transparency_log.errors import CheckpointError, NoteError
from transparency_log.merkle import EMPTY_ROOT, leaf_hash
from transparency_log.note import COSIGNATURE_ML_DSA_44, Note, Signature, Verifier

LOG = log_signer()
W1, W2 = witness_signer("w1.example"), witness_signer("w2.example")
CHECKPOINT = Checkpoint(ORIGIN, 1, leaf_hash(b"entry"))
NOTE = sign_checkpoint(CHECKPOINT, LOG)
TIME = 1_790_000_000


def with_lines(*signatures):
    return Note(NOTE.text, (*NOTE.signatures, *signatures))


def test_a_checkpoint_is_three_lines():
    assert CHECKPOINT.format().splitlines() == [ORIGIN, "1", CHECKPOINT.format().splitlines()[2]]
    assert CHECKPOINT.format().startswith(f"{ORIGIN}\n1\n")
    assert Checkpoint.parse(CHECKPOINT.format()) == CHECKPOINT
    opened = open_checkpoint(NOTE.format(), LOG.verifier)
    assert (opened.checkpoint, opened.note) == (CHECKPOINT, NOTE)


def test_extension_lines_of_others_are_read_and_ours_are_never_signed():
    extended = replace(CHECKPOINT, extensions=("Timestamp: 1", "more"))
    assert Checkpoint.parse(extended.format()) == extended
    with pytest.raises(CheckpointError, match="extension-line"):
        sign_checkpoint(extended, LOG)
    with pytest.raises(CheckpointError, match="extension-line"):
        cosign(W1, extended.format(), TIME)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "o\n1\n",
        "\n1\n{root}\n",
        "o\n\n{root}\n",
        "o\n1\n\n",
        "o\n01\n{root}\n",
        "o\n-1\n{root}\n",
        "o\n+1\n{root}\n",
        "o\n1 \n{root}\n",
        "o\n9223372036854775808\n{root}\n",
        "o\n1\n{root}",
        "o\n1\n{root}\n\n",
        "o\n1\n{root}\n\nextension\n",
        "o\n1\n{root}=\n",
        "o\n1\nAAAA\n",
        "o\n1\n {root}\n",
    ],
)
def test_malformed_checkpoints_are_refused(text):
    with pytest.raises(CheckpointError):
        Checkpoint.parse(text.replace("{root}", CHECKPOINT.format().splitlines()[2]))


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("line", {"origin": ""}),
        ("line", {"origin": "two\nlines"}),
        ("line", {"extensions": ("",)}),
        ("size-out-of-range", {"size": -1}),
        ("size-out-of-range", {"size": MAX_INT + 1}),
        ("root-length", {"root": bytes(31)}),
    ],
)
def test_a_checkpoint_that_would_not_read_back_cannot_be_made(code, changes):
    with pytest.raises(CheckpointError, match=code):
        replace(CHECKPOINT, **changes)


def test_the_key_of_one_log_does_not_speak_for_another_origin():
    other = Checkpoint("other.example/log", 1, CHECKPOINT.root).format()
    data = Note(other, (LOG.sign(other),)).format()
    with pytest.raises(CheckpointError, match="origin-mismatch"):
        open_checkpoint(data, LOG.verifier)
    assert open_checkpoint(data, LOG.verifier, origin="other.example/log").checkpoint.size == 1
    with pytest.raises(CheckpointError, match="origin-mismatch"):
        sign_checkpoint(replace(CHECKPOINT, origin="other.example/log"), LOG)


def test_an_empty_tree_has_the_empty_root():
    assert sign_checkpoint(Checkpoint(ORIGIN, 0, EMPTY_ROOT), LOG)
    with pytest.raises(CheckpointError, match="empty-tree-root"):
        sign_checkpoint(Checkpoint(ORIGIN, 0, leaf_hash(b"")), LOG)


def test_an_origin_too_long_for_every_cosigner_is_not_signed():
    name = "o" * 256
    with pytest.raises(CheckpointError, match="origin-length"):
        sign_checkpoint(Checkpoint(name, 0, EMPTY_ROOT), log_signer(name))
    assert sign_checkpoint(Checkpoint(name[1:], 0, EMPTY_ROOT), log_signer(name[1:]))


def test_cosignatures_are_found_among_unknown_lines_in_their_order():
    lines = [cosign(W2, NOTE.text, TIME + 1), grease(1), cosign(W1, NOTE.text, TIME), cosign(W2, NOTE.text, TIME)]
    note = Note.parse(with_lines(*lines).format())
    assert cosignatures(note, [W1.verifier, W2.verifier]) == (
        Cosignature(W2.verifier, TIME + 1),
        Cosignature(W1.verifier, TIME),
        Cosignature(W2.verifier, TIME),
    )
    assert cosignatures(note, [W1.verifier]) == (Cosignature(W1.verifier, TIME),)
    assert cosignatures(NOTE, [W1.verifier]) == ()


def test_every_flipped_bit_of_a_cosignature_is_refused_the_time_included():
    line = cosign(W1, NOTE.text, TIME)
    for mangled in flipped_bits(line.data):
        with pytest.raises(CheckpointError):
            cosignatures(with_lines(replace(line, data=mangled)), [W1.verifier])
    for data in (line.data[:-1], line.data + b"\0", line.data[8:]):
        with pytest.raises(CheckpointError, match="cosignature-length"):
            cosignatures(with_lines(replace(line, data=data)), [W1.verifier])


def test_a_cosignature_of_one_checkpoint_does_not_fit_another():
    line = cosign(W1, NOTE.text, TIME)
    other = sign_checkpoint(replace(CHECKPOINT, size=2), LOG)
    with pytest.raises(CheckpointError, match="cosignature-invalid"):
        cosignatures(Note(other.text, (*other.signatures, line)), [W1.verifier])


def test_a_log_signature_is_not_a_cosignature_nor_the_other_way_round():
    with pytest.raises(CheckpointError, match="not-a-cosigner-key"):
        cosign(LOG, NOTE.text, TIME)
    with pytest.raises(CheckpointError, match="not-a-cosigner-key"):
        cosignatures(NOTE, [LOG.verifier])
    text = Checkpoint(W1.name, 1, CHECKPOINT.root).format()
    with pytest.raises(CheckpointError, match="not-a-log-key"):
        open_checkpoint(Note(text, (cosign(W1, text, TIME),)).format(), W1.verifier)


@pytest.mark.parametrize("timestamp", [0, -1, MAX_INT + 1])
def test_a_time_outside_its_range_is_not_signed(timestamp):
    with pytest.raises(CheckpointError, match="timestamp-out-of-range"):
        cosign(W1, NOTE.text, timestamp)


def test_a_time_above_the_range_is_refused_even_when_signed():
    message = f"cosignature/v1\ntime {MAX_INT + 1}\n{NOTE.text}".encode()
    data = (MAX_INT + 1).to_bytes(8) + W1.sign_bytes(message)
    with pytest.raises(CheckpointError, match="timestamp-out-of-range"):
        cosignatures(with_lines(Signature(W1.name, W1.verifier.key_id, data)), [W1.verifier])


def test_only_a_checkpoint_is_cosigned():
    with pytest.raises(CheckpointError):
        cosign(W1, "not a checkpoint\n", TIME)
    with pytest.raises(NoteError):
        cosign(W1, NOTE.text[:-1], TIME)


class TestMlDsa:
    @pytest.fixture
    def key(self):
        mldsa = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.mldsa")
        return mldsa.MLDSA44PrivateKey.from_seed_bytes(bytes(32))

    @pytest.fixture
    def verifier(self, key):
        verifier = Verifier("pq.example", COSIGNATURE_ML_DSA_44, key.public_key().public_bytes_raw())
        if not verifier.supported:
            pytest.skip("the installed cryptography cannot check ML-DSA-44")
        return verifier

    def line(self, key, verifier, *, timestamp=TIME, name=None, start=0, checkpoint=CHECKPOINT):
        origin, cosigner = checkpoint.origin.encode(), (name or verifier.name).encode()
        message = b"subtree/v1\n\0" + bytes([len(cosigner)]) + cosigner + timestamp.to_bytes(8)
        message += bytes([len(origin)]) + origin + start.to_bytes(8) + checkpoint.size.to_bytes(8) + checkpoint.root
        return Signature(verifier.name, verifier.key_id, timestamp.to_bytes(8) + key.sign(message))

    def test_a_cosignature_is_verified_beside_an_ed25519_one(self, key, verifier):
        note = with_lines(cosign(W1, NOTE.text, TIME), self.line(key, verifier))
        found = cosignatures(note, [W1.verifier, verifier])
        assert found == (Cosignature(W1.verifier, TIME), Cosignature(verifier, TIME))

    def test_a_time_of_zero_is_returned_for_the_policy_to_leave_out(self, key, verifier):
        found = cosignatures(with_lines(self.line(key, verifier, timestamp=0)), [verifier])
        assert found == (Cosignature(verifier, 0),)

    def test_another_name_subtree_size_or_changed_byte_is_refused(self, key, verifier):
        good = self.line(key, verifier)
        bad = [
            self.line(key, verifier, name="other.example"),
            self.line(key, verifier, start=1),
            self.line(key, verifier, checkpoint=replace(CHECKPOINT, size=2)),
            self.line(key, verifier, checkpoint=replace(CHECKPOINT, origin="other.example")),
            replace(good, data=(TIME + 1).to_bytes(8) + good.data[8:]),
            replace(good, data=good.data[:-1] + bytes([good.data[-1] ^ 1])),
        ]
        for line in bad:
            with pytest.raises(CheckpointError, match="cosignature-invalid"):
                cosignatures(with_lines(line), [verifier])

    def test_an_origin_too_long_for_its_length_byte_is_refused(self, key, verifier):
        text = replace(CHECKPOINT, origin="o" * 256).format()
        with pytest.raises(CheckpointError, match="name-length"):
            cosignatures(Note(text, (self.line(key, verifier),)), [verifier])

    def test_a_log_may_sign_with_it(self, key, verifier):
        checkpoint = Checkpoint(verifier.name, 1, CHECKPOINT.root)
        line = self.line(key, verifier, checkpoint=checkpoint)
        assert open_checkpoint(Note(checkpoint.format(), (line,)).format(), verifier).checkpoint == checkpoint
        with pytest.raises(CheckpointError, match="no-known-signature"):
            open_checkpoint(Note(checkpoint.format(), (grease(1),)).format(), verifier)

    def test_where_it_cannot_be_checked_it_is_unknown_and_not_invalid(self, key, verifier, monkeypatch):
        note = with_lines(cosign(W1, NOTE.text, TIME), self.line(key, verifier))
        monkeypatch.setattr(note_module, "mldsa", None)
        assert cosignatures(note, [W1.verifier, verifier]) == (Cosignature(W1.verifier, TIME),)
