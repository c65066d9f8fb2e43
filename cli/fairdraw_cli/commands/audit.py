"""`audit`: what a supervisory body does with a whole log, with a trust file of one's own."""

import time
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Final

import click

from fairdraw.artifacts import named_artifacts
from fairdraw.audit import AuditReport, audit
from fairdraw.calendar import Calendar, extended, parse, published
from fairdraw.encoding import parse_time
from fairdraw.errors import AuditError
from fairdraw.render.audit import audit_csv, audit_text
from fairdraw.render.csvfile import BOM
from fairdraw.trust import parse_trust
from fairdraw.verify import LogView
from fairdraw_cli.files import check_folder, read, write
from fairdraw_cli.helping import command
from fairdraw_cli.session import CANNOT_TELL, DOES_NOT_HOLD, LANGUAGES, Session, catalogue
from fairdraw_cli.source import Read, opened, view
from transparency_log.checkpoint import Checkpoint
from transparency_log.mirror import artifact_path
from transparency_log.note import Note
from transparency_log.reader import MAX_COSIGNED

TOLD: Final = 100  # entries after which whoever watches is told how far this is
CODES: Final = {"log-does-not-hold": DOES_NOT_HOLD, "log-not-vouched-for": CANNOT_TELL}


def _artifacts(session: Session, read_file: Read, entries: Sequence[bytes | None]) -> dict[str, bytes]:
    """Return the artifacts that a log's entries name, as far as they can be had; nothing of them is believed yet."""
    told: dict[str, bytes] = {}
    for count, entry in enumerate(entries):
        if count % TOLD == 0:
            session.progress(count, len(entries), "entries")
        for digest, _ in named_artifacts(entry).named if entry is not None else ():
            data = None if digest in told else read_file(artifact_path(digest))
            if data is not None:
                told[digest] = data
    return told


def _calendar(table: Path | None) -> Calendar:
    return published() if table is None else extended(published(), parse(read(table)))


def _write(report: AuditReport, *, out: Path | None, folder: Path | None, page: Path | None, text: str) -> list[Path]:
    told: list[tuple[Path, bytes]] = []
    if out is not None:
        told.append((out, text.encode()))
    if page is not None:
        from fairdraw.render.auditpage import audit_html

        template = (files("fairdraw") / "templates" / "audit.html").read_text("utf-8")
        told.append((page, audit_html(report, template, [catalogue(lang) for lang in LANGUAGES]).encode()))
    for path, _ in told:
        check_folder(path)
    if folder is not None:
        check_folder(folder)
        told += [(folder / name, (BOM + sheet).encode()) for name, sheet in audit_csv(report).items()]
    for path, data in told:
        write(path, data)
    return [path for path, _ in told]


def _origin(checkpoints: Sequence[bytes]) -> str:
    return Checkpoint.parse(Note.parse(checkpoints[-1], max_signatures=MAX_COSIGNED).text).origin


@command(
    click.argument("where", metavar="DIR|URL"),
    click.option("--trust", required=True, metavar="FILE", type=click.Path(path_type=Path)),
    click.option("--bureau", metavar="NAME"),
    click.option("--year", metavar="YEAR", type=click.IntRange(2000, 9999)),
    click.option("--as-of", metavar="TIME"),
    click.option("--calendar", metavar="FILE", type=click.Path(path_type=Path)),
    click.option("-o", "--out", metavar="FILE", type=click.Path(path_type=Path)),
    click.option("--csv", "folder", metavar="DIR", type=click.Path(path_type=Path)),
    click.option("--html", "page", metavar="FILE", type=click.Path(path_type=Path)),
    json=True,
)
def audit_log(  # noqa: PLR0913 - each is an option
    session: Session,
    where: str,
    trust: Path,
    *,
    bureau: str | None,
    year: int | None,
    as_of: str | None,
    calendar: Path | None,
    out: Path | None,
    folder: Path | None,
    page: Path | None,
) -> int:
    """Audit a log."""
    known = parse_trust(read(trust))
    days = _calendar(calendar)
    until = int(time.time()) if as_of is None else parse_time(as_of)
    with opened(where) as (read_file, _):
        seen = view(read_file, known, where=where)
        whole = LogView(seen.entries, seen.checkpoints, _artifacts(session, read_file, seen.entries))
    given = as_of is not None
    try:
        report = audit(
            whole, known, log=_origin(seen.checkpoints), as_of=until, as_of_given=given, calendar=days, bureau=bureau,
            year=year,
        )  # fmt: skip
    except AuditError as error:
        if error.code not in CODES:
            raise
        session.line(session.error(error))
        session.failed(error.code, error.params)
        return CODES[error.code]
    text = audit_text(report, session.words)
    paths = _write(report, out=out, folder=folder, page=page, text=text)
    session.line(text.rstrip("\n"))
    session.answer(report.as_json())
    for path in paths:
        session.say("draw.written", file=path)
    return report.exit_code
