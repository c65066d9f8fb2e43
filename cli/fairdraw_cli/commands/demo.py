"""`demo`: a whole draw before one's eyes, by the same commands that a bureau runs."""

import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import Final, cast

import click

from fairdraw import encoding
from fairdraw.bundle import Bundle, read_file
from fairdraw.errors import WorkspaceError
from fairdraw.schema import Draw
from fairdraw.statement import read_entry
from fairdraw_cli import demodata
from fairdraw_cli.files import read, write
from fairdraw_cli.helping import command
from fairdraw_cli.session import Session

FOLDER: Final = Path("fairdraw-demo")
MARKER: Final = ".fairdraw-demo"  # only a folder with this file is ever cleared away
OFFICE: Final = FOLDER / "office"
BUNDLE: Final = OFFICE / "draws" / "fund-1" / "fund-1.fairdraw.json"
TAMPERED: Final = FOLDER / "tampered.fairdraw.json"
AS_OF: Final = "2026-09-07T19:00:00Z"  # the recorded round lies in the past, and so does all of this
UV_RUN: Final = "UV_RUN_RECURSION_DEPTH"  # an environment variable that `uv run` sets


def _clear(folder: Path) -> None:
    """Make the demonstration's folder, in place of an earlier one and of nothing else.

    Raises:
        WorkspaceError: `folder-not-demo`.
    """
    if folder.exists():
        if not (folder / MARKER).is_file() or folder.is_symlink():
            raise WorkspaceError("folder-not-demo", found=str(folder))
        shutil.rmtree(folder)
    write(folder / MARKER, b"made by `fairdraw demo`, which may replace this folder\n")


def _run(session: Session, *arguments: str | Path) -> int:
    """Print a command as one would type it, and run it."""
    from fairdraw_cli.main import run

    words = [str(argument) for argument in arguments]
    session.line(f"$ fairdraw {' '.join(words)}")
    code = run(["--lang", session.lang, *words])
    session.line()
    return code


def _step(session: Session, key: str, *arguments: str | Path) -> None:
    session.say(key)
    if code := _run(session, *arguments):
        raise click.exceptions.Exit(code)


def _verify(session: Session, bundle: Path) -> int:
    return _run(
        session, "verify", bundle, "--trust", OFFICE / "trust", "--log", OFFICE / "log", "--as-of", AS_OF
    )  # fmt: skip


def _draw(session: Session) -> None:
    """Go the whole way of a draw: eight commands."""
    session.say("demo.start", folder=f"./{FOLDER}/")
    session.line()
    for name, data in demodata.files().items():
        write(FOLDER / name, data)
    session.say("demo.registries", objects=demodata.OBJECTS, inspectors=demodata.INSPECTORS)
    session.line()
    at, office = "--clock", ("-C", OFFICE)
    _step(
        session, "demo.init",
        "init", OFFICE, "--rehearsal", "--bureau", "ybj.example.cn", "--origin", "log.example.cn/ybj",
    )  # fmt: skip
    _step(session, "demo.plan", "plan", "log", FOLDER / "plan.toml", *office, at, "2026-09-07T17:00:00Z")
    for registry, step, time in (
        ("institutions", "demo.freeze-objects", "2026-09-07T17:10:00Z"),
        ("staff", "demo.freeze-inspectors", "2026-09-07T17:20:00Z"),
    ):
        source, mapping = FOLDER / f"{registry}.csv", FOLDER / f"{registry}.toml"
        _step(session, step, "freeze", registry, source, "--map", mapping, *office, at, time)
    _step(session, "demo.announce", "announce", FOLDER / "draw.toml", *office, at, "2026-09-07T18:00:00Z")
    _step(session, "demo.draw", "draw", "fund-1", *office, at, "2026-09-07T18:36:40Z")


def _tamper(session: Session) -> None:
    """Change one row of the result, as somebody might who serves the file."""
    bundle = cast("Bundle", read_file(read(BUNDLE)))
    drawn = [read_entry(encoding.from_base64(entry.note), 0) for entry in bundle.entries]
    digest = next(e.of(Draw) for e in drawn if isinstance(e.statement, Draw)).results.digest
    carried = {one.digest: encoding.from_base64(one.data) for one in bundle.artifacts}
    lines = encoding.split_lines(carried[digest])
    last = cast("dict[str, object]", encoding.parse(lines[-1]))
    taken = {str(line["no"]) for line in map(encoding.parse, lines) if isinstance(line, dict) and "no" in line}
    other = next(f"H-{n:04d}" for n in range(1, demodata.OBJECTS + 1) if f"H-{n:04d}" not in taken)
    lines[-1] = encoding.canonical({**last, "no": other})
    carried[digest] = encoding.lines(lines)
    artifacts = [one.model_copy(update={"data": encoding.to_base64(carried[one.digest])}) for one in bundle.artifacts]
    write(TAMPERED, bundle.model_copy(update={"artifacts": tuple(artifacts)}).format())
    session.say("demo.tamper", before=str(last["no"]), after=other)


def _program() -> str:
    """Return how to call this program from where one is: its name, or its path where the name is not found."""
    called = Path(sys.argv[0])
    if called.name != "fairdraw":
        return "fairdraw"
    found = shutil.which("fairdraw")
    # `uv run` puts the program on the path for this one call.
    if found and called.exists() and Path(found).samefile(called) and UV_RUN not in os.environ:
        return "fairdraw"
    return shlex.quote(os.path.relpath(called))


def _next(session: Session) -> None:
    """Print the verdict once more, and three commands that work as they stand, from where one is."""
    time = session.word("verdict.as-of", time=AS_OF)
    session.line(session.word("verdict.rehearsal") + session.word("verdict.holds") + time)
    session.line()
    session.say("demo.done")
    program = _program()
    log, trust = f"--log {OFFICE / 'log'}", f"--trust {OFFICE / 'trust'}"
    session.line(f"  {program} verify {BUNDLE} {trust} {log} --as-of {AS_OF} --json")
    session.line(f"  {program} slip fund-1 H-0001 --own -C {OFFICE} --clock {AS_OF}")
    session.line(f"  {program} log check {OFFICE / 'log'} {trust}")


@command(click.option("--tamper", is_flag=True))
def demo(session: Session, *, tamper: bool) -> int:
    """Show a whole draw, or with `--tamper` how a forged result is found out."""
    _clear(FOLDER)
    _draw(session)
    if tamper:
        _tamper(session)
        return _verify(session, TAMPERED)
    session.say("demo.verify")
    code = _verify(session, BUNDLE)
    if code == 0:
        _next(session)
    return code
