"""派发单: who inspects which object, with names and addresses, for the bureau's own eyes.

Everything public is kept by numbers; this is the one paper where names stand beside them, and so it is marked as
internal, written for its owner alone, and never shown on a terminal.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from fairdraw.acts import ClosingLine
from fairdraw.schema import Deferral, SnapshotStatement
from fairdraw_cli.casework import Matter
from fairdraw_cli.privatefields import Fields, private_fields
from fairdraw_cli.session import Session
from fairdraw_cli.tasks import Change, Task, field_title, item_names, tasks_of
from fairdraw_cli.workbook import Cell, Sheet, Struck


@dataclass(frozen=True, kw_only=True)
class Registry:
    """A registry's private fields: their names, which of them can be opened, and their values by number.

    Of a department's inspectors a bureau has no values, only numbers.
    """

    fields: tuple[str, ...] = ()
    openable: tuple[str, ...] = ()
    values: Mapping[str, Fields] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Dispatch:
    """A draw's tasks with the private fields of everybody in them."""

    session: Session
    tasks: tuple[Task, ...]
    objects: Registry
    people: Registry
    items: Mapping[str, str]

    @classmethod
    def of(cls, session: Session, matter: Matter) -> "Dispatch":
        """Return the dispatch list of a draw.

        Raises:
            WorkspaceError: `not-drawn`, or the private fields are not those that were frozen.
        """
        tasks = tasks_of(matter)
        everybody = {no for task in tasks for no in (*task.people, *(change.out for change in task.changes))}
        numbers = {"objects": {task.no for task in tasks}, "inspectors": everybody}
        registries = {"objects": Registry(), "inspectors": Registry()}
        for role, snapshot, roster in matter.rosters():
            statement = snapshot.of(SnapshotStatement)
            if statement.by != matter.desk.workspace.bureau:
                continue  # the department has its own inspectors' names, and nobody gives them away
            registries[role] = Registry(
                fields=tuple(name for name, _ in statement.private),
                openable=tuple(name for name, openable in statement.private if openable),
                values=private_fields(matter.desk, snapshot, roster, numbers[role]),
            )
        return cls(
            session=session,
            tasks=tasks,
            objects=registries["objects"],
            people=registries["inspectors"],
            items=item_names(matter.desk, matter.plan(), session.lang),
        )

    @property
    def inspectors(self) -> tuple[str, ...]:
        """Everybody who has a task now, by number."""
        return tuple(sorted({no for task in self.tasks for no in task.people}))

    def by_object(self) -> Sheet:
        """Return the sheet of all drawn objects."""
        word = self._word
        titles = [word("no"), word("object"), *self._titles("objects"), word("items"), word("stratum"), word("people"),
                  word("changes"), word("deferral"), word("last"), word("state")]  # fmt: skip
        rows = [
            (number, task.no, *self._values(self.objects, task.no), *self._work(task), self._people(task),
             self._changes(task), self._deferral(task), task.last, self._state(task))
            for number, task in enumerate(self.tasks, 1)
        ]  # fmt: skip
        return Sheet(name=word("dispatch"), titles=titles, rows=rows)

    def by_inspector(self, only: str | None = None) -> Sheet:
        """Return the sheet of each inspector's tasks, or of one inspector's."""
        word = self._word
        titles = [word("inspector"), *self._titles("inspectors"), word("role"), word("object"),
                  *self._titles("objects"), word("items"), word("stratum"), word("with"), word("deferral"),
                  word("last"), word("state")]  # fmt: skip
        return Sheet(name=word("by-inspector"), titles=titles, rows=list(self._rows_by_inspector(only)))

    def _rows_by_inspector(self, only: str | None) -> Iterator[Sequence[Cell]]:
        for no in self.inspectors if only is None else (only,):
            for task in self.tasks:
                if no not in task.people:
                    continue
                department = next((name for name, number in task.team if number == no), "")
                role = self._word("expert" if no in task.experts else "member")
                others = Struck(tuple(self._person(one) for one in task.people if one != no))
                yield (no, *self._values(self.people, no), f"{role} {department}".strip(), task.no,
                       *self._values(self.objects, task.no), *self._work(task), others, self._deferral(task),
                       task.last, self._state(task))  # fmt: skip

    def _titles(self, role: str) -> list[str]:
        fields = self.objects.fields if role == "objects" else self.people.fields
        return [field_title(self.session, role, name) for name in fields]

    def _values(self, registry: Registry, no: str) -> list[Cell]:
        values = registry.values.get(no, {})
        return [values.get(name) for name in registry.fields]

    def _work(self, task: Task) -> tuple[Cell, Cell]:
        items = tuple(f"{self.items[item]} {item}" if item in self.items else item for item in task.items)
        show = self.session.words.show
        strata = tuple(" ".join(str(show(value)) for value in values) for _, values in task.line.strata)
        return Struck(items), Struck(strata if any(strata) else ())

    def _person(self, no: str) -> str:
        """Return a number and the fields that may be shown to those who work together; closed ones are their own."""
        values = self.people.values.get(no, {})
        return " ".join([no, *(values[name] for name in self.people.openable if values.get(name))])

    def _people(self, task: Task) -> Cell:
        members = [self._person(no) for _, no in task.team]
        experts = [self._word("as-expert", who=self._person(no)) for no in task.experts]
        gone = [self._person(change.out) for change in task.changes if change.out not in task.people]
        return Struck((*members, *experts), tuple(gone))

    def _changes(self, task: Task) -> Cell:
        return Struck(tuple(map(self._change, task.changes)))

    def _change(self, change: Change) -> str:
        told = {"out": change.out, "reason": change.reason, "index": change.index}
        if change.came is None:
            return self._word("called", **told)
        return self._word("changed", came=change.came, **told)

    def _deferral(self, task: Task) -> Cell:
        if task.deferral is None:
            return None
        said = task.deferral.of(Deferral)
        return self._word("deferred", until=said.until, reason=said.reason, index=task.deferral.index)

    def _state(self, task: Task) -> Cell:
        if task.outcome is None:
            return None
        return self._word("closed" if isinstance(task.outcome, ClosingLine) else "has-result")

    def _word(self, code: str, **params: object) -> str:
        return self.session.word(f"export.{code}", **params)
