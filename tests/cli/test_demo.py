"""The demonstration: quick, alone in its folder, and its last lines work as they are printed."""

import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fairdraw_cli import demodata
from fairdraw_cli.main import run

FAIRDRAW = Path(sys.executable).with_name("fairdraw")


def call(folder: Path, *words: str, lang: str = "zh_CN.UTF-8") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [FAIRDRAW, *words], cwd=folder, capture_output=True, text=True, check=False,
        env={**os.environ, "LC_ALL": lang, "http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"},
    )  # fmt: skip


def test_the_demo_ends_with_the_verdict_and_three_commands_that_work(tmp_path: Path) -> None:
    started = time.monotonic()
    told = call(tmp_path, "demo")
    assert (told.returncode, told.stderr) == (0, "")
    assert time.monotonic() - started < 10
    assert [path.name for path in tmp_path.iterdir()] == ["fairdraw-demo"]
    *_, verdict, empty, heading, first, second, third = told.stdout.splitlines()
    assert "核验通过" in verdict
    assert "截至 2026-09-07T19:00:00Z" in verdict
    assert (empty, heading) == ("", "演示完毕。接下来可以试：")
    for line in (first, second, third):
        program, *words = shlex.split(line)
        assert Path(program).name == "fairdraw"
        assert (tmp_path / program).samefile(FAIRDRAW) or program == "fairdraw"
        assert call(tmp_path, *words).returncode == 0


def test_the_demo_speaks_english_where_the_locale_does_and_again_replaces_its_own_folder(tmp_path: Path) -> None:
    for _ in range(2):
        told = call(tmp_path, "demo", lang="en_US.UTF-8")
        assert told.returncode == 0
        assert "That was the demo. What to try next:" in told.stdout


def test_the_tampered_demo_shows_what_failed_and_exits_with_1(tmp_path: Path) -> None:
    told = call(tmp_path, "demo", "--tamper")
    assert told.returncode == 1
    assert "核验不通过" in told.stdout
    assert "【篡改】把结果中的" in told.stdout
    assert told.stdout.count("核验通过") == 0


def test_the_demo_leaves_alone_a_folder_that_it_did_not_make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fairdraw-demo").mkdir()
    (tmp_path / "fairdraw-demo" / "thesis.txt").write_text("three years of work")
    assert run(["demo"]) == 2
    assert (tmp_path / "fairdraw-demo" / "thesis.txt").read_text() == "three years of work"


def test_the_demo_does_not_follow_a_link_out_of_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / ".fairdraw-demo").touch()
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    (tmp_path / "here" / "fairdraw-demo").symlink_to(elsewhere)
    assert run(["demo"]) == 2
    assert (elsewhere / ".fairdraw-demo").exists()


def test_the_invented_registries_are_the_same_in_every_run_and_nobody_is_in_them_twice() -> None:
    assert demodata.files() == demodata.files()
    lines = demodata.objects().decode().splitlines()
    assert len(lines) == demodata.OBJECTS + 1
    assert len({line.split(",")[2] for line in lines}) == len(lines)
