"""The README's lines, typed as they are written."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def _one_draw() -> str:
    return re.search(r"## One draw\n.*?```sh\n(.*?)```", README, re.DOTALL)[1]


def _python() -> str:
    return re.search(r"```python\n(.*?)```", README, re.DOTALL)[1]


def test_one_draw_is_made_and_verified_by_the_lines_in_the_readme(tmp_path):
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    ran = subprocess.run(
        ["sh", "-e", "-c", _one_draw()],
        cwd=tmp_path,
        env={**os.environ, "PATH": path, "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "verified: every check holds (as of 2026-09-07T19:00:00Z)" in ran.stdout
    spoken = [sys.executable, "-c", _python()]
    assert subprocess.check_output(spoken, cwd=tmp_path / "desk", text=True).startswith("holds () (('H-")


def test_one_draw_takes_about_thirty_lines():
    assert len(_one_draw().splitlines()) <= 32


def test_every_make_target_that_the_readme_names_exists():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"(?:^|`)make ([a-z]+)\b", README, re.MULTILINE)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_every_file_that_the_readme_links_to_exists():
    for link in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / link).exists(), link
