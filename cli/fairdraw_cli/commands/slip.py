"""`slip`: one row's proof, to hand to whom it concerns, as a file and on paper; or those of all drawn objects."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import click

from fairdraw.bundle import Slip
from fairdraw.encoding import lines
from fairdraw.errors import WorkspaceError
from fairdraw.randomness import artifacts_of
from fairdraw.record import read_lines
from fairdraw.render.page import slips_html
from fairdraw.render.slipsheet import SlipSheet, make_slip_sheet
from fairdraw.roster import Lookup
from fairdraw.schema import Draw
from fairdraw.slip import slips_of
from fairdraw.snapshot import Opening
from fairdraw.statement import Entry
from fairdraw_cli.casework import Matter, Role, find
from fairdraw_cli.commands.openings import openings_of
from fairdraw_cli.desk import writing
from fairdraw_cli.files import PRIVATE, PUBLIC, check_folder, write
from fairdraw_cli.helping import command
from fairdraw_cli.papers import access_of, languages, material_of, result_list, templates
from fairdraw_cli.session import LANGUAGES, Session, catalogue

TOGETHER: Final = 100  # slips on one page: browsers print no thousands of codes at once


def _registry_of(matter: Matter, no: str, opened: ExitStack) -> tuple[Role, Entry, Lookup]:
    """Return the registry of the draw in which a number stands; of two that have it, the objects'."""
    for role, snapshot, roster in matter.lookups(opened):
        if roster.find(no) is not None:
            return role, snapshot, roster
    raise WorkspaceError("no-such-number", found=no)


def _check_open(matter: Matter, role: Role, *, own: bool) -> None:
    """Refuse to tell of a sealed draw what nobody may know yet.

    Raises:
        WorkspaceError: `slip-while-sealed`: whoever holds it could tell whether the row was drawn; or
            `inspectors-slip-while-sealed`: it names the objects, and nobody may be warned.
    """
    if matter.hidden and not own:
        raise WorkspaceError("slip-while-sealed", found=matter.name)
    if matter.hidden and role == "inspectors":
        raise WorkspaceError("inspectors-slip-while-sealed", found=matter.name)


def _slips(
    matter: Matter, draw: Entry, role: Role, snapshot: Entry, roster: Lookup, numbers: Sequence[str],
    own: Mapping[str, Sequence[Opening]],
) -> Iterator[Slip]:  # fmt: skip
    place, said, drew = matter.desk.workspace, matter.said, draw.of(Draw)
    return slips_of(
        matter.desk.history.statements,
        matter.desk.proofs(),
        announcement=matter.announcement,
        draw=draw,
        plan=matter.plan(),
        snapshot=snapshot,
        roster=roster,
        exclusions=place.artifact(said.exclusions.digest),
        artifacts={name: place.artifact(name) for name in artifacts_of(said.beacon, drew.pulses)},
        results=lines(result_list(place, drew)),
        role=role,
        numbers=numbers,
        own=own,
    )


def _on_paper(matter: Matter, draw: Entry, slips: Mapping[Path, Slip]) -> list[SlipSheet]:
    """Write the slips' files, and return how they are printed."""
    access = access_of(matter.desk)
    known = matter.sealed if matter.sealed and matter.hidden else material_of(matter, draw)
    sheets = []
    for path, made in slips.items():
        write(path, made.format(), mode=PRIVATE if made.own else PUBLIC)
        sheets.append(make_slip_sheet(made, matter.announcement, draw, known=known, access=access, file=path.name))
    return sheets


def _print(path: Path, sheets: Sequence[SlipSheet], name: str, *, mode: int = PUBLIC) -> Path:
    page = slips_html(sheets, templates(), languages(), name=name)
    write(path, page.encode(), mode=mode)
    return path


def _one(session: Session, matter: Matter, draw: Entry, no: str, *, own: bool) -> None:
    with ExitStack() as opened:
        role, snapshot, roster = _registry_of(matter, no, opened)
        _check_open(matter, role, own=own)
        openings = {no: next(openings_of(matter.desk, snapshot, [no], own=True))} if own else {}
        [made] = _slips(matter, draw, role, snapshot, roster, [no], openings)
    stem = f"{matter.name}.{no}.slip{'.own' if own else ''}"
    folder = matter.desk.workspace.draw(matter.name)
    path = folder / f"{stem}.fairdraw.json"
    sheets = _on_paper(matter, draw, {path: made})
    page = _print(folder / f"{stem}.html", sheets, no, mode=PRIVATE if own else PUBLIC)
    session.say("slip.written-own" if own else "slip.written", no=no, file=path)
    session.say("slip.page", file=page)
    if matter.hidden:
        for lang in LANGUAGES:  # whoever hands it over must not miss it
            session.line(catalogue(lang).say("slip", "at-the-door"))
    else:
        session.say("slip.drawn" if made.teams else "slip.not-drawn", no=no)
    session.answer(
        {"id": matter.name, "no": no, "registry": role, "file": str(path), "page": str(page), "own": own}
    )  # fmt: skip


def slips_of_drawn(matter: Matter, draw: Entry, folder: Path) -> dict[Path, SlipSheet]:
    """Write the slips of all drawn objects into a folder, and return how they are printed, by their file.

    Raises:
        WorkspaceError: `slip-while-sealed`.
    """
    _check_open(matter, "objects", own=False)
    _, drawn = read_lines(lines(result_list(matter.desk.workspace, draw.of(Draw))))
    numbers = sorted(line.no for line in drawn)
    with ExitStack() as opened:
        role, snapshot, roster = next(matter.lookups(opened))
        made = {
            folder / f"{matter.name}.{one.no}.slip.fairdraw.json": one
            for one in _slips(matter, draw, role, snapshot, roster, numbers, {})
        }
    return dict(zip(made, _on_paper(matter, draw, made), strict=True))


def slip_pages(matter: Matter, sheets: Sequence[SlipSheet], folder: Path) -> list[Path]:
    """Write slips as pages for a browser to print, so many together as it bears; returns their paths."""
    pages = []
    for at in range(0, len(sheets), TOGETHER):
        number = f"-{at // TOGETHER + 1}" if len(sheets) > TOGETHER else ""
        pages.append(_print(folder / f"{matter.name}.slips{number}.html", sheets[at : at + TOGETHER], matter.name))
    return pages


def _all(session: Session, matter: Matter, draw: Entry, folder: Path) -> None:
    """Write the slips of all drawn objects, as one posts them."""
    check_folder(folder)
    made = slips_of_drawn(matter, draw, folder)
    pages = slip_pages(matter, [*made.values()], folder)
    session.say("slip.all-written", count=len(made), folder=folder)
    for page in pages:
        session.say("slip.page", file=page)
    session.answer(
        {"id": matter.name, "numbers": [one.no for one in made.values()], "files": [str(path) for path in made],
         "pages": [str(page) for page in pages]}
    )  # fmt: skip


@command(
    click.argument("name", metavar="DRAW-ID"),
    click.argument("no", metavar="[NO]", required=False),
    click.option("--all", "folder", metavar="DIR", type=click.Path(path_type=Path)),
    click.option("--own", is_flag=True),
    json=True,
    clock=True,
)
def slip(session: Session, name: str, no: str | None, folder: Path | None, *, own: bool) -> None:
    """Write the slip of one row, or of all drawn objects."""
    if (no is None) == (folder is None):
        raise click.UsageError(session.word("slip.number-or-all"))
    if folder is not None and own:
        # One file with every owner's fields would be handed to somebody.
        raise click.UsageError(session.word("slip.all-not-own"))
    with writing(session, speaks=False) as desk:
        matter = find(desk, name)
        if matter.draw is None:
            raise WorkspaceError("not-drawn", found=name)
        if folder is not None:
            _all(session, matter, matter.draw, folder)
        elif no is not None:
            _one(session, matter, matter.draw, no, own=own)
