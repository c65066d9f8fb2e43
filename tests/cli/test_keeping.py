"""`log freeze|gc|backup|restore|check`: what the keeper of a log does."""

import json
import shutil
import stat
import tarfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest

from transparency_log.note import Verifier
from transparency_log.state import SqliteState

Done = Callable[..., str]
Fairdraw = Callable[..., tuple[int, str]]
ORIGIN = "log.example.cn/ybj/rehearsal"


def test_a_frozen_log_says_so_is_cosigned_and_takes_nothing_more(frozen: Path, done: Done, fairdraw: Fairdraw) -> None:
    told = done("log", "freeze", "-C", "office", "--origin", ORIGIN, clock="07T10:05:00")
    assert f"the log {ORIGIN} ended at size 3" in told
    assert "2 of 2 have cosigned" in told
    code, told = fairdraw("announce", "draw.toml", "-C", "office", clock="07T10:06:00")
    assert (code, "the log ended at size 3 and takes nothing more" in told) == (2, True)
    assert "recomputed from its entries (3)" in done("log", "check", "-C", "office")
    done("log", "freeze", "-C", "office", "--origin", ORIGIN, clock="07T10:07:00")


def test_no_other_log_is_frozen_by_mistake(frozen: Path, fairdraw: Fairdraw) -> None:
    code, told = fairdraw("log", "freeze", "-C", "office", "--origin", "log.example.cn/other", clock="07T10:05:00")
    assert (code, "nothing was frozen" in told) == (2, True)
    assert not (frozen / "log" / "frozen").exists()


def test_a_log_that_shows_more_than_its_end_is_not_sound(frozen: Path, done: Done, fairdraw: Fairdraw) -> None:
    done("log", "freeze", "-C", "office", "--origin", ORIGIN, clock="07T10:05:00")
    end = (frozen / "log" / "frozen").read_bytes()
    (frozen / "log" / "frozen").write_bytes(end.replace(b"\n3\n", b"\n2\n"))
    assert fairdraw("log", "check", "office", "--trust", "office/trust")[0] == 1
    (frozen / "log" / "frozen").write_bytes(end)
    assert fairdraw("log", "check", "office", "--trust", "office/trust")[0] == 0


def test_a_backup_holds_the_whole_workspace_for_its_owner_alone(frozen: Path, done: Done, fairdraw: Fairdraw) -> None:
    half_done = frozen / "state/freeze/institutions"
    half_done.mkdir(parents=True)
    (half_done / "secret").touch()
    done("log", "backup", "office.tar", "-C", "office")
    assert stat.S_IMODE(Path("office.tar").stat().st_mode) == 0o600
    done("log", "restore", "-C", "again", "--backup", "office.tar", "--size", "3")
    assert not (Path("again") / "state/freeze").exists()
    shutil.rmtree(half_done)
    files = {path.relative_to(frozen) for path in frozen.rglob("*") if path.is_file() and path.suffix != ".lock"}
    again = Path("again")
    assert {p.relative_to(again) for p in again.rglob("*") if p.is_file() and p.suffix != ".lock"} == files
    for path in files:
        assert (again / path).read_bytes() == (frozen / path).read_bytes() or path.name == "log.sqlite"
        assert (again / path).stat().st_mode == (frozen / path).stat().st_mode
    assert stat.S_IMODE((again / "keys").stat().st_mode) == 0o700
    done("announce", "draw.toml", "-C", "again", clock="07T10:02:00")


def test_a_backup_overwrites_nothing_and_does_not_swallow_itself(frozen: Path, done: Done, fairdraw: Fairdraw) -> None:
    Path("taken.tar").write_bytes(b"mine")
    assert "is not overwritten" in fairdraw("log", "backup", "taken.tar", "-C", "office")[1]
    assert Path("taken.tar").read_bytes() == b"mine"
    assert "must not lie inside" in fairdraw("log", "backup", "office/log/b.tar", "-C", "office")[1]
    assert not list(frozen.rglob("*.tar"))


def test_no_backup_is_taken_while_somebody_writes(frozen: Path, fairdraw: Fairdraw) -> None:
    with SqliteState(frozen / "state" / "log.sqlite"):
        code, told = fairdraw("log", "backup", "office.tar", "-C", "office")
    assert (code, "another program is using the log" in told) == (2, True)
    assert not Path("office.tar").exists()


@pytest.mark.parametrize("name", ["../outside", "/outside", "log/../../outside"])
def test_a_backup_that_somebody_made_does_not_write_outside_its_folder(
    papers: Path, fairdraw: Fairdraw, name: str
) -> None:
    with tarfile.open("evil.tar", "w") as archive:
        for member in (name, "fairdraw.toml"):
            info = tarfile.TarInfo(member)
            info.size = 4
            archive.addfile(info, BytesIO(b"evil"))
    code, told = fairdraw("log", "restore", "-C", "again", "--backup", "evil.tar", "--size", "3")
    assert (code, "is not a backup of a workspace" in told) == (2, True)
    assert not list(papers.rglob("outside"))
    assert not Path("again/fairdraw.toml").exists()


@pytest.mark.parametrize("data", [b"", b"not a tar", b"\0" * 10240])
def test_what_is_no_backup_is_not_restored(papers: Path, fairdraw: Fairdraw, data: bytes) -> None:
    Path("bad.tar").write_bytes(data)
    code, told = fairdraw("log", "restore", "-C", "again", "--backup", "bad.tar", "--size", "3")
    assert (code, "is not a backup of a workspace" in told) == (2, True)


def test_nothing_is_restored_over_a_workspace_that_is_there(frozen: Path, done: Done, fairdraw: Fairdraw) -> None:
    done("log", "backup", "office.tar", "-C", "office")
    code, told = fairdraw("log", "restore", "-C", "office", "--backup", "office.tar", "--size", "3")
    assert (code, "is not empty" in told) == (2, True)


def test_an_old_copy_of_the_state_beside_newer_files_is_refused_and_can_be_restored(
    frozen: Path, done: Done, fairdraw: Fairdraw
) -> None:
    shutil.copy(frozen / "state" / "log.sqlite", "old.sqlite")
    done("announce", "draw.toml", "-C", "office", clock="07T10:02:00")
    shutil.copy("old.sqlite", frozen / "state" / "log.sqlite")
    code, told = fairdraw("draw", "fund-1", "-C", "office", clock="07T18:36:40")
    assert (code, "the state is an old copy" in told) == (2, True)
    assert "the log goes on from size 4" in done("log", "restore", "-C", "office", "--size", "4")
    done("draw", "fund-1", "-C", "office", clock="07T18:36:40")


def test_artifacts_are_checked_with_the_log_and_a_withdrawn_one_is_not_missed(
    frozen: Path, done: Done, fairdraw: Fairdraw
) -> None:
    told = json.loads(done("log", "check", "office", "--trust", "office/trust", "--json"))
    assert (told["holds"], told["artifacts_missing"]) == (True, [])
    assert told["artifacts"] > 0
    artifact = next((frozen / "log" / "artifact").iterdir())
    good = artifact.read_bytes()
    artifact.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    code, said = fairdraw("log", "check", "office", "--trust", "office/trust")
    assert (code, f"artifact {artifact.name} is not what the log names" in said) == (1, True)
    artifact.unlink()
    code, said = fairdraw("log", "check", "office", "--trust", "office/trust")
    assert (code, f"artifact {artifact.name} is missing" in said) == (1, True)


@pytest.mark.parametrize(
    "path", ["tile/0/000.p/3", "tile/0/000.p/2", "tile/entries/000.p/3", "cosigned/2", "checkpoint"]
)
def test_a_check_names_the_file_that_is_wrong(frozen: Path, fairdraw: Fairdraw, path: str) -> None:
    file = frozen / "log" / path
    data = bytearray(file.read_bytes())
    data[-30] ^= 1  # of the last hash, of the last entry, of the last witness's line
    file.write_bytes(bytes(data))
    code, said = fairdraw("log", "check", "office", "--trust", "office/trust")
    assert code == 1, said
    assert "the log is not sound" in said
    assert path in said or path == "tile/0/000.p/3"  # which is the right edge itself, and told as such


@pytest.mark.parametrize("path", ["cosigned/2", "checkpoint"])
def test_a_line_that_spells_no_signature_is_told_with_its_file(frozen: Path, fairdraw: Fairdraw, path: str) -> None:
    file = frozen / "log" / path
    data = bytearray(file.read_bytes())
    data[-30] = ord("*")
    file.write_bytes(bytes(data))
    code, said = fairdraw("log", "check", "office", "--trust", "office/trust")
    assert (code, "is not base64" in said, path in said) == (1, True, True), said


def test_a_log_that_cannot_be_reached_is_not_called_unsound(frozen: Path, fairdraw: Fairdraw) -> None:
    code, said = fairdraw("log", "check", "http://127.0.0.1:1", "--trust", "office/trust")
    assert code == 3, said


def test_a_log_with_a_second_key_signs_every_checkpoint_twice(papers: Path, done: Done) -> None:
    if not Verifier("x", 6, bytes(1312)).supported:
        pytest.skip("the installed cryptography has no ML-DSA-44")
    told = done("init", "pq", "--rehearsal", "--ml-dsa", "--bureau", "ybj.example.cn", "--origin", "log.example.cn/pq")
    key = Verifier.parse(next(line for line in told.splitlines() if line.startswith("log.example.cn/pq")))
    assert key.algorithm == 6
    done("plan", "log", "plan.toml", "-C", "pq", clock="07T10:00:00")
    for file in ("checkpoint", "cosigned/1"):
        lines = (Path("pq/log") / file).read_text("utf-8").splitlines()
        assert sum(line.startswith("— log.example.cn/pq/rehearsal ") for line in lines) == 2
    assert "the log is sound" in done("log", "check", "pq", "--trust", "pq/trust")
