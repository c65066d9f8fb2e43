"""What became of every drawn object. specs/audit.md §4.

A drawn object ends in a result, or in the correction that closes it; one deferral gives it a new day. A substituted
inspector does not end it, and neither does a second deferral.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final

from fairdraw.acts import OutcomeLine
from fairdraw.audit.chain import Ledger, term_cite
from fairdraw.audit.ends import SHOWN, End, Ends
from fairdraw.audit.lots import Lot
from fairdraw.audit.report import AuditFinding, Cell, Table, Term, find
from fairdraw.encoding import day_of
from fairdraw.errors import SnapshotError
from fairdraw.schema import Opening
from fairdraw.snapshot import read_openings

WEEK: Final = 7
WEEKS: Final = 5  # bars of the plot of timeliness; the last one holds all that took longer


def outcome_findings(ledger: Ledger, lots: Sequence[Lot], ends: Ends) -> Iterator[AuditFinding]:
    """Yield objects that were not inspected, and results that came late, are incomplete or were never followed up."""
    for lot in lots:
        if lot.draw is not None:
            told = list(ends[lot.draw.index].values())
            yield from _not_inspected(ledger, lot, told)
            yield from _late(ledger, lot, told)
            yield from _not_revisited(ledger, lot, told)
    yield from _noncooperation(ledger, lots, ends)


def _not_inspected(ledger: Ledger, lot: Lot, ends: Sequence[End]) -> Iterator[AuditFinding]:
    """Yield the drawn objects of a lot that ended in nothing by the last day and the term of publication after it."""
    cite = term_cite(lot.regulation)
    undone: list[str] = []
    missing: dict[int, list[str]] = {}
    due = ledger.due(lot.regulation, lot.last_day, lot.index)
    for end in ends:
        if end.line is not None:
            continue
        if not end.deferrals:
            undone += [end.no] if due is not None and due < ledger.as_of else []
            continue
        entry, deferral = end.deferrals[0]
        until = ledger.due(lot.regulation, deferral.until, entry.index)
        if until is not None and until < ledger.as_of:
            missing.setdefault(entry.index, []).append(end.no)
    if undone and due is not None:
        yield find(
            "drawn-not-inspected", lot.index, cite=cite, count=len(undone), drawn=len(ends), expected=day_of(due - 1),
            objects=undone[:SHOWN],
        )  # fmt: skip
    for index, numbers in missing.items():
        yield find("result-missing", index, cite=cite, objects=numbers, draw=lot.index)


def _late(ledger: Ledger, lot: Lot, ends: Sequence[End]) -> Iterator[AuditFinding]:
    """Yield results that were shown after their term, or are of inspections after the last day."""
    late: dict[int, list[str]] = {}
    after: dict[int, list[str]] = {}
    for end in ends:
        if end.result is None or end.first is None:
            continue
        if is_late(ledger, lot, end):
            late.setdefault(end.result.index, []).append(end.no)
        last = max([lot.last_day, *(deferral.until for _, deferral in end.deferrals[:1])])
        if end.first.last > last:
            after.setdefault(end.result.index, []).append(end.no)
    for index, numbers in late.items():
        yield find(
            "result-late", index, cite=term_cite(lot.regulation), count=len(numbers), objects=numbers[:SHOWN],
            found=day_of(ledger.shown(index)),
        )  # fmt: skip
    for index, numbers in after.items():
        yield find("inspected-late", index, count=len(numbers), objects=numbers[:SHOWN], expected=lot.last_day)


def is_late(ledger: Ledger, lot: Lot, end: End) -> bool:
    """Say whether an object's first result was shown after the term that begins with its on-site check."""
    if end.result is None or end.first is None:
        return False
    due = ledger.due(lot.regulation, end.first.checked, end.result.index)
    return due is not None and ledger.shown(end.result.index) > due


def _not_revisited(ledger: Ledger, lot: Lot, ends: Sequence[End]) -> Iterator[AuditFinding]:
    rule = None if lot.regulation is None else lot.regulation.revisit
    if rule is None or not rule.value:
        return
    for end in ends:
        line = end.line
        if not isinstance(line, OutcomeLine) or line.rectify is None or line.rectify.revisited is not None:
            continue
        index = lot.index if end.result is None else end.result.index
        due = ledger.due(lot.regulation, line.rectify.until, index)
        if due is not None and due < ledger.as_of:
            yield find("rectification-not-revisited", index, cite=rule.cite, object=end.no, expected=line.rectify.until)


def _noncooperation(ledger: Ledger, lots: Sequence[Lot], ends: Ends) -> Iterator[AuditFinding]:
    """Yield who did not cooperate as often as the regulation publishes, and whether the name was opened."""
    opened = _opened(ledger)
    seen: dict[str, int] = {}
    for lot in lots:
        rule = None if lot.regulation is None else lot.regulation.noncooperation
        if rule is None or lot.draw is None:
            continue
        for end in ends[lot.draw.index].values():
            if not isinstance(end.line, OutcomeLine) or end.result is None or not end.line.noncooperation:
                continue
            acts = len(end.line.noncooperation)
            seen[end.no] = seen.get(end.no, 0) + acts
            reached = seen[end.no] if rule.value.per == "year" else acts
            if reached < rule.value.times:
                continue
            if end.no in opened:
                yield find("noncooperation-published", end.result.index, cite=rule.cite, object=end.no, count=reached)
                continue
            due = ledger.due(lot.regulation, day_of(ledger.shown(end.result.index)), end.result.index)
            if due is not None and due < ledger.as_of:
                yield find(
                    "noncooperation-not-published", end.result.index, cite=rule.cite, object=end.no, count=reached
                )


def _opened(ledger: Ledger) -> set[str]:
    """Return the numbers of which the bureau has opened a private field to everybody."""
    told: set[str] = set()
    for _, opening in ledger.ours(Opening):
        data = ledger.view.artifacts.get(opening.artifact.digest)
        try:
            told.update(one.no for one in read_openings(data or b""))
        except SnapshotError:
            continue  # a sealed result list, opened: it has no names
    return told


def results_table(ledger: Ledger, lots: Sequence[Lot], ends: Ends) -> Table:
    """Return, for each draw, how its objects ended."""
    rows: list[tuple[Cell, ...]] = []
    for lot in lots:
        if lot.draw is None:
            continue
        told = list(ends[lot.draw.index].values())
        due = ledger.due(lot.regulation, lot.last_day, lot.index)
        rows.append((
            lot.draw.index, " ".join(lot.said.slots), lot.last_day, None if due is None else day_of(due - 1), len(told),
            sum(end.first is not None for end in told), sum(is_late(ledger, lot, end) for end in told),
            sum(bool(end.deferrals) for end in told), sum(end.is_closed for end in told),
            sum(end.line is None for end in told),
        ))  # fmt: skip
    header = ("draw", "slots", "last-day", "due", "drawn", "with-result", "late", "deferred", "closed", "open")
    return Table(code="results", header=header, rows=tuple(rows))


def types_table(ends: Ends) -> Table:
    """Return how often each result was published."""
    counts: dict[str, int] = {}
    for told in ends.values():
        for end in told.values():
            if isinstance(end.line, OutcomeLine):
                code = end.line.result or "withheld"
                counts[code] = counts.get(code, 0) + 1
    rows: list[tuple[Cell, ...]] = [(code, counts[code]) for code in sorted(counts)]
    return Table(code="result-types", header=("result", "count"), rows=tuple(rows))


def timeliness_table(ledger: Ledger, lots: Sequence[Lot], ends: Ends) -> Table:
    """Return how many weeks passed from the end of a check to its publication."""
    counts: dict[tuple[int, str], int] = {}
    for lot in lots:
        for end in ends[lot.draw.index].values() if lot.draw is not None else ():
            if end.first is None or end.result is None:
                continue
            shown = date.fromisoformat(day_of(ledger.shown(end.result.index)))
            days = max((shown - date.fromisoformat(end.first.checked)).days, 0)
            key = min(days // WEEK, WEEKS), "late" if is_late(ledger, lot, end) else "in-time"
            counts[key] = counts.get(key, 0) + 1
    rows: list[tuple[Cell, ...]] = [
        (f"{week * WEEK}-{week * WEEK + WEEK - 1}" if week < WEEKS else f"{week * WEEK}+", number, Term(state))
        for (week, state), number in sorted(counts.items())
    ]
    return Table(code="timeliness", header=("days", "count", "state"), rows=tuple(rows))
