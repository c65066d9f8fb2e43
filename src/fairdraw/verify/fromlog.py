"""The checks of a draw whose evidence is a log that was read whole, for audits. specs/audit.md §2.

The entries were hashed to what was signed when the log was read, so that nothing has to be proven to be in it; all
else is checked as of the bundle that the log would yield.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from fairdraw.bundle import artifact_names, relevant
from fairdraw.exclusion import looks_back
from fairdraw.schema import Announcement, Draw, ItemList, Plan, SnapshotStatement
from fairdraw.statement import Entry
from fairdraw.verify import anchors
from fairdraw.verify.bundles import STEPS
from fairdraw.verify.case import Case, Logged, LogView, keep_artifact, looked_at_of
from fairdraw.verify.report import Report
from fairdraw.verify.walk import Step, find_subject, make_report, walk
from fairdraw.verify.whole import WholeLog


def verify_logged(
    announcement: Entry, draw: Entry | None, *, log: LogView, whole: WholeLog, as_of_given: bool = False
) -> Report:
    """Return the report on a draw, or on an announcement while there is none, from the log alone.

    It says what `verify_bundle` says of the bundle that the log yields; `whole` is what was read of `log`.

    Raises:
        BundleError: `no-checkpoint`: no signed checkpoint has all that the draw stands on.
    """
    hashed = whole.hashed
    file = _logged(announcement, draw, log, whole)
    case = Case(file=file, trust=hashed.trust, as_of=hashed.as_of, log=log, whole=whole)
    return make_report(case, walk(case, _STEPS, frozenset()), as_of_given=as_of_given)


def _logged(announcement: Entry, draw: Entry | None, log: LogView, whole: WholeLog) -> Logged:
    carried = relevant(whole.hashed.everything, announcement, draw)
    final, early = whole.hashed.proofs.checkpoints(carried)
    names = artifacts_from_log(log, whole, announcement, draw)
    return Logged(
        log=announcement.statement.log, bureau=announcement.statement.bureau, announcement=announcement.text_hash,
        draw=None if draw is None else draw.text_hash, entries=tuple(carried),
        artifacts={name: data for name in names if (data := log.artifacts.get(name)) is not None},
        final=whole.hashed.carried(final), prefixes=tuple(map(whole.hashed.carried, early)),
    )  # fmt: skip


def artifacts_from_log(log: LogView, whole: WholeLog, announcement: Entry, draw: Entry | None) -> list[str]:
    """Return the digests of the artifacts that a draw's bundle carries, where they may be had."""
    everything, said = whole.hashed.everything, announcement.of(Announcement)
    named = (everything.get(ref.text) for ref in (said.objects, said.inspectors, *said.joint))
    rosters = [one.statement for one in named if one is not None and isinstance(one.statement, SnapshotStatement)]
    draws = [] if draw is None else [draw.of(Draw)]
    pulses = [pulse for drew in draws for pulse in drew.pulses]
    planned, items = everything.get(said.plan.text), None
    if planned is not None and isinstance(plan := planned.statement, Plan):
        if looks_back(plan, said.slots):
            draws += [one.of(Draw) for one in whole.indexed.draws_of_the_year(plan, announcement.index)]
        listed = None if plan.items is None else everything.get(plan.items.text)
        items = listed.statement if listed is not None and isinstance(listed.statement, ItemList) else None
    rules = None if said.regulation is None else log.artifacts.get(said.regulation.digest)
    return artifact_names(said, rosters, draws, items, pulses=pulses, regulation=rules)


def _read(case: Case) -> Mapping[str, object]:
    file = _file(case)
    case.entries = {entry.text_hash: entry for entry in file.entries}
    find_subject(case)
    looked_at = looked_at_of(case)
    for digest, data in file.artifacts.items():
        keep_artifact(case, digest, data, looked_at)
    return {"entries": len(case.entries), "artifacts": len(case.artifacts)}


def _signed(case: Case) -> Mapping[str, object]:
    file = _file(case)
    case.final = file.final
    case.prefixes = [*file.prefixes, file.final]
    return anchors.signed_sizes(case, file.prefixes)


def _file(case: Case) -> Logged:
    if not isinstance(case.file, Logged):
        raise TypeError(type(case.file))
    return case.file


def _from_the_log(step: Step) -> Step:
    match step.code:
        case "format":
            return replace(step, run=_read)
        case "log-signature":
            return replace(step, run=_signed)
    return step


_STEPS: Final = tuple(map(_from_the_log, STEPS))
