"""What a draw asks of whom, by number, and what has become of it: teams after substitutions, deferrals, outcomes.

It holds numbers only; `dispatch` puts names to them, `drawnlist` public attributes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fairdraw.acts import ClosingLine, Named, OutcomeLine, Substitute, read_act
from fairdraw.eligibility import Member
from fairdraw.encoding import lines
from fairdraw.itemlist import read_items
from fairdraw.record import DrawnLine, read_lines
from fairdraw.schema import Correction, Deferral, Draw, ItemList, Plan, Result, Substitution, SubstitutionCall
from fairdraw.statement import Entry
from fairdraw.substitution import Standing
from fairdraw_cli.aftermath import Called, calls_of, drawn_of
from fairdraw_cli.casework import Matter
from fairdraw_cli.commands.results import logged_outcomes
from fairdraw_cli.desk import Desk
from fairdraw_cli.papers import result_list
from fairdraw_cli.session import Session


@dataclass(frozen=True, slots=True)
class Change:
    """A place of a team that was called vacant: who is out, who came in (None: not drawn yet), and why."""

    out: str
    came: str | None
    reason: str
    index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A drawn object with all that a desk must know of it.

    Attributes:
        line: the object's line of the result list.
        team, experts: who inspects it now, (department, number) and numbers.
        changes: its substitutions (递补), in log order.
        last: the last day of the inspection, that of a deferral where there is one.
        deferral: the deferral's entry.
        outcome: what was logged of it last: a result, or the correction that closes it.
    """

    line: DrawnLine
    team: tuple[Member, ...]
    experts: tuple[str, ...]
    changes: tuple[Change, ...]
    last: str
    deferral: Entry | None
    outcome: OutcomeLine | ClosingLine | None

    @property
    def no(self) -> str:
        """The object's number."""
        return self.line.no

    @property
    def items(self) -> tuple[str, ...]:
        """The items of its inspection."""
        return tuple(item for item, _ in self.line.strata)

    @property
    def people(self) -> tuple[str, ...]:
        """Everybody who inspects it now, by number."""
        return (*(no for _, no in self.team), *self.experts)


def tasks_of(matter: Matter) -> tuple[Task, ...]:
    """Return a draw's tasks by object number.

    Raises:
        WorkspaceError: `not-drawn`, or an artifact of it is no longer here.
    """
    drawn = drawn_of(matter)
    _, found = read_lines(lines(result_list(matter.desk.workspace, drawn.of(Draw))))
    calls = calls_of(matter)
    standing = _standing(matter.desk, found, calls)
    last, deferrals, outcomes = last_day(matter), _deferrals(matter.desk, drawn), _outcomes(matter.desk, drawn)
    told = []
    for line in sorted(found, key=lambda one: one.no):
        deferral = deferrals.get(line.no)
        told.append(Task(
            line=line,
            team=standing.teams[line.no],
            experts=standing.experts.get(line.no, ()),
            changes=tuple(_changes(matter.desk, line.no, calls)),
            last=last if deferral is None else max(last, deferral.of(Deferral).until),
            deferral=deferral,
            outcome=outcomes.get(line.no),
        ))  # fmt: skip
    return tuple(told)


def last_day(matter: Matter) -> str:
    """Return the last day of a draw's inspections: of the plan's schedule where it has one, else the announced one."""
    batches = [matter.plan().batch_of(slot) for slot in matter.said.slots]
    return max((batch.last for batch in batches if batch is not None), default=matter.said.window)


def _standing(desk: Desk, found: Sequence[DrawnLine], calls: Sequence[Called]) -> Standing:
    standing = Standing(
        teams={line.no: line.team for line in found},
        experts={line.no: line.experts for line in found if line.experts},
        caps={},
        out=frozenset(),
    )
    for call in calls:
        if call.made is not None:
            standing = standing.after(_substitute(desk, call.made))
    return standing


def _substitute(desk: Desk, made: Entry) -> Substitute:
    return read_act(Substitute, desk.workspace.artifact(made.of(Substitution).result.digest))


def _changes(desk: Desk, no: str, calls: Sequence[Called]) -> Iterator[Change]:
    for call in calls:
        if call.vacancy.no == no:
            came = None if call.made is None else _substitute(desk, call.made).in_
            yield Change(call.vacancy.inspector, came, call.entry.of(SubstitutionCall).reason, call.entry.index)


def _deferrals(desk: Desk, drawn: Entry) -> dict[str, Entry]:
    """Return each deferred object's first deferral: a second one gives no new day (specs/audit.md §4)."""
    told: dict[str, Entry] = {}
    for entry, said in desk.history.all(Deferral, desk.workspace.bureau):
        if said.draw.text == drawn.text_hash:
            told.setdefault(read_act(Named, desk.workspace.artifact(said.deferred.digest)).no, entry)
    return told


def _outcomes(desk: Desk, drawn: Entry) -> dict[str, OutcomeLine | ClosingLine]:
    own = {drawn.text_hash}
    told: dict[str, OutcomeLine | ClosingLine] = {}
    for entry, line in logged_outcomes(desk):
        match entry.statement:
            case Result(draw=ref) | Correction(result=ref) if ref.text in own:
                own.add(entry.text_hash)
                told[line.no] = line
    return told


def item_names(desk: Desk, plan: Plan, lang: str) -> dict[str, str]:
    """Return the names of the items of the list that a plan stands on; none where it names none."""
    if plan.items is None:
        return {}
    listed = desk.history.named(plan.items.text).of(ItemList)
    items = read_items(desk.workspace.artifact(listed.items.digest))
    return {item.id: item.name if lang == "zh" else item.name_en for item in items}


def field_title(session: Session, role: str, field: str) -> str:
    """Return what people call a field of a registry ("objects" or "inspectors"); one without a word is its own."""
    key = f"{role}-{field.replace('_', '-')}"
    return session.word(f"export-field.{key}") if session.words.has("export-field", key) else field
