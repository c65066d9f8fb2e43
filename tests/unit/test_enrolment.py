"""What desk and phone hand each other: specs/phone.md, its vectors, and codes that a scanner bent."""

import json
from pathlib import Path

import pytest

from fairdraw.enrolment import MAX_CODED, Enrolment, Invitation, code_of, read_code
from fairdraw.errors import TrustError
from fairdraw.render import fingerprint
from transparency_log.note import Signer

VECTORS = json.loads((Path(__file__).resolve().parents[2] / "specs/vectors/phone.json").read_text("utf-8"))
READERS = {"i": Invitation, "e": Enrolment}


def read(text: str) -> Invitation | Enrolment:
    letter, data = read_code(text)
    return READERS[letter].parse(data)


@pytest.mark.parametrize("case", VECTORS["accept"], ids=lambda case: case["name"])
def test_what_is_handed_over_is_read(case):
    letter, data = read_code(case["code"])
    assert (letter, data.decode()) == (case["kind"], case["text"])
    assert fingerprint(read(case["code"]).digest) == case["digits"]


@pytest.mark.parametrize("case", VECTORS["refuse"], ids=lambda case: case["name"])
def test_what_is_bent_is_refused(case):
    with pytest.raises(TrustError) as refused:
        read(case["code"])
    assert refused.value.code == case["expect"]


@pytest.mark.parametrize("case", VECTORS["accept"], ids=lambda case: case["name"])
def test_what_is_written_is_what_is_read(case):
    told = read(case["code"])
    if isinstance(told, Invitation):
        assert told.format().decode() == case["text"]
        assert told.code == case["code"].rpartition("#")[2]
    else:
        assert case["text"].startswith(told.text + "\n— ")


def test_a_signed_enrolment_reads_back():
    own = Signer.from_seed("s1.example.cn", bytes(range(32)))
    told = Enrolment(log="log.example.cn/jinan", role="cppcc", supervisor=own.verifier)
    assert Enrolment.parse(told.sign(own)) == told


@pytest.mark.parametrize("case", [c for c in VECTORS["accept"] if c["kind"] == "e"][:1], ids=lambda case: case["name"])
def test_every_changed_character_of_an_enrolment_is_refused(case):
    data = case["text"].encode()
    for at in range(len(data)):
        with pytest.raises(TrustError):
            Enrolment.parse(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])


def test_a_code_holds_what_its_limit_says():
    assert read_code(code_of("s", b"a" * MAX_CODED)) == ("s", b"a" * MAX_CODED)
    with pytest.raises(TrustError, match="bad-code"):
        read_code(code_of("s", b"a" * (MAX_CODED + 1)))
