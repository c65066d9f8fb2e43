from dataclasses import replace

import pytest

from support.keys import ORIGIN, flipped_bits, grease, log_signer, ml_dsa_signer, witness_signer
from transparency_log import note as note_module
from transparency_log.checkpoint import (
    Checkpoint,
    Cosignature,
    cosign,
    cosign_own,
    cosignatures,
    open_checkpoint,
    sign_checkpoint,
)
from transparency_log.encoding import MAX_INT
from transparency_log.errors import CheckpointError, LogError, NoteError
from transparency_log.merkle import EMPTY_ROOT, leaf_hash
from transparency_log.note import Note, Signature

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
    def signer(self):
        return ml_dsa_signer("pq.example")

    def line(self, signer, *, timestamp=TIME, name=None, start=0, checkpoint=CHECKPOINT):
        """A 0x06 line put together here, byte by byte, so that it may say what `cosign` never does."""
        origin, cosigner = checkpoint.origin.encode(), (name or signer.name).encode()
        message = b"subtree/v1\n\0" + bytes([len(cosigner)]) + cosigner + timestamp.to_bytes(8)
        message += bytes([len(origin)]) + origin + start.to_bytes(8) + checkpoint.size.to_bytes(8) + checkpoint.root
        return Signature(signer.name, signer.verifier.key_id, timestamp.to_bytes(8) + signer.sign_bytes(message))

    def test_a_cosignature_is_verified_beside_an_ed25519_one(self, signer):
        for line in (self.line(signer), cosign(signer, NOTE.text, TIME)):
            note = Note.parse(with_lines(cosign(W1, NOTE.text, TIME), line).format())
            found = cosignatures(note, [W1.verifier, signer.verifier])
            assert found == (Cosignature(W1.verifier, TIME), Cosignature(signer.verifier, TIME))

    def test_a_time_of_zero_is_returned_for_the_policy_to_leave_out(self, signer):
        found = cosignatures(with_lines(self.line(signer, timestamp=0)), [signer.verifier])
        assert found == (Cosignature(signer.verifier, 0),)

    def test_another_name_subtree_size_or_origin_is_refused(self, signer):
        bad = [
            self.line(signer, name="other.example"),
            self.line(signer, start=1),
            self.line(signer, checkpoint=replace(CHECKPOINT, size=2)),
            self.line(signer, checkpoint=replace(CHECKPOINT, origin="other.example")),
        ]
        for line in bad:
            with pytest.raises(CheckpointError, match="cosignature-invalid"):
                cosignatures(with_lines(line), [signer.verifier])

    def test_a_flipped_bit_of_a_cosignature_is_refused_the_time_included(self, signer):
        line = cosign(signer, NOTE.text, TIME)
        # Every bit of the time and of both ends of the signature, and one bit of every tenth byte between.
        between = (at * 8 + at // 10 % 8 for at in range(72, len(line.data) - 100, 10))
        for at in (*range(72 * 8), *between, *range((len(line.data) - 100) * 8, len(line.data) * 8)):
            mangled = bytearray(line.data)
            mangled[at // 8] ^= 1 << at % 8
            with pytest.raises(CheckpointError):
                cosignatures(with_lines(replace(line, data=bytes(mangled))), [signer.verifier])
        for data in (line.data[:-1], line.data + b"\0", line.data[8:], line.data[:72]):
            with pytest.raises(CheckpointError, match="cosignature-length"):
                cosignatures(with_lines(replace(line, data=data)), [signer.verifier])

    def test_every_flipped_bit_of_the_text_is_noticed(self, signer):
        data = Note(NOTE.text, (cosign(signer, NOTE.text, TIME),)).format()
        size = len(NOTE.text.encode())
        for mangled in flipped_bits(data[:size]):
            with pytest.raises(LogError):
                cosignatures(Note.parse(mangled + data[size:]), [signer.verifier])

    def test_an_extension_line_is_not_covered_and_so_not_signed(self, signer):
        extended = replace(CHECKPOINT, extensions=("more",)).format()
        with pytest.raises(CheckpointError, match="extension-line"):
            cosign(signer, extended, TIME)
        own = replace(CHECKPOINT, origin=signer.name, extensions=("more",)).format()
        with pytest.raises(CheckpointError, match="extension-line"):
            cosign_own(signer, own)

    @pytest.mark.parametrize("timestamp", [0, -1, MAX_INT + 1])
    def test_a_time_outside_its_range_is_not_signed(self, signer, timestamp):
        with pytest.raises(CheckpointError, match="timestamp-out-of-range"):
            cosign(signer, NOTE.text, timestamp)
        if timestamp:
            with pytest.raises(CheckpointError, match="timestamp-out-of-range"):
                cosign_own(signer, Checkpoint(signer.name, 0, EMPTY_ROOT).format(), timestamp)

    def test_names_too_long_for_their_length_byte_are_refused(self, signer):
        text = replace(CHECKPOINT, origin="o" * 256).format()
        with pytest.raises(CheckpointError, match="name-length"):
            cosignatures(Note(text, (self.line(signer),)), [signer.verifier])
        with pytest.raises(CheckpointError, match="name-length"):
            cosign(signer, text, TIME)
        with pytest.raises(CheckpointError, match="name-length"):
            cosign(replace(signer, name="n" * 256), NOTE.text, TIME)

    def test_a_log_signs_its_own_checkpoint_a_second_time_and_states_no_time(self):
        signer = ml_dsa_signer(ORIGIN)
        note = Note.parse(sign_checkpoint(CHECKPOINT, LOG, signer).format())
        assert note.signatures[0] == NOTE.signatures[0]
        for verifier in (LOG.verifier, signer.verifier):
            assert open_checkpoint(note.format(), verifier).checkpoint == CHECKPOINT
        assert cosignatures(note, [signer.verifier]) == (Cosignature(signer.verifier, 0),)
        stated = Note(note.text, (cosign_own(signer, note.text, TIME),))
        assert cosignatures(stated, [signer.verifier]) == (Cosignature(signer.verifier, TIME),)

    def test_a_log_signs_no_checkpoint_of_another_and_with_no_other_kind_of_key(self, signer):
        with pytest.raises(CheckpointError, match="origin-mismatch"):
            cosign_own(signer, NOTE.text)
        with pytest.raises(CheckpointError, match="origin-mismatch"):
            sign_checkpoint(CHECKPOINT, LOG, signer)
        for other in (LOG, witness_signer(ORIGIN)):
            with pytest.raises(CheckpointError, match="not-a-log-key"):
                sign_checkpoint(CHECKPOINT, LOG, other)
        # Alone it is not enough: a public log carries an Ed25519 signature.
        with pytest.raises(NoteError, match="algorithm-not-for-notes"):
            sign_checkpoint(CHECKPOINT, ml_dsa_signer(ORIGIN))

    def test_a_checkpoint_with_only_a_0x06_signature_opens_and_its_twin_does_not(self, signer):
        checkpoint = Checkpoint(signer.name, 1, CHECKPOINT.root)
        line = cosign_own(signer, checkpoint.format())
        assert open_checkpoint(Note(checkpoint.format(), (line,)).format(), signer.verifier).checkpoint == checkpoint
        with pytest.raises(CheckpointError, match="no-known-signature"):
            open_checkpoint(Note(checkpoint.format(), (grease(1),)).format(), signer.verifier)
        other = replace(checkpoint, size=2).format()
        with pytest.raises(CheckpointError, match="cosignature-invalid"):
            open_checkpoint(Note(other, (line,)).format(), signer.verifier)

    def test_where_it_cannot_be_checked_it_is_unknown_and_not_invalid(self, signer, monkeypatch):
        line, verifier = cosign(signer, NOTE.text, TIME), signer.verifier
        note = with_lines(cosign(W1, NOTE.text, TIME), line)
        monkeypatch.setattr(note_module, "mldsa", None)
        assert cosignatures(note, [W1.verifier, verifier]) == (Cosignature(W1.verifier, TIME),)
