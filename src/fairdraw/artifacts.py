"""Which files an entry names: what a copy of the log must hold beside it, and a follower look for.

specs/log.md §4. The transparency log knows only bytes; this is what it is told about them. A reader need not trust it:
whether a withdrawal is the bureau's own, and whether a roster may be missing, is judged by `verify`.
"""

from fairdraw.errors import StatementError
from fairdraw.schema import Draw, Evidence, SnapshotStatement, Statement, Substitution, SubstitutionCall, Withdrawal
from fairdraw.statement import read_entry
from fairdraw.values import Artifact
from transparency_log.mirror import ArtifactRefs


def named_artifacts(entry: bytes) -> ArtifactRefs:
    """Return the public files that an entry names or withdraws; one that is no statement names none."""
    try:
        return files_of(read_entry(entry, 0).statement)
    except StatementError:
        return ArtifactRefs()


def files_of(statement: Statement) -> ArtifactRefs:
    """Return the public files that a statement names or withdraws."""
    if isinstance(statement, Withdrawal):
        # Only the bureau may withdraw: a supervisor's word does not excuse a missing roster (attack 38).
        return ArtifactRefs(withdrawn=(statement.digest,) if statement.by == statement.bureau else ())
    named = (value for name, value in statement if isinstance(value, Artifact) and _is_public(statement, name))
    return ArtifactRefs(tuple((artifact.digest, artifact.length) for artifact in named))


def _is_public(statement: Statement, field: str) -> bool:
    match statement:
        case SnapshotStatement(published=False):
            return field != "roster"
        case Draw(key=None) | Substitution(key=None):
            return False  # sealed; what may be seen of it later is named by an `opening`
        case SubstitutionCall():
            return statement.embargo is None
        case Evidence():
            return False  # photographs and signed forms are for those who may see them
    return True
