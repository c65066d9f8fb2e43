"""Check 23: everything logged later that concerns a draw. specs/verification.md §4.4, specs/acts.md.

A void of it fails, and so does a substitution that does not follow. Other acts are listed, those by the wrong role
count for nothing, and those that the regulation does not allow are findings.
"""

from collections.abc import Iterator, Mapping, Sequence

from fairdraw.conduct import void_allowed
from fairdraw.errors import RegulationError
from fairdraw.regulation import Regulation, read_artifact
from fairdraw.roles import wrong_role
from fairdraw.schema import (
    Announcement,
    Answer,
    Correction,
    Deferral,
    Evidence,
    ExceptionStatement,
    Objection,
    Opening,
    Plan,
    Result,
    SignOff,
    Statement,
    Substitution,
    SubstitutionCall,
    Void,
    Withdrawal,
)
from fairdraw.statement import Entry
from fairdraw.verify.acts import judge_acts
from fairdraw.verify.case import Case, WholeLog
from fairdraw.verify.report import CannotTellError, CheckFailedError
from fairdraw.verify.slots import whole_log
from fairdraw.verify.substitutions import judge, read_calls, shown, with_teams

Told = Mapping[str, object]


def named_by(statement: Statement) -> str | None:
    """Return the text of the statement that a later act is about, None for other types."""
    match statement:
        case Void():
            return statement.announcement.text
        case Opening() | Evidence() | SignOff() | Objection():
            return statement.of.text
        case SubstitutionCall() | Deferral() | Result():
            return statement.draw.text
        case ExceptionStatement():
            return None if statement.draw is None else statement.draw.text
        case Substitution():
            return statement.call.text
        case Correction():
            return statement.result.text
        case Answer():
            return statement.objection.text
    return None


def concerning(entries: Sequence[Entry], texts: set[str], digests: set[str]) -> Iterator[Entry]:
    """Yield what is about some statements, or about what is about them, and withdrawals of some artifacts."""
    known = set(texts)
    for entry in entries:
        if named_by(entry.statement) in known:
            known.add(entry.text_hash)
            yield entry
        elif isinstance(entry.statement, Withdrawal) and entry.statement.digest in digests:
            yield entry


def everything(whole: WholeLog) -> list[Entry]:
    """Return all statements of a log that count, one of each text, in log order."""
    told = {entry.text_hash: entry for entry in whole.chain}
    for entry in whole.everything:
        if entry.text_hash in whole.counted:
            told.setdefault(entry.text_hash, entry)
    return sorted(told.values(), key=lambda entry: entry.index)


def later_acts(case: Case) -> Told:
    """Look for everything logged later that bends this draw; a void of it fails, and a substitution is made again."""
    newest, whole = whole_log(case)
    texts = {case.file.announcement} | ({case.file.draw} if case.file.draw else set())
    digests = {case.said.recusals.digest, case.said.exclusions.digest}
    digests |= {snapshot.roster.digest for snapshot in case.snapshots.values()}
    if case.draw is not None:
        digests.add(case.drew.results.digest)
    known = everything(whole)
    regulation = _regulation(case)
    acts = list(_by_the_right_roles(case, list(concerning(known, texts, digests)), regulation))
    _find_voids(case, whole.chain)
    ours = [entry for entry in acts if entry.statement.by == case.file.bureau]
    if voids := [entry.index for entry in ours if isinstance(entry.statement, Void)]:
        raise CheckFailedError("voided", index=voids[0])
    told: dict[str, object] = {
        "size": newest.size, "as_of": case.as_of, "acts": [[e.statement.type, e.index] for e in acts]
    }  # fmt: skip
    if case.draw is None:
        return told
    substituted = _substitutions(whole, ours)
    if substituted and case.outcome is None:
        # A slip shows one row: who came in for whom is seen with the rosters only.
        raise CannotTellError("substitution-not-checked", index=substituted[0].index)
    if case.outcome is None:
        return told
    calls = read_calls(case, whole.chain, ours)
    recusals = {"recusal"} | (set() if regulation is None else set(regulation.codes("recusal_reasons")))
    fresh = newest.freshness(case.trust.policy) or 0
    standing = judge(case, whole.chain, calls, now=fresh, recusals=frozenset(recusals))
    special = judge_acts(case, known, acts, calls, regulation)
    case.final_teams = with_teams(standing, special)
    return told | {"substitutions": sum(call.made is not None for call in calls)}


def _substitutions(whole: WholeLog, ours: Sequence[Entry]) -> list[Entry]:
    calls = {e.text_hash for e in whole.chain if isinstance(e.statement, SubstitutionCall)}
    return [e for e in ours if isinstance(e.statement, Substitution | SubstitutionCall)] + [
        e for e in whole.chain if isinstance(e.statement, Substitution) and e.statement.call.text not in calls
    ]


def _regulation(case: Case) -> Regulation | None:
    named = case.said.regulation
    if named is None:
        return None
    try:
        return read_artifact(shown(case, named))
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


def _find_voids(case: Case, chain: Sequence[Entry]) -> None:
    """Find voids of announcements of these slots whose reason neither the plan nor a machine knows."""
    known = {entry.text_hash: entry.statement for entry in chain}
    for entry in chain:
        if not isinstance(entry.statement, Void):
            continue
        said = known.get(entry.statement.announcement.text)
        if not isinstance(said, Announcement) or set(said.slots).isdisjoint(case.said.slots):
            continue
        plan = known.get(said.plan.text)
        if isinstance(plan, Plan) and not void_allowed(plan, entry.statement.reason):
            case.find("void-unannounced-reason", index=entry.index, expected=list(plan.voids),
                      found=entry.statement.reason)  # fmt: skip
