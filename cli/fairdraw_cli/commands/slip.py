"""`slip`: one row's proof, to hand to whom it concerns."""

from typing import Literal

import click

from fairdraw.encoding import lines, parse, split_lines
from fairdraw.errors import WorkspaceError
from fairdraw.registry import Row
from fairdraw.schema import Draw, SnapshotStatement
from fairdraw.slip import make_slip
from fairdraw.snapshot import Opening as FieldOpening
from fairdraw.snapshot import open_row
from fairdraw.statement import Entry
from fairdraw_cli.casework import Matter, find
from fairdraw_cli.desk import Desk, writing
from fairdraw_cli.files import PRIVATE, PUBLIC, read, read_secret, write
from fairdraw_cli.helping import command
from fairdraw_cli.papers import result_list
from fairdraw_cli.session import Session

Role = Literal["objects", "inspectors"]
ROLES: tuple[Role, Role] = ("objects", "inspectors")


def _role_of(matter: Matter, no: str) -> Role:
    """Return in which registry of the draw a number stands; of two that have it, the objects'."""
    for role in ROLES:
        if any(row.no == no for row in matter.roster(role)[1].rows):
            return role
    raise WorkspaceError("no-such-number", found=no)


def _own(desk: Desk, snapshot: Entry, no: str) -> tuple[FieldOpening, ...]:
    """Return the openings of a row's own fields, closed ones too: they are its owner's."""
    statement = snapshot.of(SnapshotStatement)
    logged = [e for e, s in desk.history.all(SnapshotStatement) if s.registry == statement.registry]
    number = [e.text_hash for e in logged].index(snapshot.text_hash) + 1
    secret = read_secret(desk.workspace.secret(f"{statement.registry}-{number}.secret"))
    folder = desk.workspace.registry(statement.registry)
    older = folder / f"private-{number}.jsonl"
    for line in split_lines(read(older if older.exists() else folder / "private.jsonl")):
        match parse(line):
            case {"no": str(found), "private": list(values)} if found == no:
                row = Row(no, {}, tuple(map(str, values)))
                return open_row(secret, statement, row, [field for field, _ in statement.private], own=True)
    raise WorkspaceError("no-such-number", found=no)


@command(
    click.argument("name", metavar="DRAW-ID"),
    click.argument("no", metavar="NO"),
    click.option("--own", is_flag=True),
    json=True,
    clock=True,
)
def slip(session: Session, name: str, no: str, *, own: bool) -> None:
    """Write the slip of one row."""
    with writing(session) as desk:
        matter = find(desk, name)
        if matter.draw is None:
            raise WorkspaceError("not-drawn", found=name)
        role = _role_of(matter, no)
        snapshot, roster = matter.roster(role)
        hidden = matter.hidden
        if hidden and not own:
            # Whoever holds it could tell whether the row was drawn, and until the day nobody may.
            raise WorkspaceError("slip-while-sealed", found=name)
        made = make_slip(
            desk.history.data,
            desk.sizes(),
            announcement=matter.announcement,
            draw=matter.draw,
            plan=matter.plan(),
            snapshot=snapshot,
            roster=roster,
            results=lines(result_list(desk.workspace, matter.draw.of(Draw))),
            role=role,
            no=no,
            own=_own(desk, snapshot, no) if own else (),
        )
        path = desk.workspace.draw(name) / f"{name}.{no}.slip{'.own' if own else ''}.fairdraw.json"
        write(path, made.format(), mode=PRIVATE if own else PUBLIC)
        drawn = bool(made.teams)
        session.say("slip.written-own" if own else "slip.written", no=no, file=path)
        if not hidden:
            session.say("slip.drawn" if drawn else "slip.not-drawn", no=no)
        session.answer({"id": name, "no": no, "registry": role, "file": str(path), "own": own})
