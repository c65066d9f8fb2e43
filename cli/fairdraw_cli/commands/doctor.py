"""`doctor`: whether clock, relays, witnesses, keys, log, paper and machine are ready, and how to mend what is not."""

from pathlib import Path
from typing import Final

import click

from fairdraw_cli.checks.finding import Finding
from fairdraw_cli.doctor import examine, exit_code
from fairdraw_cli.helping import command
from fairdraw_cli.session import Session
from fairdraw_cli.workspace import SETTINGS, Workspace

WAIT: Final = 5  # seconds: whoever asks stands before a hall


@command(
    click.option("--relay", "relays", multiple=True, metavar="URL"),
    click.option("--paper", metavar="DIR", type=click.Path(path_type=Path)),
    json=True,
    wait=True,
)
def doctor(session: Session, relays: tuple[str, ...], paper: Path | None) -> int:
    """Look at all that a draw needs, and name the command that mends each thing that is wrong."""
    here = session.folder == Path() and not (session.folder / SETTINGS).is_file()
    place = None if here else Workspace.open(session.folder)  # a folder that was named and is none is a mistake
    findings = examine(place, wait=min(session.wait, WAIT), relays=relays or None, paper=paper)
    for finding in findings:
        tell(session, finding)
    counted = {state: sum(finding.state == state for finding in findings) for state in ("fail", "warn", "unknown")}
    code = exit_code(findings)
    session.say("doctor.verdict-fails" if code == 1 else "doctor.verdict-unknown" if code else "doctor.verdict-holds",
                **counted)  # fmt: skip
    session.answer({"findings": [facts(finding) for finding in findings], **counted})
    return code


def tell(session: Session, finding: Finding) -> None:
    """Print a finding: its state and sentence, and below it the command that mends it."""
    session.line(f"{session.word(f'doctor-state.{finding.state}')} {sentence(session, finding)}")
    if finding.mend and finding.state != "ok":
        session.line(f"      {session.word('doctor.mend', command=finding.mend)}")


def sentence(session: Session, finding: Finding) -> str:
    """Return what was found, in words."""
    return session.word(f"examined.{finding.code}", **{n: _shown(session, n, v) for n, v in finding.params.items()})


def facts(finding: Finding) -> dict[str, object]:
    """Return what a program is told of a finding."""
    return {"code": finding.code, "state": finding.state, "params": dict(finding.params), "mend": finding.mend}


def _shown(session: Session, name: str, value: object) -> object:
    if name == "time" and isinstance(value, int):
        return session.time(value)
    if name == "reason" and isinstance(value, str):
        return _reason(session, value)
    return value


def _reason(session: Session, code: str) -> str:
    """Return a reason in words where there are any for it; else the code, which documentation explains."""
    if code.startswith("status-"):
        return session.word("ask-reason.status", found=code.removeprefix("status-"))
    for section in ("doctor-reason", "ask-reason"):
        if session.words.has(section, code):
            return session.word(f"{section}.{code}")
    return code
