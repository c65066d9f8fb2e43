"""`supervisor invite|enrol|take|desk`: the desk's side of phones, as a clerk has it."""

import json
import shutil
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image

from fairdraw.enrolment import Invitation, code_of, read_code
from fairdraw.render import fingerprint
from fairdraw.trust import parse_trust
from support.phones import Phone, office

CLOCK = "07T18:45:00"


@pytest.fixture(scope="module")
def template(tmp_path_factory) -> Path:
    return office(tmp_path_factory.mktemp("desk"))


@pytest.fixture
def place(template, fairdraw, tmp_path) -> Path:
    """An office in the folder in which commands run."""
    return Path(shutil.copytree(template, tmp_path / "office"))


def heard(phone: Phone) -> str:
    return fingerprint(phone.enrolment().digest)


def enrol(done, phone: Phone, *more: str) -> str:
    return done("supervisor", "enrol", code_of("e", phone.enrolled()), "--heard", heard(phone), *more, "-C", "office")


def test_an_invitation_is_a_link_with_all_that_a_phone_needs(place, done):
    told = json.loads(done("supervisor", "invite", "--url", "https://yb.example.cn/desk", "--json", "-C", "office"))
    where, _, code = told["link"].partition("#")
    assert where == "https://yb.example.cn/desk/"
    letter, data = read_code(code)
    invited = Invitation.parse(data)
    assert (letter, invited.urls) == ("i", ("https://yb.example.cn/desk",))
    assert invited.trust == parse_trust((place / "trust").read_bytes()).digest
    assert told["digits"] == fingerprint(invited.digest)


def test_the_code_in_the_terminal_is_read_by_a_scanner(place, done):
    told = done("supervisor", "invite", "--url", "http://10.1.2.3:8000", "-C", "office")
    link = next(line for line in told.splitlines() if line.startswith("http"))
    rows = [line for line in told.splitlines() if line and set(line) <= set("█▀▄ ")]
    dots = [[sign in "█▀" for sign in row] for row in rows]
    below = [[sign in "█▄" for sign in row] for row in rows]
    lines = [line for pair in zip(dots, below, strict=True) for line in pair]
    image = Image.new("L", (len(lines[0]), len(lines)))
    image.putdata([255 if light else 0 for line in lines for light in line])
    [read] = zxingcpp.read_barcodes(image.resize((image.width * 4, image.height * 4), Image.Resampling.NEAREST))
    assert read.text == link


def test_a_page_of_somebody_else_s_and_a_drawing(place, done):
    told = done("supervisor", "invite", "--page", "https://jjw.example.cn/s", "--out", "code.svg", "-C", "office")
    assert "https://jjw.example.cn/s#i=" in told
    assert "no address of the desk" in told
    assert b"<svg" in (place.parent / "code.svg").read_bytes()


@pytest.mark.parametrize("url", ["ftp://x", "https://u@x.cn", "https://x.cn/?q", "x"])
def test_an_address_that_is_none_is_told(place, fairdraw, url):
    exit_code, told = fairdraw("supervisor", "invite", "--url", url, "-C", "office")
    assert (exit_code, "bad public address" in told) == (2, True)


def test_more_addresses_than_four_or_one_twice_are_told(place, fairdraw):
    for urls in (["https://a.cn"] * 2, [f"https://{name}.cn" for name in "abcde"]):
        words = [word for url in urls for word in ("--url", url)]
        exit_code, told = fairdraw("supervisor", "invite", *words, "-C", "office")
        assert exit_code == 2
        assert "no valid invitation" in told


def test_nothing_is_added_before_the_digits_were_heard(place, fairdraw):
    phone, before = Phone(), (place / "trust").read_bytes()
    code = f"fairdraw:#{code_of('e', phone.enrolled())}"
    exit_code, told = fairdraw("supervisor", "enrol", code, "-C", "office")
    assert exit_code == 3
    assert heard(phone) in told
    assert phone.name in told
    assert "nothing was added yet" in told
    wrong = heard(Phone())
    exit_code, told = fairdraw("supervisor", "enrol", code, "--heard", wrong, "-C", "office")
    assert exit_code == 2
    assert wrong in told
    assert heard(phone) in told
    assert (place / "trust").read_bytes() == before


def test_digits_are_heard_with_or_without_spaces(place, done):
    phone = Phone()
    told = done("supervisor", "enrol", code_of("e", phone.enrolled()), "--heard", heard(phone).replace(" ", ""),
                "-C", "office")  # fmt: skip
    assert "added supervisor" in told
    assert "witness" in told
    trust = parse_trust((place / "trust").read_bytes())
    assert trust.supervisors[phone.name].key == phone.own.verifier
    assert phone.witness.verifier in {witness.verifier for witness in trust.policy.witnesses}


def test_of_an_enrolment_that_cannot_be_added_nothing_is(place, done, fairdraw):
    phone = Phone()
    enrol(done, phone)
    before = (place / "trust").read_bytes()
    again = Phone(phone.name)
    exit_code, _ = fairdraw(
        "supervisor", "enrol", code_of("e", again.enrolled()), "--heard", heard(again), "-C", "office"
    )
    assert exit_code == 2
    assert (place / "trust").read_bytes() == before


def test_who_only_signs_is_no_witness(place, done):
    phone = Phone()
    enrol(done, phone, "--no-witness")
    trust = parse_trust((place / "trust").read_bytes())
    assert len(trust.policy.witnesses) == 2


def test_a_witness_that_takes_the_quorum_from_what_was_drawn_is_told_when_it_is_added_by_hand(place, done):
    one, two = Phone("one/rehearsal"), Phone("two/rehearsal")
    told = done("witness", "add", "one", one.witness.verifier.vkey, "-C", "office")
    assert "quorum" not in told  # two of three: the two practice witnesses cosigned everything
    told = done("witness", "add", "two", two.witness.verifier.vkey, "-C", "office")
    assert "lost their quorum" in told
    answer = json.loads(
        done("witness", "add", "three", Phone("three/rehearsal").witness.verifier.vkey, "--json", "-C", "office")
    )
    assert answer["lost"] == 0, "there is none left to lose"


def test_a_phone_s_signatures_are_taken_by_code_and_by_file(place, done):
    phone = Phone()
    enrol(done, phone)
    cosigned = phone.cosigned((place / "log" / "checkpoint").read_bytes())
    told = done("supervisor", "take", f"fairdraw:#{code_of('c', cosigned)}", "-C", "office", clock=CLOCK)
    assert phone.name in told
    (place.parent / "cosigned").write_bytes(cosigned)
    assert phone.name in done("supervisor", "take", "cosigned", "-C", "office", clock=CLOCK)
    entry = phone.entry("loss", key=phone.own.verifier.vkey, reason="lost")
    (place.parent / "scan.txt").write_text(f"fairdraw:#{code_of('s', entry)}\n", "ascii")
    assert "logged" in done("supervisor", "take", "scan.txt", "-C", "office", clock=CLOCK)
    (place.parent / "entry").write_bytes(phone.entry("loss", key=phone.witness.verifier.vkey, reason="stolen"))
    assert "logged" in done("supervisor", "take", "entry", "-C", "office", clock=CLOCK)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("fairdraw:#c=YWJ", "not read whole"),
        ("fairdraw:#c=YWJj", "no-signature-block|signature"),
        ("nowhere", "nowhere"),
    ],
)
def test_what_is_no_signature_is_told(place, fairdraw, given, expected):
    exit_code, told = fairdraw("supervisor", "take", given, "-C", "office", clock=CLOCK)
    assert exit_code == 2
    assert any(word in told for word in expected.split("|")), told
    assert "fault" not in told


def test_an_enrolment_is_not_taken_and_an_invitation_not_enrolled(place, fairdraw, done):
    exit_code, told = fairdraw("supervisor", "take", code_of("e", Phone().enrolled()), "-C", "office", clock=CLOCK)
    assert (exit_code, "supervisor enrol" in told) == (2, True)
    code = json.loads(done("supervisor", "invite", "--url", "https://a.cn", "--json", "-C", "office"))["link"]
    assert fairdraw("supervisor", "enrol", code, "-C", "office")[0] == 2


def test_a_desk_outside_a_rehearsal_has_no_clock_but_its_own(done, fairdraw):
    done("init", "real", "--bureau", "ybj.example.cn", "--origin", "log.example.cn/ybj")
    exit_code, told = fairdraw("supervisor", "desk", "-C", "real", clock=CLOCK)
    assert (exit_code, "rehearsal" in told) == (2, True)
