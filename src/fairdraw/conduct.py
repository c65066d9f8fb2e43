"""Whether what is done after a draw obeys its regulation: specs/acts.md §7.

The command refuses what is found here before it signs anything; a verifier and an auditor say the same afterwards, each
with the article. A list of codes that a document does not have leaves the code free; one that it has closes it.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from typing import Final

from fairdraw.acts import FEN, Inspection, Lenient, OutcomeLine
from fairdraw.calendar import Calendar, add_working_days
from fairdraw.compliance import MACHINE_REASONS, Fault
from fairdraw.regulation import Regulation
from fairdraw.schema import Deferral, ExceptionStatement, Plan, SubstitutionCall

OBSTRUCTED: Final = "obstructed"  # 不予配合情节严重, the code of this result in every regulation that knows it


def void_allowed(plan: Plan, reason: str) -> bool:
    """Say whether a reason to void is one that the plan announced, or one that a machine can check."""
    return reason in plan.voids or reason in MACHINE_REASONS


def _listed(regulation: Regulation, fields: Sequence[str], found: str, code: str, where: str = "") -> Iterable[Fault]:
    """Yield a fault if a code is on none of the lists of a document that has at least one of them."""
    entries = [entry for field in fields for entry in getattr(regulation, field)]
    if entries and found not in {entry.code for entry in entries}:
        expected = [entry.code for entry in entries]
        yield Fault(code=code, cite=entries[0].cite, where=where, expected=expected, found=found)


def call_faults(regulation: Regulation, call: SubstitutionCall) -> tuple[Fault, ...]:
    """Return what a regulation does not allow of a substitution call."""
    lists = ("substitution_reasons", "recusal_reasons")
    told = list(_listed(regulation, lists, call.reason, "substitution-reason-unknown"))
    rule = regulation.substitution
    if rule is not None and not rule.value.fresh:
        told.append(Fault(code="substitution-not-foreseen", cite=rule.cite))
    return tuple(told)


def deferral_faults(regulation: Regulation, deferral: Deferral) -> tuple[Fault, ...]:
    """Return what a regulation does not allow of a deferral; its written application is in every one by digest."""
    return tuple(_listed(regulation, ("deferral_reasons",), deferral.reason, "deferral-reason-unknown"))


def exception_faults(
    regulation: Regulation, said: ExceptionStatement, done: Inspection, *, listed: Collection[str] | None = None
) -> tuple[Fault, ...]:
    """Return what a regulation does not allow of an inspection outside the draw.

    `listed` are the items of the logged list, None where it is not at hand.
    """
    told: list[Fault] = []
    if said.draw is None:
        told += _listed(regulation, ("exceptions",), said.reason, "exception-reason-unknown")
    elif regulation.special_team is None or not regulation.special_team.value:
        cite = () if regulation.special_team is None else regulation.special_team.cite
        told.append(Fault(code="special-team-not-foreseen", cite=cite, found=said.reason))
    team = regulation.team
    if team is not None and len(done.inspectors) < team.value:
        told.append(Fault(code="team-too-small", cite=team.cite, expected=team.value, found=len(done.inspectors)))
    if regulation.list_only is not None and regulation.list_only.value and listed is not None:
        for item in sorted(set(done.items) - set(listed)):
            cite = regulation.list_only.cite
            told.append(Fault(code="item-outside-list", cite=cite, where=item, expected=sorted(listed), found=item))
    return tuple(told)


def due_day(regulation: Regulation | None, checked: str, calendar: Calendar) -> str | None:
    """Return the last day to publish an outcome, None where the regulation counts no working days.

    Raises:
        CalendarError: `calendar-ends`: the reader's table does not reach so far.
    """
    rule = None if regulation is None else regulation.publication
    if rule is None or rule.value.days is None:
        return None
    return add_working_days(calendar, date.fromisoformat(checked), rule.value.days).isoformat()


def outcome_faults(
    regulation: Regulation, line: OutcomeLine, *, calendar: Calendar | None, earlier: Sequence[OutcomeLine]
) -> tuple[Fault, ...]:
    """Return what a regulation does not allow of an outcome.

    Args:
        regulation: that of the draw.
        line: the outcome.
        calendar: the reader's working days; without one `due` is not judged.
        earlier: every outcome of the same object that was logged before, of whatever year.

    Raises:
        CalendarError: `calendar-ends`: the reader's table does not reach so far.
    """
    told = [*_listed(regulation, ("methods",), line.method, "method-unknown", "method")]
    if line.result is not None:
        told += _listed(regulation, ("results",), line.result, "result-unknown", "result")
    if line.withheld is not None:
        told += _listed(regulation, ("publication_exceptions",), line.withheld, "withheld-reason-unknown", "withheld")
    for code in line.transfers:
        told += _listed(regulation, ("transfers",), code, "transfer-unknown", "transfers")
    for one in line.leniency:
        told += _leniency(regulation, one, earlier)
    told += _noncooperation(regulation, line, earlier)
    if calendar is not None and line.due != (due := due_day(regulation, line.checked, calendar)):
        cite = () if regulation.publication is None else regulation.publication.cite
        told.append(Fault(code="due-differs", cite=cite, where="due", expected=due, found=line.due))
    return tuple(told)


def _leniency(regulation: Regulation, one: Lenient, earlier: Sequence[OutcomeLine]) -> Iterable[Fault]:
    where = f"{one.list}/{one.number}"
    entry = next((known for known in regulation.leniency if known.key == where), None)
    if entry is None:
        known = [known.key for known in regulation.leniency]
        cite = regulation.leniency[0].cite if regulation.leniency else ()
        yield Fault(code="leniency-unknown", cite=cite, where="leniency", expected=known, found=where)
        return
    ground = next((known for known in entry.grounds if known.code == one.ground), None)
    if ground is None:
        grounds = [known.code for known in entry.grounds]
        yield Fault(code="ground-unknown", cite=entry.cite, where=where, expected=grounds, found=one.ground)
    elif ground.code == "amount-below":
        limit = (ground.value or 0) * FEN
        # 不足1000元: an amount of 1,000 yuan is not below it.
        if one.amount is None or one.amount >= limit:
            yield Fault(code="amount-too-large", cite=entry.cite, where=where, expected=limit, found=one.amount)
    elif ground.code == "first-found" and any(one.finding in before.findings for before in earlier):
        found = min(before.checked for before in earlier if one.finding in before.findings)
        yield Fault(code="found-before", cite=entry.cite, where=where, expected=one.finding, found=found)


def noncooperations(regulation: Regulation, line: OutcomeLine, earlier: Sequence[OutcomeLine]) -> int:
    """Return how many acts of non-cooperation count for an outcome: those of its task, or of the calendar year."""
    rule = regulation.noncooperation
    count = len(line.noncooperation)
    if rule is not None and rule.value.per == "year":
        days = [day for before in earlier for day, _ in before.noncooperation]
        count += sum(day[:4] == line.checked[:4] for day in days)
    return count


def is_obstructed(regulation: Regulation, line: OutcomeLine, earlier: Sequence[OutcomeLine]) -> bool:
    """Say whether the acts of non-cooperation are so many that they must be published (涞源细则第二十二条)."""
    rule = regulation.noncooperation
    counted = bool(line.noncooperation) and noncooperations(regulation, line, earlier)
    return rule is not None and bool(counted) and counted >= rule.value.times


def _noncooperation(regulation: Regulation, line: OutcomeLine, earlier: Sequence[OutcomeLine]) -> Iterable[Fault]:
    for _, act in line.noncooperation:
        yield from _listed(regulation, ("noncooperation_acts",), act, "noncooperation-unknown", "noncooperation")
    rule = regulation.noncooperation
    if rule is None or OBSTRUCTED not in regulation.codes("results"):
        return
    if is_obstructed(regulation, line, earlier) and line.result != OBSTRUCTED:
        yield Fault(code="noncooperation-not-published", cite=rule.cite, where="result", expected=OBSTRUCTED,
                    found=line.result)  # fmt: skip
