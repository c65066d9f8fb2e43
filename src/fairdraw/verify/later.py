"""Check 23: everything logged later that concerns a draw. specs/verification.md §4.4, specs/acts.md.

A void of it fails, and so does a substitution that does not follow. Other acts are listed, those by the wrong role
count for nothing, and those that the regulation does not allow are findings.
"""

from collections.abc import Iterator, Mapping, Sequence

from fairdraw.conduct import void_allowed
from fairdraw.errors import RegulationError
from fairdraw.regulation import Regulation
from fairdraw.roles import wrong_role
from fairdraw.schema import Announcement, Substitution, SubstitutionCall, Void
from fairdraw.statement import Entry
from fairdraw.verify.acts import judge_acts
from fairdraw.verify.case import Case
from fairdraw.verify.report import CannotTellError, CheckFailedError
from fairdraw.verify.slots import whole_log
from fairdraw.verify.substitutions import judge, read_calls, shown, with_teams
from fairdraw.verify.whole import WholeLog

Told = Mapping[str, object]


def later_acts(case: Case) -> Told:
    """Look for everything logged later that bends this draw; a void of it fails, and a substitution is made again."""
    newest, whole = whole_log(case)
    texts = {case.file.announcement} | ({case.file.draw} if case.file.draw else set())
    digests = {case.said.recusals.digest, case.said.exclusions.digest}
    digests |= {snapshot.roster.digest for snapshot in case.snapshots.values()}
    if case.draw is not None:
        digests.add(case.drew.results.digest)
    regulation = _regulation(case)
    acts = list(_by_the_right_roles(case, list(whole.indexed.concerning(texts, digests)), regulation))
    _find_voids(case, whole)
    ours = [entry for entry in acts if entry.statement.by == case.file.bureau]
    if voids := [entry.index for entry in ours if isinstance(entry.statement, Void)]:
        raise CheckFailedError("voided", index=voids[0])
    told: dict[str, object] = {
        "size": newest.size, "as_of": case.as_of, "acts": [[e.statement.type, e.index] for e in acts]
    }  # fmt: skip
    if case.draw is None:
        return told
    substituted = [entry for entry in ours if isinstance(entry.statement, Substitution | SubstitutionCall)]
    substituted += whole.indexed.substitutions.get(None, ())
    if substituted and case.outcome is None:
        # A slip shows one row: who came in for whom is seen with the rosters only.
        raise CannotTellError("substitution-not-checked", index=substituted[0].index)
    if case.outcome is None:
        return told
    calls = read_calls(case, whole.indexed, ours)
    recusals = {"recusal"} | (set() if regulation is None else set(regulation.codes("recusal_reasons")))
    standing = judge(case, whole.indexed, calls, now=newest.freshness or 0, recusals=frozenset(recusals))
    special = judge_acts(case, whole, acts, calls, regulation)
    case.final_teams = with_teams(standing, special)
    return told | {"substitutions": sum(call.made is not None for call in calls)}


def _regulation(case: Case) -> Regulation | None:
    named = case.said.regulation
    if named is None:
        return None
    try:
        return case.known.regulation(shown(case, named))
    except (RegulationError, CannotTellError, CheckFailedError):
        return None  # that it is missing or unreadable is said by the check `regulation`


def _by_the_right_roles(case: Case, acts: Sequence[Entry], regulation: Regulation | None) -> Iterator[Entry]:
    """Yield the acts whose signers may make them; the others count for nothing, and are found."""
    for entry in acts:
        wrong = wrong_role(entry.statement, case.trust, regulation)
        if wrong is None:
            yield entry
        else:
            case.find("wrong-role", index=entry.index, type=wrong.type, name=wrong.name, expected=list(wrong.expected),
                      found=wrong.found, article=list(wrong.cite))  # fmt: skip


def _find_voids(case: Case, whole: WholeLog) -> None:
    """Find voids of announcements of these slots whose reason neither the plan nor a machine knows."""
    chain = whole.indexed.chain
    announced = {entry.text_hash: entry for slot in case.said.slots for entry in chain.announced(slot)}
    voids = [(void, entry.of(Announcement)) for entry in announced.values() for void in chain.voids(entry)]
    for void, said in sorted(voids, key=lambda told: told[0].index):
        plan, reason = whole.indexed.plans.get(said.plan.text), void.of(Void).reason
        if plan is not None and not void_allowed(plan, reason):
            case.find("void-unannounced-reason", index=void.index, expected=list(plan.voids), found=reason)
