from dataclasses import replace

import pytest

from support.keys import ORIGIN, log_signer, witness_signer
from transparency_log.checkpoint import Checkpoint, cosign, sign_checkpoint
from transparency_log.errors import CheckpointError, LogError, MerkleError, NoteError, ProofError
from transparency_log.merkle import Tree, leaf_hash
from transparency_log.note import Note
from transparency_log.policy import Policy
from transparency_log.proof import HEADER, TlogProof

LOG = log_signer()
LEAVES = [leaf_hash(b"%d" % number) for number in range(7)]
TREE = Tree(LEAVES)
NOTE = sign_checkpoint(Checkpoint(ORIGIN, 7, TREE.root()), LOG)
WITNESSES = [witness_signer(name) for name in ("w1", "w2", "w3")]
COSIGNED = Note(NOTE.text, (*NOTE.signatures, *(cosign(w, NOTE.text, 1_790_000_000) for w in WITNESSES[:2])))
PROOF = TlogProof(5, tuple(TREE.inclusion_proof(5)), COSIGNED.format(), b"extra")


def policy(threshold):
    witnesses = "".join(f"witness {w.name} {w.verifier.vkey}\n" for w in WITNESSES)
    return Policy.parse(f"{witnesses}group g {threshold} w1 w2 w3\nquorum g\n")


def test_a_proof_reads_back_with_and_without_extra_data():
    for proof in (PROOF, replace(PROOF, extra=None), replace(PROOF, hashes=(), index=0)):
        assert TlogProof.parse(proof.format()) == proof
    assert PROOF.format().startswith(b"c2sp.org/tlog-proof@v1\nextra ZXh0cmE=\nindex 5\n")
    assert PROOF.format().endswith(b"\n\n" + COSIGNED.format())


def test_a_proof_holds_for_its_entry_and_no_other():
    assert PROOF.verify(LEAVES[5], LOG.verifier).checkpoint.size == 7
    for index, leaf in enumerate(LEAVES):
        if index != 5:
            with pytest.raises(MerkleError):
                PROOF.verify(leaf, LOG.verifier)
            with pytest.raises(MerkleError):
                replace(PROOF, index=index).verify(LEAVES[5], LOG.verifier)


def test_every_changed_byte_of_a_proof_is_refused_but_in_what_nobody_signs():
    data = replace(PROOF, checkpoint=NOTE.format(), extra=None).format()
    for at in range(len(data)):
        mangled = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        with pytest.raises(LogError):
            TlogProof.parse(mangled).verify(LEAVES[5], LOG.verifier)


def test_with_a_policy_the_quorum_must_have_cosigned():
    assert PROOF.verify(LEAVES[5], LOG.verifier, policy=policy(2))
    with pytest.raises(ProofError, match=r"no-quorum.*w3"):
        PROOF.verify(LEAVES[5], LOG.verifier, policy=policy(3))
    bad = replace(PROOF, checkpoint=COSIGNED.format()[:-20] + b"AAAA" + COSIGNED.format()[-16:])
    with pytest.raises((CheckpointError, NoteError)):
        bad.verify(LEAVES[5], LOG.verifier, policy=policy(1))


def test_another_logs_proof_is_refused():
    with pytest.raises(CheckpointError, match="origin-mismatch"):
        PROOF.verify(LEAVES[5], log_signer("other.example").verifier)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n\n",
        HEADER.encode() + b"\n\ncheckpoint\n",
        b"c2sp.org/tlog-proof@v2\nindex 0\n\ncheckpoint\n",
        b"index 0\n\ncheckpoint\n",
        b"{h}\nindex 0\n",
        b"{h}\nindex 0\n\n",
        b"{h}\nindex 00\n\ncheckpoint\n",
        b"{h}\nindex -1\n\ncheckpoint\n",
        b"{h}\nindex  1\n\ncheckpoint\n",
        b"{h}\nindex 1 \n\ncheckpoint\n",
        b"{h}\nindex 9223372036854775807\n\ncheckpoint\n",
        b"{h}\nextra \nindex 1\n\ncheckpoint\n",
        b"{h}\nextra AB==\nindex 1\n\ncheckpoint\n",
        b"{h}\nindex 1\nextra AA==\n\ncheckpoint\n",
        b"{h}\nindex 1\nAAAA\n\ncheckpoint\n",
        b"{h}\r\nindex 1\r\n\r\ncheckpoint\n",
        "{h}\nindex １\n\ncheckpoint\n".encode(),
        b"{h}\nindex 1\n" + b"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n" * 64 + b"\ncheckpoint\n",
    ],
)
def test_malformed_proofs_are_refused(data):
    with pytest.raises(ProofError):
        TlogProof.parse(data.replace(b"{h}", HEADER.encode()))
