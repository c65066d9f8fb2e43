"""`defer`, `except`, `evidence`, `object`, `answer`: what happens around inspections, each in one logged statement."""

from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError

from fairdraw.acts import Inspection, Named, format_act
from fairdraw.announcement import artifact_of
from fairdraw.conduct import deferral_faults, exception_faults
from fairdraw.encoding import check_date
from fairdraw.errors import WorkspaceError
from fairdraw.itemlist import read_items
from fairdraw.regulation import Regulation
from fairdraw.schema import (
    Answer,
    Correction,
    Deferral,
    Evidence,
    ExceptionStatement,
    ItemList,
    Objection,
    Plan,
    Result,
    SnapshotStatement,
)
from fairdraw.statement import Entry
from fairdraw.values import Ref
from fairdraw_cli.aftermath import (
    add_act,
    drawn_of,
    entry_at,
    file_digest,
    keep,
    open_draw_of,
    refuse,
    regulation_for,
    standing_of,
)
from fairdraw_cli.casework import Matter, find, regulation_of
from fairdraw_cli.desk import Desk, published, writing
from fairdraw_cli.files import read
from fairdraw_cli.helping import command
from fairdraw_cli.session import Session

NAME = click.argument("name", metavar="DRAW-ID")
INDEX = click.argument("index", metavar="ENTRY", type=click.IntRange(min=0))
REASON = click.option("--reason", required=True, metavar="CODE")
KEY = click.option("--key", metavar="FILE", type=click.Path(path_type=Path))


def done(session: Session, desk: Desk, entry: Entry, *, new: bool, **told: object) -> None:
    """Tell that an act is logged, or was."""
    kind = session.word(f"statement.{entry.statement.type}")
    session.say("act.logged" if new else "act.already", type=kind, index=entry.index)
    where = published(session, desk, entry.index)
    session.answer({"type": entry.statement.type, "text": entry.text_hash, "new": new, **told, **where})


def check_drawn(matter: Matter, numbers: tuple[str, ...]) -> None:
    """Refuse numbers of objects that were not drawn.

    Raises:
        WorkspaceError: `act-of-undrawn`.
    """
    drawn = standing_of(matter, ()).teams
    if strange := [no for no in numbers if no not in drawn]:
        raise WorkspaceError("act-of-undrawn", expected=sorted(drawn), found=strange[0])


@command(
    NAME,
    click.option("--object", "no", required=True, metavar="NO"),
    REASON,
    click.option("--application", required=True, metavar="FILE"),
    click.option("--until", required=True, metavar="DATE"),
    json=True,
    clock=True,
    wait=True,
)
def defer(session: Session, name: str, no: str, reason: str, application: str, until: str) -> None:
    """Defer the inspection of a drawn object, on its written application."""
    with writing(session) as desk:
        matter = find(desk, name)
        drawn = open_draw_of(matter)
        check_drawn(matter, (no,))
        regulation = regulation_for(matter)
        fields: dict[str, Any] = {
            "draw": drawn.ref,
            "deferred": artifact_of(format_act(Named(no=no))),
            "application": file_digest(application),
            "reason": reason,
            "until": check_date(until),
        }
        said = desk.head.make(Deferral, **fields)
        refuse(session, regulation, () if regulation is None else deferral_faults(regulation, said))
        for entry, logged in desk.history.all(Deferral, said.by):
            once = logged.draw.text == drawn.text_hash and logged.deferred == said.deferred
            if once and logged.model_dump(exclude={"seq", "prev", "time"}) != said.model_dump(
                exclude={"seq", "prev", "time"}
            ):
                raise WorkspaceError("deferred-once", index=entry.index, no=no)
        keep(desk, format_act(Named(no=no)))
        entry, new = add_act(desk, Deferral, regulation=regulation, **fields)
        done(session, desk, entry, new=new, no=no, until=until)


def _newest_regulation(desk: Desk) -> tuple[Regulation | None, frozenset[str] | None]:
    """Return the regulation of the newest plan, and the items of its list; None where it has none."""
    plans = [plan for _, plan in desk.history.all(Plan, desk.workspace.bureau)]
    if not plans:
        return None, None
    regulation = regulation_of(desk.workspace, plans[-1])
    if regulation is None or plans[-1].items is None:
        return regulation, None
    listed = desk.history.named(plans[-1].items.text).of(ItemList)
    return regulation, frozenset(item.id for item in read_items(desk.workspace.artifact(listed.items.digest)))


@command(
    REASON,
    click.option("--date", required=True, metavar="DATE"),
    click.option("--object", "objects", multiple=True, required=True, metavar="NO"),
    click.option("--inspector", "inspectors", multiple=True, required=True, metavar="NO"),
    click.option("--item", "items", multiple=True, required=True, metavar="ID"),
    click.option("--draw", "name", metavar="DRAW-ID"),
    KEY,
    json=True,
    clock=True,
    wait=True,
)  # fmt: skip
def except_(session: Session, reason: str, name: str | None, key: Path | None, **given: Any) -> None:
    """Log an inspection outside the draw, or with `--draw` a team that was formed for special circumstances."""
    fields = {field: tuple(sorted(value)) if isinstance(value, tuple) else value for field, value in given.items()}
    try:
        inspection = Inspection.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "inspectors"
        raise WorkspaceError("bad-inspection", key=where, reason=first["msg"]) from None
    with writing(session) as desk:
        regulation, listed = _newest_regulation(desk)
        draw = None
        if name is not None:
            matter = find(desk, name)
            draw = open_draw_of(matter).ref
            regulation = regulation_for(matter)
            check_drawn(matter, inspection.objects)
        artifact = artifact_of(format_act(inspection))
        said = desk.head.make(ExceptionStatement, reason=reason, inspection=artifact, draw=draw)
        if regulation is not None:
            refuse(session, regulation, exception_faults(regulation, said, inspection, listed=listed))
        keep(desk, format_act(inspection))
        entry, new = add_act(
            desk, ExceptionStatement, regulation=regulation, by_key=key, reason=reason, inspection=artifact, draw=draw
        )
        if draw is None:
            _warn_of_drawn(session, desk, inspection)
        done(session, desk, entry, new=new, objects=list(inspection.objects))


def _warn_of_drawn(session: Session, desk: Desk, inspection: Inspection) -> None:
    """Say which of the objects were drawn: whoever verifies will find it."""
    folder = desk.workspace.root / "state" / "draws"
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        matter = find(desk, path.name)
        if matter.draw is None:
            continue
        if taken := sorted(set(standing_of(matter, ()).teams) & set(inspection.objects)):
            session.say("except.drawn", id=path.name, objects=taken)


def _scanned(desk: Desk, name: str, scans: tuple[Path, ...]) -> tuple[Ref, list[bytes]]:
    """Return the draw whose signed record was scanned, and the scans."""
    from fairdraw_cli.scan import read_scan, unsigned_records

    matter = find(desk, name)
    drawn = drawn_of(matter)
    unsigned = unsigned_records(matter, drawn)
    return drawn.ref, [read_scan(path, unsigned) for path in scans]


def _index(session: Session, target: str) -> int:
    if not (target.isascii() and target.isdigit()):
        raise click.UsageError(session.word("evidence.no-entry", found=target))
    return int(target)


@command(
    click.argument("target", metavar="ENTRY|DRAW-ID"),
    click.argument("files", metavar="[FILE]...", nargs=-1, type=click.Path(path_type=Path)),
    click.option("--scan", "scans", multiple=True, metavar="FILE", type=click.Path(path_type=Path)),
    KEY,
    json=True,
    clock=True,
    wait=True,
)
def evidence(session: Session, target: str, files: tuple[Path, ...], scans: tuple[Path, ...], key: Path | None) -> None:
    """Log the digests of files that belong to a statement, or of a draw's signed record."""
    if bool(files) == bool(scans):
        raise click.UsageError(session.word("evidence.files-or-scan"))
    with writing(session) as desk:
        if scans:
            of, told = _scanned(desk, target, scans)
        else:
            of, told = entry_at(desk, _index(session, target)).ref, [read(path) for path in files]
        named = tuple(map(artifact_of, told))
        entry, new = add_act(desk, Evidence, regulation=None, by_key=key, of=of, files=named)
        for path, one in zip(scans, named, strict=False):
            session.say("evidence.scan", file=path, digest=one.digest)
        done(session, desk, entry, new=new, digests=[one.digest for one in named])


@command(
    INDEX,
    click.option("--object", "no", required=True, metavar="NO"),
    click.option("--objection", required=True, metavar="FILE"),
    KEY,
    json=True,
    clock=True,
    wait=True,
)
def object_(session: Session, index: int, no: str, objection: str, key: Path | None) -> None:
    """Log an object's objection to its credit grade in a snapshot, or to a result."""
    with writing(session) as desk:
        of = entry_at(desk, index)
        match of.statement:
            case SnapshotStatement():
                about = "grade"
            case Result() | Correction():
                about = "result"
            case _:
                raise WorkspaceError("not-objectionable", index=index, found=of.statement.type)
        by_whom = keep(desk, format_act(Named(no=no)))
        entry, new = add_act(
            desk, Objection, regulation=None, by_key=key, of=of.ref, about=about, by_whom=by_whom,
            objection=file_digest(objection),
        )  # fmt: skip
        done(session, desk, entry, new=new, no=no, about=about)


@command(
    INDEX,
    click.option("--decision", required=True, type=click.Choice(["upheld", "rejected"])),
    click.option("--answer", "text", required=True, metavar="FILE"),
    KEY,
    json=True,
    clock=True,
    wait=True,
)
def answer(session: Session, index: int, decision: str, text: str, key: Path | None) -> None:
    """Log the answer to an objection."""
    with writing(session) as desk:
        of = entry_at(desk, index)
        of.of(Objection)
        entry, new = add_act(
            desk, Answer, regulation=None, by_key=key, objection=of.ref, decision=decision, answer=file_digest(text)
        )
        done(session, desk, entry, new=new, decision=decision)
