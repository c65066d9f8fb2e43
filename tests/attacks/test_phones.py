"""Attacks at the supervisors' desk (specs/phone.md §4): by strangers, supervisors, and whoever has the log's key."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import Client, TestResponse

from fairdraw.encoding import digest
from fairdraw.render import fingerprint
from fairdraw.trust import parse_trust
from fairdraw_cli.handed import MAX_WAITING, keep_enrolment, waiting
from fairdraw_cli.main import run
from fairdraw_cli.supervision import BURST, MAX_BODY, PAGES, SupervisionSite
from fairdraw_cli.workspace import Workspace
from support.phones import NOW, Phone, office
from transparency_log.checkpoint import Checkpoint, sign_checkpoint
from transparency_log.note import Note, Signer

CLOCK = "2026-09-07T18:45:00Z"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Phone]:
    """An office with one draw, in which one phone is enrolled."""
    folder, phone = office(tmp_path_factory.mktemp("desk")), Phone()
    (folder.parent / "enrolment").write_bytes(phone.enrolled())
    heard = fingerprint(phone.enrolment().digest)
    words = ["supervisor", "enrol", str(folder.parent / "enrolment"), "--heard", heard, "--witness", "-C", str(folder)]
    assert run(words) == 0
    return folder, phone


@pytest.fixture
def place(template: tuple[Path, Phone], tmp_path: Path) -> Path:
    """A copy of the office."""
    return Path(shutil.copytree(template[0], tmp_path / "office"))


@pytest.fixture
def phone(template: tuple[Path, Phone]) -> Phone:
    """The enrolled phone, which has said nothing yet."""
    phone = template[1]
    phone.said.clear()
    return phone


@pytest.fixture
def desk(place: Path) -> Client:
    """The desk's addresses."""
    return Client(SupervisionSite(place, clock=lambda: CLOCK))


def code(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, json.loads(answer.text)["error"]["code"]


def checkpoint(place: Path) -> bytes:
    return (place / "log" / "checkpoint").read_bytes()


def size(place: Path) -> int:
    return int(checkpoint(place).split(b"\n")[1])


def draw_of(place: Path) -> dict[str, Any]:
    entries = Workspace.open(place).reader().entries(0, size(place), size(place))
    index = size(place) - 1
    text = list(entries)[index].split(b"\n\n")[0] + b"\n"
    return {"index": index, "text": digest(text)}


def sign_off(phone: Phone, place: Path, **fields: Any) -> bytes:
    return phone.entry(**{"of": draw_of(place), "role": "discipline", **fields})


# --- what holds ----------------------------------------------------------------------------------------------------


def test_an_honest_phone_cosigns_and_signs_off_and_may_send_both_again(desk, place, phone):
    cosigned = phone.cosigned(checkpoint(place))
    for _ in range(2):
        answer = desk.post("/cosigned", data=cosigned)
        assert (answer.status_code, answer.json) == (200, {"size": size(place), "witnesses": [phone.name]})
    assert checkpoint(place).count(f"— {phone.name}".encode()) == 1
    before, entry = size(place), sign_off(phone, place)
    for _ in range(2):
        assert desk.post("/statement", data=entry).json["index"] == before
    assert size(place) == before + 1
    assert desk.get("/trust").data == (place / "trust").read_bytes()
    assert desk.get("/time").text == f"{CLOCK}\n"


# --- strangers -----------------------------------------------------------------------------------------------------


def test_a_stranger_s_cosignature_is_refused(desk, place):
    before = checkpoint(place)
    assert code(desk.post("/cosigned", data=Phone("stranger/rehearsal").cosigned(before))) == (403, "unknown-witness")
    assert checkpoint(place) == before


def test_a_stranger_with_a_witness_s_name_is_refused(desk, place, phone):
    before = checkpoint(place)
    assert code(desk.post("/cosigned", data=Phone(phone.name).cosigned(before))) == (403, "unknown-witness")
    # With the witness's own key ID in front of a signature by another key.
    note = Note.parse(phone.cosigned(before))
    forged = Phone(phone.name).cosigned(before)
    mine, theirs = note.signatures[1], Note.parse(forged).signatures[1]
    bent = Note(note.text, (note.signatures[0], replace(mine, data=theirs.data))).format()
    assert code(desk.post("/cosigned", data=bent)) == (403, "cosignature-invalid")
    assert checkpoint(place) == before


def test_a_stranger_s_statement_is_refused(desk, place, phone):
    before = size(place)
    stranger = Phone("stranger/rehearsal")
    assert code(desk.post("/statement", data=sign_off(stranger, place))) == (403, "not-a-supervisor")
    assert code(desk.post("/statement", data=sign_off(phone, place, by=Phone(phone.name).own)))[0] == 403
    assert size(place) == before


def test_a_stranger_s_enrolment_adds_nothing_until_its_digits_are_heard(desk, place, capsys):
    before = (place / "trust").read_bytes()
    stranger = Phone("stranger/rehearsal")
    assert desk.post("/enrolment", data=stranger.enrolled()).status_code == 200
    assert (place / "trust").read_bytes() == before
    honest = fingerprint(Phone("honest/rehearsal").enrolment().digest)
    assert run(["supervisor", "enrol", "--heard", honest, "-C", str(place)]) == 2
    assert capsys.readouterr().err
    assert (place / "trust").read_bytes() == before


def test_an_enrolment_of_somebody_else_s_key_or_for_another_log_is_refused(desk, phone):
    thief = Phone(phone.name)
    stolen = phone.enrolment()
    assert code(desk.post("/enrolment", data=stolen.sign(thief.own))) == (400, "bad-enrolment")
    other = phone.enrolled("log.example.cn/other/rehearsal")
    assert code(desk.post("/enrolment", data=other)) == (409, "another-log")


def test_a_flood_of_enrolments_is_counted_and_takes_no_more_room_than_it_may(desk, place):
    answers = [desk.post("/enrolment", data=Phone(f"p{i}/rehearsal").enrolled()) for i in range(BURST + 5)]
    assert code(answers[-1]) == (429, "too-many-enrolments")
    assert answers[-1].headers["Retry-After"]
    for i in range(MAX_WAITING + 5):
        keep_enrolment(Workspace.open(place), Phone(f"q{i}/rehearsal").enrolled())
    assert len(waiting(Workspace.open(place))) == MAX_WAITING


def test_a_guess_has_no_bundle_read_twice(desk, place, monkeypatch):
    known = draw_of(place)["text"]
    assert desk.get(f"/bundle/{known}").status_code == 200
    [bundle] = (place / "draws" / "fund-1").glob("fund-1.fairdraw.json")
    before = bundle.read_bytes()
    read = []
    whole = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: read.append(path.name) or whole(path))
    for guess in ("0" * 64, "1" * 64):
        assert desk.get(f"/bundle/{guess}").status_code == 404
    assert bundle.name not in read
    # One that was written anew is read anew.
    bundle.write_bytes(before.replace(known.encode(), b"2" * 64))
    assert desk.get(f"/bundle/{known}").status_code == 404
    assert desk.get(f"/bundle/{'2' * 64}").status_code == 200


def test_the_page_is_shown_in_no_frame(desk):
    for path in PAGES:
        assert desk.get(path or "/").headers["Content-Security-Policy"] == "frame-ancestors 'none'"


def test_what_is_too_large_is_not_read_and_what_unfolds_is_not_unfolded(desk, place):
    before = size(place)
    for path in ("/enrolment", "/cosigned", "/statement"):
        assert code(desk.post(path, data=b"x" * (MAX_BODY + 1))) == (413, "body-too-large")
        assert code(desk.post(path, data=b"\x1f\x8b", headers={"Content-Encoding": "gzip"})) == (400, "body-cut")
        assert code(desk.post(path, data=b""))[0] == 400
    assert size(place) == before


@pytest.mark.parametrize("junk", [b"\xff", b"{}\n", b"a\n\n\xe2\x80\x94 b Yg==\n", b"null", b"\n" * 50, b"old 0\n\nx"])
@pytest.mark.parametrize("path", ["/enrolment", "/cosigned", "/statement"])
def test_junk_is_told_to_be_junk_and_never_ends_in_a_fault(desk, path, junk):
    answer = desk.post(path, data=junk)
    assert answer.status_code in (400, 409)
    told = json.loads(answer.text)["error"]
    assert told["zh"] != told["en"]
    assert told["code"] != "desk-fault"


def test_nothing_of_the_workspace_is_served_but_what_is_public(desk, place):
    for path in (
        "/keys/log.key", "/../keys/log.key", "/bundle/../../keys/log.key", "/bundle/..", "/state/log.sqlite",
        "/fairdraw.toml", "/registries/institutions/private.jsonl", "/draws/fund-1/draw.toml",
        "/bundle/", f"/bundle/{'0' * 64}",
    ):  # fmt: skip
        assert desk.get(path).status_code == 404, path
    assert desk.get(f"/bundle/{draw_of(place)['text']}").json["draw"] == draw_of(place)["text"]
    assert desk.put("/trust", data=b"x").status_code == 405
    assert desk.get("/statement").status_code == 405


# --- supervisors who go wrong --------------------------------------------------------------------------------------


def test_a_cosignature_for_another_log_is_refused(desk, place, phone):
    other = Signer.from_seed("log.example.cn/other/rehearsal", bytes(32))
    shown = sign_checkpoint(Checkpoint(other.name, 3, bytes(32)), other).format()
    assert code(desk.post("/cosigned", data=phone.cosigned(shown))) == (409, "another-log")


def test_a_cosignature_of_the_future_is_refused(desk, place, phone):
    before = checkpoint(place)
    assert code(desk.post("/cosigned", data=phone.cosigned(before, NOW + 3600))) == (409, "cosignature-ahead")
    assert checkpoint(place) == before
    assert desk.post("/cosigned", data=phone.cosigned(before, NOW)).status_code == 200


def test_a_statement_with_a_gap_or_twice_under_one_number_is_refused(desk, place, phone):
    one, two = sign_off(phone, place), sign_off(phone, place)
    assert code(desk.post("/statement", data=two)) == (409, "chain-does-not-fit")
    assert desk.post("/statement", data=one).status_code == 200
    phone.said.clear()
    other = phone.entry("loss", key=phone.own.verifier.vkey, reason="lost")
    assert code(desk.post("/statement", data=other)) == (409, "chain-does-not-fit")
    assert size(place) == draw_of(place)["index"] + 1


def test_a_stolen_key_does_not_fill_the_log_that_everybody_reads(desk, place, phone, monkeypatch):
    """Who can sign can say anything, and nobody can take it out again: it comes slowly, and it comes in the end."""
    monkeypatch.setattr("fairdraw_cli.supervision.BURST", 3)
    monkeypatch.setattr("fairdraw_cli.supervision.PER_SECOND", 0.0)
    before = size(place)
    said = [phone.entry("loss", key=phone.own.verifier.vkey, reason=reason) for reason in ("lost", "stolen") * 2]
    answers = [desk.post("/statement", data=entry) for entry in said]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert code(answers[-1]) == (429, "too-many-statements")
    assert size(place) == before + 3
    assert desk.post("/statement", data=said[0]).status_code == 200, "what is logged may be sent again"


def test_a_statement_in_a_borrowed_role_is_refused(desk, place, phone):
    assert code(desk.post("/statement", data=sign_off(phone, place, role="approver"))) == (403, "wrong-role")


def test_a_statement_of_the_future_is_refused(desk, place, phone):
    late = sign_off(phone, place, time="2026-09-07T18:45:01Z")
    assert code(desk.post("/statement", data=late)) == (409, "statement-ahead")


def test_a_statement_for_another_log_or_bureau_is_refused(desk, place, phone):
    for field in ("log", "bureau"):
        phone.said.clear()
        elsewhere = sign_off(phone, place, **{field: "other.example.cn/rehearsal"})
        assert code(desk.post("/statement", data=elsewhere)) == (409, "another-log")


def test_a_page_that_nobody_has_is_not_vouched_for(desk, place, phone):
    page = {"digest": digest(b"a page"), "length": 6}
    told = phone.entry("verifier-release", page=page, version="0.1.0")
    assert code(desk.post("/statement", data=told)) == (409, "artifact-missing")


# --- whoever has the log's key -------------------------------------------------------------------------------------


def test_a_phone_that_saw_a_fork_stops_the_desk(desk, place, phone):
    """A copy of the log's key signed another tree; the phone cosigned it in good faith, and brings it here."""
    key = Workspace.open(place).key("log")
    before = checkpoint(place)
    for count, expected in ((size(place), "witness-differs"), (size(place) + 7, "witness-ahead")):
        forked = sign_checkpoint(Checkpoint(key.name, count, b"\7" * 32), key).format()
        assert code(desk.post("/cosigned", data=phone.cosigned(forked))) == (409, expected)
    assert checkpoint(place) == before


def test_a_witness_that_would_take_the_quorum_from_what_was_drawn_is_not_added_unasked(place):
    """Else one more name in the trust file would make an earlier draw unprovable, and nobody would have meant it."""
    (place.parent / "e").write_bytes((second := Phone("second/rehearsal")).enrolled())
    words = ["supervisor", "enrol", str(place.parent / "e"), "--heard", fingerprint(second.enrolment().digest)]
    assert run([*words, "-C", str(place)]) == 0
    trust = parse_trust((place / "trust").read_bytes())
    assert second.name in trust.supervisors
    assert second.name not in {witness.verifier.name for witness in trust.policy.witnesses}
