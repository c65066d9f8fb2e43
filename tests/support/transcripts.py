"""Transcripts of the command line: `tests/cli/transcripts/*.txt`, read as a session at a terminal.

    $ fairdraw …            a command; the lines below it are its output, both streams
    $ file NAME             a file; its lines begin with `| `
    $ gb18030 NAME          a file as above, in the encoding in which Chinese office programs save CSV
    $ fill NAME             a form that is there is filled in: each line a row of its first sheet, as in a CSV file
    $ mend NAME             a sheet of refused rows is mended: each line a row's number, a heading, and what belongs in
                            that cell
    $ scan RECORD PICTURE   the record is printed, signed with a pen, and photographed
    $ copy SOURCE TARGET    a copy of a file or folder
    $ trust KEY ROLE        adds a supervisor's key to office/trust
    ? N                     the exit code, where it is not 0
    …                       anything within a line; alone on a line, any lines

In the lines of a file or form `{SHEET HEADING WORD}` is what somebody looks up in a spreadsheet: the cell under HEADING
in the row in which WORD stands, or, where WORD is a number, in that row of the table. Lines that begin with # are
comments.
"""

import csv
import re
import shlex
import shutil
import subprocess
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any, Final

import openpyxl
import pytest

from fairdraw_cli.main import run
from transparency_log.note import Signer

FOLDER: Final = Path(__file__).parents[1] / "cli" / "transcripts"
LOOKED_UP: Final = re.compile(r"\{(\S+) (\S+) ([^}]+)\}")
PRINTER: Final = "pdftoppm"  # of poppler-utils: turns a page of a PDF into a picture


@dataclass
class Step:
    """A step, the lines below it, and the exit code that it must have."""

    line: int
    words: list[str]
    body: list[str] = field(default_factory=list)
    code: int = 0


def read_steps(text: str) -> list[Step]:
    """Return the steps of a transcript."""
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


def check_tools(steps: list[Step]) -> None:
    """Skip where a step needs a program that is not there."""
    if any(step.words[0] == "scan" for step in steps):
        pytest.importorskip("typst", reason="the optional part [pdf] is not installed")
        if shutil.which(PRINTER) is None:
            pytest.skip(f"{PRINTER} (poppler-utils) is not installed")


def pattern_of(body: list[str]) -> re.Pattern[str]:
    """Return what an output must look like."""
    parts = ["(?:.*\n)*" if line == "…" else re.escape(line).replace("…", ".*") + "\n" for line in body]
    return re.compile("".join(parts))


def told_by(arguments: list[str]) -> tuple[int, str]:
    """Run a command; returns its exit code and all that it said, both streams as they came."""
    raw = BytesIO()
    out = TextIOWrapper(raw, encoding="utf-8", write_through=True)
    with redirect_stdout(out), redirect_stderr(out):
        code = run(arguments)
    return code, re.sub("\n{2,}", "\n", raw.getvalue().decode()).lstrip("\n")


def play(step: Step) -> None:
    """Do a step, and compare what is said with what stands there."""
    match step.words:
        case ["file", name]:
            _write(name, _content(step), "utf-8")
        case ["gb18030", name]:
            _write(name, _content(step), "gb18030")
        case ["fill", name]:
            _fill(Path(name), list(csv.reader(_content(step).splitlines())))
        case ["mend", name]:
            _mend(Path(name), list(csv.reader(_content(step).splitlines())))
        case ["scan", record, picture]:
            _scan(Path(record), Path(picture))
        case ["trust", key, role]:
            signer = Signer.parse(Path(key).read_text("utf-8"))
            line = ["supervisor", "add", signer.name, role, signer.verifier.vkey, "-C", "office"]
            play(Step(step.line, ["fairdraw", *line], step.body, step.code))
        case ["copy", source, target]:
            shutil.copytree(source, target) if Path(source).is_dir() else shutil.copy(source, target)
        case ["fairdraw", *arguments]:
            code, told = told_by(arguments)
            fits = pattern_of(step.body).fullmatch(told) is not None
            assert fits, f"line {step.line} said:\n{told}"
            assert code == step.code, f"line {step.line} exited with {code}:\n{told}"
        case _:
            raise AssertionError(f"line {step.line}: unknown step {step.words}")


def _content(step: Step) -> str:
    assert all(line.startswith("|") for line in step.body if line), f"line {step.line}: lines begin with |"
    lines = (LOOKED_UP.sub(lambda found: look_up(*found.groups()), line[2:]) for line in step.body if line)
    return "".join(f"{line}\n" for line in lines)


def _write(name: str, content: str, encoding: str) -> None:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(content, encoding=encoding)


def look_up(sheet: str, heading: str, word: str) -> str:
    page = openpyxl.load_workbook(sheet).worksheets[0]
    titles, *rows = page.iter_rows(values_only=True)
    named = [row for row in rows if word in row]
    row = rows[int(word) - 1] if word.isdigit() and not named else named[0]
    return str(row[titles.index(heading)])


def _fill(path: Path, rows: list[list[str]]) -> None:
    book = openpyxl.load_workbook(path)
    for number, row in enumerate(rows, 2):
        for column, value in enumerate(row, 1):
            _type(book.worksheets[0].cell(number, column), value)
    book.save(path)


def _mend(path: Path, cells: list[list[str]]) -> None:
    book = openpyxl.load_workbook(path)
    page = book.worksheets[0]
    titles = [cell.value for cell in page[1]]
    lines = {page.cell(row, 1).value: row for row in range(2, page.max_row + 1)}
    for number, heading, value in cells:
        _type(page.cell(lines[number], titles.index(heading) + 1), value)
    book.save(path)


def _type(cell: Any, value: str) -> None:
    cell.number_format = "@"
    cell.value = value or None


def _scan(record: Path, picture: Path) -> None:
    """Print a record's last page, sign it, and photograph it askew, as it comes back from the hall."""
    from PIL import Image, ImageDraw

    pages = record.with_suffix("")
    subprocess.run([PRINTER, "-r", "72", "-png", str(record), str(pages)], check=True)
    last = sorted(pages.parent.glob(f"{pages.name}-*.png"))
    page = Image.open(last[-1]).convert("RGB")
    pen = ImageDraw.Draw(page)
    width, height = page.size
    pen.line([(width * x / 100, height * (22 + x % 3) / 100) for x in range(14, 26)], fill=(20, 30, 120), width=2)
    page.rotate(1.5, fillcolor=(90, 90, 90)).save(picture, "JPEG", quality=60)
    for one in last:
        one.unlink()
