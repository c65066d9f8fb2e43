"""What another unit signs on its own machine and the bureau logs: a result, where who draws does not inspect.

The statement stands in the unit's own chain, so it is the unit's alone to make: the bureau only writes down what it
would say, as a request with the rows, and logs the very text that comes back signed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from fairdraw.acts import Line, OutcomeLine, read_outcomes
from fairdraw.encoding import parse_time
from fairdraw.errors import WorkspaceError
from fairdraw.regulation import Regulation
from fairdraw.render import fingerprint
from fairdraw.roles import check_role
from fairdraw.schema import Correction, Result, Statement
from fairdraw.statement import Entry, read_entry
from fairdraw_cli.aftermath import CHAIN
from fairdraw_cli.cosigning import Request
from fairdraw_cli.desk import Desk
from fairdraw_cli.files import PRIVATE, read, write
from fairdraw_cli.handed import check_entry
from fairdraw_cli.history import History
from fairdraw_cli.session import Session

SHOWN: Final = 50  # rows that are told one by one
Act = Result | Correction

KEY = click.option("--key", metavar="FILE", type=click.Path(path_type=Path))
BY = click.option("--by", metavar="NAME")
COSIGNED = click.option("--cosigned", "answer", metavar="FILE", type=click.Path(path_type=Path))


@dataclass(frozen=True)
class Signing:
    """Who signs an act: the bureau; a key at its desk; or a unit elsewhere, by name, and then by its answer."""

    key: Path | None
    by: str | None
    answer: Path | None

    @classmethod
    def of(cls, session: Session, key: Path | None, by: str | None, answer: Path | None) -> "Signing":
        """Return who signs, of a command's options.

        Raises:
            UsageError: a key here and a unit elsewhere.
        """
        if key is not None and (by or answer):
            raise click.UsageError(session.word("unit.key-or-by"))
        return cls(key, by, answer)

    @property
    def elsewhere(self) -> bool:
        """Whether a unit signs on its own machine."""
        return self.by is not None or self.answer is not None


@dataclass(frozen=True)
class Asked:
    """An act that a unit signs elsewhere: what it would say, its rows, and the file in which it waits."""

    kind: type[Act]
    fields: Mapping[str, Any]
    artifact: bytes
    request: Path


def act_of_unit(
    session: Session, desk: Desk, asked: Asked, signing: Signing, regulation: Regulation | None
) -> tuple[Entry | None, bool]:
    """Log an act as its unit has signed it, or write the request for that; return its entry and whether it is new.

    Raises:
        ActError: `wrong-role`: the unit may not make this statement.
        StatementError: the answer is not signed by the unit.
        WorkspaceError: `not-a-supervisor`, `answer-of-another`.
    """
    answer = None if signing.answer is None else read_entry(read(signing.answer), 0)
    name = signing.by or (answer.statement.by if answer else "")
    draft = _draft(desk, asked, name)
    check_role(draft, desk.workspace.trust, regulation)
    if answer is not None and _content(answer.statement) != _content(draft):
        # Else the unit's word for one list of outcomes would stand under another.
        raise WorkspaceError("answer-of-another", found=str(signing.answer))
    logged = desk.history.all(asked.kind, name)
    entry = next((one for one, said in logged if _content(said) == _content(draft)), None)
    if entry is None:
        if answer is None or _place(answer.statement) != _place(draft):
            if answer is not None:
                session.say("unit.stale", name=name, file=signing.answer)
            _ask(session, desk, asked, draft)
            return None, False
        check_entry(desk.workspace, desk.history, desk.now, answer.data)
        # A time before the unit's last statement would break its chain for good.
        _draft(desk, asked, name, now=parse_time(answer.statement.time))
    # Before the entry: a result in the log has its rows beside it, also one that the unit had logged by itself.
    desk.workspace.keep(asked.artifact, asked.fields["outcomes"].digest)
    told = entry or (answer and desk.append(answer.data))
    asked.request.unlink(missing_ok=True)
    return told, entry is None


def _draft(desk: Desk, asked: Asked, name: str, *, now: int | None = None) -> Statement:
    """Return what the unit would say next.

    Raises:
        WorkspaceError: `not-a-supervisor`, or `clock-goes-back`.
    """
    place = desk.workspace
    if name not in place.trust.supervisors:
        raise WorkspaceError("not-a-supervisor", expected=sorted(place.trust.supervisors), found=name)
    head = desk.history.head(log=place.origin, bureau=place.bureau, by=name, now=desk.now if now is None else now)
    return head.make(asked.kind, **asked.fields)


def _ask(session: Session, desk: Desk, asked: Asked, draft: Statement) -> None:
    """Write the request, unless the same one waits: of one place in its chain the unit signs one text."""
    waiting = Request.read(read(asked.request)).said if asked.request.exists() else None
    if waiting is not None and (_content(waiting), _place(waiting)) == (_content(draft), _place(draft)):
        said = waiting
    else:
        said = draft
        # Nobody has signed these outcomes: they lie beside the log once somebody has.
        desk.workspace.keep(asked.artifact, asked.fields["outcomes"].digest, public=False)
        Request(said, asked.artifact, None).write(asked.request)
    shown = fingerprint(said.text_hash())
    session.say("unit.waiting", name=said.by, file=asked.request)
    session.say("unit.how-to", file=asked.request)
    session.say("unit.fingerprint", fingerprint=shown)
    session.answer({"type": said.type, "request": str(asked.request), "with": [said.by], "text": said.text_hash(),
                    "fingerprint": shown, "new": False})  # fmt: skip


def _content(said: Statement) -> dict[str, Any]:
    return {"type": said.type, **said.model_dump(exclude=set(CHAIN))}


def _place(said: Statement) -> tuple[int, str | None]:
    return said.seq, said.prev


# --- on the unit's machine -----------------------------------------------------------------------------------------


def check_asked(request: Request) -> tuple[Act, tuple[Line, ...]]:
    """Return the act in a request to its unit, and the rows that it names.

    Raises:
        WorkspaceError: `request-of-another`: it is of a kind that the bureau never asks for, a change of key, say;
            or `request-without-rows`.
        ActError: `outcomes-altered`, `bad-outcomes` or `outcome-twice`.
    """
    said = request.said
    if not isinstance(said, Result | Correction) or said.with_:
        raise WorkspaceError("request-of-another", found=said.by)
    if request.artifact is None:
        raise WorkspaceError("request-without-rows", found=said.outcomes.digest)
    return said, read_outcomes(request.artifact, said.outcomes)


def check_next(said: Statement, kept: list[Entry], history: History | None) -> Entry | None:
    """Return what was signed at this place of one's chain, if it is the same text; None where the place is free.

    Raises:
        WorkspaceError: `signed-another-here`, `not-next-in-chain`, or `clock-goes-back`.
    """
    chain = [*(history.by(said.by) if history else ()), *kept]
    known: dict[int, Entry] = {entry.statement.seq: entry for entry in chain}
    if (before := known.get(said.seq)) is not None:
        if before.text_hash != said.text_hash():
            # Two texts of one place fork the chain: whoever has both can prove this key a liar.
            raise WorkspaceError("signed-another-here", seq=said.seq, found=before.statement.type)
        return before
    last = known[max(known)] if known else None
    expected = (0, None) if last is None else (last.statement.seq + 1, last.text_hash)
    if _place(said) != expected:
        raise WorkspaceError("not-next-in-chain", expected=expected[0], found=said.seq)
    if last is not None and said.time < last.statement.time:
        raise WorkspaceError("clock-goes-back", expected=last.statement.time, found=said.time)
    return None


def keep_signed(folder: Path, said: Statement, note: bytes) -> None:
    """Keep what was signed in one's chain, from where it goes on."""
    write(folder / f"{said.seq:06}-{said.type}.entry", note, mode=PRIVATE)


def tell_asked(session: Session, said: Act, lines: tuple[Line, ...]) -> None:
    """Say what a unit is about to sign: of which statement, how many outcomes, and the rows."""
    of = said.draw if isinstance(said, Result) else said.result
    kind = session.word(f"statement.{said.type}")
    session.say("unit.says", type=kind, index=of.index, count=len(lines), time=session.time(parse_time(said.time)))
    if isinstance(said, Correction):
        session.say("unit.reason", reason=said.reason)
    for line in lines[:SHOWN]:
        if isinstance(line, OutcomeLine):
            session.say("unit.row", no=line.no, items=list(line.items), first=line.first, last=line.last,
                        result=[line.result or line.withheld, *line.findings])  # fmt: skip
        else:
            session.say("unit.closed", no=line.no, reason=line.closed)
    if len(lines) > SHOWN:
        session.say("unit.more", count=len(lines) - SHOWN)
    session.say("unit.digest", digest=said.outcomes.digest)
    session.say("cosign-call.fingerprint", fingerprint=fingerprint(said.text_hash()))
