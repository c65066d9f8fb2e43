"""Registries over a year: numbers that vanish or change, objects drawn too often or never. specs/audit.md §3.

Numbers of institutions are stable, and caps are counted by them; a registry that is not published cannot be compared.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final

from fairdraw import encoding
from fairdraw.audit.chain import Ledger
from fairdraw.audit.lots import Lot, drawn_until
from fairdraw.audit.report import AuditFinding, Cell, Table, find
from fairdraw.encoding import day_of, year_of
from fairdraw.roster import Roster, RosterRow
from fairdraw.schema import SnapshotStatement
from fairdraw.statement import Entry

SHOWN: Final = 10  # numbers in a finding; the rosters have them all


def snapshots_of(ledger: Ledger, registry: str, by: str) -> list[tuple[Entry, SnapshotStatement]]:
    """Return somebody's snapshots of a registry, in log order: the bureau's, or a department's own."""
    known = ledger.of(SnapshotStatement)
    return [(entry, said) for entry, said in known if (said.registry, said.by) == (registry, by)]


def registry_findings(ledger: Ledger, year: int, lots: Sequence[Lot]) -> Iterator[AuditFinding]:
    """Yield what vanished from a registry, or changed its number, between two snapshots of which one is of the year."""
    plans = [lot.plan[1] for lot in lots]
    owned = {(name, ledger.bureau) for plan in plans for name in (plan.objects, plan.inspectors)}
    owned |= {(one.inspectors, one.name) for plan in plans for one in plan.joint}
    in_order = sorted(lots, key=lambda lot: lot.index)
    for registry, by in sorted(owned):
        drawn: set[str] = set()
        waiting = iter(in_order)
        lot = next(waiting, None)
        for (_, old), (entry, new) in pairwise(_rosters(ledger, registry, by)):
            if year_of(ledger.shown(entry.index)) == year:
                while lot is not None and lot.index < entry.index:
                    drawn.update(lot.objects, *lot.objects.values())
                    lot = next(waiting, None)
                yield from _differences(entry, registry, old, new, drawn)


def _rosters(ledger: Ledger, registry: str, by: str) -> Iterator[tuple[Entry, Roster]]:
    told = ((entry, ledger.roster(entry)) for entry, _ in snapshots_of(ledger, registry, by))
    return ((entry, roster) for entry, roster in told if roster is not None)


def _differences(entry: Entry, registry: str, old: Roster, new: Roster, drawn: set[str]) -> Iterator[AuditFinding]:
    before, after = {row.no: row for row in old.rows}, {row.no: row for row in new.rows}
    gone, come = sorted(before.keys() - after.keys()), sorted(after.keys() - before.keys())
    if gone:
        yield find(
            "registry-shrank",
            entry.index,
            registry=registry,
            expected=len(before),
            found=len(after),
            gone=len(gone),
            numbers=gone[:SHOWN],
            drawn=[no for no in gone if no in drawn][:SHOWN],
        )
    # Who was drawn as often as the cap allows comes back under a new number, and can be spared or drawn once more.
    left, same = Counter(_like(after[no]) for no in come), []
    for no in gone:
        if left[_like(before[no])] > 0:
            left[_like(before[no])] -= 1
            same.append(no)
    if same:
        yield find(
            "numbers-changed",
            entry.index,
            registry=registry,
            count=len(same),
            numbers=same[:SHOWN],
            new=come[:SHOWN],
            drawn=[no for no in same if no in drawn][:SHOWN],
        )


def _like(row: RosterRow) -> bytes:
    return encoding.canonical(dict(row.attrs))


def cap_findings(lots: Sequence[Lot]) -> Iterator[AuditFinding]:
    """Yield objects that were drawn for more tasks of the year than the plan's cap or the regulation's allows."""
    for registry, group in by_registry(lots).items():
        told = cap_of(group)
        if told is None:
            continue
        cap, cite = told
        over = {no: times for no, times in tasks(group).items() if times > cap}
        if over:
            last = max(lot.index for lot in group if not over.keys().isdisjoint(lot.objects))
            yield find(
                "over-cap",
                last,
                cite=cite,
                registry=registry,
                expected=cap,
                count=len(over),
                found=max(over.values()),
                numbers=sorted(over)[:SHOWN],
            )


def cap_of(lots: Sequence[Lot]) -> tuple[int, tuple[str, ...]] | None:
    """Return the least cap that plans and regulations set, and the articles that set it; None where none does."""
    caps: list[tuple[int, tuple[str, ...]]] = []
    for lot in lots:
        rule = None if lot.regulation is None else lot.regulation.yearly_cap
        if rule is not None:
            caps.append((rule.value, rule.cite))
        if lot.plan[1].yearly_cap is not None:
            caps.append((lot.plan[1].yearly_cap, ()))
    return min(caps, key=lambda one: (one[0], not one[1]), default=None)


def by_registry(lots: Sequence[Lot]) -> Mapping[str, list[Lot]]:
    """Return the lots with a draw by their registry of objects."""
    told: dict[str, list[Lot]] = {}
    for lot in lots:
        if lot.draw is not None:
            told.setdefault(lot.plan[1].objects, []).append(lot)
    return told


def tasks(lots: Sequence[Lot]) -> Counter[str]:
    """Return how often each object was drawn; several items of one visit count once."""
    return Counter(no for lot in lots for no in lot.objects)


def newest_roster(ledger: Ledger, lots: Sequence[Lot]) -> tuple[Entry, Roster] | None:
    """Return the roster of objects that the last of these lots was drawn from."""
    for lot in reversed(lots):
        told = ledger.named(lot.said.objects, SnapshotStatement)
        roster = None if told is None else ledger.roster(told[0])
        if told is not None and roster is not None:
            return told[0], roster
    return None


def objects_table(ledger: Ledger, lots: Sequence[Lot]) -> Table:
    """Return, for each registry of objects, how many rows there are and how often they were drawn in the year."""
    rows: list[tuple[Cell, ...]] = []
    for registry, group in by_registry(lots).items():
        found = newest_roster(ledger, group)
        times = tasks(group)
        count = None if found is None else len(found[1].rows)
        never = None if found is None else sum(row.no not in times for row in found[1].rows)
        told = cap_of(group)
        cap = None if told is None else told[0]
        over = None if cap is None else sum(number > cap for number in times.values())
        rows.append((registry, count, len(times), max(times.values(), default=0), cap, over, never))
    header = ("registry", "rows", "objects-drawn", "most-often", "cap", "over-cap", "not-drawn-this-year")
    return Table(code="objects", header=header, rows=tuple(rows))


def never_drawn(ledger: Ledger, lots: Sequence[Lot], year: int) -> Iterator[AuditFinding]:
    """Yield how many rows of a registry were never drawn, as far back as the log goes."""
    for registry, group in by_registry(lots).items():
        found = newest_roster(ledger, group)
        if found is None:
            continue
        ever = drawn_until(ledger, registry, year)
        never = sum(row.no not in ever for row in found[1].rows)
        if never:
            yield find("never-drawn", None, registry=registry, count=never, rows=len(found[1].rows))


def snapshots_table(ledger: Ledger, year: int) -> Table:
    """Return the snapshots of a year with what came and went."""
    rows: list[tuple[Cell, ...]] = []
    before: dict[tuple[str, str], Roster | None] = {}
    for entry, said in ledger.of(SnapshotStatement):
        roster, old = ledger.roster(entry), before.get((said.registry, said.by))
        if year_of(ledger.shown(entry.index)) == year:
            come = gone = None
            if roster is not None and old is not None:
                ours, theirs = {row.no for row in roster.rows}, {row.no for row in old.rows}
                come, gone = len(ours - theirs), len(theirs - ours)
            left = 0 if said.left_out is None else said.left_out.count
            day = day_of(ledger.shown(entry.index))
            rows.append((entry.index, said.registry, day, said.roster.count, come, gone, left))
        before[said.registry, said.by] = roster
    return Table(
        code="snapshots", header=("entry", "registry", "logged", "rows", "come", "gone", "left-out"), rows=tuple(rows)
    )
