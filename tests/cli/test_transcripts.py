"""The transcripts of the command line are played, and each line of output compared (format: `support.transcripts`)."""

from pathlib import Path

import pytest

from support.transcripts import FOLDER, check_tools, play, read_steps


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.txt")), ids=lambda path: path.stem)
def test_commands_say_what_the_transcript_shows(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that ends in `.zh.txt` runs under a Chinese locale."""
    for name in ("LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "zh_CN.UTF-8" if path.stem.endswith(".zh") else "en_US.UTF-8")
    monkeypatch.chdir(tmp_path)
    steps = read_steps(path.read_text("utf-8"))
    assert steps
    check_tools(steps)
    for step in steps:
        play(step)
