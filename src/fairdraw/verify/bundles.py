"""The checks of a bundle, a whole draw: all of specs/verification.md §2, walked in their order."""

from collections.abc import Mapping
from typing import Final

from fairdraw.bundle import Bundle
from fairdraw.snapshot import Opening
from fairdraw.trust import Trust
from fairdraw.verify import anchors, inputs, later, outcome, pulses, regulated, signed, slots
from fairdraw.verify.case import Case, LogView, read_artifacts, read_entries
from fairdraw.verify.report import Report
from fairdraw.verify.walk import Step, find_subject, make_report, walk
from fairdraw.verify.whole import WholeLog


def read_bundle(case: Case) -> Mapping[str, object]:
    """Read what the file carries; nothing in it is believed yet."""
    read_entries(case)
    find_subject(case)
    read_artifacts(case)
    return {"entries": len(case.entries), "artifacts": len(case.artifacts)}


STEPS: Final = (
    Step("format", (), read_bundle),
    Step("trust", ("format",), anchors.trust),
    Step("log-signature", ("trust",), anchors.log_signature),
    Step("witness-quorum", ("log-signature",), anchors.witness_quorum),
    Step("bureau-chain", ("log-signature",), signed.bureau_chain),
    Step("plan-before-snapshots", ("witness-quorum", "bureau-chain"), anchors.plan_before_snapshots),
    Step("snapshots", ("plan-before-snapshots",), inputs.snapshots),
    Step("rosters", ("snapshots",), inputs.rosters),
    Step("announcement-logged", ("bureau-chain",), anchors.announcement_logged),
    Step(
        "announcement-before-pulse",
        ("witness-quorum", "announcement-logged"),
        anchors.announcement_before_pulse,
    ),
    Step("first-of-slot", ("witness-quorum", "rosters", "announcement-logged"), slots.first_of_slot),
    Step("closed-inputs", ("rosters", "announcement-logged"), inputs.closed_inputs),
    Step("append-only", ("log-signature",), anchors.append_only),
    Step("pulse", ("announcement-logged",), pulses.pulse),
    Step("seed", ("witness-quorum", "announcement-logged"), inputs.seed),
    Step("disclosure", ("witness-quorum", "announcement-logged"), inputs.disclosure),
    Step("quotas", ("closed-inputs", "disclosure"), outcome.quotas),
    Step("selection", ("closed-inputs", "pulse", "seed", "disclosure"), outcome.selection),
    Step("assignment", ("closed-inputs", "pulse", "seed", "disclosure"), outcome.assignment),
    Step("record-logged", ("bureau-chain", "announcement-logged"), anchors.record_logged),
    Step(
        "record-matches",
        ("closed-inputs", "pulse", "seed", "disclosure", "record-logged"),
        outcome.record_matches,
    ),
    Step("no-other-draw", ("witness-quorum", "bureau-chain", "announcement-logged"), slots.no_other_draw),
    Step("later-acts", ("witness-quorum", "bureau-chain", "announcement-logged"), later.later_acts),
    Step("regulation", ("closed-inputs",), regulated.regulation),
)

NEED_LOG: Final = frozenset({"no-other-draw", "later-acts"})


def verify_bundle(
    bundle: Bundle,
    trust: Trust,
    *,
    as_of: int,
    as_of_given: bool = False,
    log: LogView | None = None,
    whole: WholeLog | None = None,
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
        whole: what `read_log` read of that log for this bureau and time; whoever verifies many draws reads it once.
        bundle_only: the reader does not ask for another draw or later acts.
        openings: private fields to check against the rosters.
    """
    case = Case(file=bundle, trust=trust, as_of=as_of, log=log, whole=whole, openings=openings)
    checks = walk(case, STEPS, NEED_LOG if bundle_only else frozenset())
    return make_report(case, checks, as_of_given=as_of_given)
