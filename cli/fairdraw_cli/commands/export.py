"""`export`: spreadsheets for the desk: 派发单 with names, and lists by number that anybody may see."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from fairdraw.encoding import day_of, parse_time
from fairdraw.errors import WorkspaceError
from fairdraw.schema import Draw, SnapshotStatement
from fairdraw_cli.casework import Matter, find
from fairdraw_cli.commands.results import CALENDAR, calendar_of
from fairdraw_cli.desk import Desk, writing
from fairdraw_cli.files import PRIVATE, PRIVATE_FOLDER, PUBLIC, check_folder, write
from fairdraw_cli.helping import command
from fairdraw_cli.session import Session
from fairdraw_cli.workbook import Cell, Cover, Sheet, Struck, workbook
from fairdraw_cli.workspace import Workspace
from transparency_log.reader import CHECKPOINT

NAME = click.argument("name", metavar="DRAW-ID")
OUT = click.option("-o", "--out", "out", required=True, metavar="FILE", type=click.Path(path_type=Path))
FORCE = click.option("--force", is_flag=True)
PUBLIC_FOLDERS: Final = ("log", "artifacts")


def check_target(place: Workspace, path: Path, suffixes: Sequence[str], *, force: bool) -> None:
    """Check that a file may be written: of a known type, not where others read, and over nothing that is there.

    Raises:
        WorkspaceError: `export-type`, `folder-missing`, `export-in-public`, `not-a-file` or `export-exists`.
    """
    if path.suffix.lower() not in suffixes:
        raise WorkspaceError("export-type", expected=suffixes, found=path.name)
    check_folder(path)
    check_not_public(place, path.parent)
    if path.is_dir():
        raise WorkspaceError("not-a-file", found=str(path))
    # A link is something that is there, whatever it points at: writing through it could land anywhere.
    if not force and (path.exists() or path.is_symlink()):
        raise WorkspaceError("export-exists", found=str(path))


def check_not_public(place: Workspace, folder: Path) -> None:
    """Refuse a folder that a web server shows: of the log, of artifacts, of a site or of a copy of a log.

    Raises:
        WorkspaceError: `export-in-public`.
    """
    where = folder.resolve()
    shown = [(place.root / name).resolve() for name in PUBLIC_FOLDERS]
    for parent in (where, *where.parents):
        if parent in shown or (parent / CHECKPOINT).is_file():
            raise WorkspaceError("export-in-public", found=str(folder))


def _cover(session: Session, desk: Desk, title: str, mark: str, made: int) -> Cover:
    return Cover(
        title=title,
        mark=mark,
        author=desk.workspace.bureau,
        page=session.word("export.page", page="&P", pages="&N"),
        made=datetime.fromtimestamp(made, UTC).replace(tzinfo=None),
    )


def _made(desk: Desk) -> int:
    """Return the time that a file says it was made: that of the bureau's newest statement, if there is any.

    By the clock two files of one state of the log would differ.
    """
    chain = desk.history.by(desk.workspace.bureau)
    return parse_time(chain[-1].statement.time) if chain else desk.now


@command(
    NAME,
    click.option("-o", "--out", "out", metavar="FILE.xlsx", type=click.Path(path_type=Path)),
    click.option("--per-inspector", "folder", metavar="DIR", type=click.Path(path_type=Path)),
    FORCE,
    json=True,
    clock=True,
)
def dispatch(session: Session, name: str, out: Path | None, folder: Path | None, *, force: bool) -> None:
    """Write the dispatch list of a draw, with names and addresses, for the bureau's own eyes."""
    if out is None and folder is None:
        raise click.UsageError(session.word("export.out-or-folder"))
    with writing(session) as desk:
        from fairdraw_cli.dispatch import Dispatch

        place, matter = desk.workspace, find(desk, name)
        if out is not None:
            check_target(place, out, (".xlsx",), force=force)
        told = Dispatch.of(session, matter)
        files = [] if folder is None else _files(place, folder, name, told.inspectors, force=force)
        left = [] if folder is None else sorted(set(folder.glob(f"{name}.*.xlsx")) - {path for _, path in files})
        sealed = matter.sealed.date if matter.sealed is not None and matter.hidden else None
        mark = session.word("export.internal-sealed", date=sealed) if sealed else session.word("export.internal")
        cover = _cover(session, desk, f"{session.word('export.dispatch')} {name}", mark, _made(desk))
        if out is not None:
            write(out, workbook([told.by_object(), told.by_inspector()], cover), mode=PRIVATE)
            session.say("export.written", file=out)
        for no, path in files:
            write(path, workbook([told.by_inspector(no)], cover), mode=PRIVATE)
        if folder is not None:
            session.say("export.written-each", count=len(files), folder=folder)
        if left:
            session.note("export.left-over", files=[path.name for path in left])
        session.say("export.dispatched", objects=len(told.tasks), inspectors=len(told.inspectors))
        session.say("export.keep-inside")
        if sealed:
            session.say("export.still-sealed", date=sealed)
        session.answer({
            "id": name, "file": None if out is None else str(out), "files": [str(path) for _, path in files],
            "left": [str(path) for path in left], "objects": len(told.tasks), "inspectors": len(told.inspectors),
            "sealed_until": sealed,
        })  # fmt: skip


def _files(
    place: Workspace, folder: Path, name: str, inspectors: Sequence[str], *, force: bool
) -> list[tuple[str, Path]]:
    """Return each inspector's file; they are named by number, for a name could be a path (`../..`)."""
    check_folder(folder)
    check_not_public(place, folder)
    folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
    told = [(no, folder / f"{name}.{no.replace(':', '%3A')}.xlsx") for no in inspectors]
    for _, path in told:
        check_target(place, path, (".xlsx",), force=force)
    return told


@command(
    NAME,
    OUT,
    click.option("--by", type=click.Choice(["object", "inspector", "district"])),
    click.option("--district", metavar="FIELD"),
    FORCE,
    json=True,
    clock=True,
)
def drawn(session: Session, name: str, out: Path, by: str | None, district: str | None, *, force: bool) -> None:
    """Write who was drawn, by number and public attributes, by inspector and by district."""
    with writing(session) as desk:
        from fairdraw_cli.drawnlist import DrawnList

        matter = find(desk, name)
        check_target(desk.workspace, out, (".xlsx", ".csv"), force=force)
        told = DrawnList.of(session, matter, district)
        if by is not None:
            chosen = [by]
        elif _is_csv(out):
            chosen = ["object"]
        else:
            chosen = ["object", "inspector", *(["district"] if told.district else [])]
        sheets = [told.sheet(one) for one in chosen]
        _write(session, desk, out, sheets, f"{session.word('export.drawn-list')} {name}")
        session.say("export.written", file=out)
        session.answer({"id": name, "file": str(out), "objects": len(told.tasks), "by": chosen})


@command(
    click.argument("name", metavar="[DRAW-ID]", required=False),
    OUT,
    CALENDAR,
    FORCE,
    json=True,
    clock=True,
)
def due(session: Session, name: str | None, out: Path, table: Path | None, *, force: bool) -> None:
    """Write which drawn objects have no result yet, and until when it is to be published."""
    with writing(session) as desk:
        from fairdraw_cli.drawnlist import Due, due_of, due_sheet

        check_target(desk.workspace, out, (".xlsx", ".csv"), force=force)
        calendar, today = calendar_of(table), day_of(desk.now)
        matters, unnamed = ([find(desk, name)], []) if name is not None else _drawn(desk)
        if name is not None and matters[0].hidden:
            raise WorkspaceError("export-while-sealed", found=name)
        hidden = [matter.name for matter in matters if matter.hidden]
        dues: list[Due] = [one for matter in matters if not matter.hidden for one in due_of(matter, calendar)]
        sheet = due_sheet(session, dues, today=today, calendar=calendar)
        _write(session, desk, out, [sheet], session.word("export.due-title", day=today))
        overdue = sum(one.is_overdue(today) for one in dues)
        session.say("export.written", file=out)
        session.say("export.due-told", count=len(dues), overdue=overdue, day=today)
        if hidden:
            session.say("export.left-out-sealed", names=hidden)
        if unnamed:
            session.note("export.left-out-program", entries=unnamed)
        if any(one.beyond for one in dues):
            session.note("export.calendar-short", covers=calendar.covers)
        session.answer({
            "file": str(out), "open": len(dues), "overdue": overdue, "sealed": hidden, "unnamed": unnamed,
            "today": today,
        })  # fmt: skip


@command(
    click.argument("registry", metavar="REGISTRY"),
    click.option("-o", "--out", "out", required=True, metavar="FILE.xlsx", type=click.Path(path_type=Path)),
    FORCE,
    json=True,
    clock=True,
)
def numbers(session: Session, registry: str, out: Path, *, force: bool) -> None:
    """Write which number each row of a registry has got, with names, for the bureau's own eyes."""
    with writing(session, speaks=False) as desk:
        from fairdraw_cli.numberlist import number_sheet

        place = desk.workspace
        check_target(place, out, (".xlsx",), force=force)
        frozen = [entry for entry, said in desk.history.all(SnapshotStatement, place.bureau)
                  if said.registry == registry]  # fmt: skip
        if not frozen:
            raise WorkspaceError("not-frozen", found=registry)
        sheet = number_sheet(session, desk, frozen[-1])
        title = f"{session.word('export.numbers')} {registry}-{len(frozen)}"
        cover = _cover(session, desk, title, session.word("export.internal"), _made(desk))
        write(out, workbook([sheet], cover), mode=PRIVATE)
        session.say("export.written", file=out)
        session.say("export.numbered", id=f"{registry}-{len(frozen)}", count=len(sheet.rows))
        session.say("export.keep-inside")
        session.answer({"file": str(out), "snapshot": f"{registry}-{len(frozen)}", "rows": len(sheet.rows)})


def _drawn(desk: Desk) -> tuple[list[Matter], list[int]]:
    """Return every draw of the bureau that was made, in log order; and the announcements of those without an id.

    A program of the bureau's own (`fairdraw.Bureau`) gives none: left out in silence, they would hide what is due.
    """
    matters: dict[str, Matter] = {}
    unnamed: list[int] = []
    for _, said in desk.history.all(Draw, desk.workspace.bureau):
        name = desk.workspace.name_of(said.announcement.text)
        if name is None:
            unnamed.append(said.announcement.index)
        else:
            matters.setdefault(name, find(desk, name))
    return list(matters.values()), unnamed


def _is_csv(path: Path) -> bool:
    return path.suffix.lower() == ".csv"


def _write(session: Session, desk: Desk, path: Path, sheets: Sequence[Sheet], title: str) -> None:
    """Write public sheets as a spreadsheet, or the only one as CSV with a byte order mark."""
    if _is_csv(path):
        from fairdraw.render.csvfile import BOM, csv_text

        [sheet] = sheets
        rows = ([_flat(cell) for cell in row] for row in sheet.rows)
        write(path, (BOM + csv_text(sheet.titles, rows)).encode(), mode=PUBLIC)
        return
    cover = _cover(session, desk, title, session.word("export.public"), _made(desk))
    write(path, workbook(sheets, cover), mode=PUBLIC)


def _flat(cell: Cell) -> str | int | None:
    return "、".join(cell.lines) if isinstance(cell, Struck) else cell
