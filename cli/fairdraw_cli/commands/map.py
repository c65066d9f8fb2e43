"""`map`: what column of a registry file becomes what, proposed and looked at before anything is frozen."""

from collections import Counter
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Final

import click

from fairdraw.errors import WorkspaceError
from fairdraw.registry import Registry
from fairdraw.snapshot import SMALL_GROUP
from fairdraw_cli.commands.freeze import tell_problems
from fairdraw_cli.files import check_folder, read, write
from fairdraw_cli.helping import command
from fairdraw_cli.refused import MENDED, REFUSED, Source, check_refused, map_of, write_refused
from fairdraw_cli.session import Session

SHOWN_ROWS: Final = 10
SHOWN_VALUES: Final = 8
SEALED: Final = "▇▇▇"

FILE = click.argument("file", metavar="FILE", type=click.Path(path_type=Path))


@command(
    FILE,
    click.option("-o", "--out", "out", metavar="MAP.toml", type=click.Path(path_type=Path)),
    click.option("--as", "who", type=click.Choice(["objects", "inspectors"]), metavar="objects|inspectors"),
    click.option("--sheet", metavar="NAME"),
)
def propose(session: Session, file: Path, out: Path | None, who: str | None, sheet: str | None) -> None:
    """Propose a map for a registry file."""
    from fairdraw.registry import proposing
    from fairdraw_cli.proposal import render

    if out is not None:
        check_folder(out)
        if out.exists():
            raise WorkspaceError("file-exists", found=str(out))
    made = proposing.propose(read(file), name=file.name, sheet=sheet, who="inspectors" if who == "inspectors" else
                             "objects" if who else None)  # fmt: skip
    text = render(session, made, file=file.name, sheet=sheet)
    if out is None:
        session.line(text.rstrip("\n"))
        return
    write(out, text.encode())
    session.say("propose.written", file=out, rows=made.rows)
    for section in ("attrs", "private", "closed"):
        columns = [choice.column for choice in made.of(section)]
        session.say(f"propose.{section}", columns=columns or None)
    session.say("propose.next", file=file, map=out)


@command(
    FILE,
    click.option("--map", "map_file", metavar="MAP.toml", type=click.Path(path_type=Path)),
    REFUSED,
    MENDED,
    json=True,
)
def preview(session: Session, file: Path, map_file: Path | None, refused: Path | None, mended: Path | None) -> None:
    """Show what would be frozen, and what of it everybody would see."""
    check_refused(refused)
    source = Source(file, map_of(map_file), mended)
    reading = source.read(numbers=None, secret=None)
    if reading.sheet:
        session.say("freeze.sheet", sheet=reading.sheet, file=file.name)
    registry = reading.registry
    session.say("preview.rows", count=len(registry.rows), shown=min(SHOWN_ROWS, len(registry.rows)))
    called = {field: source.called.get(field, field) for field, _ in (*registry.attrs, *registry.private)}
    _show(session, registry, called)
    if reading.numbers is not None:
        session.say("preview.numbers")
    public = _public(session, registry, called)
    session.say("preview.sealed", fields=[called[field] for field, openable in registry.private if openable] or None)
    session.say(
        "preview.closed", fields=[called[field] for field, openable in registry.private if not openable] or None
    )
    groups = Counter(tuple(row.attrs.values()) for row in registry.rows)
    alone = sum(count == 1 for count in groups.values())
    if groups:
        few = sum(count < SMALL_GROUP for count in groups.values())
        session.say("freeze.anonymity", least=min(groups.values()), groups=len(groups), few=few, small=SMALL_GROUP)
    if alone:
        session.say("preview.alone", count=alone)
    problems = tell_problems(session, reading.problems, source)
    write_refused(session, refused, source, reading)
    error = WorkspaceError("rows-refused", count=len(reading.left_out)) if problems else None
    session.answer(
        {"rows": len(registry.rows), "public": public, "alone": alone, "problems": problems,
         "private": dict(registry.private),
         "error": {"code": error.code, "params": error.params} if error else None}
    )  # fmt: skip
    if error:
        raise error
    mapped = "" if map_file is None else f" --map {map_file}"
    session.say("preview.next", command=f"fairdraw freeze REGISTRY {file}{mapped}")


def _show(session: Session, registry: Registry, called: Mapping[str, str]) -> None:
    show = session.words.show
    titles = [called[field] for field, _ in (*registry.attrs, *registry.private)]
    rows = [
        (row.no, *(show(row.attrs[field]) for field, _ in registry.attrs), *(SEALED if v else "" for v in row.private))
        for row in islice(registry.rows, SHOWN_ROWS)
    ]
    if rows:
        session.table([(session.word("preview.no"), *titles), *rows])


def _public(session: Session, registry: Registry, called: Mapping[str, str]) -> dict[str, int]:
    """Tell of every public attribute what values it has, and return how many."""
    told: dict[str, int] = {}
    session.say("preview.public")
    for field, _ in registry.attrs:
        values = Counter(session.words.show(row.attrs[field]) for row in registry.rows)
        shown = [value for value, _ in values.most_common(SHOWN_VALUES)]
        more = len(values) - len(shown)
        session.say("preview.attribute-more" if more else "preview.attribute", field=field, column=called[field],
                    count=len(values), values=shown, more=more)  # fmt: skip
        told[field] = len(values)
    if not registry.attrs:
        session.say("preview.only-numbers")
    return told
