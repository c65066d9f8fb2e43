"""`result` and `correct`: what inspections found, each row checked against the draw and its regulation."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from fairdraw.acts import ClosingLine, Line, OutcomeLine, format_outcomes, read_outcomes
from fairdraw.calendar import Calendar, extended, parse, published
from fairdraw.conduct import due_day, is_obstructed, outcome_faults
from fairdraw.encoding import day_of
from fairdraw.errors import ActError, WorkspaceError
from fairdraw.record import drawn_items
from fairdraw.registry.problems import Problem
from fairdraw.regulation import Regulation
from fairdraw.schema import Correction, Draw, Result
from fairdraw.statement import Entry
from fairdraw_cli.aftermath import add_act, entry_at, keep, open_draw_of, regulation_for
from fairdraw_cli.casework import Matter, find
from fairdraw_cli.commands.acts import INDEX, NAME, REASON, done
from fairdraw_cli.commands.plan import tell_faults
from fairdraw_cli.desk import Desk, writing
from fairdraw_cli.files import read
from fairdraw_cli.helping import command
from fairdraw_cli.resultform import COLUMNS, read_results
from fairdraw_cli.rows import bad_row
from fairdraw_cli.session import Session
from fairdraw_cli.unitact import BY, COSIGNED, KEY, Act, Asked, Signing, act_of_unit

FILE = click.argument("file", metavar="RESULTS.csv", type=click.Path(path_type=Path))
CALENDAR = click.option("--calendar", "table", metavar="FILE", type=click.Path(path_type=Path))


def calendar_of(table: Path | None) -> Calendar:
    """Return the published working days, and those of a table that somebody gives."""
    return published() if table is None else extended(published(), parse(read(table)))


def logged_outcomes(desk: Desk) -> Iterator[tuple[Entry, Line]]:
    """Yield every outcome that was logged, in log order; of a list that is no longer here none."""
    for entry in desk.history.entries:
        said = entry.statement
        if not isinstance(said, Result | Correction):
            continue
        try:
            data = desk.workspace.artifact(said.outcomes.digest)
        except WorkspaceError:
            continue
        yield from ((entry, line) for line in read_outcomes(data, said.outcomes))


class _Ledger:
    """What the rows of a file are checked against: the draw, its regulation, and everything logged before."""

    def __init__(self, matter: Matter, drawn: Entry, regulation: Regulation | None, calendar: Calendar) -> None:
        self.desk, self.regulation, self.calendar = matter.desk, regulation, calendar
        drew = drawn.of(Draw)
        self.items = drawn_items(matter.desk.workspace.artifact(drew.results.digest), drew)
        self.before = list(logged_outcomes(matter.desk))
        own = {e.text_hash for e, said in matter.desk.history.all(Result) if said.draw.text == drawn.text_hash}
        own |= {e.text_hash for e, said in matter.desk.history.all(Correction)
                if said.result.text in own or said.result.text == drawn.text_hash}  # fmt: skip
        self.ended = {line.no: entry.index for entry, line in self.before if entry.text_hash in own}

    def due(self, checked: str) -> str | None:
        """Return the last day to publish."""
        return due_day(self.regulation, checked, self.calendar)

    def problem(self, number: int, line: Line, *, correcting: bool) -> Problem | None:
        """Return why a row does not fit the draw, or None."""
        if line.no not in self.items:
            return Problem(number, "no", "drawn-object", line.no, "object-not-drawn-row")
        if isinstance(line, ClosingLine):
            return None if correcting else Problem(number, "closed", "correction", line.no, "closing-is-correction")
        if not set(self.items[line.no]).issuperset(line.items):
            found = " ".join(sorted(set(line.items) - set(self.items[line.no])))
            return Problem(number, "items", " ".join(self.items[line.no]), found, "outcome-items")
        if not correcting and line.no in self.ended:
            # What was published stays published: a change is a correction, with its reason.
            return Problem(number, "no", "correction", line.no, "outcome-exists")
        return None

    def earlier(self, no: str) -> list[OutcomeLine]:
        """Return what was logged of an object before."""
        return [line for _, line in self.before if isinstance(line, OutcomeLine) and line.no == no]


def _heading(session: Session, column: str) -> str:
    heading = COLUMNS.get(column)
    return f"{column} {heading}" if session.lang == "zh" and heading else column or "—"


def _checked(
    session: Session, ledger: _Ledger, file: Path, rows: Sequence[tuple[int, Line]], problems: list[Problem],
    *, correcting: bool,
) -> list[Line]:  # fmt: skip
    """Return the lines of a file, once every row is one that may be logged.

    Raises:
        WorkspaceError: `bad-results` or `results-against-regulation`.
    """
    problems += [p for number, line in rows if (p := ledger.problem(number, line, correcting=correcting))]
    for problem in sorted(problems, key=lambda one: one.line):
        session.note("freeze.bad-row", **bad_row(session, problem) | {"field": _heading(session, problem.field)})
    if problems or not rows:
        raise WorkspaceError("bad-results", found=file.name, count=len(problems))
    count = 0
    for number, line in rows:
        if ledger.regulation is None or not isinstance(line, OutcomeLine):
            continue
        earlier = ledger.earlier(line.no)
        faults = outcome_faults(ledger.regulation, line, calendar=ledger.calendar, earlier=earlier)
        if faults:
            session.say("result.row", file=file.name, line=number, no=line.no)
            tell_faults(session, faults)
            count += len(faults)
        if is_obstructed(ledger.regulation, line, earlier):
            session.say("result.obstructed", no=line.no)
        if line.due is not None and line.due < day_of(ledger.desk.now):
            session.say("result.late", no=line.no, day=line.due)
    if count:
        name = "" if ledger.regulation is None else ledger.regulation.id
        raise WorkspaceError("results-against-regulation", regulation=name, count=count)
    return [line for _, line in rows]


def _log(
    session: Session, matter: Matter, kind: type[Act], lines: Sequence[Line], signing: Signing, request: str,
    **fields: Any,
) -> None:  # fmt: skip
    desk, regulation = matter.desk, regulation_for(matter)
    data, listing = format_outcomes(lines)
    fields["outcomes"] = listing
    if signing.elsewhere:
        asked = Asked(kind, fields, data, desk.workspace.draw(matter.name) / request)
        entry, new = act_of_unit(session, desk, asked, signing, regulation)
        if entry is None:
            return
    else:
        keep(desk, data)
        entry, new = add_act(desk, kind, regulation=regulation, by_key=signing.key, **fields)
    dues = sorted({line.due for line in lines if isinstance(line, OutcomeLine) and line.due is not None})
    if dues:
        session.say("result.due", first=dues[0], last=dues[-1])
    done(session, desk, entry, new=new, outcomes=len(lines), due=dues)


def _again(desk: Desk, rows: Sequence[tuple[int, Line]], draw: str) -> Entry | None:
    """Return the result that says the same already, after a crash or a second call."""
    try:
        data, listing = format_outcomes(line for _, line in rows)
    except ActError:
        return None
    logged = desk.history.all(Result)
    entry = next((e for e, said in logged if said.draw.text == draw and said.outcomes == listing), None)
    if entry is not None:
        keep(desk, data)  # whoever signed it may have had it logged without its rows
    return entry


@command(NAME, FILE, KEY, BY, COSIGNED, CALENDAR, json=True, clock=True, wait=True)
def result(session: Session, name: str, file: Path, table: Path | None, **signs: Any) -> None:
    """Log what inspections of drawn objects found."""
    signing = Signing.of(session, **signs)
    with writing(session) as desk:
        matter = find(desk, name)
        drawn = open_draw_of(matter)
        ledger = _Ledger(matter, drawn, regulation_for(matter), calendar_of(table))
        rows, problems = read_results(file, ledger.due)
        if rows and not problems and (entry := _again(desk, rows, drawn.text_hash)) is not None:
            done(session, desk, entry, new=False, outcomes=len(rows))
            return
        lines = _checked(session, ledger, file, rows, problems, correcting=False)
        _log(session, matter, Result, lines, signing, "result.request", draw=drawn.ref)


def _matter_of(desk: Desk, draw: str) -> Matter:
    for path in sorted((desk.workspace.root / "state" / "draws").iterdir()):
        matter = find(desk, path.name)
        if matter.draw is not None and matter.draw.text_hash == draw:
            return matter
    raise WorkspaceError("statement-missing", found=draw)


@command(INDEX, FILE, REASON, KEY, BY, COSIGNED, CALENDAR, json=True, clock=True, wait=True)
def correct(session: Session, index: int, file: Path, reason: str, table: Path | None, **signs: Any) -> None:
    """Correct a logged result, or close drawn objects that will not be inspected."""
    signing = Signing.of(session, **signs)
    with writing(session) as desk:
        of = entry_at(desk, index)
        match of.statement:
            case Draw():
                matter = _matter_of(desk, of.text_hash)
            case Result():
                matter = _matter_of(desk, of.statement.draw.text)
            case _:
                raise WorkspaceError("not-correctable", index=index, found=of.statement.type)
        drawn = open_draw_of(matter)
        ledger = _Ledger(matter, drawn, regulation_for(matter), calendar_of(table))
        rows, problems = read_results(file, ledger.due)
        lines = _checked(session, ledger, file, rows, problems, correcting=True)
        waits = f"correction-{index}.request"
        _log(session, matter, Correction, lines, signing, waits, result=of.ref, reason=reason)
