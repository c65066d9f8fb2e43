"""The witness conversation that Sunlight's own tests hold, step by step: with a `Witness`, and over real HTTP."""

import http.client

import pytest

from support.keys import witness_signer
from support.log_vectors import recorded_json
from transparency_log.checkpoint import cosignatures
from transparency_log.endpoint import WitnessSite
from transparency_log.errors import WitnessError
from transparency_log.note import Note, Verifier
from transparency_log.seen import MemoryWitnessState, SqliteWitnessState, origin_hash
from transparency_log.web import Server
from transparency_log.witness import MAX_REQUEST, Witness, parse_add_checkpoint, parse_cosignatures

SIGNER = witness_signer("example.com/witness")
START = 1_790_000_000


def conversation():
    vectors = recorded_json("sunlight/witness-add-checkpoint.json")
    assert len(vectors["steps"]) == 11
    return vectors["steps"], {vectors["log_origin"]: Verifier.parse(vectors["log_vkey"])}


def test_each_step_is_answered_with_its_status():
    steps, logs = conversation()
    witness = Witness(SIGNER, MemoryWitnessState())
    for now, step in enumerate(steps, START):
        body = step["request_body"].encode()
        if step["status"] == 200:
            (line,) = witness.add_checkpoint(body, now=now, logs=logs)
            assert line.format().startswith(step["body_contains"])
            request = parse_add_checkpoint(body)
            assert request.format() == body
            assert cosignatures(Note(request.note.text, (line,)), [SIGNER.verifier])[0].timestamp == now
            continue
        with pytest.raises(WitnessError) as error:
            witness.add_checkpoint(body, now=now, logs=logs)
        assert error.value.status == step["status"], step["name"]
        if step["status"] == 409:
            assert f"{error.value.params['size']}\n" == step["body_contains"]


def test_each_step_is_answered_over_http(tmp_path):
    steps, logs = conversation()
    times = iter(range(START, START + len(steps)))
    with SqliteWitnessState.create(tmp_path / "witness.sqlite") as state:
        site = WitnessSite(Witness(SIGNER, state), logs=lambda: logs, clock=lambda: next(times))
        with Server(site, max_body=MAX_REQUEST) as server:
            connection = http.client.HTTPConnection(*server.address, timeout=30)
            try:
                told = [answered(connection, "POST", "/add-checkpoint", step) for step in steps]
                monitored = answered(connection, "GET", f"/{origin_hash(next(iter(logs)))}/checkpoint", {})[2]
            finally:
                connection.close()
    for step, (status, content_type, body) in zip(steps, told, strict=True):
        assert status == step["status"], step["name"]
        if status in (200, 409):
            assert step["body_contains"] in body.decode()
        assert (content_type == "text/x.tlog.size") == (status == 409)
    granted = [(step, body) for step, (status, _, body) in zip(steps, told, strict=True) if status == 200]
    last, lines = granted[-1][0]["request_body"].encode(), parse_cosignatures(granted[-1][1])
    newest = Note.parse(monitored)
    assert newest.text == parse_add_checkpoint(last).note.text
    assert newest.signatures[-1:] == lines
    assert cosignatures(newest, [SIGNER.verifier])


def answered(connection, method, path, step):
    connection.request(method, path, step.get("request_body", "").encode() or None)
    answer = connection.getresponse()
    return answer.status, answer.headers["Content-Type"], answer.read()
