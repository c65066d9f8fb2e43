"""Statements as entries: one text, one spelling, and signature lines in their place."""

from hashlib import sha256

import pytest

from fairdraw.encoding import canonical, parse
from fairdraw.errors import StatementError
from fairdraw.schema import TYPES, Announcement, Key, Receipt, SignOff, Withdrawal
from fairdraw.statement import MAX_ENTRY, MAX_SIGNATURES, check_signatures, keys_of, parse_text, read_entry, sign
from support.story import BUREAU, Story, begin, secret, signer, tell
from transparency_log.note import Note, Signature

STORY = Story()
SAID = STORY.head().make(Withdrawal, digest="00" * 32, reason="personal-data")
DATA = sign(SAID, [STORY.bureau])
KEYS = {BUREAU: STORY.bureau.verifier, **{name: key.verifier for name, key in STORY.people.items()}}
NAME, PERSON = next(iter(STORY.people.items()))


def refused(code: str, action, *args, **options) -> None:
    with pytest.raises(StatementError) as caught:
        action(*args, **options)
    assert caught.value.code == code


def with_lines(*lines: Signature) -> bytes:
    return Note(Note.parse(DATA).text, lines).format()


OWN = Note.parse(DATA).signatures[0]
JUNK = Signature("junk.example", b"junk", b"junk")


def test_a_statement_is_one_canonical_line_and_known_by_its_hash():
    entry = read_entry(DATA, 7)
    assert entry.statement == SAID
    assert entry.note.text.encode() == SAID.text() == canonical(parse(SAID.text()[:-1])) + b"\n"
    assert entry.text_hash == SAID.text_hash() == sha256(SAID.text()).hexdigest()
    assert (entry.ref.index, entry.ref.text) == (7, entry.text_hash)
    check_signatures(entry, KEYS)


def test_every_statement_of_a_story_comes_back_as_it_was():
    told = tell()
    for index, data in enumerate(told.story.entries):
        statement = read_entry(data, index).statement
        assert parse_text(statement.text()) == statement


def test_every_type_is_found_by_its_name():
    assert len(TYPES) == 26
    assert all(name == kind.TYPE for name, kind in TYPES.items())


def test_further_lines_are_ignored_and_give_no_second_identity():
    more = read_entry(with_lines(OWN, JUNK), 0)
    assert more.text_hash == SAID.text_hash()
    check_signatures(more, KEYS)


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ((JUNK,), "signature-missing"),
        ((JUNK, OWN), "signature-missing"),
        ((OWN, OWN), "signature-doubled"),
        ((OWN, JUNK, OWN), "signature-doubled"),
        ((Signature(OWN.name, OWN.key_id, bytes(64)),), "signature-invalid"),
        ((Signature("other.example", OWN.key_id, OWN.data),), "signature-missing"),
        ((Signature(OWN.name, bytes(4), OWN.data),), "signature-missing"),
    ],
)
def test_the_bureaus_line_comes_first_and_once(lines, code):
    refused(code, check_signatures, read_entry(with_lines(*lines), 0), KEYS)


def test_sixteen_lines_are_the_most():
    lines = (OWN, *(Signature(f"junk{i}", b"junk", b"junk") for i in range(MAX_SIGNATURES)))
    check_signatures(read_entry(with_lines(*lines[:MAX_SIGNATURES]), 0), KEYS)
    refused("too-many-signatures", read_entry, with_lines(*lines), 0)


def test_co_signers_sign_in_the_order_that_the_text_names():
    both = STORY.head().make(Withdrawal, with_=(NAME,), digest="00" * 32, reason="personal-data")
    entry = read_entry(sign(both, [STORY.bureau, PERSON]), 0)
    check_signatures(entry, KEYS)
    one, two = entry.note.signatures
    refused("signature-missing", check_signatures, read_entry(Note(entry.note.text, (two, one)).format(), 0), KEYS)
    refused("signature-missing", check_signatures, read_entry(Note(entry.note.text, (one,)).format(), 0), KEYS)
    refused("unknown-signer", check_signatures, entry, {BUREAU: STORY.bureau.verifier})
    refused("wrong-signers", sign, both, [PERSON, STORY.bureau])
    refused("wrong-signers", sign, both, [STORY.bureau])


def key_change(**changes) -> Key:
    old, new = STORY.bureau.verifier, type(STORY.bureau).from_seed(BUREAU, secret("next")).verifier
    return STORY.head().make(Key, **({"old": old.vkey, "new": new.vkey, "former": None} | changes))


def test_a_key_changes_with_both_signatures_old_then_new():
    new = type(STORY.bureau).from_seed(BUREAU, secret("next"))
    entry = read_entry(sign(key_change(), [STORY.bureau, new]), 0)
    check_signatures(entry, KEYS)
    one, two = entry.note.signatures
    refused("signature-missing", check_signatures, read_entry(Note(entry.note.text, (one,)).format(), 0), KEYS)
    refused("signature-missing", check_signatures, read_entry(Note(entry.note.text, (two, one)).format(), 0), KEYS)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"old": signer(BUREAU + "x").verifier.vkey}, "wrong-old-key"),
        ({"new": "no key"}, "bad-new-key"),
        ({"new": signer(NAME).verifier.vkey}, "bad-new-key"),
        ({"new": STORY.bureau.verifier.vkey}, "bad-new-key"),
        ({"new": signer(BUREAU, 4).verifier.vkey}, "bad-new-key"),
    ],
)
def test_a_key_that_does_not_follow_the_old_one_is_refused(changes, code):
    refused(code, keys_of, key_change(**changes), KEYS)


def test_an_entry_fits_a_uint16():
    refused("entry-too-large", read_entry, bytes(MAX_ENTRY + 1), 0)
    slots = [f"2026/{'a' * 40}/{'b' * 34}{i:05d}" for i in range(1000)]
    told = begin().announcement.of(Announcement).model_copy(update={"slots": tuple(slots)})
    refused("entry-too-large", sign, told, [STORY.bureau])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("v", 1), ("v", None), ("type", "nonsense"), ("log", ""), ("log", "a b"), ("by", "a+b"), ("seq", -1),
        ("seq", "0"), ("prev", "00"), ("prev", "A" * 64), ("time", "2026-09-07"), ("time", 0), ("digest", "00" * 31),
        ("reason", "Because I say so"), ("reason", None), ("with", None), ("with", ["a b"]), ("with", "a"),
    ],
)  # fmt: skip
def test_a_field_of_another_kind_is_refused(field, value):
    bent = dict(parse(SAID.text()[:-1])) | {field: value}
    with pytest.raises(StatementError):
        parse_text(canonical(bent) + b"\n")


@pytest.mark.parametrize("field", ["v", "log", "bureau", "by", "with", "seq", "prev", "time", "digest", "reason"])
def test_every_field_is_needed(field):
    whole = dict(parse(SAID.text()[:-1]))
    del whole[field]
    with pytest.raises(StatementError):
        parse_text(canonical(whole) + b"\n")


def test_what_is_asked_for_by_type_is_given_or_refused():
    entry = read_entry(DATA, 0)
    assert entry.of(Withdrawal) == SAID
    refused("wrong-type", entry.of, Receipt)
    refused("bad-field", STORY.head().make, SignOff, draw="00")


def test_a_checkpoint_is_no_statement():
    refused("not-canonical-json", read_entry, begin().story.checkpoints[0], 0)
