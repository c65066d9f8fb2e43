"""`slip`: one row's proof, to hand to whom it concerns."""

import click

from fairdraw.encoding import lines
from fairdraw.errors import WorkspaceError
from fairdraw.randomness import artifacts_of
from fairdraw.schema import Draw
from fairdraw.slip import make_slip
from fairdraw.snapshot import Roster
from fairdraw.statement import Entry
from fairdraw_cli.casework import Matter, Role, find
from fairdraw_cli.commands.openings import openings_of
from fairdraw_cli.desk import writing
from fairdraw_cli.files import PRIVATE, PUBLIC, write
from fairdraw_cli.helping import command
from fairdraw_cli.papers import result_list
from fairdraw_cli.session import LANGUAGES, Session, catalogue


def _registry_of(matter: Matter, no: str) -> tuple[Role, Entry, Roster]:
    """Return the registry of the draw in which a number stands; of two that have it, the objects'."""
    for role, snapshot, roster in matter.rosters():
        if any(row.no == no for row in roster.rows):
            return role, snapshot, roster
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
        drew = matter.draw.of(Draw)
        role, snapshot, roster = _registry_of(matter, no)
        hidden = matter.hidden
        if hidden and not own:
            # Whoever holds it could tell whether the row was drawn, and until the day nobody may.
            raise WorkspaceError("slip-while-sealed", found=name)
        if hidden and role == "inspectors":
            # An inspector's slip names the objects, and until the day nobody may be warned.
            raise WorkspaceError("inspectors-slip-while-sealed", found=name)
        made = make_slip(
            desk.history.data,
            desk.sizes(),
            announcement=matter.announcement,
            draw=matter.draw,
            plan=matter.plan(),
            snapshot=snapshot,
            roster=roster,
            exclusions=desk.workspace.artifact(matter.said.exclusions.digest),
            artifacts={name: desk.workspace.artifact(name) for name in artifacts_of(matter.said.beacon, drew.pulses)},
            results=lines(result_list(desk.workspace, drew)),
            role=role,
            no=no,
            own=next(openings_of(desk, snapshot, [no], own=True)) if own else (),
        )
        path = desk.workspace.draw(name) / f"{name}.{no}.slip{'.own' if own else ''}.fairdraw.json"
        write(path, made.format(), mode=PRIVATE if own else PUBLIC)
        drawn = bool(made.teams)
        session.say("slip.written-own" if own else "slip.written", no=no, file=path)
        if hidden:
            for lang in LANGUAGES:  # whoever hands it over must not miss it
                session.line(catalogue(lang).say("slip", "at-the-door"))
        else:
            session.say("slip.drawn" if drawn else "slip.not-drawn", no=no)
        session.answer({"id": name, "no": no, "registry": role, "file": str(path), "own": own})
