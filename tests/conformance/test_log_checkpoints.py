"""Checkpoints that public logs have signed, and cosignatures that public witnesses have made."""

import base64
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


def rekor_logs(network):
    """The Ed25519 logs of a Sigstore network by name, and what it calls their IDs."""
    path = f"sigstore-python/sigstore/_store/https%3A%2F%2Ftuf-repo-cdn.{network}/trusted_root.json"
    for log in recorded_json(path)["tlogs"]:
        if log["publicKey"]["keyDetails"] == "PKIX_ED25519":
            name = log["baseUrl"].removeprefix("https://")
            yield Verifier(name, ED25519, b64(log["publicKey"]["rawBytes"])[-32:]), b64(log["logId"]["keyId"])


def test_sigstore_calls_its_logs_by_the_hash_whose_beginning_is_the_key_id():
    for network in ("sigstore.dev", "sigstage.dev"):
        logs = list(rekor_logs(network))
        assert logs
        for verifier, log_id in logs:
            assert log_id[:4] == verifier.key_id
            assert Verifier.parse(verifier.vkey) == verifier


@pytest.mark.parametrize(
    ("name", "witnesses", "time"),
    [
        (
            "a.dsse.staging-rekor-v2",
            ["witness.stagemole.eu", RING, "witness.navigli.sunlight.geomys.org"],
            1_778_700_214,
        ),
        ("staging-rekor-v2", [], None),
    ],
)
def test_a_real_entry_is_in_a_real_log_that_real_witnesses_cosigned(name, witnesses, time):
    bundle = recorded_json(f"sigstore-python/test/assets/{name}.txt.sigstore.json")
    entry = bundle["verificationMaterial"]["tlogEntries"][0]
    body = b64(entry["canonicalizedBody"])
    if "dsseEnvelope" in bundle:
        payload = b64(bundle["dsseEnvelope"]["payload"])
        signed_bytes = b"DSSEv1 28 application/vnd.in-toto+json %d %b" % (len(payload), payload)
    else:
        signed_bytes = recorded_bytes(f"sigstore-python/test/assets/{name}.txt")
    assert base64.b64encode(sha256(signed_bytes).digest()) in body
    proof = entry["inclusionProof"]
    data = proof["checkpoint"]["envelope"].encode()
    logs = {verifier.name: verifier for verifier, _ in rekor_logs("sigstage.dev")}
    signed = open_checkpoint(data, logs[Checkpoint.parse(Note.parse(data).text).origin])
    claim = {"index": int(proof["logIndex"]), "size": signed.checkpoint.size, "root": signed.checkpoint.root}
    hashes = [b64(value) for value in proof["hashes"]]
    check_inclusion(leaf_hash(body), **claim, proof=hashes)
    with pytest.raises(LogError):
        check_inclusion(leaf_hash(body + b" "), **claim, proof=hashes)
    known = [Verifier.parse(witness) if witness == RING else sigsum_witness(witness) for witness in witnesses]
    assert cosignatures(signed.note, known) == tuple(Cosignature(witness, time) for witness in known)


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


def test_a_final_tree_head_of_certificate_transparency_is_the_checkpoint_that_its_log_published():
    log = recorded_json("sunlight/cmd/skylight/testdata/tree/log.v3.json")
    note = Note.parse(recorded_bytes("sunlight/cmd/skylight/testdata/tree/checkpoint"))
    checkpoint, head = Checkpoint.parse(note.text), log["final_tree_head"]
    assert (checkpoint.size, checkpoint.root) == (head["tree_size"], b64(head["sha256_root_hash"]))
    # C2SP static-ct-api: a 0x05 key has the log's ID for its public key.
    key_id = sha256(f"{checkpoint.origin}\n\5".encode() + b64(log["log_id"])).digest()[:4]
    assert (note.signatures[0].name, note.signatures[0].key_id) == (checkpoint.origin, key_id)


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
