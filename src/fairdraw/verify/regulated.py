"""Check 24: the plan and the announcement obey their regulation, and its items are on a logged list.

specs/verification.md §5, specs/compliance.md.
"""

from collections.abc import Mapping

from fairdraw.compliance import announcement_faults, plan_faults
from fairdraw.errors import FilterError, PlanError, RegulationError
from fairdraw.itemlist import read_items
from fairdraw.regulation import Item, Regulation, check_foundation
from fairdraw.roles import missing_sign_offs, roles_signed
from fairdraw.schema import ItemList, SignOff
from fairdraw.statement import Entry
from fairdraw.verify.anchors import judged_at
from fairdraw.verify.case import Case
from fairdraw.verify.inputs import artifact
from fairdraw.verify.report import CannotTellError, CheckFailedError

Evidence = Mapping[str, object]


def regulation(case: Case) -> Evidence:
    """Check plan and announcement against the regulation that both name; a draw outside of any says so."""
    named = case.said.regulation
    if named is None:
        return {"regulation": None}
    try:
        rules = case.known.regulation(artifact(case, named))
        genuine = _founded(case, rules, named.digest)
        items, entry = _items(case)
        faults = (*plan_faults(rules, case.plan, items), *announcement_faults(rules, case.said))
    except (FilterError, PlanError, RegulationError) as error:
        raise CheckFailedError(error.code, **error.params) from None
    if faults:
        first = faults[0]
        raise CheckFailedError(
            "against-regulation", fault=first.code, article=list(first.cite), where=first.where,
            expected=first.expected, found=first.found, faults=[fault.code for fault in faults],
        )  # fmt: skip
    reviewed = _reviewed(case, rules, entry)
    return {
        "regulation": rules.id,
        "digest": named.digest,
        "genuine": genuine,
        "items": len(items),
        "reviewed": reviewed,
    }


def _founded(case: Case, rules: Regulation, digest: str) -> str | None:
    """Return the known regulation that this one is, or derives from; nobody's of its own is a finding.

    Else a bureau could write a laxer one under a good name.
    """
    parent = None
    if rules.extends is not None:
        above = rules.extends.digest
        parent = case.artifacts.get(above) or (None if case.log is None else case.log.artifacts.get(above))
        if parent is None:
            # No statement names it, so that a copy of the log may lack it, and nobody lied.
            raise CannotTellError("regulation-parent-missing", expected=above, found=rules.extends.id)
    genuine = check_foundation(rules, digest=digest, parent=parent)
    if genuine is None:
        case.find("unknown-regulation", regulation=rules.id, digest=digest)
    return genuine


def _items(case: Case) -> tuple[tuple[Item, ...], Entry]:
    """Return the items of the list that the plan names, which was logged before it and under the same regulation."""
    ref = case.plan.items
    if ref is None:
        raise CheckFailedError("item-list-missing")
    entry = case.entry(ref.text, ref.index)
    statement = entry.statement
    if not isinstance(statement, ItemList) or not case.speaks(entry):
        raise CheckFailedError("not-the-bureaus", index=entry.index)
    if entry.index >= case.said.plan.index or statement.regulation != case.said.regulation:
        raise CheckFailedError("item-list-of-another", index=entry.index)
    return read_items(artifact(case, statement.items)), entry


def _reviewed(case: Case, rules: Regulation, entry: Entry) -> list[str]:
    """Check that the item list was signed off by the roles that the regulation asks, before the announcement."""
    limit = min(case.said.history_size, judged_at(case))
    signed = roles_signed(
        (
            other.statement
            for other in case.entries.values()
            if isinstance(other.statement, SignOff)
            and other.statement.of.text == entry.text_hash
            and other.text_hash in case.signed
            and other.index < limit
        ),
        case.trust,
    )
    for role, cite in missing_sign_offs(entry.statement, rules, signed):
        raise CheckFailedError("sign-off-missing", of="item-list", role=role, article=list(cite))
    return sorted(signed)
