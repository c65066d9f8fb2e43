"""Which version of a plan is meant: specs/plan.md §6."""

from collections.abc import Iterable, Sequence

from fairdraw.schema import Plan
from fairdraw.statement import Entry


def version_meant(versions: Sequence[Entry], slots: Iterable[str]) -> Entry | None:
    """Return the plan entry that counts for some slots, of one plan's versions in log order.

    It is the last one that changed the rules of these slots, or the one that added the last of them, whichever is
    later; None where the slots are not all in one plan.
    """
    wanted = set(slots)
    meant: Entry | None = None
    before: Plan | None = None
    for entry in versions:
        plan = entry.of(Plan)
        has = wanted <= set(plan.slots)
        had = before is not None and wanted <= set(before.slots)
        if has and (not had or before is None or before.rules_for(wanted) != plan.rules_for(wanted)):
            meant = entry
        if not has:
            meant = None
        before = plan
    return meant
