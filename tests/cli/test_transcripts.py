"""Transcripts of the command line: `transcripts/*.txt`, read as a session at a terminal.

    $ fairdraw …            a command; the lines below it are its output, both streams
    $ file NAME             a file; its lines begin with `| `
    $ copy SOURCE TARGET    a copy of a file or folder
    $ trust KEY ROLE        adds a supervisor's key to office/trust
    ? N                     the exit code, where it is not 0
    …                       anything within a line; alone on a line, any lines

A name that ends in `.zh.txt` runs under a Chinese locale. Lines that begin with # are comments.
"""

import re
import shlex
import shutil
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest

from fairdraw_cli.main import run
from transparency_log.note import Signer

FOLDER = Path(__file__).parent / "transcripts"


@dataclass
class Step:
    line: int
    words: list[str]
    body: list[str] = field(default_factory=list)
    code: int = 0


def read_steps(text: str) -> list[Step]:
    steps: list[Step] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("$ "):
            steps.append(Step(number, shlex.split(line[2:])))
        elif line.startswith("# ") or not line:
            continue
        elif not steps:
            raise AssertionError(f"line {number} is before any command")
        elif re.fullmatch(r"\? [0-9]+", line):
            steps[-1].code = int(line[2:])
        else:
            steps[-1].body.append(line)
    return steps


def pattern_of(body: list[str]) -> re.Pattern[str]:
    parts = ["(?:.*\n)*" if line == "…" else re.escape(line).replace("…", ".*") + "\n" for line in body]
    return re.compile("".join(parts))


def play(step: Step) -> None:
    match step.words:
        case ["file", name]:
            assert all(line.startswith("|") for line in step.body if line), f"line {step.line}: lines begin with |"
            content = "".join(f"{line[2:]}\n" for line in step.body if line)
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).write_text(content, encoding="utf-8")
        case ["trust", key, role]:
            signer = Signer.parse(Path(key).read_text("utf-8"))
            line = ["supervisor", "add", signer.name, role, signer.verifier.vkey, "-C", "office"]
            play(Step(step.line, ["fairdraw", *line], step.body, step.code))
        case ["copy", source, target]:
            shutil.copytree(source, target) if Path(source).is_dir() else shutil.copy(source, target)
        case ["fairdraw", *arguments]:
            raw = BytesIO()
            out = TextIOWrapper(raw, encoding="utf-8", write_through=True)
            with redirect_stdout(out), redirect_stderr(out):
                code = run(arguments)
            told = re.sub("\n{2,}", "\n", raw.getvalue().decode())
            expected = pattern_of(step.body)
            fits = expected.fullmatch(told.lstrip("\n")) is not None
            assert fits, f"line {step.line} said:\n{told}"
            assert code == step.code, f"line {step.line} exited with {code}:\n{told}"
        case _:
            raise AssertionError(f"line {step.line}: unknown step {step.words}")


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.txt")), ids=lambda path: path.stem)
def test_commands_say_what_the_transcript_shows(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "zh_CN.UTF-8" if path.stem.endswith(".zh") else "en_US.UTF-8")
    monkeypatch.chdir(tmp_path)
    steps = read_steps(path.read_text("utf-8"))
    assert steps
    for step in steps:
        play(step)
