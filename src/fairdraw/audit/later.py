"""Acts after a draw beside its results: substitutions, other teams, exceptions, objections. specs/audit.md §4.

Which of them a regulation allows is judged in `conduct`, and whether a substitute is the one that the round gives, in
the verification of the draw; here they are counted, and set against the draws.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from fairdraw.acts import Inspection
from fairdraw.audit.chain import Ledger
from fairdraw.audit.ends import SHOWN, Ends, act_of
from fairdraw.audit.lots import Lot
from fairdraw.audit.people import Teams
from fairdraw.audit.report import AuditFinding, Cell, Table, Term, find
from fairdraw.conduct import exception_faults
from fairdraw.encoding import day_of, year_of
from fairdraw.schema import Answer, ExceptionStatement, Objection, Substitution, SubstitutionCall
from fairdraw.statement import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Directed:
    """An exception: an inspection outside the draw, or (with `draw`) by a team that was not drawn."""

    entry: Entry
    reason: str
    draw: str | None
    inspection: Inspection | None


def exceptions_of(ledger: Ledger, year: int) -> tuple[Directed, ...]:
    """Return the exceptions that were logged in a year."""
    return tuple(
        Directed(
            entry=entry, reason=said.reason, draw=None if said.draw is None else said.draw.text,
            inspection=act_of(ledger, Inspection, said.inspection, entry.index),
        )
        for entry, said in ledger.of(ExceptionStatement)
        if year_of(ledger.shown(entry.index)) == year
    )  # fmt: skip


def teams_of(lots: Sequence[Lot], exceptions: Sequence[Directed]) -> Teams:
    """Return the teams that went, by the index of the draw's entry: after substitutions and exceptions."""
    told: dict[int, dict[str, tuple[str, ...]]] = {}
    texts: dict[str, int] = {}
    for lot in lots:
        if lot.draw is None:
            continue
        told[lot.draw.index] = dict(lot.objects)
        texts[lot.draw.text_hash] = lot.draw.index
        if lot.report is not None and lot.report.final:
            told[lot.draw.index] |= dict(lot.report.final)
    for one in exceptions:
        if one.draw in texts and one.inspection is not None:
            went = told[texts[one.draw]]
            went |= {no: one.inspection.inspectors for no in one.inspection.objects if no in went}
    return told


def exception_findings(lots: Sequence[Lot], exceptions: Sequence[Directed], ends: Ends) -> Iterator[AuditFinding]:
    """Yield exceptions that a regulation does not know or that took a drawn object out of its draw, or too many."""
    visits = 0
    drawn_in = _drawn_in(lots)
    outside = [one for one in exceptions if one.draw is None]
    for one in outside:
        if one.inspection is None:
            continue
        visits += len(one.inspection.objects)
        touched = {at for no in one.inspection.objects for at in drawn_in.get(no, ())}
        for lot in (lots[at] for at in sorted(touched)):
            if taken := _taken(lot, one, one.inspection, ends):
                yield find(
                    "exception-of-drawn-object", one.entry.index, draw=lot.index, objects=taken[:SHOWN],
                    reason=one.reason,
                )  # fmt: skip
        yield from _not_foreseen(lots, one, one.inspection)
    drawn = sum(len(lot.objects) for lot in lots)
    if visits > drawn and all(lot.drawn for lot in lots if lot.draw is not None):
        yield find("exceptions-exceed-draws", outside[-1].entry.index, expected=drawn, found=visits)


def _drawn_in(lots: Sequence[Lot]) -> Mapping[str, Sequence[int]]:
    """Return the places of the lots that each object was drawn in."""
    told: dict[str, list[int]] = {}
    for at, lot in enumerate(lots):
        for no in lot.objects:
            told.setdefault(no, []).append(at)
    return told


def _taken(lot: Lot, one: Directed, inspection: Inspection, ends: Ends) -> list[str]:
    """Return the objects of an exception that the drawn team, and nobody else, had to inspect."""
    if lot.draw is None or one.entry.index < lot.draw.index or inspection.date < day_of(lot.due):
        return []
    told = []
    for no in inspection.objects:
        end = ends[lot.draw.index].get(no)
        waits = end is not None and (end.result is None or one.entry.index < end.result.index)
        if end is not None and not end.is_closed and (waits or inspection.date <= lot.last_day):
            told.append(no)
    return told


def _not_foreseen(lots: Sequence[Lot], one: Directed, inspection: Inspection) -> Iterator[AuditFinding]:
    """Yield what the newest regulation of the year does not allow of an inspection outside the draws."""
    regulation = next((lot.regulation for lot in reversed(lots) if lot.regulation is not None), None)
    if regulation is None:
        return
    for fault in exception_faults(regulation, one.entry.of(ExceptionStatement), inspection):
        yield find(
            "act-against-regulation", one.entry.index, cite=fault.cite, index=one.entry.index, fault=fault.code,
            article=list(fault.cite), where=fault.where, expected=fault.expected, found=fault.found,
        )  # fmt: skip


def objection_findings(ledger: Ledger, year: int) -> Iterator[AuditFinding]:
    """Yield objections of a year that nobody answered within the term."""
    answered = {said.objection.text for _, said in ledger.of(Answer)}
    for entry, said in ledger.of(Objection):
        day = day_of(ledger.shown(entry.index))
        if year_of(ledger.shown(entry.index)) != year or entry.text_hash in answered:
            continue
        due = ledger.due(ledger.regulation_of(entry), day, entry.index)
        if due is not None and due < ledger.as_of:
            yield find("objection-unanswered", entry.index, about=said.about, expected=day_of(due - 1), found=None)


def substitutions_table(ledger: Ledger, lots: Sequence[Lot]) -> Table:
    """Return the substitutions by reason: how many were called for, and how many came of it."""
    draws = {lot.draw.text_hash for lot in lots if lot.draw is not None}
    done = {said.call.text for _, said in ledger.ours(Substitution)}
    called: Counter[str] = Counter()
    came: Counter[str] = Counter()
    for entry, said in ledger.ours(SubstitutionCall):
        if said.draw.text in draws:
            called[said.reason] += 1
            came[said.reason] += entry.text_hash in done
    rows: list[tuple[Cell, ...]] = [(reason, called[reason], came[reason]) for reason in sorted(called)]
    return Table(code="substitutions", header=("reason", "calls", "redrawn"), rows=tuple(rows))


def exceptions_table(exceptions: Sequence[Directed]) -> Table:
    """Return the exceptions by reason, with how many objects they name."""
    counts: dict[tuple[str, str], list[int]] = {}
    for one in exceptions:
        kind = "outside-the-draw" if one.draw is None else "team-not-drawn"
        told = counts.setdefault((one.reason, kind), [0, 0])
        told[0] += 1
        told[1] += 0 if one.inspection is None else len(one.inspection.objects)
    rows: list[tuple[Cell, ...]] = [(reason, Term(kind), *told) for (reason, kind), told in sorted(counts.items())]
    return Table(code="exceptions", header=("reason", "kind", "count", "objects-inspected"), rows=tuple(rows))


def objections_table(ledger: Ledger, year: int) -> Table:
    """Return the objections of a year with their answers."""
    answers = {said.objection.text: (entry, said) for entry, said in ledger.of(Answer)}
    rows: list[tuple[Cell, ...]] = []
    for entry, said in ledger.of(Objection):
        if year_of(ledger.shown(entry.index)) == year:
            found = answers.get(entry.text_hash)
            day = day_of(ledger.shown(entry.index))
            decision = None if found is None else Term(found[1].decision)
            rows.append((entry.index, Term(said.about), day, found[0].index if found else None, decision))
    return Table(code="objections", header=("entry", "about", "logged", "answer", "decision"), rows=tuple(rows))
