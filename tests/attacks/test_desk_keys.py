"""Attacks on the keys at the desk (docs/threat-model.md): overheard, swapped, reported lost, held by one."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from fairdraw.audit import audit
from fairdraw.errors import StatementError, WorkspaceError
from fairdraw.schema import Draw, Loss, SignOff
from fairdraw.statement import sign
from fairdraw_cli import hardware, keyring, keys
from fairdraw_cli.cosigning import Request
from fairdraw_cli.main import run
from support.audited import published
from support.softhsm import configure, log_out, make_token, needs_token
from support.story import BUREAU, Story, Told, begin, failing, signer, tell, trust
from transparency_log.note import ED25519, Note, Signer, Verifier

PHRASE = "correct horse battery"
S0, S1 = "s0.example.cn/rehearsal", "s1.example.cn/rehearsal"
CHIEF = "chief.example.cn/rehearsal"
Run = Callable[..., tuple[int, str]]
PLAN = """
id = "2026"
slots = ["2026/fund-use/1"]
objects = "institutions"
inspectors = "staff"
strata = []
ratio = "1/4"
"""
DRAW = """
id = "fund-1"
slots = ["2026/fund-use/1"]
window = 2026-10-31
[[beacon]]
chain = "quicknet"
at = 2026-09-07T18:36:36Z
"""


@pytest.fixture(autouse=True)
def forgetful(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    keys.forget()
    yield
    keys.forget()


@pytest.fixture
def fairdraw(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*words: str, clock: str | None = None) -> tuple[int, str]:
        capsys.readouterr()
        code = run(["--lang", "en", *words, *(["--clock", f"2026-09-{clock}Z"] if clock else [])])
        told = capsys.readouterr()
        return code, told.out + told.err

    return call


@pytest.fixture
def office(tmp_path: Path, fairdraw: Run) -> Path:
    """An office whose registries are frozen, before its first announcement."""
    objects = "".join(f"H-{i:02d},Hospital {i}\n" for i in range(1, 21))
    staff = "".join(f"I-{i},Inspector {i}\n" for i in range(1, 9))
    files = {"plan.toml": PLAN, "draw.toml": DRAW, "o.csv": f"no,private.name\n{objects}",
             "s.csv": f"no,private.name\n{staff}"}  # fmt: skip
    for name, text in files.items():
        Path(name).write_text(text, "utf-8")
    steps = (
        (("init", "office", "--rehearsal", "--bureau", "ybj.example.cn", "--origin", "log.example.cn/ybj"), None),
        (("plan", "log", "plan.toml", "-C", "office"), "07T10:00:00"),
        (("freeze", "institutions", "o.csv", "-C", "office"), "07T10:01:00"),
        (("freeze", "staff", "s.csv", "-C", "office"), "07T10:01:00"),
    )
    for words, clock in steps:
        code, told = fairdraw(*words, clock=clock)
        assert code == 0, told
    return tmp_path / "office"


@pytest.fixture
def guarded(office: Path, fairdraw: Run) -> Path:
    """The office after it asked for a second signature."""
    told = json.loads(fairdraw("supervisor", "create", CHIEF, "--rehearsal", "--out", "chief.key", "--json")[1])
    assert fairdraw("supervisor", "add", *told["line"].split()[1:], "-C", "office")[0] == 0
    assert fairdraw("four-eyes", CHIEF, "-C", "office")[0] == 0
    (office / "trust").rename("trust-of-readers")
    (office / "trust").write_bytes(Path("trust-of-readers").read_bytes())
    return office


def tree(folder: Path) -> Mapping[str, bytes]:
    return {
        str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file() and "state" not in str(p)
    }


# -- overheard -----------------------------------------------------------------------------------------------------


def test_a_passphrase_cannot_be_given_where_every_user_of_the_machine_reads_it(fairdraw: Run) -> None:
    for option in (f"--passphrase={PHRASE}", f"--pin={PHRASE}"):
        code, told = fairdraw("key", "new", "x.key", "--name", "x.example.cn", "--encrypt", option)
        assert code == 2
        assert PHRASE not in told
        assert not Path("x.key").exists()


@pytest.mark.parametrize("name", keyring.FORBIDDEN)
def test_a_passphrase_in_the_environment_is_refused_and_not_quoted(
    fairdraw: Run, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, PHRASE)
    code, told = fairdraw("supervisor", "create", S0, "--rehearsal", "--encrypt", "--out", "x.key")
    assert code == 2
    assert f"{name}_FILE" in told
    assert PHRASE not in told
    assert not Path("x.key").exists()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_passphrase_file_that_others_may_read_or_change_is_refused(
    fairdraw: Run, monkeypatch: pytest.MonkeyPatch, mode: int
) -> None:
    Path("phrase").write_text(PHRASE, "utf-8")
    Path("phrase").chmod(mode)
    monkeypatch.setenv(keyring.PASSPHRASE_FILE, "phrase")
    code, told = fairdraw("supervisor", "create", S0, "--rehearsal", "--encrypt", "--out", "x.key")
    assert code == 2
    assert "chmod 600 phrase" in told
    assert PHRASE not in told


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o666])
def test_a_private_key_that_others_may_read_is_not_used(office: Path, fairdraw: Run, mode: int) -> None:
    before = tree(office)
    (office / "keys/bureau.key").chmod(mode)
    code, told = fairdraw("announce", "draw.toml", "-C", "office", clock="07T10:02:00")
    assert code == 2
    assert "chmod 600" in told
    assert tree(office) == before


# -- swapped -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["bureau", "log"])
def test_a_key_file_in_the_place_of_another_signs_nothing(office: Path, fairdraw: Run, name: str) -> None:
    path = office / f"keys/{name}.key"
    own = Signer.parse(path.read_text("utf-8"))
    path.write_text(f"{signer(own.name).format()}\n", "utf-8")
    before = tree(office)
    code, told = fairdraw("announce", "draw.toml", "-C", "office", clock="07T10:02:00")
    assert code == 2
    assert own.verifier.vkey in told
    assert "PRIVATE" not in told
    assert tree(office) == before


def test_an_encrypted_log_key_in_the_place_of_another_signs_nothing(
    office: Path, fairdraw: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("phrase").write_text(PHRASE, "utf-8")
    Path("phrase").chmod(0o600)
    monkeypatch.setenv(keyring.PASSPHRASE_FILE, "phrase")
    path = office / "keys/log.key"
    own = Signer.parse(path.read_text("utf-8"))
    path.unlink()
    keys.store_key(path, signer(own.name), phrase=PHRASE)
    before = tree(office)
    code, told = fairdraw("announce", "draw.toml", "-C", "office", clock="07T10:02:00")
    assert code == 2
    assert own.verifier.vkey in told
    assert tree(office) == before


def test_the_old_key_put_back_after_a_change_signs_nothing(office: Path, fairdraw: Run) -> None:
    stolen = (office / "keys/bureau.key").read_bytes()
    assert fairdraw("key", "rotate", "bureau", "-C", "office", clock="07T10:01:30")[0] == 0
    (office / "keys/bureau.key").write_bytes(stolen)
    before = tree(office)
    code, told = fairdraw("announce", "draw.toml", "-C", "office", clock="07T10:02:00")
    assert code == 2
    assert "in force" in told
    assert tree(office) == before


@needs_token
def test_a_token_with_another_key_under_the_label_is_refused(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, fairdraw: Run
) -> None:
    configure(tmp_path_factory.getbasetemp(), monkeypatch)
    token = make_token(tmp_path, "swapped", monkeypatch)
    try:
        code, told = fairdraw("key", "new", "b.pkcs11", "--name", BUREAU, "--rehearsal", "--label", "b", *token.options)
        assert code == 0, told
        file = Path("b.pkcs11").read_text("utf-8")
        other = signer(BUREAU).verifier.vkey
        own = next(line for line in file.splitlines() if line.startswith("vkey"))
        Path("b.pkcs11").write_text(file.replace(own, f'vkey = "{other}"'), "utf-8")
        log_out()
        with pytest.raises(WorkspaceError, match="key-of-another"):
            keys.open_key(Path("b.pkcs11"))
    finally:
        log_out()


class Nonsense:
    """A private key of a token that signs something else than it was asked for."""

    def sign(self, message: bytes, **_: object) -> bytes:
        return signer(BUREAU).sign_bytes(message + b"!")


@needs_token
def test_what_a_token_signs_is_compared_with_the_pinned_key_before_it_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    key = hardware.HardwareKey(hardware.Place("/m.so", "t", "b", signer(BUREAU).verifier))
    monkeypatch.setattr(hardware, "_private", lambda _: Nonsense())
    with pytest.raises(WorkspaceError, match="token-signs-otherwise"):
        key.sign("a statement\n")


# -- reported lost -------------------------------------------------------------------------------------------------


def reported(by: str, key: Verifier) -> Told:
    """Tell a draw whose log has a report of a lost key before its announcement."""
    story = Story()
    story.add(story.head(by).make(Loss, key=key.vkey, reason="stolen"))
    told = tell(story)
    said = told.story.head(S1).make(SignOff, of=told.draw.ref, role="discipline") if told.draw else None
    assert said is not None
    story.add(said)
    return told.later()


@pytest.mark.parametrize("by", [BUREAU, S0])
def test_a_report_of_loss_silences_nobody(by: str) -> None:
    told = reported(by, Story().people[S1].verifier)
    assert failing(told.report()) == {}
    told_of = audit(told.log(), trust(told.story), log=told.story.origin, as_of=told.story.now, calendar=published())
    found = [one for year in told_of.years for one in year.findings if one.code == "key-reported-lost"]
    (loss,) = [at for at, data in enumerate(told.story.entries) if b'"type":"loss"' in data]
    assert [(one.index, one.evidence["by"], one.evidence["count"]) for one in found] == [(loss, by, 1)]
    # The signature behind the report counts: it is told of, and not taken away.
    tables = [table for year in told_of.years for table in year.tables if table.code == "signatures"]
    assert any("discipline" in str(row) for table in tables for row in table.rows)


def test_a_report_of_loss_by_the_bureau_about_its_own_key_stops_no_draw() -> None:
    story = Story()
    told = reported(S0, story.bureau.verifier)
    assert failing(told.report()) == {}


def test_a_stranger_reports_nothing() -> None:
    story = Story()
    stranger = signer("x.example.cn/rehearsal")
    said = story.head(stranger.name).make(Loss, key=story.people[S1].verifier.vkey, reason="lost")
    story.add_bytes(sign(said, [stranger]))
    told = tell(story).later()
    told_of = audit(told.log(), trust(told.story), log=told.story.origin, as_of=told.story.now, calendar=published())
    assert "key-reported-lost" not in {one.code for year in told_of.years for one in year.findings}


@pytest.mark.parametrize(
    "change",
    [{"key": "the one in the drawer"}, {"reason": "forgotten"}, {"key": Verifier("x", ED25519, bytes(32)).vkey}],
)
def test_a_report_of_loss_carries_no_free_text_and_no_key_that_nobody_holds(change: dict[str, str]) -> None:
    story = Story()
    fields = {"key": story.people[S1].verifier.vkey, "reason": "lost", **change}
    with pytest.raises(StatementError, match="bad-field"):
        story.head().make(Loss, **fields)


# -- one of two ----------------------------------------------------------------------------------------------------

VERIFY = ("verify", "office/draws/fund-1/fund-1.fairdraw.json", "--trust", "trust-of-readers", "--log", "office/log",
          "--as-of", "2026-09-07T18:37:00Z", "--json")  # fmt: skip


def logged(office: Path) -> int:
    return int((office / "log/checkpoint").read_text("utf-8").split("\n")[1])


def test_one_person_with_one_key_can_neither_announce_nor_draw(guarded: Path, fairdraw: Run) -> None:
    size = logged(guarded)
    assert fairdraw("announce", "draw.toml", "-C", "office", clock="07T10:02:00")[0] == 0
    assert logged(guarded) == size  # it waits, and nothing is in the log
    assert (
        fairdraw("announce", "draw.toml", "--key", "office/keys/bureau.key", "-C", "office", clock="07T10:02:00")[0]
        == 2
    )
    assert logged(guarded) == size
    assert fairdraw("announce", "draw.toml", "--key", "chief.key", "-C", "office", clock="07T10:02:00")[0] == 0
    assert logged(guarded) == size + 1
    assert fairdraw("draw", "fund-1", "-C", "office", clock="07T18:36:40")[0] == 0
    assert logged(guarded) == size + 1
    assert not list((guarded / "draws/fund-1").glob("*.fairdraw.json"))


def test_the_second_alone_can_neither_announce_nor_draw(guarded: Path, fairdraw: Run) -> None:
    (guarded / "keys/bureau.key").unlink()
    (guarded / "keys/bureau.key").write_bytes(Path("chief.key").read_bytes())
    (guarded / "keys/bureau.key").chmod(0o600)
    size = logged(guarded)
    assert fairdraw("announce", "draw.toml", "--key", "chief.key", "-C", "office", clock="07T10:02:00")[0] == 2
    assert logged(guarded) == size


def test_a_clerk_who_strikes_the_second_from_the_offices_file_convinces_no_reader(guarded: Path, fairdraw: Run) -> None:
    text = (guarded / "trust").read_text("utf-8")
    (guarded / "trust").write_text("".join(f"{line}\n" for line in text.splitlines() if not line.startswith("second ")))
    assert fairdraw("announce", "draw.toml", "-C", "office", clock="07T10:02:00")[0] == 0
    assert fairdraw("draw", "fund-1", "-C", "office", clock="07T18:36:40")[0] == 0
    code, told = fairdraw(*VERIFY)
    assert code == 1
    checks = {one["code"]: one["reason"] for one in json.loads(told)["checks"] if one["state"] == "fails"}
    assert checks["announcement-logged"] == "second-signature-missing"


def test_a_draw_that_one_logs_alone_under_an_announcement_of_two_does_not_hold(guarded: Path, fairdraw: Run) -> None:
    assert fairdraw("announce", "draw.toml", "--key", "chief.key", "-C", "office", clock="07T10:02:00")[0] == 0
    text = (guarded / "trust").read_text("utf-8")
    (guarded / "trust").write_text("".join(f"{line}\n" for line in text.splitlines() if not line.startswith("second ")))
    assert fairdraw("draw", "fund-1", "-C", "office", clock="07T18:36:40")[0] == 0
    code, told = fairdraw(*VERIFY)
    assert code == 1
    checks = {one["code"]: one["reason"] for one in json.loads(told)["checks"] if one["state"] == "fails"}
    assert checks["record-logged"] == "second-signature-missing"


def test_an_answer_with_the_seconds_name_and_another_key_is_not_logged(guarded: Path, fairdraw: Run) -> None:
    told = json.loads(fairdraw("announce", "draw.toml", "-C", "office", "--json", clock="07T10:02:00")[1])
    text = Request.read(Path(told["request"]).read_bytes()).said.text().decode()
    Path("forged").write_bytes(Note(text, (signer(CHIEF).sign(text),)).format())
    size = logged(guarded)
    assert fairdraw("announce", "draw.toml", "--cosigned", "forged", "-C", "office", clock="07T10:02:00")[0] == 2
    assert logged(guarded) == size


def test_a_second_signs_no_two_outcomes_of_one_announcement(guarded: Path, fairdraw: Run) -> None:
    assert fairdraw("announce", "draw.toml", "--key", "chief.key", "-C", "office", clock="07T10:02:00")[0] == 0
    told = json.loads(fairdraw("draw", "fund-1", "-C", "office", "--json", clock="07T18:36:40")[1])
    seat = ("--key", "chief.key", "--trust", "office/trust", "--out", "answer")
    assert fairdraw("supervisor", "cosign", told["request"], *seat)[0] == 0
    said = Request.read(Path(told["request"]).read_bytes()).said
    assert isinstance(said, Draw)
    other = said.model_copy(update={"counts": said.counts.model_copy(update={"drawn": said.counts.drawn - 1})})
    Request(other, None, None).write(Path("other.request"))
    code, told_of = fairdraw("supervisor", "cosign", "other.request", *seat)
    assert code == 2
    assert "another outcome" in told_of


def test_a_window_dated_back_before_the_second_was_asked_for_does_not_get_round_it() -> None:
    told = begin(Story())
    told.story.trust_lines += f"second {BUREAU} {S0} 2026-09-08\n"
    # The inspections would end before the round: no such draw can be made.
    bent = told.retold(window="2026-09-06").go_on()
    assert set(failing(bent.report())) == {"closed-inputs"}
    honest = begin(Story())
    honest.story.trust_lines += f"second {BUREAU} {S0} 2026-09-08\n"
    assert failing(honest.go_on().report())["announcement-logged"] == "second-signature-missing"
