"""`print`: a draw on paper: the record to be signed, the slips to be posted, the notices to be handed over."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypeVar

import click

from fairdraw.encoding import parse_time
from fairdraw.itemlist import read_items
from fairdraw.render.notice import CERTIFICATE, NAME, Notice, Visits, make_notices
from fairdraw.render.page import notices_html, record_html
from fairdraw.render.paper import notices_data, record_data, slips_data
from fairdraw.schema import ItemList
from fairdraw.statement import Entry
from fairdraw_cli.aftermath import calls_of, deferred_of, drawn_of, special_teams_of, standing_of
from fairdraw_cli.casework import Matter, Role, find, regulation_of
from fairdraw_cli.commands.openings import openings_of
from fairdraw_cli.commands.slip import slip_pages, slips_of_drawn
from fairdraw_cli.desk import writing
from fairdraw_cli.extras import install_command, installed, need
from fairdraw_cli.files import PRIVATE, PUBLIC, check_folder, write
from fairdraw_cli.helping import command
from fairdraw_cli.papers import access_of, languages, mode_of, redrawn, sheets_of, templates
from fairdraw_cli.pdf import Press
from fairdraw_cli.session import Session

PAPERS: Final = ("record", "slips", "notices")
PART: Final = 200  # papers in one file: 500 slips took 1.4 GB of memory
P = TypeVar("P")


@dataclass(frozen=True)
class Printer:
    """Prints the papers of one draw into a folder, as PDF where there is a press, else as pages for a browser."""

    matter: Matter
    drawn: Entry
    folder: Path
    press: Press | None

    def record(self) -> Iterator[Path]:
        """Write the record: what those present sign."""
        for stem, sheet in sheets_of(self.matter, self.drawn).items():
            if self.press is None:
                yield self._write(f"{stem}.html", record_html(sheet, templates(), languages()).encode(), mode_of(stem))
            else:
                pdf = self.press.set("record.typ", record_data(sheet, languages()), time=self._time)
                yield self._write(f"{stem}.pdf", pdf, mode_of(stem))

    def slips(self) -> Iterator[Path]:
        """Write the slips of all drawn objects, as files and on paper."""
        made, name = slips_of_drawn(self.matter, self.drawn, self.folder), self.matter.name
        sheets = [*made.values()]
        yield from made
        if self.press is None:
            yield from slip_pages(self.matter, sheets, self.folder)
        else:
            for stem, part in parts(f"{name}.slips", sheets):
                pdf = self.press.set("slips.typ", slips_data(part, languages(), name=name), time=self._time)
                yield self._write(f"{stem}.pdf", pdf, PUBLIC)
                self.press.forget()

    def notices(self) -> Iterator[Path]:
        """Write the notices to all drawn objects: with names in them, for the bureau's eyes."""
        notices, name = notices_of(self.matter, self.drawn), self.matter.name
        if self.press is None:
            page = notices_html(notices, templates(), languages(), name=name)
            yield self._write(f"{name}.notices.html", page.encode(), PRIVATE)
        else:
            for stem, part in parts(f"{name}.notices", notices):
                pdf = self.press.set("notices.typ", notices_data(part, languages(), name=name), time=self._time)
                yield self._write(f"{stem}.pdf", pdf, PRIVATE)
                self.press.forget()

    @property
    def _time(self) -> int:
        return parse_time(self.drawn.statement.time)

    def _write(self, name: str, data: bytes, mode: int) -> Path:
        write(self.folder / name, data, mode=mode)
        return self.folder / name


def parts(stem: str, papers: Sequence[P]) -> Iterator[tuple[str, Sequence[P]]]:
    """Yield papers in files that an office's computer can set, each with its name; one file alone has no number."""
    starts = range(0, max(len(papers), 1), PART)
    for number, start in enumerate(starts, 1):
        name = stem if len(starts) == 1 else f"{stem}-{number:0{len(str(len(starts)))}}"
        yield name, papers[start : start + PART]


def notices_of(matter: Matter, drawn: Entry) -> list[Notice]:
    """Return the notices of a draw, by whom as it stands after substitutions."""
    place, plan = matter.desk.workspace, matter.plan()
    outcome, _ = redrawn(matter, drawn)
    calls = calls_of(matter)
    standing, special = standing_of(matter, calls), special_teams_of(matter, drawn)
    formed = {no: tuple(("", number) for number in team) for no, team in special.items()}
    standing = replace(standing, teams={**standing.teams, **formed})
    people = {number for team in standing.teams.values() for _, number in team}
    people |= {number for experts in standing.experts.values() for number in experts}
    listed = None if plan.items is None else matter.desk.history.named(plan.items.text).of(ItemList)
    visits = Visits(
        announcement=matter.announcement,
        draw=drawn,
        plan=plan,
        names=_names(matter, "objects", {*standing.teams}),
        staff=_names(matter, "inspectors", people),
        items=() if listed is None else read_items(place.artifact(listed.items.digest)),
        regulation=regulation_of(place, matter.said),
        access=access_of(matter.desk),
        deferred=deferred_of(matter, drawn),
        vacant=frozenset((call.vacancy.no, call.vacancy.inspector) for call in calls if call.made is None),
    )
    return make_notices(visits, outcome, standing)


def _names(matter: Matter, kind: Role, numbers: set[str]) -> dict[str, dict[str, str]]:
    """Return what the bureau knows of some rows beside their numbers; what a department froze, it does not know.

    Objects and inspectors are told apart: nothing keeps a hospital and an inspector from having one number.
    """
    told: dict[str, dict[str, str]] = {}
    for role, snapshot in matter.snapshots():
        if role != kind or snapshot.statement.by != matter.desk.workspace.bureau:
            continue
        for row in openings_of(matter.desk, snapshot, numbers, own=True):
            for opening in row:
                if opening.field in {NAME, CERTIFICATE}:
                    told.setdefault(opening.no, {})[opening.field] = opening.value
    return told


def _press(session: Session, chosen: str | None, fonts: tuple[Path, ...]) -> Press | None:
    """Return a press, or None where pages for a browser are asked for, or nothing else can be had."""
    if chosen == "pdf" or fonts:
        need("pdf")
    if chosen == "html" or not installed("pdf"):
        if chosen is None:
            session.note("print.no-press", command=install_command("pdf"))
        return None
    return Press(fonts)


def _what(session: Session, matter: Matter, paper: str) -> tuple[str, ...]:
    if paper != "all":
        return (paper,)
    if not matter.hidden:
        return PAPERS
    session.note("print.no-slips", id=matter.name)
    return ("record", "notices")


@command(
    click.argument("name", metavar="DRAW-ID"),
    click.argument(
        "paper", metavar="[record|slips|notices|all]", type=click.Choice((*PAPERS, "all")), default="record"
    ),
    click.option("--format", "chosen", metavar="pdf|html", type=click.Choice(("pdf", "html"))),
    click.option("-o", "--output", "folder", metavar="DIR", type=click.Path(path_type=Path)),
    click.option("--font", "fonts", multiple=True, metavar="FILE", type=click.Path(path_type=Path)),
    json=True,
    clock=True,
)
def print_(
    session: Session, name: str, paper: str, chosen: str | None, folder: Path | None, fonts: tuple[Path, ...]
) -> None:
    """Print a draw's record, its slips or its notices."""
    if chosen == "html" and fonts:
        raise click.UsageError(session.word("print.font-of-a-page"))
    with writing(session) as desk:
        matter = find(desk, name)
        drawn = drawn_of(matter)
        if folder is not None:
            check_folder(folder)
        press = _press(session, chosen, fonts)
        printer = Printer(matter, drawn, folder or desk.workspace.draw(matter.name), press)
        papers: dict[str, Callable[[], Iterator[Path]]] = {
            "record": printer.record, "slips": printer.slips, "notices": printer.notices,
        }  # fmt: skip
        written = [path for one in _what(session, matter, paper) for path in papers[one]()]
        digests = {} if press is None else press.digests
        for path in written:
            if path.suffix != ".json":
                private = path.stat().st_mode & 0o077 == 0
                session.say("print.written-private" if private else "print.written", file=path)
        for font, digest in digests.items():
            session.say("print.font", file=font, digest=digest)
        session.say("print.next", id=name)
        session.answer({"id": name, "files": [str(path) for path in written], "fonts": digests})
