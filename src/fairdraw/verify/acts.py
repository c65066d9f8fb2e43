"""Deferrals, exceptions, results and corrections of a draw, part of check 23. specs/acts.md §4 to §7.

None of them makes a draw wrong; what is not allowed of them is found, with the article.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from fairdraw.acts import ClosingLine, Inspection, Named, OutcomeLine, read_act, read_outcomes
from fairdraw.compliance import Fault
from fairdraw.conduct import call_faults, deferral_faults, exception_faults, outcome_faults
from fairdraw.draw import Outcome
from fairdraw.regulation import Regulation
from fairdraw.roles import wrong_role
from fairdraw.schema import Correction, Deferral, ExceptionStatement, Result
from fairdraw.statement import Entry
from fairdraw.verify.case import Case
from fairdraw.verify.report import CannotTellError
from fairdraw.verify.substitutions import Call, shown
from fairdraw.verify.told import listing_of
from fairdraw.verify.whole import WholeLog


@dataclass(slots=True, kw_only=True)
class _Ledger:
    """What has become of each drawn object so far, as the acts are walked in log order."""

    case: Case
    regulation: Regulation | None
    whole: WholeLog
    drawn: Mapping[str, frozenset[str]]  # each object's items
    ended: set[str] = field(default_factory=set)
    deferred: set[str] = field(default_factory=set)
    special: dict[str, tuple[str, ...]] = field(default_factory=dict)


def judge_acts(
    case: Case, whole: WholeLog, acts: Sequence[Entry], calls: Sequence[Call], regulation: Regulation | None
) -> dict[str, tuple[str, ...]]:
    """Find what is not allowed of the acts on a draw; returns the special teams, by object.

    `acts` are what of the log concerns this draw and is by the right roles.

    Raises:
        CheckFailedError: an artifact is not what was named.
        CannotTellError: a special team is not shown.
        ActError: an artifact is malformed.
    """
    if case.outcome is None:
        return {}
    ledger = _Ledger(case=case, regulation=regulation, whole=whole, drawn=drawn_items_of(case.outcome))
    for call in calls:
        if regulation is not None:
            _find(case, call.entry, call_faults(regulation, call.said))
    outside = whole.told(artifacts_of(case)).inspections_of(ledger.drawn)
    acts = [*acts, *(entry for entry in outside if entry.index > case.announcement.index)]
    for entry in sorted(acts, key=lambda entry: entry.index):
        match entry.statement:
            case Deferral() as said:
                _deferral(ledger, entry, said)
            case ExceptionStatement(draw=None) as said:
                _outside(ledger, entry, said)
            case ExceptionStatement() as said:
                _special(ledger, entry, said)
            case Result() | Correction() as said:
                _outcomes(ledger, entry, said)
    return ledger.special


def artifacts_of(case: Case) -> Mapping[str, bytes]:
    """Return what the log shows beside its entries."""
    return {} if case.log is None else case.log.artifacts


def drawn_items_of(outcome: Outcome) -> dict[str, frozenset[str]]:
    """Return the items for which each object was drawn."""
    items = [stratum.item for stratum in outcome.strata]
    return {one.no: frozenset(items[at] for at in one.strata) for one in outcome.selection.drawn}


def _find(case: Case, entry: Entry, faults: Sequence[Fault]) -> None:
    for fault in faults:
        case.find("act-against-regulation", index=entry.index, fault=fault.code, article=list(fault.cite),
                  where=fault.where, expected=fault.expected, found=fault.found)  # fmt: skip


def _deferral(ledger: _Ledger, entry: Entry, said: Deferral) -> None:
    no = read_act(Named, shown(ledger.case, said.deferred)).no
    if no not in ledger.drawn:
        ledger.case.find("act-of-undrawn", index=entry.index, object=no)
    elif no in ledger.deferred:
        ledger.case.find("deferred-twice", index=entry.index, object=no)
    ledger.deferred.add(no)
    if ledger.regulation is not None:
        _find(ledger.case, entry, deferral_faults(ledger.regulation, said))


def _outside(ledger: _Ledger, entry: Entry, said: ExceptionStatement) -> None:
    """Find an inspection outside the draw of an object that was drawn and waits for its drawn team."""
    if wrong_role(said, ledger.case.trust, None) is not None:
        return
    try:
        done = read_act(Inspection, shown(ledger.case, said.inspection))
    except CannotTellError:
        return  # of which objects nobody sees; the audit counts it
    taken = sorted(no for no in done.objects if no in ledger.drawn and no not in ledger.ended)
    if taken:
        ledger.case.find("exception-of-drawn-object", index=entry.index, objects=taken)


def _special(ledger: _Ledger, entry: Entry, said: ExceptionStatement) -> None:
    done = read_act(Inspection, shown(ledger.case, said.inspection))
    for no in done.objects:
        if no not in ledger.drawn:
            ledger.case.find("act-of-undrawn", index=entry.index, object=no)
        else:
            ledger.special[no] = done.inspectors
    ledger.case.find("special-team", index=entry.index, objects=list(done.objects), reason=said.reason)
    if ledger.regulation is not None:
        _find(ledger.case, entry, exception_faults(ledger.regulation, said, done))


def _outcomes(ledger: _Ledger, entry: Entry, said: Result | Correction) -> None:
    case = ledger.case
    try:
        lines = read_outcomes(shown(case, said.outcomes), said.outcomes)
    except CannotTellError:
        case.find("outcomes-not-shown", index=entry.index, digest=said.outcomes.digest)
        return
    for line in lines:
        if line.no not in ledger.drawn:
            case.find("act-of-undrawn", index=entry.index, object=line.no)
        elif isinstance(said, Result) and (line.no in ledger.ended or isinstance(line, ClosingLine)):
            # A second result is a correction that does not say so.
            case.find("outcome-twice", index=entry.index, object=line.no)
        elif isinstance(line, OutcomeLine):
            _outcome(ledger, entry, line)
        ledger.ended.add(line.no)


def _outcome(ledger: _Ledger, entry: Entry, line: OutcomeLine) -> None:
    items = ledger.drawn[line.no]
    if not items.issuperset(line.items):
        ledger.case.find("outcome-of-other-items", index=entry.index, object=line.no, expected=sorted(items),
                         found=list(line.items))  # fmt: skip
    if ledger.regulation is not None:
        earlier = _earlier(ledger, entry.index, line) if line.leniency or line.noncooperation else ()
        _find(ledger.case, entry, outcome_faults(ledger.regulation, line, calendar=None, earlier=earlier))


def _earlier(ledger: _Ledger, index: int, line: OutcomeLine) -> tuple[OutcomeLine, ...]:
    """Return the outcomes of an object that were logged before, of all logged history (首次发现)."""
    read = ledger.whole.told(artifacts_of(ledger.case))
    told = [*read.outcomes_of(line.no), *_unread(ledger, read.unread_outcomes, line.no)]
    return tuple(one for at, one in sorted(told, key=lambda known: known[0]) if at < index)


def _unread(ledger: _Ledger, entries: Sequence[Entry], no: str) -> Iterator[tuple[int, OutcomeLine]]:
    """Yield an object's outcomes of lists that the log does not show, or not as they were named.

    Raises:
        CheckFailedError: a list is not what was named.
        ActError: a list is malformed.
    """
    for entry in entries:
        try:
            told = read_outcomes(shown(ledger.case, listed := listing_of(entry)), listed)
        except CannotTellError:
            continue
        yield from ((entry.index, line) for line in told if isinstance(line, OutcomeLine) and line.no == no)
