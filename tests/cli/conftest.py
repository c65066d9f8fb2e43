"""Shared by the tests of the command line: an office with a cosigned plan and two frozen registries."""

from collections.abc import Callable
from pathlib import Path

import pytest

from fairdraw_cli.main import run

Fairdraw = Callable[..., tuple[int, str]]

PLAN = """
id = "2026"
slots = ["2026/fund-use/1", "2026/fund-use/2"]
objects = "institutions"
inspectors = "staff"
strata = []
ratio = "1/4"
voids = ["wrong-date", "wrong-place"]
"""
DRAW = """
id = "fund-1"
slots = ["2026/fund-use/1"]
window = 2026-10-31
[[beacon]]
chain = "quicknet"
at = 2026-09-07T18:36:36Z
"""


@pytest.fixture
def fairdraw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Fairdraw:
    """Run a command in an empty folder; returns exit code and output, standard error last."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")

    def call(*words: str, clock: str | None = None) -> tuple[int, str]:
        code = run([*words, *(["--clock", f"2026-09-{clock}Z"] if clock else [])])
        told = capsys.readouterr()
        return code, told.out + told.err

    return call


@pytest.fixture
def done(fairdraw: Fairdraw) -> Callable[..., str]:
    """Run a command that must succeed, and return what it said."""

    def call(*words: str, clock: str | None = None) -> str:
        code, told = fairdraw(*words, clock=clock)
        assert code == 0, told
        return told

    return call


@pytest.fixture
def papers(tmp_path: Path) -> Path:
    """The folder in which the tests stand, with a plan, a draw and two registries in it."""
    objects = [f"H-{i:02d},Hospital {i},1390000{i:04d}" for i in range(1, 21)]
    staff = [f"I-{i},Inspector {i}" for i in range(1, 9)]
    files = {
        "plan.toml": PLAN,
        "draw.toml": DRAW,
        "institutions.csv": "\n".join(["no,private.name,closed.phone", *objects, ""]),
        "staff.csv": "\n".join(["no,private.name", *staff, ""]),
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


@pytest.fixture
def frozen(done: Callable[..., str], papers: Path) -> Path:
    """An office whose plan is cosigned and whose registries are frozen by 2026-09-07T10:01:00Z."""
    done("init", "office", "--rehearsal", "--bureau", "ybj.example.cn", "--origin", "log.example.cn/ybj")
    done("plan", "log", "plan.toml", "-C", "office", clock="07T10:00:00")
    done("freeze", "institutions", "institutions.csv", "-C", "office", clock="07T10:01:00")
    done("freeze", "staff", "staff.csv", "-C", "office", clock="07T10:01:00")
    return papers / "office"


@pytest.fixture
def drawn(frozen: Path, done: Callable[..., str]) -> Path:
    """The office after its first draw."""
    done("announce", "draw.toml", "-C", "office", clock="07T10:02:00")
    done("draw", "fund-1", "-C", "office", clock="07T18:36:40")
    return frozen
