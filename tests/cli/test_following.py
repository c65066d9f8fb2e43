"""`log follow`, `log mirror` and `log evidence`, on a rehearsal's log in a folder and over HTTP."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fairdraw_cli import alarms as alarms_module
from fairdraw_cli.alarms import Alarms, Metrics
from fairdraw_cli.workspace import Workspace
from support.hosts import Handler, host
from transparency_log.log import Log
from transparency_log.note import Signer
from transparency_log.reader import LogReader
from transparency_log.state import MemoryState
from transparency_log.storage import Directory

Done = Callable[..., str]
Fairdraw = Callable[..., tuple[int, str]]

ONCE = ("--trust", "office/trust", "--once", "--max-age", "31000000")
PLACE = ("office/log", "--state", "seen")
SAMPLE = re.compile(r'fairdraw_log_[a-z_]+\{log="[^"\n]*"(,code="[a-z-]+")?\} [0-9]+')


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


@pytest.fixture
def office(store: Path, tmp_path: Path, request: pytest.FixtureRequest, fairdraw: Fairdraw) -> Path:
    """The office after its first draw, made once for all tests here."""
    if not (store / "office").exists():
        shutil.copytree(request.getfixturevalue("drawn"), store / "office")
    else:
        shutil.copytree(store / "office", tmp_path / "office")
    return tmp_path / "office"


@pytest.fixture(autouse=True)
def recent(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rehearsal's own day, so that its cosignatures are fresh."""
    monkeypatch.setattr(time, "time", lambda: 1_788_810_000.0)


def files_of(folder: Path) -> Callable[[Handler], None]:
    def does(handler: Handler) -> None:
        path = folder / handler.path.lstrip("/")
        if path.is_file():
            handler.answer(200, path.read_bytes())
        else:
            handler.answer(404)

    return does


def forked(office: Path) -> Path:
    """What only the operator can make: another log under the same key."""
    folder = office.parent / "forked"
    log = Log.create(Directory(folder), Workspace.open(office).key("log"), state=MemoryState())
    log.append_many([b"another history %d" % number for number in range(9)])
    return folder


def test_a_log_is_followed_from_its_first_round_on(office: Path, done: Done, fairdraw: Fairdraw) -> None:
    told = done("log", "follow", *PLACE, *ONCE)
    assert "followed from here on: log log.example.cn/ybj/rehearsal, size 5" in told
    assert "nothing wrong was found: size 5, vouched for at 2026-09-07" in told
    told = done("log", "follow", *PLACE, *ONCE)
    assert "from here on" not in told
    code, told = fairdraw("log", "follow", *PLACE, *ONCE, "--json")
    answer = json.loads(told)
    assert (code, answer["size"], answer["findings"], answer["log"]) == (0, 5, [], "log.example.cn/ybj/rehearsal")
    assert "从此开始跟踪" in done("log", "follow", "office/log", "--state", "other", *ONCE, "--lang", "zh")


def test_a_stale_log_is_a_finding_by_the_trust_files_own_freshness(
    office: Path, fairdraw: Fairdraw, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "time", lambda: 1_788_810_000.0 + 3 * 24 * 3600)
    code, told = fairdraw("log", "follow", *PLACE, "--trust", "office/trust", "--once")
    assert (code, "found (stale): nothing shows that this is still the newest" in told) == (1, True)
    code, told = fairdraw("log", "follow", *PLACE, "--trust", "office/trust", "--once", "--lang", "zh")
    assert (code, "发现问题（stale）：无法证明" in told) == (1, True)


def test_altered_files_and_artifacts_are_named(office: Path, done: Done, fairdraw: Fairdraw) -> None:
    done("log", "follow", *PLACE, *ONCE)
    bundle = next((office / "log" / "tile" / "entries").rglob("5"))
    good = bundle.read_bytes()
    bundle.write_bytes(good[:-9] + b"x" + good[-8:])
    one, other, *_ = sorted((office / "log" / "artifact").iterdir())
    one.unlink()
    other.write_bytes(b"something else")
    code, told = fairdraw("log", "follow", *PLACE, *ONCE, "--json")
    found = {finding["code"]: finding["params"] for finding in json.loads(told)["findings"]}
    assert code == 1
    assert found["altered-file"] == {"path": "tile/entries/000.p/5", "index": 4, "reason": "entry-mismatch"}
    assert {"missing-artifact", "altered-artifact"} & found.keys()
    code, told = fairdraw("log", "follow", *PLACE, *ONCE)
    said = "found (altered-file): the log's file tile/entries/000.p/5 was altered (log entry 4; reason entry-mismatch)"
    assert said in told
    (office / "log" / "checkpoint").unlink()
    code, told = fairdraw("log", "follow", *PLACE, *ONCE)
    assert (code, "found (missing-file): the log's file checkpoint is missing" in told) == (1, True)


def test_a_fork_leaves_a_file_that_convicts(office: Path, done: Done, fairdraw: Fairdraw, tmp_path: Path) -> None:
    done("log", "follow", *PLACE, *ONCE)
    code, told = fairdraw("log", "follow", str(forked(office)), "--state", "seen", *ONCE, "--evidence", "proofs")
    assert (code, "found (fork): the log signed two histories, with 5 and with 9 entries" in told) == (1, True)
    (file,) = (tmp_path / "proofs").iterdir()
    assert f"kept the evidence in proofs/{file.name}" in told
    told = done("log", "evidence", str(file), "--trust", "office/trust")
    assert "the key of the log log.example.cn/ybj/rehearsal signed two contradicting histories, with 5" in told
    assert Workspace.open(office).key("log").verifier.vkey in told
    assert "证据成立" in done("log", "evidence", str(file), "--trust", "office/trust", "--lang", "zh")
    good = file.read_bytes()
    for bad in (good.replace(b"root ", b"root A", 1), good[:-5], b"", good.replace(b"\n5\n", b"\n6\n")):
        (tmp_path / "bad").write_bytes(bad)
        code, told = fairdraw("log", "evidence", "bad", "--trust", "office/trust")
        assert (code, "the evidence does not hold" in told) == (1, True)
        assert (
            json.loads(fairdraw("log", "evidence", "bad", "--trust", "office/trust", "--json")[1])["convicts"] is False
        )
    assert fairdraw("log", "evidence", "nowhere", "--trust", "office/trust")[0] == 2
    # The memory still holds the tree that was seen first.
    assert fairdraw("log", "follow", *PLACE, *ONCE)[0] == 0


def test_evidence_against_a_log_that_the_trust_file_does_not_know_is_not_judged(
    office: Path, done: Done, fairdraw: Fairdraw, tmp_path: Path
) -> None:
    done("log", "follow", *PLACE, *ONCE)
    fairdraw("log", "follow", str(forked(office)), "--state", "seen", *ONCE)
    (file,) = tmp_path.glob("*.evidence")
    done("init", "other", "--rehearsal", "--bureau", "b.example.cn", "--origin", "log.example.cn/b")
    code, told = fairdraw("log", "evidence", str(file), "--trust", "other/trust")
    assert (code, "does not know the log" in told) == (2, True)


def test_what_cannot_be_reached_is_told_as_such(office: Path, done: Done, fairdraw: Fairdraw) -> None:
    with host(files_of(office / "log")) as url:
        done("log", "follow", url, "--state", "seen", *ONCE)
        assert fairdraw("log", "follow", f"{url}/nothing", "--state", "new", *ONCE)[0] == 2
    for words in (("--state", "seen"), ("--state", "new")):
        code, told = fairdraw("log", "follow", url, *words, *ONCE)
        assert (code, "cannot tell:" in told, "found" in told) == (3, True, False)
        code, told = fairdraw("log", "follow", url, *words, *ONCE, "--json")
        assert (code, json.loads(told)["unreachable"][0]["code"][-11:]) == (3, "unreachable")
    code, told = fairdraw("log", "mirror", url, "copy", "--trust", "office/trust")
    assert (code, "run it again later" in told) == (3, True)


def test_a_damaged_memory_is_never_begun_anew(office: Path, done: Done, fairdraw: Fairdraw, tmp_path: Path) -> None:
    done("log", "follow", *PLACE, *ONCE)
    good = (tmp_path / "seen").read_bytes()
    for bad in (b"", good[:-3], good.replace(b"\n5\n", b"\n4\n")):
        (tmp_path / "seen").write_bytes(bad)
        code, told = fairdraw("log", "follow", *PLACE, *ONCE)
        assert (code, "the memory seen is damaged" in told) == (2, True)
        assert (tmp_path / "seen").read_bytes() == bad


@pytest.mark.parametrize(
    ("words", "told"),
    [(("--state", "no/seen"), "no folder no"), (("--state", "seen", "--metrics", "no/m"), "no folder no"),
     (("--state", "seen", "--command", "'"), "--command cannot be read"),
     (("--state", "seen", "--interval", "0"), "bad value for --interval")],
)  # fmt: skip
def test_a_mistake_on_the_line_is_told(office: Path, fairdraw: Fairdraw, words: tuple[str, ...], told: str) -> None:
    code, said = fairdraw("log", "follow", "office/log", *words, *ONCE)
    assert (code, told in said) == (2, True), said
    assert fairdraw("log", "follow", "nowhere", "--state", "seen", *ONCE)[0] == 2
    assert fairdraw("log", "follow", "http://user@host/", "--state", "seen", *ONCE)[0] == 2


def test_findings_are_told_over_the_web_and_to_a_program(
    office: Path, fairdraw: Fairdraw, tmp_path: Path, done: Done
) -> None:
    heard: list[dict[str, object]] = []

    def does(handler: Handler) -> None:
        assert handler.headers["Content-Type"] == "application/json"
        heard.append(json.loads(handler.body()))
        handler.answer(204)

    program = tmp_path / "program.py"
    program.write_text("import sys\nopen(sys.argv[1], 'a').write(sys.stdin.read() + '\\n')\n")
    command = shlex.join([sys.executable, str(program), str(tmp_path / "a file; rm -rf")])
    with host(does) as url:
        words = (*PLACE, *ONCE, "--webhook", f"{url}/hook?token=1", "--command", command)
        done("log", "follow", *words)
        assert heard == []  # nothing wrong, nobody is woken
        (office / "log" / "cosigned" / "index").write_text("x\n")
        assert fairdraw("log", "follow", *words)[0] == 1
    assert [finding["code"] for report in heard for finding in report["findings"]] == ["altered-file"]
    assert [json.loads(line) for line in (tmp_path / "a file; rm -rf").read_text().splitlines()] == heard
    assert not (tmp_path / "seen.undelivered").exists()


def test_what_could_not_be_told_is_told_the_next_time(
    office: Path, fairdraw: Fairdraw, done: Done, tmp_path: Path
) -> None:
    heard: list[str] = []
    answers = iter([500, 302, 200, 200])

    def does(handler: Handler) -> None:
        heard.append(json.loads(handler.body())["time"])
        handler.answer(next(answers), b"x" * 100, Location="http://127.0.0.1:1/")

    with host(does) as url:
        words = (*PLACE, *ONCE, "--webhook", f"{url}/secret", "--command", "false")
        done("log", "follow", *PLACE, *ONCE)
        index = office / "log" / "cosigned" / "index"
        good = index.read_text()
        index.write_text("x\n")
        for status in (500, 302):
            code, told = fairdraw("log", "follow", *words)
            assert (code, f"could not be told, and is tried again in the next round: the web address took no report: "
                    f"{url.removeprefix('http://')} ({status})" in told) == (1, True)  # fmt: skip
            assert "the command failed: false (1)" in told
            assert "secret" not in told
        index.write_text(good)
        # The finding is gone, and what it was is told all the same; whom nobody asks for any more is let go.
        done("log", "follow", *PLACE, *ONCE, "--webhook", url)
    assert len(heard) == 4
    assert not (tmp_path / "seen.undelivered").exists()


def test_a_file_of_undelivered_reports_that_is_damaged_is_named(
    office: Path, fairdraw: Fairdraw, tmp_path: Path
) -> None:
    for bad in ("{", "{}\n", '{"to": "me", "report": {}}\n', "[]\n"):
        (tmp_path / "seen.undelivered").write_text(bad)
        code, told = fairdraw("log", "follow", *PLACE, *ONCE)
        assert (code, "undelivered reports seen.undelivered is damaged" in told) == (2, True)


def test_of_undelivered_reports_the_newest_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alarms_module, "MAX_KEPT", 3)
    alarms = Alarms(None, "false", tmp_path / "kept")
    for number in range(5):
        assert [error.code for error in alarms.tell({"number": number})] == ["command-failed"]
    lines = (tmp_path / "kept").read_text().splitlines()
    assert [json.loads(line)["report"]["number"] for line in lines] == [2, 3, 4]
    assert [error.code for error in Alarms(None, "/nowhere/program", tmp_path / "k").tell({})] == ["command-failed"]


def test_the_metrics_are_what_prometheus_reads(office: Path, done: Done, fairdraw: Fairdraw, tmp_path: Path) -> None:
    done("log", "follow", *PLACE, *ONCE, "--metrics", "m.prom")
    text = (tmp_path / "m.prom").read_text()
    assert text.endswith("\n")
    samples = [line for line in text.splitlines() if not line.startswith("# ")]
    assert all(SAMPLE.fullmatch(line) for line in samples)
    assert len(set(samples)) == len(samples)
    comments = [line.split(" ")[:3] for line in text.splitlines() if line.startswith("# ")]
    assert [c[1] for c in comments] == ["HELP", "TYPE"] * (len(comments) // 2)
    assert 'fairdraw_log_size{log="log.example.cn/ybj/rehearsal"} 5' in samples
    (office / "log" / "cosigned" / "index").write_text("x\n")
    fairdraw("log", "follow", *PLACE, *ONCE, "--metrics", "m.prom")
    assert 'code="altered-file"} 1' in (tmp_path / "m.prom").read_text()


def test_the_last_success_outlives_rounds_that_fail(tmp_path: Path) -> None:
    def write(now: int, *, reached: bool) -> str:
        Metrics('a "strange"\\name', 3, now, reached, None, {"fork": 0}).write(tmp_path / "m")
        return (tmp_path / "m").read_text()

    assert "last_success_timestamp_seconds{" not in write(1, reached=False)
    assert 'last_success_timestamp_seconds{log="a \\"strange\\"\\\\name"} 2\n' in write(2, reached=True)
    text = write(3, reached=False)
    assert 'last_success_timestamp_seconds{log="a \\"strange\\"\\\\name"} 2\n' in text
    assert "checkpoint_age_seconds" not in text


@pytest.mark.parametrize(("number", "tamper"), [(signal.SIGTERM, False), (signal.SIGINT, True)])
def test_a_follower_goes_on_until_it_is_stopped(office: Path, tmp_path: Path, number: int, tamper: bool) -> None:
    if tamper:
        (office / "log" / "cosigned" / "index").write_text("x\n")
    follower = subprocess.Popen(
        [sys.executable, "-m", "fairdraw_cli.main", "log", "follow", *PLACE, "--trust", "office/trust", "--interval",
         "1", "--max-age", "31000000", "--json"],
        stdout=subprocess.PIPE, cwd=tmp_path, env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert follower.stdout is not None
    with follower.stdout as told:
        rounds = [json.loads(told.readline()) for _ in range(2)]
        follower.send_signal(number)
        rest = told.read()
    assert follower.wait() == (1 if tamper else 0), rest
    assert [[found["code"] for found in one["findings"]] for one in rounds] == [["altered-file"] if tamper else []] * 2


def test_a_copy_serves_and_checks_like_the_log(office: Path, done: Done, fairdraw: Fairdraw, tmp_path: Path) -> None:
    with host(files_of(office / "log")) as url:
        told = done("log", "mirror", url, "copy", "--trust", "office/trust")
        assert "the copy of log log.example.cn/ybj/rehearsal holds 5 entries, 5 of them new" in told
        assert "check it with fairdraw log check copy" in told
    (tmp_path / "copy" / "tile" / ".killed.tmp").write_text("half a file")
    answer = json.loads(done("log", "mirror", "office", "copy", "--trust", "office/trust", "--json"))
    assert not list((tmp_path / "copy").rglob(".*"))
    assert (answer["size"], answer["before"], answer["lacking"], answer["withdrawn"]) == (5, 5, [], [])
    for path in (office / "log").rglob("*"):
        if path.is_file():
            assert (tmp_path / "copy" / path.relative_to(office / "log")).read_bytes() == path.read_bytes()
    done("log", "check", "copy", "--trust", "office/trust")
    with host(files_of(tmp_path / "copy")) as url:
        done("log", "follow", url, "--state", "seen", *ONCE)
        words = ("verify", "office/draws/fund-1/fund-1.fairdraw.json", "--trust", "office/trust", "--log", url)
        assert fairdraw(*words, "--as-of", "2026-09-07T19:00:00Z")[0] == 0


def test_a_copy_takes_no_other_history_and_keeps_the_evidence(
    office: Path, done: Done, fairdraw: Fairdraw, tmp_path: Path
) -> None:
    done("log", "mirror", "office", "copy", "--trust", "office/trust")
    code, told = fairdraw("log", "mirror", str(forked(office)), "copy", "--trust", "office/trust")
    assert (code, "the copy was not updated: the log signed two histories, with 5 and with 9" in told) == (1, True)
    (file,) = (tmp_path / "copy").glob("*.evidence")
    done("log", "evidence", str(file), "--trust", "office/trust")
    done("log", "check", "copy", "--trust", "office/trust")


def test_a_copy_says_what_it_lacks_and_what_went_wrong_with_its_own_disk(
    office: Path, done: Done, fairdraw: Fairdraw, tmp_path: Path
) -> None:
    one = min((office / "log" / "artifact").iterdir())
    data = one.read_bytes()
    one.unlink()
    code, told = fairdraw("log", "mirror", "office", "copy", "--trust", "office/trust")
    assert (code, f"the artifact {one.name} could not be had" in told) == (1, True)
    one.write_bytes(data)
    done("log", "mirror", "office", "copy", "--trust", "office/trust")
    done("log", "check", "copy", "--trust", "office/trust")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "tile").write_text("a file where a folder must be")
    assert fairdraw("log", "mirror", "office", "other", "--trust", "office/trust")[0] == 2
    assert fairdraw("log", "mirror", "office", "no/copy", "--trust", "office/trust")[0] == 2
    assert fairdraw("log", "mirror", "nowhere", "copy", "--trust", "office/trust")[0] == 2


def test_a_copy_is_updated_by_one_program_at_a_time(office: Path, done: Done, fairdraw: Fairdraw) -> None:
    going, go_on = threading.Event(), threading.Event()
    files = files_of(office / "log")

    def does(handler: Handler) -> None:
        going.set()
        go_on.wait(30)
        files(handler)

    with host(does) as url:
        words = [sys.executable, "-m", "fairdraw_cli.main", "log", "mirror", url, "copy", "--trust", "office/trust"]
        with subprocess.Popen(words, cwd=office.parent, stdout=subprocess.DEVNULL) as first:
            going.wait(30)
            code, told = fairdraw("log", "mirror", "office", "copy", "--trust", "office/trust")
            go_on.set()
        assert first.returncode == 0
    assert (code, "another program is updating the copy copy" in told) == (2, True)
    assert LogReader(Directory(office.parent / "copy").read, _log_key(office).verifier).check().checkpoint.size == 5


def _log_key(office: Path) -> Signer:
    return Workspace.open(office).key("log")
