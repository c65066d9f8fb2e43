"""Who may sign which statement: specs/acts.md §1, specs/trust.md §2.

Roles stand in the reader's own trust file, so that nobody gives oneself one. A statement by the wrong role counts for
nothing: the drawing unit does not sign results where the regulation separates the two (抽取与检查分离), and nobody
signs off in somebody else's role.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from fairdraw.errors import ActError
from fairdraw.schema import Draw, ItemList, Plan, Result, SignOff, SnapshotStatement, Statement, SubstitutionCall
from fairdraw.trust import Trust

if TYPE_CHECKING:
    from fairdraw.regulation import Regulation

BUREAU: Final = "bureau"
INSPECTING: Final = "inspecting-unit"
DEPARTMENT: Final = "department"
CONTRIBUTOR: Final = "contributor"
APPROVER: Final = "approver"
SUPERVISOR: Final = "supervisor"  # anybody in the trust file who is not a party to the inspection
ANY: Final = "any"

KNOWN: Final = (
    "approver", "contributor", "cppcc", "department", "discipline", "inspecting-unit", "legal", "people-congress",
    "social", "superior",
)  # fmt: skip
"""The roles that regulations speak of; further words in a trust file are supervisors and nothing more."""

PARTIES: Final = frozenset({INSPECTING, DEPARTMENT, CONTRIBUTOR, APPROVER})
"""Those who draw, inspect or decide with the bureau, and who therefore supervise nobody."""

_BUREAU: Final = frozenset({BUREAU})
_PEOPLE: Final = frozenset({SUPERVISOR, *PARTIES})
_UNITS: Final = frozenset({BUREAU, INSPECTING})

SIGNERS: Final[Mapping[str, frozenset[str]]] = {
    "key": frozenset({BUREAU, *_PEOPLE}),
    "item-list": _BUREAU,
    "plan": _BUREAU,
    "snapshot": frozenset({BUREAU, DEPARTMENT}),
    "receipt": _PEOPLE,
    "announcement": _BUREAU,
    "commitment": _PEOPLE,
    "reveal": _PEOPLE,
    "reveals-closed": _BUREAU,
    "deposit": _PEOPLE,
    "withdrawal": _BUREAU,
    "draw": _BUREAU,
    "sign-off": frozenset({SUPERVISOR, APPROVER, INSPECTING, DEPARTMENT}),
    "substitution-call": _BUREAU,
    "substitution": _BUREAU,
    "deferral": _BUREAU,
    "exception": _UNITS,
    "void": _BUREAU,
    "evidence": frozenset({BUREAU, *_PEOPLE}),
    "result": _UNITS,
    "correction": _UNITS,
    "objection": frozenset({BUREAU, INSPECTING, SUPERVISOR}),
    "answer": _UNITS,
    "opening": _BUREAU,
    "verifier-release": frozenset({BUREAU, *_PEOPLE}),
    "loss": frozenset({BUREAU, *_PEOPLE}),
}
"""Who may sign each type; `signers` narrows it by what a regulation says."""

_ACTS: Final[Mapping[type[Statement], str]] = {ItemList: "item-list", Plan: "plan", Draw: "draw", Result: "result"}


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongRole:
    """A statement by somebody who may not make it: the roles that may, the signer's, and the articles that say so."""

    type: str
    name: str
    expected: tuple[str, ...]
    found: str | None
    cite: tuple[str, ...]


def role_of(name: str, trust: Trust, bureau: str) -> str | None:
    """Return the role of a key name: `bureau`, the word of the trust file, or None for a stranger."""
    if name == bureau:
        return BUREAU
    supervisor = trust.supervisors.get(name)
    return None if supervisor is None else supervisor.role


def is_supervisor(role: str | None) -> bool:
    """Say whether a role watches over the bureau, and is no party to the inspection."""
    return role is not None and role != BUREAU and role not in PARTIES


def signers(kind: str, regulation: "Regulation | None") -> tuple[frozenset[str], tuple[str, ...]]:
    """Return the roles that may sign a type of statement, and the articles that narrow them."""
    allowed = SIGNERS[kind]
    if regulation is None or kind not in {"result", "correction"}:
        return allowed, ()
    named = [duty for duty in regulation.signers if duty.of == "result"]
    if named:  # 谁检查谁录入谁公开
        roles = (SUPERVISOR if duty.role == ANY else duty.role for duty in named)
        return frozenset(map(str, roles)), tuple(one for duty in named for one in duty.cite)
    if regulation.separation is not None and regulation.separation.value:  # 抽取与检查分离
        return allowed - _BUREAU, regulation.separation.cite
    return allowed, ()


def wrong_role(statement: Statement, trust: Trust, regulation: "Regulation | None") -> WrongRole | None:
    """Return why a statement is by the wrong role, or None where its signers may make it.

    `regulation` is the one of the draw that the statement concerns, None where there is none.
    """
    role = role_of(statement.by, trust, statement.bureau)
    allowed, cite = signers(statement.type, regulation)
    match = SUPERVISOR if is_supervisor(role) else role
    if match not in allowed and role not in allowed:
        return _wrong(statement, allowed, role, cite)
    if isinstance(statement, SignOff) and statement.role != role:
        # A signature in a borrowed role would stand for somebody who never saw the draw.
        return _wrong(statement, {statement.role}, role, cite)
    if isinstance(statement, SubstitutionCall):
        co_signers = [role_of(name, trust, statement.bureau) for name in statement.with_]
        if not any(map(is_supervisor, co_signers)):
            # Else the bureau alone says who is ill (attack 47).
            return _wrong(statement, {SUPERVISOR}, None, ())
    if isinstance(statement, SnapshotStatement) and role == DEPARTMENT and statement.with_:
        return _wrong(statement, {DEPARTMENT}, role, ())
    return None


def _wrong(statement: Statement, expected: Collection[str], found: str | None, cite: tuple[str, ...]) -> WrongRole:
    return WrongRole(type=statement.type, name=statement.by, expected=tuple(sorted(expected)), found=found, cite=cite)


def check_role(statement: Statement, trust: Trust, regulation: "Regulation | None") -> None:
    """Check that the signers of a statement may make it.

    Raises:
        ActError: `wrong-role`, with the article where a regulation says so.
    """
    found = wrong_role(statement, trust, regulation)
    if found is not None:
        raise ActError(
            "wrong-role", type=found.type, name=found.name, expected=list(found.expected), found=found.found,
            article=list(found.cite),
        )  # fmt: skip


def roles_signed(sign_offs: Iterable[SignOff], trust: Trust) -> set[str]:
    """Return the roles in which some sign-offs count: the one that is claimed is the signer's in the trust file."""
    return {said.role for said in sign_offs if said.role == role_of(said.by, trust, said.bureau)}


def missing_sign_offs(
    of: Statement, regulation: "Regulation", signed: Collection[str]
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the roles whose sign-off a regulation asks of a statement and that have not given it, with the articles.

    `signed` are the roles that signed it off, in which they are in the trust file.
    """
    told = []
    for duty in regulation.sign_offs:
        if duty.of != _ACTS.get(type(of)):
            continue
        done = any(map(is_supervisor, signed)) if duty.role == ANY else duty.role in signed
        if not done:
            told.append((str(duty.role), duty.cite))
    return tuple(told)
