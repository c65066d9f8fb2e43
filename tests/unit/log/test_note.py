from dataclasses import replace
from hashlib import sha256

import pytest

from support.keys import grease, log_signer, ml_dsa_signer, witness_signer
from transparency_log import note as note_module
from transparency_log.errors import NoteError
from transparency_log.note import (
    COSIGNATURE_ED25519,
    COSIGNATURE_ML_DSA_44,
    ED25519,
    MAX_SIGNATURES,
    Note,
    Signature,
    Signer,
    Verifier,
    verify,
)

TEXT = "第一行\n\nthe third line\n"
ALICE, BOB = log_signer("alice.example"), log_signer("bob.example")
NOTE = Note(TEXT, (ALICE.sign(TEXT), BOB.sign(TEXT)))


def opens(data, *signers):
    try:
        verify(Note.parse(data), [signer.verifier for signer in signers])
    except NoteError:
        return False
    return True


def test_a_note_is_its_text_an_empty_line_and_its_signatures():
    assert NOTE.format().decode() == TEXT + "\n" + "".join(s.format() + "\n" for s in NOTE.signatures)
    assert Note.parse(NOTE.format()) == NOTE
    assert NOTE.signatures[0].format().startswith("— alice.example ")


def test_every_changed_byte_of_a_note_with_one_signature_is_refused():
    data = Note(TEXT, (ALICE.sign(TEXT),)).format()
    assert opens(data, ALICE)
    for at in range(len(data)):
        for change in (1, 2, 16, 128):
            mangled = data[:at] + bytes([data[at] ^ change]) + data[at + 1 :]
            assert not opens(mangled, ALICE), (at, change)
        assert not opens(data[:at], ALICE), at
        assert not opens(data[:at] + data[at + 1 :], ALICE), at


def test_unknown_signatures_are_ignored_whatever_they_are():
    lines = [grease(number) for number in range(20)]
    lines[7:7] = NOTE.signatures
    # Half-known: another key of a known name, another name with a known ID.
    lines += [replace(ALICE.sign(TEXT), key_id=b"\0\0\0\0"), replace(ALICE.sign(TEXT), name="mallory.example")]
    note = Note.parse(Note(TEXT, tuple(lines)).format())
    assert verify(note, [ALICE.verifier, BOB.verifier]) == NOTE.signatures


def test_a_known_key_with_a_bad_signature_spoils_the_note_even_beside_a_good_one():
    bad = replace(BOB.sign(TEXT), data=ALICE.sign(TEXT).data)
    note = Note(TEXT, (ALICE.sign(TEXT), bad))
    assert verify(note, [ALICE.verifier]) == (note.signatures[0],)
    with pytest.raises(NoteError, match="signature-invalid"):
        verify(note, [ALICE.verifier, BOB.verifier])
    with pytest.raises(NoteError, match="signature-invalid"):
        verify(Note(TEXT, (BOB.sign(TEXT), bad)), [BOB.verifier])


def test_a_note_that_no_known_key_signed_is_refused():
    with pytest.raises(NoteError, match="no-known-signature"):
        verify(NOTE, [log_signer("carol.example").verifier])
    with pytest.raises(NoteError, match="no-known-signature"):
        verify(NOTE, [])


def test_a_cosigner_key_does_not_verify_a_plain_signature():
    cosigner = witness_signer("alice.example")
    forged = Signature("alice.example", cosigner.verifier.key_id, cosigner.sign_bytes(TEXT.encode()))
    with pytest.raises(NoteError, match="algorithm-not-for-notes"):
        verify(Note(TEXT, (forged,)), [cosigner.verifier])
    with pytest.raises(NoteError, match="algorithm-not-for-notes"):
        cosigner.sign(TEXT)


def test_two_keys_with_one_name_and_id_are_ambiguous(monkeypatch):
    twin = Signer.from_seed("alice.example", sha256(b"twin").digest()).verifier
    assert verify(NOTE, [ALICE.verifier, ALICE.verifier])
    monkeypatch.setattr(Verifier, "key_id", property(lambda _: b"same"))
    with pytest.raises(NoteError, match="verifiers-ambiguous"):
        verify(NOTE, [ALICE.verifier, twin])


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("empty", b""),
        ("no signature", b"text\n"),
        ("empty signature block", b"text\n\n"),
        ("no newline at the end", NOTE.format()[:-1]),
        ("a line after the signatures", NOTE.format() + b"text\n"),
        ("an empty line after the signatures", NOTE.format() + b"\n"),
        ("no text at all", NOTE.format()[len(TEXT.encode()) :]),
        ("no text and no empty line", NOTE.format()[len(TEXT.encode()) + 1 :]),
        ("a tab", b"\t" + NOTE.format()),
        ("a carriage return", NOTE.format().replace(b"\n", b"\r\n")),
        ("a null byte", b"\0" + NOTE.format()),
        ("not UTF-8", b"\xff" + NOTE.format()),
        ("a hyphen for the dash", NOTE.format().replace("—".encode(), b"-")),
        ("an en dash for the dash", NOTE.format().replace("—".encode(), "–".encode())),
        ("two spaces", NOTE.format().replace(b"alice.example ", b"alice.example  ")),
        ("no base64", "text\n\n— name\n".encode()),
        ("only a key ID", "text\n\n— name AAAAAA==\n".encode()),
        ("half a key ID", "text\n\n— name AAA=\n".encode()),
        ("no name", "text\n\n—  AAAAAAA=\n".encode()),
        ("a plus in the name", "text\n\n— na+me AAAAAAA=\n".encode()),
        ("an ideographic space in the name", "text\n\n— na\u3000me AAAAAAA=\n".encode()),
        ("stray bits in base64", "text\n\n— name AAAAAAB=\n".encode()),
    ],
)
def test_malformed_notes_are_refused(name, data):
    with pytest.raises(NoteError):
        Note.parse(data)


def test_a_note_has_at_most_so_many_signatures_and_never_fewer_than_sixteen():
    assert MAX_SIGNATURES >= 16
    most = Note(TEXT, tuple(grease(number) for number in range(MAX_SIGNATURES)))
    assert Note.parse(most.format()) == most
    more = Note(TEXT, (*most.signatures, grease(MAX_SIGNATURES)))
    with pytest.raises(NoteError, match="too-many-signatures"):
        Note.parse(more.format())
    assert Note.parse(more.format(), max_signatures=MAX_SIGNATURES + 1) == more


@pytest.mark.parametrize("text", ["", "no newline", "a\x07bell\n", "a\ttab\n", "a lone \ud800 surrogate\n"])
def test_a_text_that_could_not_be_read_back_is_not_signed(text):
    with pytest.raises(NoteError):
        ALICE.sign(text)
    with pytest.raises(NoteError):
        Note(text, NOTE.signatures)


def test_a_note_without_signatures_cannot_be_made():
    with pytest.raises(NoteError, match="no-signatures"):
        Note(TEXT, ())


def test_a_verifier_key_reads_back_and_every_changed_character_is_refused():
    vkey = ALICE.verifier.vkey
    assert Verifier.parse(vkey) == ALICE.verifier
    for at, character in enumerate(vkey):
        for other in (chr(ord(character) ^ 1), chr(ord(character) ^ 32), "", " ", "+"):
            if other != character:
                with pytest.raises(NoteError):
                    Verifier.parse(vkey[:at] + other + vkey[at + 1 :])


def test_a_verifier_key_of_an_unknown_kind_says_so():
    for kind in (0x00, 0x02, 0x03, 0x05, 0xFA, 0xFF):
        with pytest.raises(NoteError, match="unknown-algorithm"):
            Verifier("name", kind, bytes(32))
    with pytest.raises(NoteError, match="public-key-length"):
        Verifier("name", ED25519, bytes(31))


@pytest.mark.parametrize(
    "y",
    [
        0,
        1,
        2**255 - 20,
        2**255 - 19,
        2**255 - 18,
        2**255 - 1,
        int.from_bytes(bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"), "little"),
    ],
)
@pytest.mark.parametrize("algorithm", [1, 4])
@pytest.mark.parametrize("sign", [0, 1])
def test_a_key_under_which_one_signature_fits_many_texts_is_called_weak(y, algorithm, sign):
    assert Verifier("log.example.cn", algorithm, (y | sign << 255).to_bytes(32, "little")).weak


def test_an_honest_key_is_not_weak():
    for kind in (1, 4):
        assert not Signer.from_seed("log.example.cn", bytes([7] * 32), kind).verifier.weak
    assert not Verifier("log.example.cn", 6, bytes(1312)).weak


def test_the_same_key_for_two_purposes_has_two_ids():
    ids = {Verifier("name", kind, bytes(32)).key_id for kind in (1, 4)}
    assert len(ids) == 2


def test_a_private_key_reads_back_and_never_shows_itself():
    line = ALICE.format()
    assert line.startswith("PRIVATE+KEY+alice.example+")
    assert Signer.parse(line) == Signer.parse(line + "\n") == ALICE
    assert ALICE.seed.hex() not in repr(ALICE)
    assert repr(ALICE.seed) not in repr(ALICE)
    for at, character in enumerate(line):
        for other in (chr(ord(character) ^ 1), "", " "):
            with pytest.raises(NoteError) as error:
                Signer.parse(line[:at] + other + line[at + 1 :])
            assert line[-20:] not in str(error.value)


def test_a_private_key_of_a_kind_that_nobody_knows_is_refused():
    for kind in (0x00, 0x02, 0x05, 0xFF):
        with pytest.raises(NoteError, match="unknown-algorithm"):
            Signer.from_seed("name", bytes(32), kind)
    with pytest.raises(NoteError, match="seed-length"):
        Signer.from_seed("name", bytes(31))


def test_one_seed_under_three_algorithms_is_three_keys_none_of_which_stands_for_another():
    seed = sha256(b"one seed").digest()
    signers = [Signer("name", ED25519, seed), Signer("name", COSIGNATURE_ED25519, seed)]
    signers.append(replace(ml_dsa_signer("name"), seed=seed))
    assert len(set(signers)) == len({signer.verifier.key_id for signer in signers}) == 3
    assert len({signer.format() for signer in signers}) == 3
    line = signers[0].sign(TEXT)
    for other in signers[1:]:
        with pytest.raises(NoteError, match="no-known-signature"):
            verify(Note(TEXT, (line,)), [other.verifier])


def test_an_ml_dsa_key_reads_back_and_every_changed_character_is_refused():
    signer = ml_dsa_signer("pq.example")
    line, vkey = signer.format(), signer.verifier.vkey
    assert line.startswith("PRIVATE+KEY+pq.example+")
    assert Signer.parse(line) == Signer.parse(line + "\n") == signer
    assert Verifier.parse(vkey) == signer.verifier
    for at, character in enumerate(line):
        for other in (chr(ord(character) ^ 1), "", " "):
            with pytest.raises(NoteError) as error:
                Signer.parse(line[:at] + other + line[at + 1 :])
            assert line[-20:] not in str(error.value)
    for at in (*range(40), *range(40, len(vkey), 61), len(vkey) - 1):
        with pytest.raises(NoteError):
            Verifier.parse(vkey[:at] + chr(ord(vkey[at]) ^ 1) + vkey[at + 1 :])


def test_ml_dsa_signs_one_message_with_other_bytes_each_time_and_ed25519_with_the_same():
    signer = ml_dsa_signer("pq.example")
    signatures = {signer.sign_bytes(b"message") for _ in range(3)}
    assert len(signatures) == 3
    for signature in signatures:
        assert signer.verifier.holds(b"message", signature)
        assert not signer.verifier.holds(b"another message", signature)
    assert ALICE.sign_bytes(b"message") == ALICE.sign_bytes(b"message")


def test_an_ml_dsa_key_does_not_sign_a_plain_note():
    with pytest.raises(NoteError, match="algorithm-not-for-notes"):
        ml_dsa_signer("pq.example").sign(TEXT)


def test_where_the_library_lacks_ml_dsa_nobody_can_hold_such_a_private_key(monkeypatch):
    line = ml_dsa_signer("pq.example").format()
    monkeypatch.setattr(note_module, "mldsa", None)
    with pytest.raises(NoteError, match="algorithm-unsupported"):
        Signer.parse(line)
    with pytest.raises(NoteError, match="algorithm-unsupported"):
        Signer.from_seed("pq.example", bytes(32), COSIGNATURE_ML_DSA_44)


def test_where_the_library_lacks_ml_dsa_its_keys_can_be_read_but_not_used(monkeypatch):
    verifier = Verifier("witness.example", COSIGNATURE_ML_DSA_44, bytes(1312))
    monkeypatch.setattr(note_module, "mldsa", None)
    assert Verifier.parse(verifier.vkey) == verifier
    assert not verifier.supported
    assert ALICE.verifier.supported


@pytest.mark.parametrize("at", ["name", "key ID"])
def test_a_private_key_that_ran_together_with_another_is_not_quoted(at):
    line = log_signer().format()
    secret = line.rpartition("+")[2]
    bad = (
        line.replace("log.example", f"log.example{secret}")
        if at == "key ID"
        else f"PRIVATE+KEY+a {secret}+00000000+{secret}"
    )
    with pytest.raises(NoteError, match="key-format") as caught:
        Signer.parse(bad)
    assert secret not in str(caught.value)
