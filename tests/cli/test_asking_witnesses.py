"""Witnesses asked over HTTP, in earnest and by the real clock: who cosigned, who is missing and why, and no fork."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from fairdraw_cli import asking
from fairdraw_cli.session import catalogue
from fairdraw_cli.workspace import Workspace
from support.hosts import Handler, Outside, elsewhere, host, huge, silent
from transparency_log import client
from transparency_log.note import COSIGNATURE_ED25519, Signer
from transparency_log.policy import Witness

Done = Callable[..., str]
Fairdraw = Callable[..., tuple[int, str]]
Join = Callable[..., Outside]


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def office(done: Done, papers: Path) -> Path:
    """An office in earnest, with an empty log."""
    done("init", "office", "--bureau", "ybj.example.cn", "--origin", "log.example.cn/ybj")
    return papers / "office"


@pytest.fixture
def join(office: Path, done: Done) -> Iterator[Join]:
    """Let a witness listen, or another host in its place, and add it to the trust file."""
    with ExitStack() as stack:

        def add(name: str, does: Callable[[Handler], None] | None = None, url: str = "") -> Outside:
            seed = name.encode().ljust(32, b".")
            signer = Signer.from_seed(f"{name}.example.org", seed, COSIGNATURE_ED25519)
            place = Workspace.open(office)
            one = Outside(signer, {place.origin: place.key("log").verifier})
            done("witness", "add", name, one.vkey, url or stack.enter_context(host(does or one)), "-C", "office")
            return one

        yield add


PLAN = ("plan", "log", "plan.toml", "-C", "office")
ASK = ("log", "cosign", "ask", "-C", "office")


def test_a_plan_is_cosigned_over_http_and_registries_can_be_frozen_at_once(join: Join, done: Done) -> None:
    one, two = join("one"), join("two")
    told = done(*PLAN).splitlines()
    at = next(number for number, line in enumerate(told) if line.startswith("logged as entry 0"))
    assert told[at + 1].startswith("asking one, two to cosign, and waiting for the quorum until 20")
    assert sorted(told[at + 2 : at + 4]) == ["one: has cosigned size 1", "two: has cosigned size 1"]
    assert told[at + 4].startswith("witnesses: 2 of 2 have cosigned, a quorum since 20")
    assert "froze snapshot institutions-1" in done("freeze", "institutions", "institutions.csv", "-C", "office")
    assert "2 of 2 have cosigned" in done("freeze", "staff", "staff.csv", "-C", "office")
    # From where they stand they were sent a proof at once.
    assert [body.partition(b"\n")[0] for body in one.asked] == [b"old 0", b"old 1", b"old 2"]
    assert len(two.asked) == 3


def test_a_dead_witness_is_told_and_keeps_nobody_from_the_quorum(join: Join, done: Done, fairdraw: Fairdraw) -> None:
    join("one")
    join("two")
    join("dead", url="http://127.0.0.1:9")
    code, told = fairdraw(*PLAN)
    assert code == 0
    assert "dead: has not cosigned, it cannot be reached: no connection\n" in told
    assert told.count("dead") == 2  # when all are asked, and then once
    assert "witnesses: 2 of 3 have cosigned, a quorum since" in told


def test_a_quorum_that_is_not_reached_is_told_and_can_be_asked_for_again(
    join: Join, done: Done, fairdraw: Fairdraw, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "LOOK", 0.2)
    one = join("one")
    away = [True]
    two = Outside(Signer.from_seed("two.example.org", b"2" * 32, COSIGNATURE_ED25519), one.logs)
    stubborn = lambda handler: silent(handler) if away else two(handler)  # noqa: E731
    with host(stubborn) as url:
        done("witness", "add", "two", two.vkey, url, "-C", "office")
        code, told = fairdraw(*PLAN, "--wait", "1")
        assert code == 0
        assert "one: has cosigned size 1\n" in told
        assert "two: has not answered in time\n" in told
        assert (
            "not yet witnessed: 1 of 2 have cosigned, no quorum\nask witnesses again with fairdraw log cosign ask"
            in told
        )
        code, told = fairdraw(*ASK, "--wait", "1")
        assert (code, "not yet witnessed by a quorum" in told) == (3, True)
        away.clear()
        code, told = fairdraw(*ASK, "--witness", "two")
        assert (code, "witnessed by a quorum since" in told) == (0, True), told
        assert "one:" not in told


def test_a_program_reads_the_same_facts(join: Join, fairdraw: Fairdraw, capsys: pytest.CaptureFixture[str]) -> None:
    join("one")
    join("two", elsewhere)
    _, told = fairdraw(*PLAN, "--json", "--wait", "5")
    answer = json.loads(told.splitlines()[0])
    assert (answer["cosigned"], answer["witnesses"], answer["quorum"], answer["size"]) == (1, 2, False, 1)
    assert sorted(answer["asked"], key=lambda asked: asked["name"]) == [
        {"name": "one", "outcome": "cosigned", "reason": "", "size": 1},
        {"name": "two", "outcome": "unreachable", "reason": "remote-elsewhere", "size": None},
    ]
    assert answer["asked_until"] > 1_750_000_000
    code, told = fairdraw(*ASK, "--json")
    answer = json.loads(told.splitlines()[0])
    assert (code, answer["quorum_time"], answer["size"], len(answer["asked"])) == (3, None, 1, 2)


def test_with_wait_0_nobody_is_asked(join: Join, done: Done, fairdraw: Fairdraw) -> None:
    asked: list[str] = []

    def listening(handler: Handler) -> None:
        asked.append(handler.path)
        handler.answer(404)

    join("one", listening)
    told = done(*PLAN, "--wait", "0")
    assert "0 of 1 have cosigned, no quorum\nask witnesses with fairdraw log cosign export" in told
    assert fairdraw(*ASK, "--wait", "0")[0] == 3
    assert not asked
    fairdraw(*ASK)
    assert len(asked) == 2


@pytest.mark.parametrize("seconds", ["-1", "3601", "soon"])
def test_a_wait_that_is_none_is_a_usage_error(join: Join, fairdraw: Fairdraw, seconds: str) -> None:
    code, told = fairdraw(*PLAN, "--wait", seconds)
    assert (code, "--wait" in told) == (2, True)


def test_witnesses_without_a_web_address_are_asked_by_file_as_ever(
    office: Path, done: Done, fairdraw: Fairdraw
) -> None:
    code, told = fairdraw(*ASK)
    assert (code, "the trust file has no witness yet" in told) == (2, True)
    vkey = Signer.from_seed("one.example.org", b"1" * 32, COSIGNATURE_ED25519).verifier.vkey
    done("witness", "add", "one", vkey, "-C", "office")
    told = done(*PLAN)
    assert "asking" not in told
    assert "ask witnesses with fairdraw log cosign export" in told
    code, told = fairdraw(*ASK)
    assert (code, "no such witness has a web address" in told) == (2, True)
    assert "no witness nobody" in fairdraw(*ASK, "--witness", "nobody")[1]


def test_breaking_off_the_wait_loses_nothing(
    join: Join, done: Done, fairdraw: Fairdraw, monkeypatch: pytest.MonkeyPatch
) -> None:
    join("one")
    join("two", silent)
    ask = client.ask

    def broken_off(*arguments: object, **named: object) -> Iterator[client.Answer]:
        yield next(ask(*arguments, **named))
        raise KeyboardInterrupt

    monkeypatch.setattr(asking, "ask", broken_off)
    monkeypatch.setattr(asking, "LOOK", 0.2)
    code, told = fairdraw(*PLAN)
    assert code == 0
    assert "one: has cosigned size 1\n" in told
    assert "no longer waiting" in told
    assert "not yet witnessed: 1 of 2" in told
    assert "of plan 2026 is logged already, as entry 0" in done(*PLAN, "--wait", "0")


def test_a_bureau_that_was_restored_from_an_old_copy_is_stopped(
    join: Join, office: Path, done: Done, fairdraw: Fairdraw, tmp_path: Path
) -> None:
    one = join("one")
    done(*PLAN)
    shutil.copytree(office, tmp_path / "copy")
    done("freeze", "institutions", "institutions.csv", "-C", "office")
    shutil.rmtree(office)
    (tmp_path / "copy").rename(office)
    before = (office / "log" / "checkpoint").read_bytes()
    freeze = ("freeze", "staff", "staff.csv", "-C", "office")
    for words in (freeze, ASK):
        code, told = fairdraw(*words)
        assert code == 1
        assert "a witness has cosigned size 2 of this log, which stands at 1 here: this is an old copy" in told
    code, told = fairdraw(*freeze, "--json")
    error = json.loads(told.splitlines()[0])["error"]
    assert (code, error["code"], error["params"]) == (1, "witness-ahead", {"expected": 1, "found": 2})
    assert (office / "log" / "checkpoint").read_bytes() == before
    # One that shows nobody what it has does not go back all the same, and the bureau hears of that.
    one.notes.clear()
    code, told = fairdraw(*ASK)
    assert (code, "one: claims to have cosigned size 2 of this log, without showing it\n" in told) == (0, True)
    asked = json.loads(fairdraw(*ASK, "--json")[1].splitlines()[0])["asked"]
    assert asked == [{"name": "one", "outcome": "ahead", "reason": "", "size": 2}]


def test_where_witnesses_are_only_looked_at_one_that_says_nothing_is_told_there(
    join: Join, done: Done, fairdraw: Fairdraw, office: Path
) -> None:
    join("one", lambda handler: handler.answer(403))
    done(*PLAN)
    told = done("log", "gc", "-C", "office")
    assert told.count("what the witness one saw last is not known: status 403\n") == 1
    code, told = fairdraw("log", "restore", "--size", "1", "-C", "office")
    assert (code, told.count("what the witness one saw last is not known: status 403\n")) == (0, 1), told


def test_every_outcome_and_reason_is_told_in_words(office: Path) -> None:
    reasons = ["", "status-403", "conflict", "conflicts", "no-known-signature", "timestamp-out-of-range",
               "cosignature-invalid", "cosignature-length", "signature-lines", "signature-line", "signature-not-base64",
               "key-id-length", "key-name", "signature-empty", "no-signature-block", "too-many-signatures",
               "not-utf-8", "origin-mismatch", "signature-invalid", "lines", "size-not-decimal", "root-not-base64",
               "remote-unreachable", "remote-url", "remote-elsewhere", "remote-proxy", "remote-too-large",
               "remote-too-slow", "remote-encoding"]  # fmt: skip
    verifier = Signer.from_seed("one.example.org", b"1" * 32, COSIGNATURE_ED25519).verifier
    for lang in ("zh", "en"):
        session = asking.Session(lang=lang)
        assert set(client.OUTCOMES) <= set(catalogue(lang).sections["ask"])
        for outcome in client.OUTCOMES:
            for reason in reasons:
                answer = client.Answer(Witness("one", verifier), outcome, size=3, reason=reason)
                told = asking._told(session, answer)
                assert "?" not in told, (outcome, reason)
                assert "-" not in reason or reason not in told


def test_what_a_host_sends_is_never_told_as_it_came(join: Join, fairdraw: Fairdraw) -> None:
    join("one", lambda handler: handler.answer(403, b"\x1b[2Jall is well\n", Reason="\x1b[2J"))
    join("two", huge)
    told = fairdraw(*PLAN)[1]
    assert "\x1b" not in told
    assert "one: has not cosigned, it refuses: status 403\n" in told
    assert "two: is not to be relied on, nothing of its answer was kept: its answer is too large\n" in told
