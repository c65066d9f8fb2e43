"""`fairdraw doctor`: each finding in each of its states, with hosts that speak as relays and witnesses do."""

import ast
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, get_args

import pytest

from fairdraw.beacon import CHAINS
from fairdraw.calendar import published
from fairdraw.messages import fields
from fairdraw_cli import bundled, extras
from fairdraw_cli.checks import machine
from fairdraw_cli.checks.finding import State
from fairdraw_cli.commands.doctor import facts, sentence, tell
from fairdraw_cli.doctor import Finding, examine, exit_code
from fairdraw_cli.session import LANGUAGES, Session, catalogue
from fairdraw_cli.workspace import Workspace
from support.hosts import Handler, Outside, elsewhere, host, silent
from transparency_log import fast
from transparency_log.client import OUTCOMES
from transparency_log.note import COSIGNATURE_ED25519, Signer
from transparency_log.state import SqliteState

CLI = Path(bundled.__file__).parent
QUICKNET = CHAINS["quicknet"]
ROUNDS = {r["round"]: r["signature"] for r in json.loads((CLI / "data/rounds.json").read_text("utf-8"))["rounds"]}
NEWEST = 32000953
DUE = QUICKNET.time_of(NEWEST)
REASONS = ("switched-off", "not-installed", "no-symbol", "not-compiled", "wrong-hashes")  # of `fast.why_not`

Done = Callable[..., str]
Fairdraw = Callable[..., tuple[int, str]]


def relay(number: int = NEWEST, signature: str | None = None, status: int = 200) -> Callable[[Handler], None]:
    """Return what a relay does that gives this round as its newest, or only a status."""

    def does(handler: Handler) -> None:
        asked = handler.path == f"/v2/chains/{QUICKNET.hash}/rounds/latest"
        body = json.dumps({"round": number, "signature": signature or ROUNDS[number]}).encode()
        handler.answer(status if asked else 404, body)

    return does


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def hosts() -> Iterator[Callable[..., str]]:
    with ExitStack() as stack:
        yield lambda does: stack.enter_context(host(does))


@pytest.fixture
def office(done: Done, papers: Path) -> Workspace:
    """An office in earnest, with an empty log and no witness."""
    done("init", "office", "--bureau", "ybj.example.cn", "--origin", "log.example.cn/ybj")
    return Workspace.open(papers / "office")


@pytest.fixture
def join(office: Workspace, done: Done, hosts: Callable[..., str]) -> Callable[..., Outside]:
    """Let a witness listen, or another host in its place, and add it to the trust file."""

    def add(
        name: str, does: Callable[[Handler], None] | None = None, *, url: str | None = "", skew: int = 0
    ) -> Outside:
        signer = Signer.from_seed(f"{name}.example.org", name.encode().ljust(32, b"."), COSIGNATURE_ED25519)
        one = Outside(signer, {office.origin: office.key("log").verifier}, skew=skew)
        where = hosts(does or one) if url == "" else url
        done("witness", "add", name, one.vkey, *([where] if where else []), "-C", "office")
        return one

    return add


def found(place: Workspace | None, **how: Any) -> dict[str, Finding]:
    """Return the findings by code, of the last that has it; nobody is asked unless relays are given or `wait` is."""
    place = Workspace.open(place.root) if place else None  # the trust file may have changed
    return {finding.code: finding for finding in examine(place, **{"wait": 0, **how})}


def at(seconds: float) -> Callable[[], float]:
    return lambda: seconds


# -- the clock and the relays -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "state", "clock"),
    [
        ("clock-true", "ok", DUE),
        ("clock-true", "ok", DUE + 1),
        ("clock-true", "ok", DUE + QUICKNET.period + 4),
        ("clock-true", "ok", DUE - 1),
        ("clock-slow", "fail", DUE - 3),
        ("clock-slow", "fail", DUE - 86_400),
        ("clock-fast", "fail", DUE + QUICKNET.period + 6),
    ],
)
def test_the_clock_is_compared_with_rounds_that_verify(
    hosts: Callable[..., str], code: str, state: str, clock: int
) -> None:
    told = found(None, relays=[hosts(relay()), hosts(relay())], clock=at(clock), wait=5)
    assert told[code].state == state
    assert told["relay-serves"].state == "ok"
    assert (told[code].mend != "") == (state != "ok")


def test_one_relay_that_keeps_newer_rounds_to_itself_cannot_call_a_right_clock_fast(hosts: Callable[..., str]) -> None:
    old, now = hosts(relay(NEWEST - 9)), at(DUE)
    assert found(None, relays=[old], clock=now, wait=5)["clock-fast"].state == "warn"
    assert "clock-fast" not in found(None, relays=[old, hosts(relay())], clock=now, wait=5)


def test_a_round_from_the_future_cannot_be_forged_to_call_a_right_clock_slow(hosts: Callable[..., str]) -> None:
    forged = relay(NEWEST + 1000, ROUNDS[NEWEST])
    told = found(None, relays=[hosts(forged)], clock=at(DUE), wait=5)
    assert told["relay-wrong"].state == "fail"
    assert told["relay-wrong"].params["reason"] == "signature-invalid"
    assert told["clock-unknown"].state == "unknown"
    beside = found(None, relays=[hosts(forged), hosts(relay())], clock=at(DUE), wait=5)
    assert (beside["relay-wrong"].state, beside["clock-true"].state) == ("warn", "ok")


def test_a_relay_of_another_chain_is_told(hosts: Callable[..., str]) -> None:
    def other(handler: Handler) -> None:
        body = {"chain_hash": CHAINS["fastnet"].hash, "round": NEWEST, "signature": ROUNDS[NEWEST]}
        handler.answer(200, json.dumps(body).encode())

    told = found(None, relays=[hosts(other)], clock=at(DUE), wait=5)["relay-wrong"]
    assert (told.state, told.params["reason"]) == ("fail", "wrong-chain")


PATIENCE = 5  # seconds: only a silent relay takes them, and a busy machine needs some to ask an answering one


@pytest.mark.parametrize(
    ("does", "reason"), [(elsewhere, "redirect"), (silent, "timeout"), (relay(status=503), "not-yet")]
)
def test_a_relay_that_gives_nothing_is_unknown_alone_and_a_warning_beside_another(
    hosts: Callable[..., str], does: Callable[[Handler], None], reason: str
) -> None:
    alone = found(None, relays=[hosts(does)], clock=at(DUE), wait=PATIENCE)
    assert alone["relay-silent"].params["reason"] == reason
    assert (alone["relay-silent"].state, alone["clock-unknown"].state) == ("unknown", "unknown")
    beside = found(None, relays=[hosts(does), hosts(relay())], clock=at(DUE), wait=PATIENCE)
    assert (beside["relay-silent"].state, beside["clock-true"].state) == ("warn", "ok")


def test_without_a_network_nothing_fails_and_nothing_is_claimed(office: Workspace, fairdraw: Fairdraw) -> None:
    told = found(office, relays=["http://127.0.0.1:9"], wait=1)
    assert told["relay-silent"].params["reason"] == "unreachable"
    assert (told["relay-silent"].state, told["clock-unknown"].state) == ("unknown", "unknown")
    code, text = fairdraw("doctor", "--relay", "http://127.0.0.1:9")
    assert code == 3
    assert "cannot tell: nothing fails" in text
    assert "there is no workspace in this folder" in text


def test_a_password_in_an_address_is_not_shown() -> None:
    told = found(None, relays=["http://clerk:hunter2@127.0.0.1:9/v1?token=hunter2", "http://[hunter2"], wait=1)
    assert told["relay-silent"].params["relay"] in ("http://127.0.0.1:9/v1", "?")
    assert "hunter2" not in str([facts(one) for one in told.values()])


def test_who_wants_nobody_asked_is_told_that_nobody_was(office: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr("socket.socket.connect", never)
    told = found(office)
    assert told["clock-not-asked"].state == "unknown"
    assert not {"relay-silent", "relay-serves"} & set(told)


# -- witnesses --------------------------------------------------------------------------------------------------------


def test_without_witnesses_the_trust_file_fails(office: Workspace) -> None:
    told = found(office)["trust-no-quorum"]
    assert told.state == "fail"
    assert told.mend == f"fairdraw witness add NAME VKEY URL -C {office.root}"


def test_witnesses_that_answer_make_the_quorum_and_tell_what_they_saw(
    office: Workspace, join: Callable[..., Outside], done: Done
) -> None:
    join("one")
    join("two")
    new = found(office, relays=["http://127.0.0.1:9"], wait=3)
    assert (new["witness-new"].state, new["quorum-reached"].state) == ("ok", "ok")
    done("plan", "log", "plan.toml", "-C", "office")
    told = found(office, relays=["http://127.0.0.1:9"], wait=3)
    assert (told["witness-answers"].state, told["witness-answers"].params["size"]) == ("ok", 1)
    assert told["log-cosigned"].state == "ok"


def test_a_witness_that_is_away_is_a_warning_while_the_others_are_enough(
    office: Workspace, join: Callable[..., Outside]
) -> None:
    join("one")
    join("two")
    join("away", url="http://127.0.0.1:9")
    told = found(office, relays=["http://127.0.0.1:9"], wait=3)
    assert (told["witness-silent"].state, told["quorum-reached"].state) == ("warn", "ok")


def test_a_quorum_that_cannot_be_reached_is_unknown(office: Workspace, join: Callable[..., Outside]) -> None:
    join("one")
    join("away", url="http://127.0.0.1:9")
    told = found(office, relays=["http://127.0.0.1:9"], wait=3)
    assert (told["witness-silent"].state, told["quorum-unreached"].state) == ("unknown", "unknown")
    assert told["quorum-unreached"].mend.startswith("fairdraw log cosign export FILE")
    assert found(office)["quorum-not-asked"].state == "unknown"


def test_witnesses_without_an_address_are_counted_as_asked_by_file(
    office: Workspace, join: Callable[..., Outside]
) -> None:
    join("one")
    join("paper", url=None)
    told = found(office, relays=["http://127.0.0.1:9"], wait=3)
    assert (told["witness-by-file"].state, told["quorum-by-file"].state) == ("ok", "warn")


def test_a_witness_that_shows_more_than_this_folder_has_is_a_failure(
    office: Workspace, join: Callable[..., Outside], done: Done
) -> None:
    join("one")
    done("plan", "log", "plan.toml", "-C", "office")
    shutil.copytree(office.root, "old")
    done("freeze", "staff", "staff.csv", "-C", "office")
    told = found(Workspace.open(Path("old")), relays=["http://127.0.0.1:9"], wait=3)["witness-saw-more"]
    assert (told.state, told.params["size"], told.params["ours"]) == ("fail", 2, 1)
    assert told.mend == "fairdraw log restore --size 2 -C old"


def test_a_witness_whose_answer_is_not_what_it_signed_is_a_failure(
    office: Workspace, join: Callable[..., Outside], done: Done
) -> None:
    one = join("one")
    done("plan", "log", "plan.toml", "-C", "office")
    path, note = next(iter(one.notes.items()))
    one.notes[path] = note[:-8] + b"AAAAAA=\n"
    told = found(office, relays=["http://127.0.0.1:9"], wait=3)["witness-wrong"]
    assert told.state == "fail"


def test_a_witness_whose_clock_is_ahead_of_ours_raises_the_question_whose_is_wrong(
    office: Workspace, join: Callable[..., Outside], done: Done
) -> None:
    join("one")
    join("two")
    done("plan", "log", "plan.toml", "-C", "office")
    slow = at(time.time() - 3600)
    told = found(office, relays=["http://127.0.0.1:9"], clock=slow, wait=3)
    assert told["witness-ahead-of-clock"].state == "fail"
    assert told["clock-behind-witnesses"].state == "fail"  # a quorum says so


def test_one_witness_alone_whose_clock_is_ahead_is_a_warning(
    office: Workspace, join: Callable[..., Outside], done: Done
) -> None:
    join("one")
    join("two")
    join("ahead", skew=200)
    done("plan", "log", "plan.toml", "-C", "office")
    done("log", "cosign", "ask", "-C", "office")
    assert found(office)["clock-behind-witnesses"].state == "warn"
    assert "clock-behind-witnesses" not in found(office, clock=at(time.time() + 300))


def test_a_key_that_cannot_be_checked_here_is_a_warning(
    office: Workspace, join: Callable[..., Outside], monkeypatch: pytest.MonkeyPatch
) -> None:
    from transparency_log.note import Verifier

    one = join("one")
    monkeypatch.setattr(Verifier, "supported", property(lambda key: key.name != one.signer.name))
    told = found(office)
    assert (told["key-kind-unsupported"].state, told["key-kind-unsupported"].params["name"]) == (
        "warn",
        "one.example.org",
    )


def test_a_witness_whose_answer_cannot_be_checked_here_is_a_warning(
    office: Workspace, join: Callable[..., Outside], done: Done, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transparency_log.note import Verifier

    join("one")
    done("plan", "log", "plan.toml", "-C", "office")
    monkeypatch.setattr(Verifier, "supported", property(lambda key: key.name != "one.example.org"))
    assert found(office, relays=["http://127.0.0.1:9"], wait=3)["witness-uncheckable"].state == "warn"


def test_practice_witnesses_need_no_network(frozen: Path) -> None:
    told = found(Workspace.open(frozen))
    assert (told["witnesses-rehearsal"].state, told["workspace-rehearsal"].state) == ("ok", "ok")
    assert "quorum-not-asked" not in told


# -- trust, keys and the log ------------------------------------------------------------------------------------------


def test_it_is_told_which_folder_was_looked_at(office: Workspace) -> None:
    told = found(office)["workspace"]
    assert (told.state, told.params["origin"]) == ("ok", "log.example.cn/ybj")
    assert found(None)["no-workspace"].state == "warn"


def test_the_trust_file_says_how_many_could_betray_it(office: Workspace, join: Callable[..., Outside]) -> None:
    join("one")
    assert (found(office)["trust-one-betrays"].state, found(office)["trust-one-betrays"].params["fork"]) == ("warn", 1)
    join("two")
    assert found(office)["trust-quorum"].state == "ok"
    join("three")
    told = found(office)["trust-one-betrays"]  # two of three: one is in both majorities
    assert (told.state, told.params["needed"], told.params["fork"]) == ("warn", 2, 1)


def test_a_trust_file_that_cannot_be_read_fails_and_spoils_no_other_finding(office: Workspace) -> None:
    (office.root / "trust").write_text("nonsense\n")
    told = found(office)
    assert (told["trust-unusable"].state, told["trust-unusable"].params["reason"]) == ("fail", "not-a-trust-file")
    assert told["private-closed"].state == "ok"


def test_files_that_others_may_read_are_told_with_the_command_that_closes_them(office: Workspace) -> None:
    assert found(office)["private-closed"].state == "ok"
    key, folder = office.root / "keys/bureau.key", office.root / "secrets"
    key.chmod(0o640)
    folder.chmod(0o711)
    told = found(office)
    assert (told["file-open"].state, told["file-open"].mend) == ("fail", f"chmod 600 {key}")
    assert (told["folder-open"].state, told["folder-open"].mend) == ("fail", f"chmod 700 {folder}")
    assert "private-closed" not in told
    for finding in (told["file-open"], told["folder-open"]):
        assert os.system(finding.mend) == 0  # noqa: S605 - the command that is shown is the one that mends
    assert found(office)["private-closed"].state == "ok"


def test_a_key_that_was_swapped_damaged_or_lost_fails(office: Workspace) -> None:
    plain = found(office)["key-plain"]
    assert (plain.state, plain.mend) == ("warn", f"fairdraw key encrypt bureau -C {office.root}")
    path = office.root / "keys/bureau.key"
    path.write_text(Signer.from_seed("ybj.example.cn", b"x" * 32).format() + "\n")
    told = found(office)["key-not-trusted"]
    assert (told.state, told.params["name"]) == ("fail", "bureau")
    path.write_text("PRIVATE+KEY+nonsense\n")
    assert found(office)["key-unreadable"].state == "fail"
    path.unlink()
    assert found(office)["key-missing"].state == "fail"


def test_a_key_that_another_one_has_followed_is_trusted_no_more(frozen: Path, done: Done) -> None:
    path = frozen / "keys/bureau.key"
    old = path.read_bytes()
    done("key", "rotate", "bureau", "-C", "office", clock="07T11:00:00")
    assert found(Workspace.open(frozen))["key-trusted"].state == "ok"
    path.write_bytes(old)
    assert found(Workspace.open(frozen))["key-not-trusted"].params["name"] == "bureau"


def test_a_link_to_nowhere_among_the_keys_hides_no_finding(office: Workspace) -> None:
    (office.root / "keys/old.key").symlink_to("nowhere")
    (office.root / "keys/zzz.key").write_text("open to everybody")
    (office.root / "keys/zzz.key").chmod(0o644)
    assert found(office)["file-open"].params["file"] == str(office.root / "keys/zzz.key")


def test_what_mends_can_be_typed_also_where_the_folder_has_a_space(office: Workspace, tmp_path: Path) -> None:
    place = Workspace.open(office.root.rename("an office; touch owned"))
    for name in ("keys", "secrets/one.secret"):
        (place.root / name).touch()
        (place.root / name).chmod(0o777)
    for code in ("folder-open", "file-open"):
        assert os.system(found(place)[code].mend) == 0  # noqa: S605 - the command that is shown is the one that mends
        assert code not in found(place)
    absent = found(place, paper=tmp_path / "a b")["paper-unwritable"]
    assert os.system(absent.mend) == 0  # noqa: S605 - the same
    assert found(place, paper=tmp_path / "a b")["paper-writable"].state == "ok"
    assert not Path("owned").exists()


def test_a_memory_that_is_lost_is_told_and_not_made_anew(office: Workspace) -> None:
    (office.root / "state/log.sqlite").unlink()
    assert found(office)["log-state-lost"].state == "fail"
    assert not (office.root / "state/log.sqlite").exists()
    shutil.rmtree(office.root / "state")
    assert found(office)["log-state-lost"].state == "fail"


def test_a_rehearsals_keys_may_lie_open(frozen: Path) -> None:
    assert found(Workspace.open(frozen))["key-trusted"].state == "ok"


def test_an_encrypted_key_is_not_opened_and_one_in_a_token_is_compared_by_what_its_file_pins(
    office: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fairdraw_cli.keyring.passphrases", lambda _file: pytest.fail("nobody is asked"))
    path = office.root / "keys/bureau.key"
    vkey = office.key("bureau").verifier.vkey
    path.write_bytes(b"-----BEGIN AGE ENCRYPTED FILE-----\n")
    assert found(office)["key-encrypted"].state == "ok"
    place = f'[pkcs11]\nmodule = "/absent.so"\ntoken = "t"\nlabel = "l"\nvkey = "{vkey}"\n'
    path.write_text(place)
    assert found(office)["key-hardware"].state == "ok"
    path.write_text(place.replace(vkey, Signer.from_seed("ybj.example.cn", b"x" * 32).verifier.vkey))
    assert found(office)["key-not-trusted"].state == "fail"
    path.write_text(place.replace(vkey, "nonsense"))
    assert found(office)["key-unreadable"].state == "fail"


def test_no_finding_quotes_a_private_key(office: Workspace) -> None:
    secret = (office.root / "keys/bureau.key").read_text().split("+")[-1].strip()
    (office.root / "keys/bureau.key").write_text((office.root / "keys/log.key").read_text())
    other = (office.root / "keys/log.key").read_text().split("+")[-1].strip()
    told = json.dumps([facts(finding) for finding in found(office).values()], default=str)
    assert "key-not-trusted" in told
    assert secret not in told
    assert other not in told


def test_the_log_is_opened_as_for_the_next_entry(drawn: Path) -> None:
    place = Workspace.open(drawn)
    told = found(place)
    assert (told["log-opens"].state, told["log-cosigned"].state) == ("ok", "ok")
    with SqliteState(place.root / "state/log.sqlite"):
        assert found(place)["log-in-use"].state == "unknown"


def test_a_log_that_must_not_go_on_fails(drawn: Path, done: Done) -> None:
    place = Workspace.open(drawn)
    shutil.copytree(drawn, "copy")
    done("freeze", "staff", "staff.csv", "-C", "copy", clock="08T10:00:00")
    shutil.copytree("copy/log", drawn / "log", dirs_exist_ok=True)
    told = found(place)["log-state-old"]
    assert (told.state, told.params["reason"]) == ("fail", "public-ahead")
    (place.root / "state/log.sqlite").unlink()
    assert found(place)["log-state-lost"].state == "fail"
    shutil.copy("copy/state/log.sqlite", place.root / "state/log.sqlite")
    tile = max((drawn / "log/tile/0").rglob("*"), key=lambda path: path.stat().st_mtime)
    for path in (drawn / "log/tile/0").rglob("*"):
        if path.is_file():
            path.write_bytes(b"\0" * path.stat().st_size)
    assert tile.exists()
    assert found(place)["log-broken"].state == "fail"


def test_what_a_crash_left_undone_is_told_and_finished_by_the_command_that_is_named(drawn: Path, done: Done) -> None:
    place = Workspace.open(drawn)
    outbox = drawn / "state/outbox"
    outbox.mkdir(exist_ok=True)
    size = place.reader().checkpoint().checkpoint.size
    last = next(place.reader().entries(size - 1, size, size))
    (outbox / "000000000005.note").write_bytes(last)
    told = found(place)["log-unfinished"]
    assert (told.state, told.params["count"], told.mend) == ("warn", 1, f"fairdraw log gc -C {drawn}")
    done("log", "gc", "-C", str(drawn), clock="09T10:00:00")
    assert "log-unfinished" not in found(place)


def test_a_log_that_no_quorum_has_seen_lately_is_a_warning(
    office: Workspace, join: Callable[..., Outside], done: Done
) -> None:
    join("one")
    done("plan", "log", "plan.toml", "-C", "office", "--wait", "0")
    assert found(office)["log-not-cosigned"].state == "warn"
    done("log", "cosign", "ask", "-C", "office")
    assert found(office)["log-cosigned"].state == "ok"
    told = found(office, clock=at(time.time() + 3 * 86_400))["log-stale"]
    assert (told.state, told.params["hours"], told.params["limit"]) == ("warn", 72, 48)


def test_a_log_that_was_ended_is_a_warning(office: Workspace, done: Done) -> None:
    done("log", "freeze", "--origin", office.origin, "-C", "office")
    assert found(office)["log-frozen"].state == "warn"


def test_a_year_whose_working_days_are_not_known_is_a_warning(office: Workspace) -> None:
    last = published().years[-1].year
    known = found(office, clock=at(1_700_000_000))  # 2023
    assert known["years-known"].state == "ok"
    told = found(office, clock=at((last + 1 - 1970) * 31_556_952 + 86_400 * 30))["year-unknown"]
    assert (told.state, told.params["year"]) == ("warn", last + 1)


# -- the machine ------------------------------------------------------------------------------------------------------


def test_paper_needs_a_folder_that_can_be_written_fonts_and_a_printing_program(
    office: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    told = found(office, paper=tmp_path)
    assert {told[code].state for code in ("paper-writable", "printer-program", "pdf-ready")} == {"ok"}
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    monkeypatch.setattr(extras, "find_spec", lambda _module: None)
    told = found(office, paper=tmp_path / "absent")
    assert told["paper-unwritable"].state == "fail"
    assert (told["printer-none"].state, told["pdf-missing"].state) == ("warn", "warn")
    assert told["pdf-missing"].mend == 'pip install "fairdraw[pdf]"'


def test_characters_of_the_registries_that_no_font_has_are_named(frozen: Path) -> None:
    place = Workspace.open(frozen)
    assert found(place)["pdf-ready"].params["registries"] == 2
    path = frozen / "registries/staff/private.jsonl"
    path.write_bytes(path.read_bytes() + '{"no":"I-9","private":["\ue000\U0002b7cd某"]}\n'.encode())
    told = found(place)["glyphs-missing"]
    assert told.state == "warn"
    assert "\ue000 (U+E000)" in told.params["some"]
    assert "某" not in str(told.params)


def test_nothing_is_left_behind_in_the_folder_that_was_tried(office: Workspace, tmp_path: Path) -> None:
    (tmp_path / "paper").mkdir()
    found(office, paper=tmp_path / "paper")
    assert list((tmp_path / "paper").iterdir()) == []


@pytest.mark.parametrize(
    ("free", "code", "state"),
    [(1 << 40, "disk-ample", "ok"), (1 << 30, "disk-low", "warn"), (1 << 20, "disk-full", "fail")],
)
def test_the_disk_needs_room(
    office: Workspace, monkeypatch: pytest.MonkeyPatch, free: int, code: str, state: str
) -> None:
    usage = shutil.disk_usage(office.root)
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: usage._replace(free=free))
    assert found(office)[code].state == state


def test_a_large_registry_needs_more_room(frozen: Path) -> None:
    place = Workspace.open(frozen)
    before = found(place)["disk-ample"].params["needed"]
    (frozen / "registries/staff/large").write_bytes(bytes(8 << 20))
    after = found(place)["disk-ample"].params["needed"]
    assert after - before in (32, 33)


def test_an_old_python_and_an_old_openssl_are_told(office: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(office)["versions"].state == "ok"
    monkeypatch.setattr(machine, "PYTHON_ENDS", dict.fromkeys(machine.PYTHON_ENDS, (2020, 1)))
    assert found(office)["python-old"].state == "warn"
    monkeypatch.setattr(machine, "OPENSSL", (99, 0))
    assert found(office)["openssl-old"].state == "fail"


def test_whether_hashing_is_compiled_is_told_and_is_no_warning(
    office: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fast, "why_not", lambda: None)
    assert found(office)["fast-ready"].state == "ok"
    for reason in REASONS:
        monkeypatch.setattr(fast, "why_not", lambda reason=reason: reason)
        told = found(office)["fast-absent"]
        assert told.state == "ok"
        for lang in LANGUAGES:
            assert reason not in sentence(Session(lang=lang), told)


def test_a_page_of_the_package_that_was_altered_fails(
    office: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert found(office)["package-whole"].state == "ok"
    shutil.copytree(bundled.STATIC, tmp_path / "static")
    monkeypatch.setattr(bundled, "STATIC", tmp_path / "static")
    page = tmp_path / "static/verify.html"
    page.write_bytes(page.read_bytes().replace(b"<html", b"<HTML", 1))
    told = found(office)["package-altered"]
    assert (told.state, Path(str(told.params["file"])).name) == ("fail", "verify.html")
    page.unlink()
    assert found(office)["package-altered"].state == "fail"


def test_a_regulation_of_the_package_that_was_altered_fails(office: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    from fairdraw.regulation import GENUINE

    monkeypatch.setitem(GENUINE, "laiyuan", "0" * 64)
    assert found(office)["package-altered"].params["file"] == "regulations/laiyuan.toml"


# -- the command ------------------------------------------------------------------------------------------------------


def test_exit_codes_say_fails_before_cannot_tell_before_holds() -> None:
    ok, warn, unknown, fail = (Finding("x", state) for state in ("ok", "warn", "unknown", "fail"))
    assert [exit_code(findings) for findings in ([ok], [ok, warn], [ok, unknown], [unknown, fail], [])] == [
        0,
        0,
        3,
        1,
        0,
    ]


def test_a_person_and_a_program_are_told_the_same(office: Workspace, fairdraw: Fairdraw) -> None:
    code, text = fairdraw("doctor", "-C", "office", "--wait", "0")
    assert code == 1
    assert "[FAIL] trust file: 0 witnesses and no quorum: no draw can be announced in time\n" in text
    assert "\n      to mend it: fairdraw witness add NAME VKEY URL -C office\n" in text
    code, line = fairdraw("doctor", "-C", "office", "--wait", "0", "--json")
    answer = json.loads(line)
    assert code == 1
    assert answer["fail"] == 1
    assert {"code", "mend", "params", "state"} == set(answer["findings"][0])
    assert "trust-no-quorum" in {finding["code"] for finding in answer["findings"]}


def test_a_folder_that_was_named_and_is_no_workspace_is_a_mistake(papers: Path, fairdraw: Fairdraw) -> None:
    code, text = fairdraw("doctor", "-C", "offcie", "--wait", "0")
    assert (code, "offcie is not a workspace" in text) == (2, True), text


def written() -> set[str]:
    """Return every code that a check makes a finding of."""
    told = set()
    for path in (CLI / "checks").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Finding":
                told |= {
                    n.value for n in ast.walk(node.args[0]) if isinstance(n, ast.Constant) and isinstance(n.value, str)
                }
    return told


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_finding_has_a_sentence_and_every_sentence_a_finding(lang: str) -> None:
    assert set(catalogue(lang).sections["examined"]) == written()


def test_every_finding_is_seen_in_these_tests() -> None:
    source = Path(__file__).read_text("utf-8")
    assert {code for code in written() if f'"{code}"' not in source} == set()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_state_and_what_comes_of_asking_a_witness_has_words(
    lang: str, capsys: pytest.CaptureFixture[str]
) -> None:
    session = Session(lang=lang)
    states = get_args(State)
    for state in states:
        tell(session, Finding("pdf-ready", state, {}, "true"))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4 + 3  # what is in order needs no mending
    for outcome in OUTCOMES:
        if outcome in ("refused", "busy", "unreachable", "too-slow"):
            said = sentence(session, Finding("witness-silent", "unknown", {"name": "one", "reason": outcome}))
            assert outcome not in said or lang == "en"
    assert fields(catalogue(lang).sections["examined"]["witness-silent"]) == {"name", "reason"}
