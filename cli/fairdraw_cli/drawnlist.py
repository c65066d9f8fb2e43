"""What may be handed to anybody: who was drawn, by number and public attributes, and which results are due when."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, timedelta

from fairdraw.calendar import Calendar, is_working_day
from fairdraw.conduct import due_day
from fairdraw.errors import CalendarError, WorkspaceError
from fairdraw.roster import RosterRow
from fairdraw.schema import Deferral
from fairdraw_cli.aftermath import regulation_for
from fairdraw_cli.casework import Matter
from fairdraw_cli.session import Session
from fairdraw_cli.tasks import Task, field_title, item_names, tasks_of
from fairdraw_cli.workbook import Cell, Sheet, Struck

STATE = -1
"""The column of `due` that says how a row stands: the last."""


@dataclass(frozen=True, kw_only=True)
class DrawnList:
    """Who is in a draw's tasks, with public attributes; `district` is the attribute that tells where."""

    session: Session
    tasks: tuple[Task, ...]
    objects: Mapping[str, RosterRow]
    people: Mapping[str, RosterRow]
    items: Mapping[str, str]
    district: str | None

    @classmethod
    def of(cls, session: Session, matter: Matter, district: str | None) -> "DrawnList":
        """Return the list of a draw that anybody may know of.

        Raises:
            WorkspaceError: `export-while-sealed`, `not-drawn`, or `no-such-attribute`.
        """
        if matter.hidden:
            raise WorkspaceError("export-while-sealed", found=matter.name)
        tasks = tasks_of(matter)
        rows: dict[str, dict[str, RosterRow]] = {"objects": {}, "inspectors": {}}
        named = {"objects": {task.no for task in tasks}, "inspectors": {no for task in tasks for no in task.people}}
        with ExitStack() as opened:
            for role, _, roster in matter.lookups(opened):
                found = (at for no in named[role] if (at := roster.find(no)) is not None)
                rows[role] |= {row.no: row for row in map(roster.row, found)}
        attributes = sorted(rows["objects"][tasks[0].no].attrs) if tasks else []
        if district is not None and district not in attributes:
            raise WorkspaceError("no-such-attribute", expected=attributes, found=district)
        planned = {rule.region for rule in matter.plan().rules if rule.region is not None}
        return cls(
            session=session,
            tasks=tasks,
            objects=rows["objects"],
            people=rows["inspectors"],
            items=item_names(matter.desk, matter.plan(), session.lang),
            district=district or (planned.pop() if len(planned) == 1 else None),
        )

    def sheet(self, by: str) -> Sheet:
        """Return one of the sheets: by "object", "inspector" or "district".

        Raises:
            WorkspaceError: `district-unnamed`: neither the plan nor the caller says which attribute it is.
        """
        match by:
            case "inspector":
                return self._by_inspector()
            case "district":
                return self._by_district()
        word = self._word
        titles = [word("object"), *self._titles("objects"), word("items"), word("people"), word("last")]
        rows = [(task.no, *self._attributes(self.objects[task.no]), self._items(task), self._people(task), task.last)
                for task in self.tasks]  # fmt: skip
        return Sheet(name=word("by-object"), titles=titles, rows=rows)

    def _by_inspector(self) -> Sheet:
        word = self._word
        titles = [word("inspector"), *self._titles("inspectors"), word("role"), word("object"), word("items"),
                  word("last")]  # fmt: skip
        numbers = sorted({no for task in self.tasks for no in task.people})
        rows = [
            (no, *self._attributes(self.people[no]), word("expert" if no in task.experts else "member"), task.no,
             self._items(task), task.last)
            for no in numbers for task in self.tasks if no in task.people
        ]  # fmt: skip
        return Sheet(name=word("by-inspector"), titles=titles, rows=rows)

    def _by_district(self) -> Sheet:
        named = self.district
        if named is None:
            raise WorkspaceError("district-unnamed", expected=self._names(self.objects))
        word = self._word
        titles = [word("district"), word("object"), word("items"), word("people"), word("last")]
        rows: list[Sequence[Cell]] = [
            (self._shown(self.objects[task.no].attrs[named]), task.no, self._items(task), self._people(task), task.last)
            for task in self.tasks
        ]
        return Sheet(name=word("by-district"), titles=titles, rows=sorted(rows, key=lambda row: (row[0], row[1])))

    def _names(self, rows: Mapping[str, RosterRow]) -> list[str]:
        first = next(iter(rows.values()), None)
        return [] if first is None else sorted(first.attrs)

    def _titles(self, role: str) -> list[str]:
        names = self._names(self.objects if role == "objects" else self.people)
        return [field_title(self.session, role, name) for name in names]

    def _attributes(self, row: RosterRow) -> list[str]:
        return [self._shown(row.attrs[name]) for name in sorted(row.attrs)]

    def _shown(self, value: object) -> str:
        return "" if value is None else str(self.session.words.show(value))

    def _items(self, task: Task) -> Cell:
        return Struck(tuple(f"{self.items[item]} {item}" if item in self.items else item for item in task.items))

    def _people(self, task: Task) -> str:
        return " ".join(task.people)

    def _word(self, code: str) -> str:
        return self.session.word(f"export.{code}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A drawn object without an outcome: the last day of its inspection, and the last day to publish what came of it.

    `due` is None where the regulation counts no working days, or (`beyond`) the calendar does not reach.
    """

    draw: str
    task: Task
    due: str | None
    beyond: bool = False

    def is_overdue(self, today: str) -> bool:
        """Say whether the last day to publish is over."""
        return self.due is not None and self.due < today


def due_of(matter: Matter, calendar: Calendar) -> Iterator[Due]:
    """Yield the objects of a draw of which nothing was logged yet, with the last days that its regulation gives."""
    regulation = regulation_for(matter)
    known: dict[str, tuple[str | None, bool]] = {}
    for task in tasks_of(matter):
        if task.outcome is not None:
            continue
        if task.last not in known:
            try:
                known[task.last] = due_day(regulation, task.last, calendar), False
            except CalendarError:
                known[task.last] = None, True
        day, beyond = known[task.last]
        yield Due(draw=matter.name, task=task, due=day, beyond=beyond)


def due_sheet(session: Session, dues: Sequence[Due], *, today: str, calendar: Calendar) -> Sheet:
    """Return the sheet of results that are due, the most urgent first."""

    def word(code: str, **params: object) -> str:
        return session.word(f"export.{code}", **params)

    def row(one: Due) -> Sequence[Cell]:
        deferred = None
        if (entry := one.task.deferral) is not None:
            said = entry.of(Deferral)
            deferred = word("deferred", until=said.until, reason=said.reason, index=entry.index)
        left = None if one.due is None or one.is_overdue(today) else _days_left(calendar, today, one.due)
        return (one.draw, one.task.no, " ".join(one.task.items), " ".join(one.task.people), deferred, one.task.last,
                one.due, left, word(_state(one, today)))  # fmt: skip

    order = sorted(dues, key=lambda one: (one.due or one.task.last, one.draw, one.task.no))
    titles = [word(code) for code in ("draw", "object", "items", "people", "deferral", "last", "due", "left", "state")]
    overdue = word("overdue")
    return Sheet(name=word("due-list"), titles=titles, rows=[row(one) for one in order],
                 warn=lambda cells: cells[STATE] == overdue)  # fmt: skip


def _state(one: Due, today: str) -> str:
    if one.is_overdue(today):
        return "overdue"
    if one.beyond:
        return "beyond"
    return "inspecting" if today <= one.task.last else "awaited"


def _days_left(calendar: Calendar, today: str, due: str) -> int:
    """Return how many working days are left after today, the last one counted."""
    day, last, count = date.fromisoformat(today), date.fromisoformat(due), 0
    while day < last:
        day += timedelta(days=1)
        count += is_working_day(calendar, day)
    return count
