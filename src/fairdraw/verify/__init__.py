"""Verification of a bundle or a slip: the numbered checks of specs/verification.md, walked in their order.

It reruns the same pure functions that made the draw and compares. A check whose ground did not hold is not run: it says
which one it waits for, and never shows green (attack 45).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from fairdraw.bundle import Bundle, Slip
from fairdraw.errors import EncodingError
from fairdraw.schema import Announcement, Draw
from fairdraw.snapshot import Opening
from fairdraw.trust import Trust
from fairdraw.verify import anchors, inputs, outcome, slots
from fairdraw.verify.case import Case, LogView, read_entries
from fairdraw.verify.report import CODES, CannotTellError, Check, CheckFailedError, Finding, Report
from fairdraw.encoding import from_base64

__all__ = ["CODES", "Check", "Finding", "LogView", "Report", "run", "verify_bundle"]


@dataclass(frozen=True, slots=True)
class Step:
    """A check: its code, the codes whose holding it builds on, and the function that returns its evidence."""

    code: str
    needs: tuple[str, ...]
    run: Callable[[Case], Mapping[str, object]]


def read_bundle(case: Case) -> Mapping[str, object]:
    """Read what the file carries; nothing in it is believed yet."""
    assert isinstance(case.file, Bundle)
    read_entries(case)
    for carried in case.file.artifacts:
        try:
            case.artifacts[carried.digest] = from_base64(carried.data)
        except EncodingError as error:
            raise CheckFailedError("bad-artifact", digest=carried.digest, why=str(error)) from None
    find_subject(case)
    return {"entries": len(case.entries), "artifacts": len(case.artifacts)}


def find_subject(case: Case) -> None:
    """Find the announcement and the draw that the file is about among its entries.

    Raises:
        CheckFailedError: one is not carried, or is of another type.
    """
    case.announcement = case.entries.get(case.file.announcement)
    if case.announcement is None or not isinstance(case.announcement.statement, Announcement):
        raise CheckFailedError("entry-missing", text=case.file.announcement)
    if case.file.draw is not None:
        case.draw = case.entries.get(case.file.draw)
        if case.draw is None or not isinstance(case.draw.statement, Draw):
            raise CheckFailedError("entry-missing", text=case.file.draw)


STEPS: Final = (
    Step("format", (), read_bundle),
    Step("trust", ("format",), anchors.trust),
    Step("log-signature", ("trust",), anchors.log_signature),
    Step("witness-quorum", ("log-signature",), anchors.witness_quorum),
    Step("bureau-chain", ("log-signature",), anchors.bureau_chain),
    Step("plan-before-snapshots", ("witness-quorum", "bureau-chain"), anchors.plan_before_snapshots),
    Step("snapshots", ("plan-before-snapshots",), inputs.snapshots),
    Step("rosters", ("snapshots",), inputs.rosters),
    Step("announcement-logged", ("bureau-chain",), anchors.announcement_logged),
    Step(
        "announcement-before-pulse", ("announcement-logged", "witness-quorum"), anchors.announcement_before_pulse
    ),
    Step("first-of-slot", ("announcement-logged", "witness-quorum", "rosters"), slots.first_of_slot),
    Step("closed-inputs", ("rosters", "announcement-logged"), inputs.closed_inputs),
    Step("append-only", ("log-signature",), anchors.append_only),
    Step("pulse", ("announcement-logged",), inputs.pulse),
    Step("seed", ("announcement-logged", "witness-quorum"), inputs.seed),
    Step("disclosure", ("announcement-logged", "witness-quorum"), inputs.disclosure),
    Step("quotas", ("closed-inputs", "disclosure"), outcome.quotas),
    Step("selection", ("closed-inputs", "pulse", "seed", "disclosure"), outcome.selection),
    Step("assignment", ("closed-inputs", "pulse", "seed", "disclosure"), outcome.assignment),
    Step("record-logged", ("bureau-chain", "announcement-logged"), anchors.record_logged),
    Step("record-matches", ("record-logged", "closed-inputs", "pulse", "seed", "disclosure"), outcome.record_matches),
    Step("no-other-draw", ("bureau-chain", "announcement-logged", "witness-quorum"), slots.no_other_draw),
    Step("later-acts", ("bureau-chain", "announcement-logged", "witness-quorum"), slots.later_acts),
)

NEED_LOG: Final = frozenset({"no-other-draw", "later-acts"})


def run(case: Case, steps: tuple[Step, ...], not_asked: frozenset[str]) -> tuple[Check, ...]:
    """Walk the checks in order and return what each says."""
    told: dict[str, Check] = {}
    for step in steps:
        told[step.code] = _one(case, step, told, step.code in not_asked)
    return tuple(told.values())


def _one(case: Case, step: Step, told: Mapping[str, Check], not_asked: bool) -> Check:
    if not_asked:
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


def verify_bundle(
    bundle: Bundle,
    trust: Trust,
    *,
    as_of: int,
    as_of_given: bool = False,
    log: LogView | None = None,
    bundle_only: bool = False,
    openings: tuple[Opening, ...] = (),
) -> Report:
    """Return the report on a draw.

    Args:
        bundle: what `bundle.read_file` returned.
        trust: the reader's own; nothing of it is ever taken from the bundle.
        as_of: POSIX seconds; entries and cosignatures count up to then.
        as_of_given: whether the reader chose that time, which the verdict then carries.
        log: the whole log, without which another draw or a later act cannot be told.
        bundle_only: the reader does not ask for another draw or later acts.
        openings: private fields to check against the rosters.
    """
    case = Case(file=bundle, trust=trust, as_of=as_of, log=log, openings=openings)
    checks = run(case, STEPS, NEED_LOG if bundle_only else frozenset())
    return make_report(case, checks, as_of_given=as_of_given)


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
    )
