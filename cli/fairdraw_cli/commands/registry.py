"""`registry diff`: what changed between two snapshots of a registry, by number (attack 15)."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import click

from fairdraw.encoding import parse_row, split_lines
from fairdraw.errors import EncodingError, WorkspaceError
from fairdraw.schema import SnapshotStatement
from fairdraw_cli.files import read
from fairdraw_cli.helping import command
from fairdraw_cli.history import History
from fairdraw_cli.session import Session
from fairdraw_cli.workspace import Workspace

SNAPSHOT: Final = re.compile(r"([a-z0-9][a-z0-9._-]{0,39})-([1-9][0-9]*)", re.ASCII)


def _roster(session: Session, name: str) -> Mapping[str, dict[str, Any]]:
    """Return the attributes of each number: of a roster's file, or of a snapshot of the workspace by its id.

    Raises:
        WorkspaceError: `not-a-roster`, or `not-frozen`.
    """
    path = Path(name)
    data = read(path) if path.is_file() else _of_workspace(session, name)
    rows: dict[str, dict[str, Any]] = {}
    try:
        for line in split_lines(data):
            match parse_row(line):
                case {"attrs": dict(attrs), "no": str(no), "seal": str()}:
                    rows[no] = attrs
                case _:
                    raise WorkspaceError("not-a-roster", found=name)
    except EncodingError:
        raise WorkspaceError("not-a-roster", found=name) from None
    return rows


def _of_workspace(session: Session, name: str) -> bytes:
    found = SNAPSHOT.fullmatch(name)
    if found is None:
        raise WorkspaceError("file-missing", found=name)
    place = Workspace.open(session.folder)
    history = History.read(place.reader())
    logged = [s for _, s in history.all(SnapshotStatement) if s.registry == found[1]]
    if not 1 <= int(found[2]) <= len(logged):
        raise WorkspaceError("not-frozen", found=name)
    return place.artifact(logged[int(found[2]) - 1].roster.digest)


@command(click.argument("one", metavar="A"), click.argument("other", metavar="B"), json=True)
def diff(session: Session, one: str, other: str) -> None:
    """Compare two snapshots by number: who is new, who is gone, and whose attributes changed."""
    old, new = _roster(session, one), _roster(session, other)
    come, gone = sorted(new.keys() - old.keys()), sorted(old.keys() - new.keys())
    changed = {
        no: {name: [old[no].get(name), new[no].get(name)] for name in sorted({*old[no], *new[no]})
             if old[no].get(name) != new[no].get(name)}
        for no in sorted(old.keys() & new.keys()) if old[no] != new[no]
    }  # fmt: skip
    session.say("registry.compared", old=len(old), new=len(new))
    for key, numbers in (("registry.new", come), ("registry.gone", gone), ("registry.changed", list(changed))):
        session.say(key, count=len(numbers))
        for no in numbers:
            told = changed.get(no, {}) if key == "registry.changed" else {}
            session.line(
                "  ".join([f"  {no}", *(f"{name}: {_shown(session, values)}" for name, values in told.items())])
            )
    session.answer({"new": come, "gone": gone, "changed": changed})


def _shown(session: Session, values: list[object]) -> str:
    return " → ".join(str(session.words.show(value)) for value in values)
