"""`key rotate` and `supervisor rotate`, killed before each of their calls: one key is in force, and none is lost."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from fairdraw.schema import Key
from fairdraw_cli import keys
from fairdraw_cli.history import History
from fairdraw_cli.main import run
from fairdraw_cli.workspace import Workspace
from transparency_log.note import Signer

NAMES = ("open", "fchmod", "fsync", "replace", "unlink", "mkdir")
KILLED = 9
AT = ("--clock", "2026-09-07T10:00:00Z")
LATER = ("--clock", "2026-09-07T11:00:00Z")
SUPERVISOR = "s1.example.cn/rehearsal"
SEAT = ("--key", "s.key", "--log", "office/log", "--trust", "office/trust")


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """A rehearsal workspace with one supervisor, whose key lies beside it."""
    monkeypatch.chdir(tmp_path)
    names = ("--bureau", "ybj.example.cn", "--origin", "log.example.cn/ybj")
    assert run(["init", "office", "--rehearsal", *names]) == 0
    assert run(["supervisor", "create", SUPERVISOR, "--rehearsal", "--out", "s.key"]) == 0
    line = next(one for one in capsys.readouterr().out.splitlines() if one.startswith("supervisor "))
    assert run(["supervisor", "add", *line.split()[1:], "-C", "office"]) == 0
    return tmp_path


def killed(words: list[str], at: int) -> bool:
    """Run a command in a child that dies before its `at`-th call; say whether it died, which it does not if it ends."""
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        count = 0

        def wrap(real: Callable[..., object]) -> Callable[..., object]:
            def call(*args: object, **kwargs: object) -> object:
                nonlocal count
                count += 1
                if count - 1 == at:
                    os._exit(KILLED)
                return real(*args, **kwargs)

            return call

        for name in NAMES:
            setattr(os, name, wrap(getattr(os, name)))
        os._exit(run(words))
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, KILLED)
    return code == KILLED


def held(folder: Path) -> set[str]:
    """Return the public halves of the private keys in a folder, wherever they lie."""
    told = set()
    for path in folder.rglob("*"):
        if path.is_file() and path.read_bytes().startswith(b"PRIVATE+KEY+"):
            told.add(Signer.parse(path.read_text()).verifier.vkey)
    return told


def changes(root: Path) -> list[Key]:
    """Return the changes of keys in the log."""
    return [said for _, said in History.read(Workspace.open(root).reader()).all(Key)]


def every_kill(office: Path, words: list[str], check: Callable[[], None]) -> int:
    """Kill a command before each of its calls, from the same start each time; returns how often it was killed."""
    saved = office.with_name(f"{office.name}-saved")
    shutil.copytree(office, saved)
    at = 0
    while killed(words, at):
        keys.forget()
        check()
        for path in office.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        shutil.copytree(saved, office, dirs_exist_ok=True)
        at += 1
    return at


def test_a_bureau_has_one_key_in_force_wherever_the_change_was_killed(
    office: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = Signer.parse((office / "office/keys/bureau.key").read_text()).verifier.vkey
    left: set[int] = set()

    def check() -> None:
        before = held(office / "office/keys")
        assert first in before
        capsys.readouterr()
        assert run(["key", "rotate", "bureau", "-C", "office", *LATER, "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        logged = changes(office / "office")
        assert [said.old for said in logged] == [first, *(said.new for said in logged[:-1])]
        assert Signer.parse((office / "office/keys/bureau.key").read_text()).verifier.vkey == told["vkey"]
        assert told["vkey"] == logged[-1].new
        assert {said.new for said in logged} | {first} <= held(office / "office/keys")
        assert not list((office / "office/keys").glob("*.next"))
        left.add(len(logged))

    count = every_kill(office, ["key", "rotate", "bureau", "-C", "office", *AT], check)
    # Killed early the change had not been made, killed late it had; a change after it is the second one.
    assert count > 20
    assert left == {1, 2}


def test_a_supervisor_has_one_key_in_force_wherever_the_change_was_killed(
    office: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = Signer.parse((office / "s.key").read_text()).verifier.vkey

    def check() -> None:
        capsys.readouterr()
        assert run(["supervisor", "rotate", *SEAT, *LATER, "--json"]) == 0
        file = json.loads(capsys.readouterr().out)["file"]
        assert run(["log", "add", file, "-C", "office", *LATER]) == 0
        (said,) = changes(office / "office")
        now = Signer.parse((office / "s.key").read_text()).verifier.vkey
        assert (said.old, said.new) == (first, now)
        assert {first, now} <= held(office)
        # The new key signs on, and its statement counts.
        capsys.readouterr()
        assert run(["supervisor", "lost", first, "--reason", "stolen", *SEAT, *LATER, "--json"]) == 0
        assert run(["log", "add", json.loads(capsys.readouterr().out)["file"], "-C", "office", *LATER]) == 0

    assert every_kill(office, ["supervisor", "rotate", *SEAT, *AT], check) > 10
