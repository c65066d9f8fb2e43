"""What acts after a draw have in common: who signs, what is refused before it is signed, and who inspects what by now.

A command that is called again after a crash finds what it had logged and adds nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from fairdraw.acts import Inspection, Named, Substitute, Vacancy, read_act
from fairdraw.announcement import artifact_of
from fairdraw.compliance import Fault
from fairdraw.encoding import digest
from fairdraw.errors import WorkspaceError
from fairdraw.regulation import Regulation
from fairdraw.roles import check_role
from fairdraw.schema import Deferral, ExceptionStatement, Statement, Substitution, SubstitutionCall
from fairdraw.statement import Entry
from fairdraw.substitution import Standing
from fairdraw.values import HASH, Artifact
from fairdraw_cli.casework import Matter, regulation_of
from fairdraw_cli.commands.plan import tell_faults
from fairdraw_cli.desk import Desk
from fairdraw_cli.files import read
from fairdraw_cli.papers import redrawn
from fairdraw_cli.session import Session

S = TypeVar("S", bound=Statement)
CHAIN: Final = frozenset({"seq", "prev", "time"})


@dataclass(frozen=True)
class Called:
    """A logged call of a draw, its vacancy, and the substitution of it, if there is one."""

    entry: Entry
    vacancy: Vacancy
    made: Entry | None


def drawn_of(matter: Matter) -> Entry:
    """Return a matter's draw.

    Raises:
        WorkspaceError: `not-drawn`.
    """
    if matter.draw is None:
        raise WorkspaceError("not-drawn", found=matter.name)
    return matter.draw


def open_draw_of(matter: Matter) -> Entry:
    """Return a matter's draw that anybody may know of.

    Raises:
        WorkspaceError: `not-drawn`, or `act-while-sealed`: the statement's artifact would tell who was drawn.
    """
    drawn = drawn_of(matter)
    if matter.hidden:
        raise WorkspaceError("act-while-sealed", found=matter.name)
    return drawn


def regulation_for(matter: Matter) -> Regulation | None:
    """Return the regulation of a draw, None where it names none."""
    return regulation_of(matter.desk.workspace, matter.said)


def refuse(session: Session, regulation: Regulation | None, faults: Sequence[Fault]) -> None:
    """Tell what a regulation does not allow, with its articles, and refuse it.

    Raises:
        WorkspaceError: `act-against-regulation`.
    """
    if faults:
        tell_faults(session, faults)
        name = "" if regulation is None else regulation.id
        raise WorkspaceError("act-against-regulation", regulation=name, count=len(faults))


def file_digest(text: str, *, beside: Path = Path()) -> str:
    """Return the digest that a word of a command or of a row means: 64 hex digits, or a file's.

    The file itself stays where it is: a declaration or a signed form is not for the log.
    """
    return text if HASH.fullmatch(text) else digest(read(beside / text))


def keep(desk: Desk, data: bytes, *, public: bool = True) -> Artifact:
    """Store an act's artifact and return what its statement says of it."""
    named = artifact_of(data)
    desk.workspace.keep(data, named.digest, public=public)
    return named


def add_act(
    desk: Desk, kind: type[S], *, regulation: Regulation | None, by_key: Path | None = None, **fields: Any
) -> tuple[Entry, bool]:
    """Return the entry of an act and whether it is new; an equal one that is logged already is not logged again.

    It is signed by the bureau, or by whoever has the key in a file.

    Raises:
        ActError: `wrong-role`: whoever signs may not make this statement.
        WorkspaceError: `not-a-supervisor`.
    """
    chair = None
    if by_key is not None:
        from fairdraw_cli.commands.supervise import Chair

        chair = Chair.at(desk, by_key)
        desk.catch_up(chair.kept())
    statement = (desk.head if chair is None else chair.head()).make(kind, **fields)
    check_role(statement, desk.workspace.trust, regulation)
    ours = statement.model_dump(exclude=set(CHAIN))
    for entry, logged in desk.history.all(kind, statement.by):
        if logged.model_dump(exclude=set(CHAIN)) == ours:
            return entry, False
    if chair is None:
        return desk.add(statement), True
    return desk.append(chair.signed(kind, **fields).data), True


def calls_of(matter: Matter) -> list[Called]:
    """Return the bureau's calls of a draw, in log order."""
    desk, drawn = matter.desk, drawn_of(matter)
    made: dict[str, Entry] = {}
    for entry, said in desk.history.all(Substitution, desk.workspace.bureau):
        made.setdefault(said.call.text, entry)
    told = []
    for entry, call in desk.history.all(SubstitutionCall, desk.workspace.bureau):
        if call.draw.text == drawn.text_hash:
            vacancy = read_act(Vacancy, desk.workspace.artifact(call.vacancy.digest))
            told.append(Called(entry, vacancy, made.get(entry.text_hash)))
    return told


def deferred_of(matter: Matter, drawn: Entry) -> dict[str, str]:
    """Return the objects of a draw whose inspection was put off, each with the day until which it is inspected."""
    desk = matter.desk
    return {
        read_act(Named, desk.workspace.artifact(said.deferred.digest)).no: said.until
        for _, said in desk.history.all(Deferral, desk.workspace.bureau)
        if said.draw.text == drawn.text_hash
    }


def special_teams_of(matter: Matter, drawn: Entry) -> dict[str, tuple[str, ...]]:
    """Return the objects of a draw that a specially formed team inspects instead of the drawn one, each with it."""
    desk = matter.desk
    told: dict[str, tuple[str, ...]] = {}
    for _, said in desk.history.all(ExceptionStatement, desk.workspace.bureau):
        if said.draw is not None and said.draw.text == drawn.text_hash:
            inspection = read_act(Inspection, desk.workspace.artifact(said.inspection.digest))
            told |= dict.fromkeys(inspection.objects, inspection.inspectors)
    return told


def standing_of(matter: Matter, calls: Sequence[Called]) -> Standing:
    """Return who inspects what after these calls and their substitutions."""
    outcome, _ = redrawn(matter, drawn_of(matter))
    drawn = outcome.assignment
    told = Standing(teams=drawn.teams, experts=drawn.experts, caps=drawn.caps, out=frozenset())
    for call in calls:
        told = told.with_out([call.vacancy.inspector])
        if call.made is not None:
            result = call.made.of(Substitution).result
            told = told.after(read_act(Substitute, matter.desk.workspace.artifact(result.digest)))
    return told


def entry_at(desk: Desk, index: int) -> Entry:
    """Return the statement at a place in the log.

    Raises:
        WorkspaceError: `no-statement-there`.
    """
    found = next((entry for entry in desk.history.entries if entry.index == index), None)
    if found is None:
        raise WorkspaceError("no-statement-there", expected=len(desk.history.data) - 1, found=index)
    return found
