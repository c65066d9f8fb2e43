"""The witness conversation that Sunlight's own tests hold, step by step."""

import pytest

from support.keys import witness_signer
from support.log_vectors import recorded_json
from transparency_log.checkpoint import cosignatures
from transparency_log.errors import WitnessError
from transparency_log.note import Note, Verifier
from transparency_log.seen import MemoryWitnessState
from transparency_log.witness import Witness, parse_add_checkpoint


def test_each_step_is_answered_with_its_status():
    vectors = recorded_json("sunlight/witness-add-checkpoint.json")
    signer = witness_signer("example.com/witness")
    witness = Witness(signer, MemoryWitnessState())
    logs = {vectors["log_origin"]: Verifier.parse(vectors["log_vkey"])}
    for now, step in enumerate(vectors["steps"], 1_790_000_000):
        body = step["request_body"].encode()
        if step["status"] == 200:
            line = witness.add_checkpoint(body, now=now, logs=logs)
            assert line.format().startswith(step["body_contains"])
            request = parse_add_checkpoint(body)
            assert request.format() == body
            assert cosignatures(Note(request.note.text, (line,)), [signer.verifier])[0].timestamp == now
            continue
        with pytest.raises(WitnessError) as error:
            witness.add_checkpoint(body, now=now, logs=logs)
        assert error.value.status == step["status"], step["name"]
        if step["status"] == 409:
            assert f"{error.value.params['size']}\n" == step["body_contains"]
    assert len(vectors["steps"]) == 11
