"""`openings`: private fields of some rows, for supervisors who compare them with the truth."""

from collections.abc import Iterator, Sequence

import click

from fairdraw.encoding import canonical, lines, parse, split_lines
from fairdraw.errors import WorkspaceError
from fairdraw.registry import Row
from fairdraw.schema import SnapshotStatement
from fairdraw.snapshot import Opening, open_row
from fairdraw.statement import Entry
from fairdraw_cli.casework import Matter, find
from fairdraw_cli.desk import Desk, writing
from fairdraw_cli.files import PRIVATE, read, read_secret, write
from fairdraw_cli.helping import command
from fairdraw_cli.session import Session


def openings_of(
    desk: Desk, snapshot: Entry, numbers: Sequence[str] | None, *, own: bool = False
) -> Iterator[tuple[Opening, ...]]:
    """Yield the openings of some rows of a snapshot, or of all; with `own` those of closed fields too."""
    statement = snapshot.of(SnapshotStatement)
    logged = [e for e, s in desk.history.all(SnapshotStatement) if s.registry == statement.registry]
    number = [e.text_hash for e in logged].index(snapshot.text_hash) + 1
    secret = read_secret(desk.workspace.secret(f"{statement.registry}-{number}.secret"))
    folder = desk.workspace.registry(statement.registry)
    older = folder / f"private-{number}.jsonl"
    fields = [field for field, openable in statement.private if openable or own]
    for line in split_lines(read(older if older.exists() else folder / "private.jsonl")):
        match parse(line):
            case {"no": str(no), "private": list(values)} if numbers is None or no in numbers:
                yield open_row(secret, statement, Row(no, {}, tuple(map(str, values))), fields, own=own)


def _audit_rows(matter: Matter) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the numbers that the draw itself opens to supervisors, of objects and of inspectors."""
    from fairdraw_cli.papers import redrawn

    if matter.draw is None:
        raise WorkspaceError("not-drawn", found=matter.name)
    return redrawn(matter, matter.draw)[0].audit


@command(
    click.argument("name", metavar="DRAW-ID"),
    click.argument("numbers", metavar="[NO]...", nargs=-1),
    click.option("--all", "everything", is_flag=True),
    json=True,
    clock=True,
)
def openings(session: Session, name: str, numbers: tuple[str, ...], *, everything: bool) -> None:
    """Write openings of rows for supervisors."""
    with writing(session) as desk:
        matter = find(desk, name)
        told: list[Opening] = []
        chosen = (numbers, numbers) if numbers else (None, None) if everything else _audit_rows(matter)
        for role, wanted in zip(("objects", "inspectors"), chosen, strict=True):
            for row in openings_of(desk, matter.roster(role)[0], wanted):
                told += row
        if lacking := sorted(set(numbers) - {opening.no for opening in told}):
            raise WorkspaceError("no-such-number", found=lacking[0])
        path = desk.workspace.draw(name) / f"{name}.openings.jsonl"
        write(path, lines(canonical(opening.model_dump()) for opening in told), mode=PRIVATE)
        session.say("openings.written", rows=len({opening.no for opening in told}), count=len(told), file=path)
        session.answer({"id": name, "file": str(path), "rows": sorted({opening.no for opening in told})})
