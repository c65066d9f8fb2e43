"""ML-DSA-44 lines (0x06) of ours as tlog-scales, which other people wrote, reads them; and its lines as we do."""

from dataclasses import replace
from hashlib import sha256

import pytest

from support.keys import ORIGIN, log_signer, ml_dsa_signer, witness_signer
from transparency_log.checkpoint import Checkpoint, cosign, cosign_own, cosignatures, sign_checkpoint
from transparency_log.merkle import leaf_hash
from transparency_log.note import Note, Signature, Signer, Verifier

signing = pytest.importorskip("tlog_scales.signing", reason="tlog-scales is not installed")
tlog = pytest.importorskip("tlog_scales.tlog", reason="tlog-scales is not installed")

CHECKPOINT = Checkpoint(ORIGIN, 300, leaf_hash(b"entry"))
TIME = 1_790_000_000


def accepted(text, line, verifier):
    """Whether the peer, given our bytes, finds the line good."""
    body = tlog.Checkpoint.from_text(Note(text, (line,)).format().decode())
    known = signing.VkeySet(signing.Vkey.from_string(verifier.vkey))
    return bool(known.verify(body.signatures, body))


def test_cosignatures_and_a_logs_own_lines_hold_for_the_peer():
    log, witness = ml_dsa_signer(ORIGIN), ml_dsa_signer("w.example")
    ed25519 = witness_signer("w.example")
    note = sign_checkpoint(CHECKPOINT, log_signer(), log)
    assert accepted(note.text, note.signatures[0], log_signer().verifier)
    assert accepted(note.text, note.signatures[1], log.verifier)
    assert accepted(note.text, cosign_own(log, note.text, TIME), log.verifier)
    for signer in (witness, ed25519):
        line = cosign(signer, note.text, TIME)
        assert accepted(note.text, line, signer.verifier)
        for data in (bytes(8) + line.data[8:], line.data[:-1] + bytes([line.data[-1] ^ 1])):
            assert not accepted(note.text, replace(line, data=data), signer.verifier)
        other = sign_checkpoint(replace(CHECKPOINT, size=301), log_signer())
        assert not accepted(other.text, line, signer.verifier)


def test_the_peers_lines_hold_for_us_and_its_keys_are_ours():
    seed = sha256(b"peer").digest()
    ours = replace(ml_dsa_signer("peer.example"), seed=seed)
    theirs = signing.MLDSA44CosignatureSigner("peer.example", seed)
    assert theirs.vkey.serialize() == ours.verifier.vkey
    body = tlog.Checkpoint(CHECKPOINT.origin, CHECKPOINT.size, CHECKPOINT.root, [])
    line = Signature.parse(theirs.sign(body).serialize())
    found = cosignatures(Note(CHECKPOINT.format(), (line,)), [Verifier.parse(theirs.vkey.serialize())])
    assert found[0].verifier == ours.verifier
    assert found[0].timestamp > 0
    assert Signer.parse(ours.format()).verifier.vkey == theirs.vkey.serialize()
