"""`openings`: private fields of some rows, for supervisors who compare them with the truth."""

from collections.abc import Collection, Iterator, Sequence
from typing import Final

import click

from fairdraw.encoding import canonical, lines, parse
from fairdraw.errors import EncodingError, WorkspaceError
from fairdraw.registry import Row
from fairdraw.roster import Data
from fairdraw.schema import SnapshotStatement
from fairdraw.snapshot import Opening, open_row
from fairdraw.statement import Entry
from fairdraw_cli.casework import Matter, find, snapshot_number
from fairdraw_cli.desk import Desk, writing
from fairdraw_cli.files import MAPPED_FROM, PRIVATE, mapped, read_secret, write
from fairdraw_cli.helping import command
from fairdraw_cli.session import Session

FEW: Final = 10_000  # rows that are looked up one by one in a long file


def openings_of(
    desk: Desk, snapshot: Entry, numbers: Collection[str], *, own: bool = False
) -> Iterator[tuple[Opening, ...]]:
    """Yield the openings of some rows of a snapshot of the bureau's, as `opened` has it.

    Raises:
        WorkspaceError: `private-of-a-department`.
    """
    statement = snapshot.of(SnapshotStatement)
    if statement.by != desk.workspace.bureau:
        raise WorkspaceError("private-of-a-department", name=statement.by, registry=statement.registry)
    number = snapshot_number(desk, snapshot)
    secret = read_secret(desk.workspace.secret(f"{statement.registry}-{number}.secret"))
    folder = desk.workspace.registry(statement.registry)
    older = folder / f"private-{number}.jsonl"
    private = mapped(older if older.exists() else folder / "private.jsonl")
    yield from opened(statement, secret, private, numbers, own=own)


def opened(
    statement: SnapshotStatement, secret: bytes, private: Data, numbers: Collection[str], *, own: bool = False
) -> Iterator[tuple[Opening, ...]]:
    """Yield the openings of some rows of a snapshot; with `own` those of closed fields too.

    Raises:
        WorkspaceError: `private-unreadable`; nothing of the line is quoted, for it may be somebody's name.
    """
    fields = [field for field, openable in statement.private if openable or own]
    few = len(private) >= MAPPED_FROM and len(numbers) < FEW
    for start in _places(private, sorted(numbers), statement) if few else _starts(private):
        no, values = _read(private, start, statement)
        if no in numbers:
            yield open_row(secret, statement, Row(no, {}, values), fields, own=own)


def _starts(private: Data) -> Iterator[int]:
    """Yield where each line begins."""
    start = 0
    while start < len(private):
        yield start
        start = (private.find(b"\n", start) + 1) or len(private)


def _places(private: Data, numbers: Sequence[str], statement: SnapshotStatement) -> Iterator[int]:
    """Yield where the lines of some numbers begin, found by halving: both are sorted, and little else is read."""
    last = -1
    for no in numbers:
        low, high = 0, len(private)
        while low < high:
            start = private.rfind(b"\n", 0, (low + high) // 2) + 1
            if _read(private, start, statement)[0] < no:
                low = private.find(b"\n", start) + 1
            else:
                high = start
        if last < low < len(private):  # two that are not there may lie before one line
            yield low
            last = low


def _read(private: Data, start: int, statement: SnapshotStatement) -> tuple[str, tuple[str, ...]]:
    end = private.find(b"\n", start)
    try:
        match parse(private[start:end]) if end >= 0 else None:
            case {"no": str(no), "private": list(values)} if len(values) == len(statement.private):
                return no, tuple(map(str, values))
    except EncodingError:
        pass
    line = sum(1 for at in _starts(private) if at <= start)
    raise WorkspaceError("private-unreadable", registry=statement.registry, line=line)


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
    with writing(session, speaks=False) as desk:
        matter = find(desk, name)
        chosen = (numbers, numbers) if numbers else (None, None) if everything else _audit_rows(matter)
        wanted = dict(zip(("objects", "inspectors"), chosen, strict=True))
        told: list[Opening] = []
        found: set[str] = set()
        theirs: list[tuple[Entry, list[str]]] = []
        for role, snapshot, roster in matter.rosters():
            numbers_of = roster.numbers
            asked = set(numbers_of if (some := wanted[role]) is None else (no for no in some if no in numbers_of))
            found |= asked
            if snapshot.statement.by == desk.workspace.bureau:
                told += (opening for row in openings_of(desk, snapshot, asked) for opening in row)
            elif asked:
                theirs.append((snapshot, sorted(asked)))
        if lacking := sorted(set(numbers) - found):
            raise WorkspaceError("no-such-number", found=lacking[0])
        path = desk.workspace.draw(name) / f"{name}.openings.jsonl"
        write(path, lines(canonical(opening.model_dump()) for opening in told), mode=PRIVATE)
        session.say("openings.written", rows=len({opening.no for opening in told}), count=len(told), file=path)
        for snapshot, closed in theirs:
            # The bureau has not their secret, and nobody gives it away.
            session.say("openings.of-a-department", name=snapshot.statement.by, index=snapshot.index, numbers=closed)
        session.answer({"id": name, "file": str(path), "rows": sorted({opening.no for opening in told})})
