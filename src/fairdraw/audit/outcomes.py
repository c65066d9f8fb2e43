"""What became of every drawn object. specs/audit.md §4.

A drawn object ends in a result, or in the correction that closes it; one deferral gives it a new day. A substituted
inspector does not end it, and neither does a second deferral.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from fairdraw.acts import ClosingLine, Line, Named, OutcomeLine, read_outcomes
from fairdraw.audit.chain import Ledger, term_cite
from fairdraw.audit.later import SHOWN, act_of
from fairdraw.audit.lots import Lot
from fairdraw.audit.report import AuditFinding, Cell, Table, Term, find
from fairdraw.encoding import day_of
from fairdraw.errors import ActError, SnapshotError
from fairdraw.schema import Correction, Deferral, Opening, Result
from fairdraw.snapshot import read_openings
from fairdraw.statement import Entry
from fairdraw.values import Listing

WEEK: Final = 7
WEEKS: Final = 5  # bars of the plot of timeliness; the last one holds all that took longer


@dataclass(slots=True, kw_only=True)
class End:
    """How a drawn object ended: its first result and where that stands, its newest line, its deferrals."""

    no: str
    result: Entry | None = None
    first: OutcomeLine | None = None
    line: Line | None = None
    deferrals: list[tuple[Entry, Deferral]] = field(default_factory=list)

    @property
    def is_closed(self) -> bool:
        """Say whether a correction says that it will not be inspected."""
        return isinstance(self.line, ClosingLine)


Ends = Mapping[int, Mapping[str, End]]
"""How each object ended, by the index of the draw's entry and by number."""


def ends_of(ledger: Ledger, lots: Sequence[Lot]) -> Ends:
    """Return how the drawn objects of these lots ended, as far as the log says."""
    drawn = {lot.draw.text_hash: lot.draw.index for lot in lots if lot.draw is not None}
    told = {lot.draw.text_hash: {no: End(no=no) for no in lot.objects} for lot in lots if lot.draw is not None}
    where = {text: text for text in told}  # from a result or a draw to its draw
    for entry, result in ledger.of(Result):
        if result.draw.text in told:
            where[entry.text_hash] = result.draw.text
            for line in _lines(ledger, result.outcomes, entry):
                _end(told[result.draw.text], entry, line)
    for entry, correction in ledger.of(Correction):
        if correction.result.text in where:
            for line in _lines(ledger, correction.outcomes, entry):
                _correct(told[where[correction.result.text]], entry, line)
    for entry, deferral in ledger.ours(Deferral):
        named = act_of(ledger, Named, deferral.deferred, entry.index) if deferral.draw.text in told else None
        if named is not None and named.no in told[deferral.draw.text]:
            told[deferral.draw.text][named.no].deferrals.append((entry, deferral))
    return {index: told[text] for text, index in drawn.items()}


def _end(ends: Mapping[str, End], entry: Entry, line: Line) -> None:
    """Take a result's line; a second one would replace the first without a correction, and does not count."""
    end = ends.get(line.no)
    if end is not None and end.first is None and isinstance(line, OutcomeLine):
        end.result, end.first, end.line = entry, line, line


def _correct(ends: Mapping[str, End], entry: Entry, line: Line) -> None:
    _end(ends, entry, line)
    if line.no in ends:
        ends[line.no].line = line


def _lines(ledger: Ledger, named: Listing, entry: Entry) -> tuple[Line, ...]:
    data = ledger.artifact(named, entry.index)
    try:
        return () if data is None else read_outcomes(data, named)
    except ActError as error:
        ledger.cannot_tell(error.code, entry.index, **error.params)
        return ()


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
