"""The drill of docs/operations.md is typed as it stands there."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from fairdraw_cli.main import run
from transparency_log.errors import SequenceError
from transparency_log.state import SqliteState

DOCUMENT = (Path(__file__).resolve().parents[2] / "docs/operations.md").read_text("utf-8")
DRILL = DOCUMENT.split("## 5.")[1].split("## 6.")[0]
PLAN = """
id = "2026"
slots = ["2026/fund-use/1"]
objects = "objects"
inspectors = "staff"
strata = []
ratio = "1/4"
reason = "trial"
"""


def type_in(line: str) -> None:
    match shlex.split(line, comments=True):
        case ["fairdraw", *words]:
            assert run(words) == 0, line
        case ["mv", source, target]:
            shutil.move(source, target)
        case other:
            raise AssertionError(other)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace whose log has one entry."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    Path("plan.toml").write_text(PLAN, encoding="utf-8")
    type_in("fairdraw init desk --rehearsal --bureau ybj.example.cn --origin log.example.cn/ybj")
    type_in("fairdraw -C desk plan log plan.toml --clock 2026-09-07T10:00:00Z")
    return tmp_path / "desk"


def test_the_drill_brings_back_a_log_that_grew_after_its_backup(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = re.findall(r"```sh\n(.*?)```", DRILL, re.DOTALL)[0].splitlines()
    assert len(lines) == 5
    type_in(lines[0])
    # The plan changes twice after the backup.
    for ratio, minute in (("1/5", 1), ("1/6", 2)):
        Path("plan.toml").write_text(PLAN.replace("1/4", ratio), encoding="utf-8")
        type_in(f"fairdraw -C desk plan log plan.toml --clock 2026-09-07T10:0{minute}:00Z")
    for line in lines[1:]:
        type_in(line)
    assert "recomputed from its entries (3)" in capsys.readouterr().out
    with SqliteState(desk / "state" / "log.sqlite") as state:
        assert state.read() is not None
    for public in ("checkpoint", "tile/0/000.p/3", "cosigned/3"):
        assert (desk / "log" / public).read_bytes() == (Path("lost/log") / public).read_bytes()
    Path("plan.toml").write_text(PLAN.replace("1/4", "1/7"), encoding="utf-8")
    type_in("fairdraw -C desk plan log plan.toml --clock 2026-09-07T10:03:00Z")


def test_a_backup_restored_without_what_came_after_it_is_refused(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    type_in("fairdraw -C desk log backup backup.tar")
    Path("plan.toml").write_text(PLAN.replace("1/4", "1/5"), encoding="utf-8")
    type_in("fairdraw -C desk plan log plan.toml --clock 2026-09-07T10:01:00Z")
    assert run(["-C", "again", "log", "restore", "--backup", "backup.tar", "--size", "2"]) == 2
    assert "the public files show size 1, not 2" in capsys.readouterr().err


def test_the_state_alone_can_be_lost(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (desk / "state" / "log.sqlite").unlink()
    assert run(["-C", "desk", "log", "gc"]) == 2
    assert "is missing, and is never made anew" in capsys.readouterr().err
    assert not (desk / "state" / "log.sqlite").exists()
    type_in("fairdraw -C desk log restore --size 1")
    type_in("fairdraw -C desk log gc")


def test_every_reason_to_refuse_that_the_document_lists_is_one_that_the_log_gives() -> None:
    words = (Path(__file__).resolve().parents[2] / "src/fairdraw/wording/en.toml").read_text("utf-8")
    for code in ("locked", "state-missing", "public-ahead", "public-behind", "witness-ahead", "witness-differs",
                 "public-differs", "not-this-log", "right-edge", "disk-full", "fsync-failed"):  # fmt: skip
        assert f"\n{code} = " in words, code
    assert SequenceError("locked", path="x").code == "locked"
