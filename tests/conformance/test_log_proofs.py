"""Proof files that other programs wrote, and texts that another library takes or refuses."""

from dataclasses import replace

import pytest

from support.log_vectors import recorded_bytes, recorded_json
from transparency_log.errors import LogError, ProofError
from transparency_log.merkle import leaf_hash
from transparency_log.note import Verifier
from transparency_log.proof import TlogProof
from transparency_log.tiles import decode_bundle

KEY = Verifier.parse("example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx")


@pytest.mark.parametrize("index", [0, 7, 14])
def test_a_proof_written_by_another_program_holds_and_reads_back(index):
    data = recorded_bytes(f"generated-by-peers/tessera-testdata-{index}.tlog-proof")
    entries = decode_bundle(recorded_bytes("transparency-dev-tessera/testdata/log/tile/entries/000.p/15"))
    proof = TlogProof.parse(data)
    assert (proof.index, proof.format()) == (index, data)
    assert proof.verify(leaf_hash(entries[index]), KEY).checkpoint.size == 15
    for other in range(15):
        if other != index:
            with pytest.raises(LogError):
                proof.verify(leaf_hash(entries[other]), KEY)
            with pytest.raises(LogError):
                replace(proof, index=other).verify(leaf_hash(entries[index]), KEY)
    for at in range(len(data)):
        with pytest.raises(LogError):
            TlogProof.parse(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]).verify(leaf_hash(entries[index]), KEY)


def test_texts_are_taken_and_refused_as_another_library_does():
    cases = recorded_json("transparency-dev-formats/tlog-proof-cases.json")
    for case in cases["valid"]:
        assert TlogProof.parse(case["text"].encode()).format() == case["text"].encode()
    for case in cases["invalid"]:
        with pytest.raises(ProofError):
            TlogProof.parse(case["text"].encode())
    assert (len(cases["valid"]), len(cases["invalid"])) == (3, 7)
