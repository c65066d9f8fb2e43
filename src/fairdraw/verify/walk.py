"""How a verification walks its numbered checks, and what it reports in the end.

A check whose ground did not hold is not run: it says which one it waits for, and never shows green (attack 45).
"""

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass

from fairdraw.bundle import Slip
from fairdraw.errors import Error
from fairdraw.schema import Announcement, Draw, Statement
from fairdraw.statement import Entry
from fairdraw.verify.case import Case
from fairdraw.verify.report import CannotTellError, Check, CheckFailedError, Report
from transparency_log.errors import LogError


@dataclass(frozen=True, slots=True)
class Step:
    """A check: its code, the codes whose holding it builds on, and the function that returns its evidence."""

    code: str
    needs: tuple[str, ...]
    run: Callable[[Case], Mapping[str, object]]


def walk(case: Case, steps: tuple[Step, ...], not_asked: Set[str]) -> tuple[Check, ...]:
    """Walk the checks in order and return what each says."""
    told: dict[str, Check] = {}
    for step in steps:
        told[step.code] = _one(case, step, told, not_asked)
    return tuple(told.values())


def _one(case: Case, step: Step, told: Mapping[str, Check], not_asked: Set[str]) -> Check:
    if step.code in not_asked:
        return Check(step.code, "not-asked")
    for need in step.needs:
        if told[need].state != "holds":
            return Check(step.code, "unknown", "depends", told[need].depends or need)
    try:
        return Check(step.code, "holds", evidence=step.run(case))
    except CheckFailedError as error:
        return Check(step.code, "fails", error.reason, evidence=error.evidence)
    except CannotTellError as error:
        return Check(step.code, "unknown", error.reason, evidence=error.evidence)
    except (Error, LogError) as error:
        # Whoever made the file shall not choose between "does not hold" and a verifier that stops half-way.
        return Check(step.code, "fails", error.code, evidence=error.params)


def find_subject(case: Case) -> None:
    """Find the announcement and the draw that the file is about among its entries.

    Raises:
        CheckFailedError: one is not carried, is of another type, or speaks for somebody else than the bureau.
    """
    case.announcement = _of_the_bureau(case, case.file.announcement, Announcement)
    if case.file.draw is not None:
        case.draw = _of_the_bureau(case, case.file.draw, Draw)


def _of_the_bureau(case: Case, text: str, kind: type[Statement]) -> Entry:
    entry = case.entries.get(text)
    if entry is None or not isinstance(entry.statement, kind):
        raise CheckFailedError("entry-missing", text=text)
    if entry.statement.by != case.file.bureau:
        raise CheckFailedError("not-the-bureaus", index=entry.index, found=entry.statement.by)
    return entry


def make_report(case: Case, checks: tuple[Check, ...], *, as_of_given: bool) -> Report:
    """Return the report of a case whose checks were walked."""
    drawn: tuple[tuple[str, tuple[str, ...]], ...] = ()
    if case.outcome is not None:
        teams = case.outcome.assignment.teams
        drawn = tuple(
            (one.no, tuple(inspector for _, inspector in teams[one.no])) for one in case.outcome.selection.drawn
        )
    return Report(
        kind="slip" if isinstance(case.file, Slip) else "bundle",
        subject=case.file.draw or case.file.announcement,
        trust=case.trust.digest,
        as_of=case.as_of,
        as_of_given=as_of_given,
        rehearsal=case.trust.rehearsal,
        checks=checks,
        findings=tuple(case.findings),
        drawn=drawn,
        final=() if case.final_teams is None else tuple((no, case.final_teams[no]) for no, _ in drawn),
    )
