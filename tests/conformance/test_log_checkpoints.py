"""Checkpoints that public logs have signed, and cosignatures that public witnesses have made."""

from hashlib import sha256

import pytest

from support.keys import b64
from support.log_vectors import recorded, recorded_bytes, recorded_json, recorded_words
from transparency_log.checkpoint import Checkpoint, Cosignature, cosignatures, open_checkpoint
from transparency_log.errors import CheckpointError, LogError
from transparency_log.merkle import EMPTY_ROOT, check_inclusion, leaf_hash
from transparency_log.note import COSIGNATURE_ED25519, COSIGNATURE_ML_DSA_44, ED25519, Note, Verifier

ARCHE = "arche2025h1.staging.ct.transparency.dev"
COACH = "coachandhorses2026h1.staging.certificate.transparency.goog"
REKOR = "log2025-alpha3.rekor.sigstage.dev"
RING = "staging.witness.transparency.goog/ring-any-bells+2e1a8dc9+BG5JTpLc3FJtwzgh1Uv+Qelz9qeOH2bfWjS1s0s+y4rL"


def sigsum_witness(name):
    """The 0x04 key of a witness whose raw key the Sigsum policies give in hex."""
    for path in sorted(recorded("sigsum-go/pkg/policy/builtin").iterdir()):
        for line in path.read_text().splitlines():
            if line.split()[:2] == ["witness", name]:
                return Verifier(name, COSIGNATURE_ED25519, bytes.fromhex(line.split()[2]))
    raise AssertionError(f"no such witness was recorded: {name}")


def scales_keys():
    return {key.name: key for key in map(Verifier.parse, recorded_words("florolf-tlog-scales/vkeys.txt"))}


def refused_when_changed(data, check):
    """Every changed byte of the signed text must be noticed."""
    for at in range(data.index(b"\n\n") + 1):
        with pytest.raises(LogError):
            check(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])


def test_the_go_checksum_database_opens_under_its_own_origin():
    verifier = Verifier.parse(*recorded_words("sumdb/vkeys.txt")[:1])
    for size in (1_514_086, 30_055_305, 35_225_469):
        data = recorded_bytes(f"sumdb/sum.golang.org-{size}.checkpoint")
        signed = open_checkpoint(data, verifier, origin="go.sum database tree")
        assert signed.checkpoint.size == size
        assert signed.note.format() == data
        with pytest.raises(CheckpointError, match="origin-mismatch"):
            open_checkpoint(data, verifier)
        refused_when_changed(data, lambda d: open_checkpoint(d, verifier, origin="go.sum database tree"))


def test_real_witnesses_cosigned_a_real_log():
    data = recorded_bytes(f"florolf-tlog-scales/{ARCHE}.checkpoint")
    signed = open_checkpoint(data, scales_keys()[ARCHE])  # its 0x05 line has another ID and is ignored
    assert signed.checkpoint.size == 1_432_088_532
    names = ["transparency.dev/DEV:witness-little-garden", "witness1.smartit.nu/witness1", "remora.n621.de"]
    witnesses = [sigsum_witness(name) for name in [*names, "witness.stagemole.eu"]]
    assert scales_keys()["remora.n621.de"] == witnesses[2]
    assert cosignatures(signed.note, witnesses) == tuple(Cosignature(w, 1_779_573_024) for w in witnesses)
    refused_when_changed(data, lambda d: cosignatures(Note.parse(d), witnesses))


def test_a_real_witness_cosigned_with_ed25519_and_with_ml_dsa():
    data = recorded_bytes(f"florolf-tlog-scales/{COACH}.checkpoint")
    post_quantum = scales_keys()["witness.navigli.sunlight.geomys.org"]
    assert post_quantum.algorithm == COSIGNATURE_ML_DSA_44
    if not post_quantum.supported:
        pytest.skip("the installed cryptography cannot check ML-DSA-44")
    ed25519 = sigsum_witness("witness.navigli.sunlight.geomys.org")
    found = cosignatures(Note.parse(data), [ed25519, post_quantum])
    assert found == (Cosignature(ed25519, 1_785_704_691), Cosignature(post_quantum, 1_785_704_691))
    refused_when_changed(data, lambda d: cosignatures(Note.parse(d), [post_quantum]))


def test_a_real_entry_is_in_a_real_log_that_three_witnesses_cosigned():
    entry = recorded_json("sigstore-python/test/assets/a.dsse.staging-rekor-v2.txt.sigstore.json")
    entry = entry["verificationMaterial"]["tlogEntries"][0]
    proof = entry["inclusionProof"]
    roots = recorded_json("sigstore-python/sigstore/_store/https%3A%2F%2Ftuf-repo-cdn.sigstage.dev/trusted_root.json")
    log = next(log for log in roots["tlogs"] if log["baseUrl"].endswith(REKOR))
    verifier = Verifier(REKOR, ED25519, b64(log["publicKey"]["rawBytes"])[-32:])
    assert b64(log["logId"]["keyId"])[:4] == verifier.key_id
    signed = open_checkpoint(proof["checkpoint"]["envelope"].encode(), verifier)
    check_inclusion(
        leaf_hash(b64(entry["canonicalizedBody"])),
        index=int(proof["logIndex"]),
        size=signed.checkpoint.size,
        proof=[b64(value) for value in proof["hashes"]],
        root=signed.checkpoint.root,
    )
    witnesses = [sigsum_witness("witness.stagemole.eu"), Verifier.parse(RING)]
    witnesses.append(sigsum_witness("witness.navigli.sunlight.geomys.org"))
    assert cosignatures(signed.note, witnesses) == tuple(Cosignature(w, 1_778_700_214) for w in witnesses)


@pytest.mark.parametrize(
    ("folder", "keys", "size"),
    [
        ("witness", "witness.v0.json", 300),
        ("witness/mirror", "mirror.v0.json", 300),
        ("witness2", "witness.v0.json", 300),
    ],
)
def test_a_witness_publishes_what_it_cosigned_under_the_hash_of_the_origin(folder, keys, size):
    base = f"sunlight/cmd/skylight/testdata/{folder}"
    verifiers = [Verifier.parse(vkey) for vkey in recorded_json(f"{base}/{keys}")["verifier_keys"]]
    (path,) = [path for path in recorded(base).glob("*/checkpoint") if len(path.parent.name) == 64]
    note = Note.parse(path.read_bytes())
    checkpoint = Checkpoint.parse(note.text)
    assert path.parent.name == sha256(checkpoint.origin.encode()).hexdigest()
    assert (checkpoint.size, len(cosignatures(note, verifiers))) == (size, 1)
    refused_when_changed(path.read_bytes(), lambda d: cosignatures(Note.parse(d), verifiers))


def test_a_certificate_transparency_signature_is_nobodys():
    for path in ("transparency-dev-formats/rome2024h1.checkpoint", "sunlight/cmd/skylight/testdata/tree/checkpoint"):
        note = Note.parse(recorded_bytes(path))
        assert Checkpoint.parse(note.text).size > 0
        assert cosignatures(note, []) == ()


def test_tessera_signs_every_size_from_the_empty_tree_on():
    verifier = Verifier.parse("example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx")
    for size in range(16):
        data = recorded_bytes(f"transparency-dev-tessera/testdata/log/checkpoint.{size}")
        signed = open_checkpoint(data, verifier)
        assert signed.checkpoint.size == size
        assert (signed.checkpoint.root == EMPTY_ROOT) == (size == 0)
        refused_when_changed(data, lambda d: open_checkpoint(d, verifier))


def test_bodies_that_another_library_refuses_are_refused():
    cases = recorded_json("transparency-dev-formats/checkpoint-body-cases.json")["cases"]
    for case in cases:
        # All of its accepted bodies have roots that are not 32 bytes: that library is laxer than the specification.
        code = None if case["invalid"] else ("root-length", "line")
        with pytest.raises(CheckpointError) as error:
            Checkpoint.parse(case["text"])
        assert code is None or error.value.code in code, case["name"]
    assert len(cases) == 12
