"""Signed notes of golang.org/x/mod and of the specification, and keys of kinds that are not ours."""

import pytest

from support.keys import b64
from support.log_vectors import recorded_bytes, recorded_json, recorded_words
from transparency_log.checkpoint import Checkpoint
from transparency_log.errors import NoteError, WitnessError
from transparency_log.note import Note, Verifier, verify
from transparency_log.witness import parse_add_checkpoint


def test_the_note_of_peter_and_enoch_opens_for_both():
    verifiers = [Verifier.parse(vkey) for vkey in recorded_words("golang-mod/vkeys.txt")]
    data = recorded_bytes("golang-mod/peter-and-enoch.note")
    note = Note.parse(data)
    assert [signature.name for signature in verify(note, verifiers)] == ["PeterNeumann", "EnochRoot"]
    assert note.format() == data
    assert [verifier.vkey for verifier in verifiers] == recorded_words("golang-mod/vkeys.txt")


def test_every_changed_byte_of_the_note_of_peter_and_enoch_is_refused():
    verifiers = [Verifier.parse(vkey) for vkey in recorded_words("golang-mod/vkeys.txt")]
    data = recorded_bytes("golang-mod/peter-and-enoch.note")
    for at in range(data.index(b"\n\n") + 1):
        with pytest.raises(NoteError):
            verify(Note.parse(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]), verifiers)


def test_messages_that_go_refuses_are_refused():
    cases = recorded_json("golang-mod/malformed-notes.json")["cases"]
    for case in cases:
        with pytest.raises(NoteError):
            Note.parse(b64(case["message_b64"]))
    assert len(cases) == 8


def test_the_example_of_the_specification_opens():
    verifier = Verifier.parse(*recorded_words("c2sp-spec/signed-note-example.vkey"))
    data = recorded_bytes("c2sp-spec/signed-note-example.note")
    note = Note.parse(data)
    assert note.text == "This is an example message.\n"
    assert len(verify(note, [verifier])) == 1
    assert note.format() == data


def test_keys_of_certificate_transparency_and_ecdsa_are_of_unknown_kinds():
    vkeys = recorded_words("transparency-dev-formats/vkeys.txt")
    assert len(vkeys) == 3
    for vkey in vkeys:
        with pytest.raises(NoteError, match="unknown-algorithm"):
            Verifier.parse(vkey)


def test_the_example_of_a_subtree_request_is_no_request_to_cosign_a_checkpoint():
    body = recorded_bytes("c2sp-spec/sign-subtree-example-request.txt")
    head, _, note = body.partition(b"\n\n")
    assert head.startswith(b"subtree 8 13\n")
    assert Checkpoint.parse(note.partition(b"\n\n")[0].decode() + "\n").size == 14
    with pytest.raises(WitnessError, match="request"):
        parse_add_checkpoint(body)
    with pytest.raises(NoteError, match="signature-not-base64"):  # the example leaves most of it out
        parse_add_checkpoint(body.replace(b"subtree 8 13", b"old 13"))
