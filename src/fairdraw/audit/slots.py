"""Plans and slots: in time, each slot drawn once or explained, nothing outside the list. specs/audit.md §3."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile
from typing import Final

from fairdraw.audit.chain import Ledger
from fairdraw.audit.lots import Lot
from fairdraw.audit.report import AuditFinding, Cell, Table, Term, find
from fairdraw.calendar import deadline_day
from fairdraw.compliance import Fault, announcement_faults, plan_faults
from fairdraw.encoding import day_of, end_of_day
from fairdraw.errors import FilterError, PlanError
from fairdraw.itemlist import read_items
from fairdraw.regulation import Item
from fairdraw.schema import ItemList, Plan, item_of
from fairdraw.statement import Entry

# What this audit looks at by itself, of the list that is logged and the day that the round is due.
TOLD_ELSEWHERE: Final = frozenset({"item-outside-list", "not-in-force"})


@dataclass(frozen=True)
class Planned:
    """A plan of a year: its versions in log order."""

    versions: tuple[tuple[Entry, Plan], ...]

    @cached_property
    def _began(self) -> Mapping[str, tuple[Entry, Plan]]:
        return {slot: version for version in reversed(self.versions) for slot in version[1].slots}

    @cached_property
    def _newest(self) -> Mapping[str, Plan]:
        return {slot: plan for _, plan in self.versions for slot in plan.slots}

    @property
    def first(self) -> tuple[Entry, Plan]:
        """Return the version that was logged first."""
        return self.versions[0]

    @property
    def last(self) -> tuple[Entry, Plan]:
        """Return the version that was logged last."""
        return self.versions[-1]

    def began(self, slot: str) -> tuple[Entry, Plan]:
        """Return the version that first has a slot."""
        return self._began[slot]

    def newest(self, slot: str) -> Plan:
        """Return the last version that has a slot."""
        return self._newest[slot]

    @cached_property
    def slots(self) -> tuple[str, ...]:
        """Return all slots that a version ever had."""
        return tuple(sorted(self._began))

    @cached_property
    def in_force(self) -> frozenset[str]:
        """Return the slots that the last version has."""
        return frozenset(self.last[1].slots)


class Announced:
    """The lots of a year by what they draw."""

    def __init__(self, lots: Sequence[Lot]) -> None:
        self._by_slot: dict[str, list[Lot]] = {}
        self._by_item: dict[tuple[str, str], list[Lot]] = {}
        for lot in lots:
            for slot in lot.said.slots:
                self._by_slot.setdefault(slot, []).append(lot)
            for item in {item_of(slot) for slot in lot.said.slots}:
                self._by_item.setdefault((lot.plan[1].objects, item), []).append(lot)

    def of(self, slot: str) -> Sequence[Lot]:
        """Return the lots of a slot, in log order."""
        return self._by_slot.get(slot, ())

    def before(self, objects: str, item: str, index: int) -> Iterator[Lot]:
        """Yield the lots of an item of some objects that were announced before an entry, in log order."""
        return takewhile(lambda lot: lot.entry.index < index, self._by_item.get((objects, item), ()))


def plans_of(ledger: Ledger, year: int) -> tuple[Planned, ...]:
    """Return the plans of a year by their id, with the versions that the bureau logged."""
    versions: dict[str, list[tuple[Entry, Plan]]] = {}
    for entry, plan in ledger.ours(Plan):
        if plan.year == year:
            versions.setdefault(plan.plan, []).append((entry, plan))
    return tuple(Planned(tuple(told)) for _, told in sorted(versions.items()))


def slot_findings(ledger: Ledger, plans: Sequence[Planned], lots: Sequence[Lot]) -> Iterator[AuditFinding]:
    """Yield plans that came late, slots that were added late or never drawn, and items outside the list."""
    announced = Announced(lots)
    for planned in plans:
        yield from _late_plan(ledger, planned)
        for slot in planned.slots:
            yield from _late_slot(ledger, planned, slot, announced)
            yield from _undrawn(ledger, planned, slot, announced.of(slot))
    for lot in lots:
        yield from _outside_list(ledger, lot)


def deadline_of(ledger: Ledger, planned: Planned) -> tuple[str, tuple[str, ...]] | None:
    """Return the day by which a yearly plan must be logged, and the articles that say so; None where none does."""
    entry, plan = planned.first
    regulation = ledger.regulation(plan.regulation, entry.index)
    rule = None if regulation is None else regulation.plan_deadline
    if rule is None or plan.kind != "yearly":
        return None
    return deadline_day(plan.year, rule.value).isoformat(), rule.cite


def _late_plan(ledger: Ledger, planned: Planned) -> Iterator[AuditFinding]:
    told = deadline_of(ledger, planned)
    entry, plan = planned.first
    if told is not None and (shown := ledger.shown(entry.index)) > end_of_day(told[0]):
        yield find("plan-late", entry.index, cite=told[1], plan=plan.plan, expected=told[0], found=day_of(shown))


def _late_slot(ledger: Ledger, planned: Planned, slot: str, announced: Announced) -> Iterator[AuditFinding]:
    """Yield a slot that was added when the outcome of an earlier slot of the same item was known already.

    Whoever dislikes that outcome adds a second batch, or makes a second plan, and draws until the right one comes.
    """
    entry, plan = planned.began(slot)
    shown = ledger.shown(entry.index)
    for lot in announced.before(plan.objects, item_of(slot), entry.index):
        if slot not in lot.said.slots and lot.due <= shown:
            regulation = ledger.regulation(plan.regulation, entry.index)
            rule = None if regulation is None else regulation.plan_adjustable
            cite = () if rule is None else rule.cite
            yield find("slot-added-late", entry.index, cite=cite, slot=slot, after=lot.index, reason=plan.reason)
            return


def last_day_of(planned: Planned, slot: str) -> str:
    """Return the day by which a slot must be drawn: its batch's last day, or the end of the plan's year."""
    plan = planned.newest(slot)
    batch = plan.batch_of(slot)
    return f"{plan.year}-12-31" if batch is None else batch.last


def _undrawn(ledger: Ledger, planned: Planned, slot: str, announced: Sequence[Lot]) -> Iterator[AuditFinding]:
    if any(lot.draw is not None or lot.state in {"pending", "overdue"} for lot in announced):
        return
    entry, plan = planned.last
    if slot not in planned.in_force and not announced and plan.reason is not None:
        return  # given up by an adjustment of the plan, with its reason
    last = last_day_of(planned, slot)
    if slot in planned.in_force and end_of_day(last) >= ledger.as_of:
        return
    yield find(
        "slot-not-drawn",
        entry.index,
        slot=slot,
        expected=last,
        voids=[v.index for lot in announced for v, _ in lot.voids],
    )


def _outside_list(ledger: Ledger, lot: Lot) -> Iterator[AuditFinding]:
    plan = lot.plan[1]
    items = {item_of(slot) for slot in lot.said.slots}
    rule = None if lot.regulation is None else lot.regulation.list_only
    found = ledger.named(plan.items, ItemList)
    if found is None:
        if rule is not None and rule.value:
            yield find("item-outside-list", lot.entry.index, cite=rule.cite, items=sorted(items), list=None)
        return
    listed = _listed(ledger, *found)
    if listed is not None and (outside := sorted(items - listed.keys())):
        cite = () if rule is None else rule.cite
        yield find("item-outside-list", lot.entry.index, cite=cite, items=outside, list=found[0].index)


def _listed(ledger: Ledger, entry: Entry, said: ItemList) -> dict[str, Item] | None:
    """Return the items of a list by their ids, None where it cannot be had."""
    data = ledger.artifact(said.items, entry.index)
    try:
        return None if data is None else {item.id: item for item in read_items(data)}
    except PlanError as error:
        ledger.cannot_tell(error.code, entry.index, **error.params)
        return None


def compliance_findings(ledger: Ledger, plans: Sequence[Planned], lots: Sequence[Lot]) -> Iterator[AuditFinding]:
    """Yield what the regulation does not allow of plan versions and announcements (specs/compliance.md)."""
    for planned in plans:
        for entry, plan in planned.versions:
            regulation = ledger.regulation(plan.regulation, entry.index)
            found = ledger.named(plan.items, ItemList)
            items = _listed(ledger, *found) if found is not None else None
            if regulation is None:
                continue
            try:
                faults = plan_faults(regulation, plan, (items or {}).values())
            except FilterError as error:
                yield find("against-regulation", entry.index, rule=error.code, where="filter", expected=None,
                           found=str(error))  # fmt: skip
                continue
            yield from _faults(entry, faults)
    for lot in lots:
        if lot.regulation is not None:
            yield from _faults(lot.entry, announcement_faults(lot.regulation, lot.said))


def _faults(entry: Entry, faults: Sequence[Fault]) -> Iterator[AuditFinding]:
    for fault in faults:
        if fault.code not in TOLD_ELSEWHERE:
            yield find(
                "against-regulation",
                entry.index,
                cite=fault.cite,
                rule=fault.code,
                where=fault.where,
                expected=fault.expected,
                found=fault.found,
            )


def plans_table(ledger: Ledger, plans: Sequence[Planned]) -> Table:
    """Return the plans with their deadlines."""
    rows: list[tuple[Cell, ...]] = []
    for planned in plans:
        entry, plan = planned.first
        told = deadline_of(ledger, planned)
        shown = ledger.shown(entry.index)
        kept = None if told is None else Term("no" if shown > end_of_day(told[0]) else "yes")
        versions = " ".join(str(version.index) for version, _ in planned.versions)
        rows.append((plan.plan, Term(plan.kind), versions, day_of(shown), told[0] if told else None, kept,
                     len(planned.last[1].slots)))  # fmt: skip
    header = ("plan", "kind", "entries", "logged", "deadline", "kept", "slots")
    return Table(code="plans", header=header, rows=tuple(rows))


def slots_table(ledger: Ledger, plans: Sequence[Planned], lots: Sequence[Lot]) -> Table:
    """Return every slot with what came of it."""
    rows: list[tuple[Cell, ...]] = []
    lots_of = Announced(lots).of
    for planned in plans:
        for slot in planned.slots:
            announced = lots_of(slot)
            drawn = next((lot for lot in announced if lot.draw is not None), None)
            told = drawn or (announced[-1] if announced else None)
            state: str
            if told is not None:
                state = told.state
            elif slot not in planned.in_force:
                state = "dropped"
            else:
                state = "waiting" if end_of_day(last_day_of(planned, slot)) >= ledger.as_of else "not-drawn"
            rows.append((slot, planned.began(slot)[0].index, " ".join(str(lot.entry.index) for lot in announced),
                         None if drawn is None else drawn.index, Term(state),
                         last_day_of(planned, slot)))  # fmt: skip
    header = ("slot", "since", "announcements", "draw", "state", "last-day")
    return Table(code="slots", header=header, rows=tuple(rows))
