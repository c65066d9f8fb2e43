"""Keys on the command line: encrypted ones, at a terminal and without; rotation, loss, and four eyes."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fairdraw.schema import Key, Loss
from fairdraw.trust import parse_trust
from fairdraw_cli import agefile, keyring, keys
from fairdraw_cli.history import History
from fairdraw_cli.workspace import Workspace
from support.terminal import at_terminal
from transparency_log.note import Signer

Done = Callable[..., str]
Fairdraw = Callable[..., tuple[int, str]]
PHRASE = "correct horse battery"
NAMES = ("--bureau", "ybj.example.cn", "--origin", "log.example.cn/ybj")
SECOND = "chief.example.cn/rehearsal"
SUPERVISOR = "s1.example.cn/rehearsal"


@pytest.fixture(autouse=True)
def forgetful(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    keys.forget()
    yield
    keys.forget()


@pytest.fixture
def phrase_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with the passphrase, named to the program."""
    path = tmp_path / "phrase"
    path.write_text(f"{PHRASE}\nand a second line\n", "utf-8")
    path.chmod(0o600)
    monkeypatch.setenv(keyring.PASSPHRASE_FILE, str(path))
    return path


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# -- encrypted keys ------------------------------------------------------------------------------------------------


def test_an_office_with_encrypted_keys_asks_once_for_both_and_reading_asks_for_nothing(papers: Path) -> None:
    asked = [("new passphrase for", PHRASE), ("once more", PHRASE)]
    code, screen = at_terminal(["init", "office", "--rehearsal", "--encrypt", *NAMES], asked)
    assert code == 0, screen
    assert PHRASE not in screen
    for name in ("log", "bureau"):
        data = (papers / f"office/keys/{name}.key").read_bytes()
        assert data.startswith(agefile.ARMOUR)
        assert b"PRIVATE" not in data
    clock = ["--clock", "2026-09-07T10:00:00Z"]
    code, screen = at_terminal(["plan", "log", "plan.toml", "-C", "office", *clock], [("passphrase of", PHRASE)])
    assert code == 0, screen
    assert screen.count("passphrase of") == 1
    for words in (["log", "check", "office/log", "--trust", "office/trust"], ["key", "show", "-C", "office"],
                  ["log", "checkpoint", "-C", "office"]):  # fmt: skip
        code, screen = at_terminal(words, [])
        assert code == 0, screen
        assert "passphrase" not in screen


def test_a_wrong_passphrase_leaves_nothing_behind(papers: Path) -> None:
    asked = [("new passphrase for", PHRASE), ("once more", PHRASE)]
    assert at_terminal(["init", "office", "--rehearsal", "--encrypt", *NAMES], asked)[0] == 0
    before = tree(papers / "office")
    words = ["plan", "log", "plan.toml", "-C", "office", "--clock", "2026-09-07T10:00:00Z"]
    code, screen = at_terminal(words, [("passphrase of", "correct horse batterie")])
    assert code == 2
    assert "wrong passphrase" in screen
    assert "Traceback" not in screen
    assert "batterie" not in screen
    after = tree(papers / "office")
    assert {name: data for name, data in after.items() if "sqlite" not in name} == {
        name: data for name, data in before.items() if "sqlite" not in name
    }


def test_two_passphrases_that_differ_make_no_office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    asked = [("new passphrase for", PHRASE), ("once more", PHRASE + "!")]
    code, screen = at_terminal(["init", "office", "--rehearsal", "--encrypt", *NAMES], asked)
    assert code == 2
    assert "differ" in screen
    assert not (tmp_path / "office").exists()


def test_a_passphrase_of_seven_characters_is_too_short(tmp_path: Path, fairdraw: Fairdraw, phrase_file: Path) -> None:
    phrase_file.write_text("seven77\n", "utf-8")
    code, told = fairdraw("supervisor", "create", SUPERVISOR, "--rehearsal", "--encrypt", "--out", "s.key")
    assert code == 2
    assert "at least 8" in told
    assert not (tmp_path / "s.key").exists()


@pytest.mark.usefixtures("phrase_file")
def test_a_key_is_encrypted_and_decrypted_in_its_place(tmp_path: Path, done: Done, fairdraw: Fairdraw) -> None:
    done("supervisor", "create", SUPERVISOR, "--rehearsal", "--out", "s.key")
    plain = (tmp_path / "s.key").read_bytes()
    done("key", "encrypt", "s.key")
    closed = (tmp_path / "s.key").read_bytes()
    assert closed.startswith(agefile.ARMOUR)
    assert (tmp_path / "s.key").stat().st_mode & 0o777 == 0o600
    code, told = fairdraw("key", "encrypt", "s.key")
    assert code == 2
    assert "is encrypted" in told
    keys.forget()
    done("key", "decrypt", "s.key")
    assert (tmp_path / "s.key").read_bytes() == plain
    code, told = fairdraw("key", "decrypt", "s.key")
    assert code == 2
    assert "not encrypted" in told


def test_what_is_no_key_is_not_encrypted_into_something_that_nobody_can_look_into(
    tmp_path: Path, fairdraw: Fairdraw, phrase_file: Path
) -> None:
    (tmp_path / "notes.txt").write_text("not a key\n", "utf-8")
    code, _ = fairdraw("key", "encrypt", "notes.txt")
    assert code == 2
    assert phrase_file.exists()
    assert (tmp_path / "notes.txt").read_text("utf-8") == "not a key\n"


def test_a_pipe_gives_the_passphrase_too(tmp_path: Path, done: Done, monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.write(writing, f"{PHRASE}\n".encode())
    os.close(writing)
    monkeypatch.setenv(keyring.PASSPHRASE_FILE, f"/dev/fd/{reading}")
    done("supervisor", "create", SUPERVISOR, "--rehearsal", "--encrypt", "--out", "s.key")
    keys.forget()
    os.close(reading)
    monkeypatch.delenv(keyring.PASSPHRASE_FILE)
    code, screen = at_terminal(["key", "decrypt", "s.key"], [("passphrase of", PHRASE)])
    assert code == 0, screen
    assert Signer.parse((tmp_path / "s.key").read_text()).name == SUPERVISOR


def test_without_a_terminal_and_without_a_file_the_way_is_told(tmp_path: Path) -> None:
    keys.make_key(tmp_path / "s.key", SUPERVISOR, phrase=PHRASE)
    run = subprocess.run(
        [sys.executable, "-m", "fairdraw_cli.main", "--lang", "en", "key", "decrypt", "s.key"],
        cwd=tmp_path, capture_output=True, text=True, start_new_session=True, input=PHRASE, check=False,
    )  # fmt: skip
    assert run.returncode == 2
    assert keyring.PASSPHRASE_FILE in run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.usefixtures("phrase_file")
def test_a_witness_with_an_encrypted_key_signs(done: Done, papers: Path) -> None:
    done("init", "office", "--rehearsal", *NAMES)
    done("witness", "create", "w", "--name", "w9.example.cn", "--rehearsal", "--encrypt")
    assert (papers / "w/key").read_bytes().startswith(agefile.ARMOUR)
    vkey = Workspace.open(papers / "office").log_verifier.vkey
    with (papers / "w/logs").open("a", encoding="utf-8") as logs:
        logs.write(f"log {vkey}\n")
    line = json.loads(done("witness", "create", "v", "--name", "w8.example.cn", "--rehearsal", "--json"))["lines"][0]
    done("witness", "add", *line.split()[1:], "-C", "office")
    done("log", "cosign", "export", "request", "--old", "0", "-C", "office")
    keys.forget()
    assert "wrote the cosignature" in done("witness", "sign", "w", "request", "answer")


# -- rotation ------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("phrase_file")
def test_a_rotated_key_is_kept_as_the_old_one_was_and_a_draw_over_the_change_holds(
    frozen: Path, papers: Path, done: Done
) -> None:
    old = Signer.parse((frozen / "keys/bureau.key").read_text()).verifier.vkey
    done("key", "encrypt", "bureau", "-C", "office")
    told = json.loads(done("key", "rotate", "bureau", "-C", "office", "--json", clock="07T10:01:30"))
    assert told["vkey"] != old
    assert told["quorum"]
    assert (frozen / "keys/bureau.key").read_bytes().startswith(agefile.ARMOUR)
    (aside,) = (frozen / "keys/retired").iterdir()
    assert aside.stat().st_mode & 0o777 == 0o600
    (said,) = [said for _, said in History.read(Workspace.open(frozen).reader()).all(Key)]
    assert (said.old, said.new, said.former) == (old, told["vkey"], None)
    shown = done("key", "show", "-C", "office")
    assert told["vkey"] in shown
    assert "encrypted" in shown
    assert f"entry {told['index']}" in shown
    done("announce", "draw.toml", "-C", "office", clock="07T10:02:00")
    done("draw", "fund-1", "-C", "office", clock="07T18:36:40")
    # Whoever checks goes by the trust file of the beginning, which has the first key.
    bundle = papers / "office/draws/fund-1/fund-1.fairdraw.json"
    done("verify", str(bundle), "--trust", "office/trust", "--log", "office/log", "--as-of", "2026-09-07T18:37:00Z")


def test_a_logs_key_is_not_rotated(frozen: Path, fairdraw: Fairdraw) -> None:
    before = tree(frozen)
    code, told = fairdraw("key", "rotate", "log", "-C", "office", clock="07T10:05:00")
    assert code == 2
    assert "begin a new log" in told
    assert tree(frozen) == before


def test_a_key_of_another_name_does_not_follow(frozen: Path, done: Done, fairdraw: Fairdraw) -> None:
    done("key", "new", "other.key", "--name", "zjj.example.cn", "--rehearsal")
    code, told = fairdraw("key", "rotate", "bureau", "--to", "other.key", "-C", "office", clock="07T10:05:00")
    assert code == 2
    assert "must be another key of ybj.example.cn/rehearsal" in told
    assert not list(History.read(Workspace.open(frozen).reader()).all(Key))


# -- loss ----------------------------------------------------------------------------------------------------------


def test_the_bureau_and_supervisors_report_a_lost_key(frozen: Path, done: Done, fairdraw: Fairdraw) -> None:
    line = json.loads(done("supervisor", "create", SUPERVISOR, "--rehearsal", "--out", "s.key", "--json"))
    done("supervisor", "add", *line["line"].split()[1:], "-C", "office")
    done("key", "lost", line["vkey"], "--reason", "stolen", "-C", "office", clock="07T10:05:00")
    again = json.loads(
        done("key", "lost", line["vkey"], "--reason", "stolen", "-C", "office", "--json", clock="07T10:06:00")
    )
    bureau = Workspace.open(frozen).trust.bureaus[0].key.vkey
    seat = ("--key", "s.key", "--log", "office/log", "--trust", "office/trust")
    told = json.loads(done("supervisor", "lost", bureau, "--reason", "lost", *seat, "--json", clock="07T10:07:00"))
    done("log", "add", told["file"], "-C", "office", clock="07T10:08:00")
    losses = list(History.read(Workspace.open(frozen).reader()).all(Loss))
    assert [(said.by, said.key, said.reason) for _, said in losses] == [
        ("ybj.example.cn/rehearsal", line["vkey"], "stolen"), (SUPERVISOR, bureau, "lost"),
    ]  # fmt: skip
    assert losses[0][0].index == again["index"]
    assert fairdraw("key", "lost", "not a key", "--reason", "lost", "-C", "office", clock="07T10:09:00")[0] == 2


# -- four eyes -----------------------------------------------------------------------------------------------------


@pytest.fixture
def guarded(frozen: Path, done: Done) -> Path:
    """The office after it asked for a second, whose key is `chief.key`."""
    told = json.loads(done("supervisor", "create", SECOND, "--rehearsal", "--role", "approver", "--out", "chief.key",
                           "--json"))  # fmt: skip
    done("supervisor", "add", *told["line"].split()[1:], "-C", "office")
    done("four-eyes", SECOND, "-C", "office")
    return frozen


VERIFY = ("verify", "office/draws/fund-1/fund-1.fairdraw.json", "--trust", "office/trust", "--log", "office/log",
          "--as-of", "2026-09-07T18:37:00Z")  # fmt: skip


def test_a_draw_that_two_sign_at_one_desk_holds(guarded: Path, done: Done) -> None:
    done("announce", "draw.toml", "--key", "chief.key", "-C", "office", clock="07T10:02:00")
    done("draw", "fund-1", "--key", "chief.key", "-C", "office", clock="07T18:36:40")
    assert done(*VERIFY)
    assert not (guarded / "draws/fund-1/record.request").exists()


def test_a_draw_that_the_second_signs_by_file_holds(guarded: Path, papers: Path, done: Done) -> None:
    told = json.loads(done("announce", "draw.toml", "-C", "office", "--json", clock="07T10:02:00"))
    assert told["with"] == [SECOND]
    said = done("supervisor", "cosign", told["request"], "--key", "chief.key", "--trust", "office/trust", "--out", "a")
    assert "2026/fund-use/1" in said
    assert "fingerprint" in said
    done("announce", "draw.toml", "--cosigned", "a", "-C", "office", clock="07T10:03:00")
    told = json.loads(done("draw", "fund-1", "-C", "office", "--json", clock="07T18:36:40"))
    # Before both have signed there is neither bundle nor record that somebody could show.
    assert not list((guarded / "draws/fund-1").glob("*.fairdraw.json"))
    done("supervisor", "cosign", told["request"], "--key", "chief.key", "--trust", "office/trust", "--out", "b")
    done("draw", "fund-1", "--cosigned", "b", "-C", "office", clock="07T18:36:50")
    assert done(*VERIFY)
    assert (papers / "b").exists()


def another_second(done: Done) -> str:
    """Let the office have a second second, whose key is `deputy.key`."""
    name = "deputy.example.cn/rehearsal"
    told = json.loads(done("supervisor", "create", name, "--rehearsal", "--out", "deputy.key", "--json"))
    done("supervisor", "add", *told["line"].split()[1:], "-C", "office")
    done("four-eyes", name, "-C", "office")
    return name


def test_while_one_second_is_away_another_one_is_asked(guarded: Path, done: Done, fairdraw: Fairdraw) -> None:
    other = another_second(done)
    assert json.loads(done("announce", "draw.toml", "-C", "office", "--json", clock="07T10:02:00"))["with"] == [SECOND]
    words = ("announce", "draw.toml", "--second", other, "-C", "office")
    assert json.loads(done(*words, "--json", clock="07T10:02:10"))["with"] == [other]
    # Who was asked last stays asked, without being named again.
    done("announce", "draw.toml", "--key", "deputy.key", "-C", "office", clock="07T10:02:20")
    assert json.loads(done("draw", "fund-1", "-C", "office", "--json", clock="07T18:36:40"))["with"] == [SECOND]
    code, told = fairdraw("draw", "fund-1", "--second", "x.example.cn", "-C", "office", clock="07T18:36:50")
    assert code == 2
    assert other in told
    done("draw", "fund-1", "--second", other, "--key", "deputy.key", "-C", "office", clock="07T18:36:50")
    assert done(*VERIFY)
    assert not (guarded / "draws/fund-1/record.request").exists()


def test_who_is_no_second_any_more_is_waited_for_no_longer(guarded: Path, done: Done) -> None:
    assert json.loads(done("announce", "draw.toml", "-C", "office", "--json", clock="07T10:02:00"))["with"] == [SECOND]
    lines = (guarded / "trust").read_text("utf-8").splitlines(keepends=True)
    (guarded / "trust").write_text("".join(line for line in lines if not line.startswith("second ")), "utf-8")
    assert "request" not in json.loads(done("announce", "draw.toml", "-C", "office", "--json", clock="07T10:03:00"))


def test_a_signature_that_comes_after_the_round_puts_no_late_announcement_into_the_log(
    guarded: Path, done: Done, fairdraw: Fairdraw
) -> None:
    told = json.loads(done("announce", "draw.toml", "-C", "office", "--json", clock="07T10:02:00"))
    done("supervisor", "cosign", told["request"], "--key", "chief.key", "--trust", "office/trust", "--out", "a")
    before = (guarded / "log/checkpoint").read_bytes()
    for clock in ("07T18:36:00", "07T19:00:00"):
        code, said = fairdraw("announce", "draw.toml", "--cosigned", "a", "-C", "office", clock=clock)
        assert code == 2
        assert "round" in said
        assert (guarded / "log/checkpoint").read_bytes() == before
    assert not (guarded / "state/draws/fund-1").exists()


def test_four_eyes_from_a_later_day_leave_what_is_announced_alone(drawn: Path, done: Done) -> None:
    told = json.loads(done("supervisor", "create", SECOND, "--rehearsal", "--out", "chief.key", "--json"))
    done("supervisor", "add", *told["line"].split()[1:], "-C", "office")
    assert json.loads(done("four-eyes", SECOND, "-C", "office", "--json"))["from"] == "2026-11-01"
    assert parse_trust((drawn / "trust").read_bytes()).seconds_of("ybj.example.cn/rehearsal", "2026-11-01") == (SECOND,)
    assert done(*VERIFY)
    done("key", "show", "-C", "office")


def test_a_second_whom_nobody_knows_is_refused(frozen: Path, fairdraw: Fairdraw) -> None:
    before = (frozen / "trust").read_bytes()
    code, told = fairdraw("four-eyes", SECOND, "-C", "office")
    assert code == 2
    assert SECOND in told
    assert (frozen / "trust").read_bytes() == before


def test_a_bureau_that_moves_to_another_log_says_what_it_follows(frozen: Path, done: Done, fairdraw: Fairdraw) -> None:
    done("log", "freeze", "--origin", "log.example.cn/ybj/rehearsal", "-C", "office", clock="07T10:05:00")
    done("key", "new", "again.key", "--name", "ybj.example.cn", "--rehearsal")
    done("init", "new", "--rehearsal", "--bureau", "ybj.example.cn", "--origin", "log.example.cn/ybj-2",
         "--bureau-key", "again.key")  # fmt: skip
    old, new = Workspace.open(frozen), Workspace.open(frozen.parent / "new")
    words = ("key", "rotate", "bureau", "--former", "office/log", "-C", "new")
    code, told = fairdraw(*words, clock="08T10:00:00")
    assert code == 2  # the reader's trust file decides which logs there are
    assert "log.example.cn/ybj/rehearsal" in told
    lines = [f"log {old.log_verifier.vkey}", *(new.root / "trust").read_text("utf-8").splitlines()[1:]]
    (new.root / "trust").write_text("fairdraw/trust v1\n" + "".join(f"{line}\n" for line in lines), "utf-8")
    done(*words, clock="08T10:00:00")
    (said,) = [said for _, said in History.read(Workspace.open(new.root).reader()).all(Key)]
    last = History.read(old.reader()).by(old.bureau)[-1]
    assert said.former is not None
    assert (said.former.log, said.former.index, said.former.text) == (old.origin, last.index, last.text_hash)
    assert said.seq == 0
    code, told = fairdraw(*words, clock="08T10:01:00")
    assert code == 2
    assert "first statement" in told
