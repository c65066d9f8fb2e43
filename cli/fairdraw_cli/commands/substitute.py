"""`call` and `substitute`: a drawn inspector drops out (递补), and another is drawn by a fresh round."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from fairdraw.acts import Vacancy, format_act, read_act, seal_act
from fairdraw.announcement import artifact_of, limit_of
from fairdraw.conduct import call_faults
from fairdraw.encoding import digest, format_time, parse_time
from fairdraw.errors import WorkspaceError
from fairdraw.randomness import check_value, settled_at
from fairdraw.record import nonce_of
from fairdraw.roles import check_role
from fairdraw.schema import Draw, Substitution, SubstitutionCall
from fairdraw.seed import SEED_LENGTH, embargo_commitment
from fairdraw.statement import Entry
from fairdraw.substitution import call_key, check_vacancy, pool, redraw
from fairdraw.values import PulseValue, Source
from fairdraw_cli.aftermath import Called, calls_of, drawn_of, file_digest, keep, refuse, regulation_for, standing_of
from fairdraw_cli.casework import Matter, find
from fairdraw_cli.cosigning import Request, pending, signed_by_all
from fairdraw_cli.desk import Desk, published, writing
from fairdraw_cli.files import create_private, read_secret
from fairdraw_cli.helping import command
from fairdraw_cli.pulses import chain_of, finder
from fairdraw_cli.session import Session
from transparency_log.cosigned import cosigned_before

NAME = click.argument("name", metavar="DRAW-ID")
OBJECT = click.option("--object", "no", required=True, metavar="NO")
INSPECTOR = click.option("--inspector", required=True, metavar="NO")


def request_path(matter: Matter, vacancy: Vacancy) -> Path:
    """Return where a call waits for its supervisors' signatures."""
    return matter.desk.workspace.draw(matter.name) / f"call-{vacancy.no}-{vacancy.inspector}.request"


def read_call(data: bytes) -> tuple[SubstitutionCall, Vacancy] | None:
    """Return the call and the vacancy in a request for a co-signature, None where it is of another kind.

    Raises:
        WorkspaceError: `bad-request`.
    """
    request = Request.read(data)
    if not isinstance(request.said, SubstitutionCall):
        return None
    if request.artifact is None or request.said.vacancy.digest != digest(request.artifact):
        raise WorkspaceError("bad-request", reason="another vacancy")
    return request.said, read_act(Vacancy, request.artifact)


def embargo_path(matter: Matter, vacancy: Vacancy) -> Path:
    """Return where the embargo key of a sealed draw's call lies."""
    return matter.desk.workspace.secret(f"{matter.name}-{vacancy.no}-{vacancy.inspector}.embargo")


def _vacancy(matter: Matter, vacancy: Vacancy) -> tuple[bytes, str | None]:
    """Return the artifact of a vacancy and the commitment to its embargo key; a sealed draw's is sealed."""
    if drawn_of(matter).of(Draw).key is not None:
        return format_act(vacancy), None
    path = embargo_path(matter, vacancy)
    if not path.exists():
        create_private(path, f"{os.urandom(SEED_LENGTH).hex()}\n".encode())
    embargo = read_secret(path)
    # The nonce comes from the embargo key, so that a retry makes the same artifact.
    return seal_act(vacancy, nonce_of(embargo)), embargo_commitment(matter.said.slots[0], embargo)


def _source(matter: Matter, chain: str | None, at: str) -> Source:
    """Return the fresh round of a call.

    Raises:
        WorkspaceError: `round-too-soon`, or `unknown-chain`.
    """
    desk = matter.desk
    chosen = chain_of(desk.workspace, chain or matter.said.beacon[0].beacon)
    number = chosen.round_at_or_after(parse_time(at))
    soonest = desk.now + desk.workspace.trust.margin
    if chosen.time_of(number) <= soonest:
        raise WorkspaceError("call-round-too-soon", expected=format_time(soonest), found=at)
    return Source(beacon=chosen.id, hash=chosen.hash, round=number)


@command(
    NAME, OBJECT, INSPECTOR,
    click.option("--reason", required=True, metavar="CODE"),
    click.option("--declaration", required=True, metavar="FILE"),
    click.option("--round-at", required=True, metavar="TIME"),
    click.option("--chain", metavar="ID"),
    click.option("--with", "with_", multiple=True, required=True, metavar="SUPERVISOR"),
    click.option("--key", "keys", multiple=True, metavar="FILE", type=click.Path(path_type=Path)),
    click.option("--cosigned", "answers", multiple=True, metavar="FILE", type=click.Path(path_type=Path)),
    json=True,
    clock=True,
    wait=True,
)  # fmt: skip
def call(session: Session, name: str, no: str, inspector: str, **given: Any) -> None:
    """Call for a substitute: who drops out and why, with a future round and a supervisor's signature."""
    with writing(session) as desk:
        matter = find(desk, name)
        vacancy = _checked(Vacancy, inspector=inspector, no=no)
        calls = calls_of(matter)
        entry = next((called.entry for called in calls if called.vacancy == vacancy), None)
        if entry is not None:
            _say_called(session, desk, matter, entry, new=False)
            return
        said = pending(desk, request_path(matter, vacancy), SubstitutionCall) or _make(
            session, matter, vacancy, calls, **given
        )
        data = signed_by_all(desk, said, given["keys"], given["answers"])
        path = request_path(matter, vacancy)
        if data is None:
            session.say("cosigning.waiting", names=list(said.with_), file=path)
            session.say("cosigning.how-to", file=path)
            session.answer({"id": name, "request": str(path), "with": list(said.with_), "text": said.text_hash()})
            return
        entry = desk.add_signed(data)
        path.unlink(missing_ok=True)
        _say_called(session, desk, matter, entry, new=True)


def _checked(kind: type[Vacancy], **fields: str) -> Vacancy:
    from pydantic import ValidationError

    try:
        return kind.model_validate(fields)
    except ValidationError:
        raise WorkspaceError("no-such-number", found=" ".join(fields.values())) from None


def _make(  # noqa: PLR0913 - each is an option of the command
    session: Session, matter: Matter, vacancy: Vacancy, calls: Sequence[Called], *, reason: str, declaration: str,
    round_at: str, chain: str | None, with_: tuple[str, ...], keys: object, answers: object,
) -> SubstitutionCall:  # fmt: skip
    """Return a new call, once all that a verifier will ask holds; it waits in a file until all have signed it.

    Raises:
        ActError: nobody can take the place, or a co-signer is no supervisor.
        WorkspaceError: the round is too soon, or the regulation does not allow the reason.
    """
    del keys, answers
    desk = matter.desk
    standing = standing_of(matter, calls)
    check_vacancy(standing, vacancy)
    able = pool(matter.inputs(), standing.with_out([vacancy.inspector]), vacancy)
    if not able:
        raise WorkspaceError("nobody-left", no=vacancy.no, found=vacancy.inspector)
    artifact, embargo = _vacancy(matter, vacancy)
    said = desk.head.make(
        SubstitutionCall,
        with_=with_,
        draw=drawn_of(matter).ref,
        vacancy=artifact_of(artifact),
        declaration=file_digest(declaration),
        reason=reason,
        beacon=(_source(matter, chain, round_at),),
        margin=desk.workspace.trust.margin,
        embargo=embargo,
    )
    regulation = regulation_for(matter)
    check_role(said, desk.workspace.trust, regulation)
    refuse(session, regulation, () if regulation is None else call_faults(regulation, said))
    keep(desk, artifact, public=embargo is None)
    secret = None if embargo is None else read_secret(embargo_path(matter, vacancy)).hex()
    Request(said, artifact, secret).write(request_path(matter, vacancy))
    session.say("call.pool", count=len(able), no=vacancy.no)
    count = sum(called.vacancy.no == vacancy.no for called in calls) + 1
    if count > matter.plan().substitutions:
        session.say("call.re-rolled", no=vacancy.no, count=count, planned=matter.plan().substitutions)
    return said


def _say_called(session: Session, desk: Desk, matter: Matter, entry: Entry, *, new: bool) -> None:
    said = entry.of(SubstitutionCall)
    limit = limit_of(said, desk.workspace.trust.chains, desk.workspace.trust.margin)
    session.say("call.called" if new else "call.already", id=matter.name, index=entry.index)
    told = published(session, desk, entry.index)
    due = settled_at(said.beacon, desk.workspace.trust.chains, {})
    session.say("call.limit", time=session.time(limit), due=session.time(due))
    session.answer({"id": matter.name, "text": entry.text_hash, "limit": limit, "due": due, **told})


def _pulses(matter: Matter, said: SubstitutionCall, given: tuple[Path, ...]) -> tuple[PulseValue, ...]:
    place, told = matter.desk.workspace, []
    look = finder(place, given)
    for source in said.beacon:
        chain = chain_of(place, source.beacon)
        pulse = look(chain, source.round)
        if pulse is None:
            code = "practice-pulse-missing" if chain.practice else "pulse-missing"
            raise WorkspaceError(code, chain=chain.id, round=source.round)
        told.append(PulseValue(beacon=chain.id, round=source.round, signature=pulse.signature, previous=pulse.previous))
    return tuple(told)


def _check_due(desk: Desk, calls: Sequence[Called], called: Called) -> None:
    """Refuse a substitution that no verifier would accept.

    Raises:
        WorkspaceError: `not-witnessed-in-time`, `call-before`, or `round-not-due`.
    """
    said, trust = called.entry.of(SubstitutionCall), desk.workspace.trust
    limit = limit_of(said, trust.chains, trust.margin)
    if cosigned_before(desk.sizes(above=called.entry.index), called.entry.index, limit) is None:
        raise WorkspaceError("not-witnessed-in-time", index=called.entry.index, limit=format_time(limit))
    for earlier in calls:
        if earlier.made is None and earlier.entry.index < called.entry.index:
            raise WorkspaceError("call-before", index=earlier.entry.index, no=earlier.vacancy.no)
    due = settled_at(said.beacon, trust.chains, {})
    if desk.now < due:
        raise WorkspaceError("round-not-due", expected=format_time(due), found=format_time(desk.now))


@command(
    NAME, OBJECT, INSPECTOR,
    click.option("--pulse", "given", multiple=True, metavar="FILE", type=click.Path(path_type=Path)),
    json=True,
    clock=True,
    wait=True,
)  # fmt: skip
def substitute(session: Session, name: str, no: str, inspector: str, given: tuple[Path, ...]) -> None:
    """Draw the substitute of a call, once its round is due."""
    with writing(session) as desk:
        matter = find(desk, name)
        calls = calls_of(matter)
        called = next((one for one in calls if (one.vacancy.no, one.vacancy.inspector) == (no, inspector)), None)
        if called is None:
            raise WorkspaceError("not-called", no=no, found=inspector)
        entry = called.made or _substitute(matter, calls, called, given)
        calls = calls_of(find(desk, name))
        sealed = called.entry.of(SubstitutionCall).embargo is not None
        place = next(one for one in calls if one.entry.text_hash == called.entry.text_hash)
        team = standing_of(matter, calls[: calls.index(place) + 1])
        members = [number for _, number in team.teams[no]] + list(team.experts.get(no, ()))
        session.say("substitute.drawn" if called.made is None else "substitute.already", no=no, index=entry.index)
        session.say("substitute.team", no=no, team=members)
        if sealed:
            session.say("substitute.sealed")
        told = published(session, desk, entry.index)
        session.answer({"id": name, "no": no, "out": inspector, "team": members, **told})


def _substitute(matter: Matter, calls: Sequence[Called], called: Called, given: tuple[Path, ...]) -> Entry:
    desk, said = matter.desk, called.entry.of(SubstitutionCall)
    _check_due(desk, calls, called)
    pulses = _pulses(matter, said, given)
    place = desk.workspace
    randomness = [
        check_value(source, value, place.trust.chains, read=place.artifact)
        for source, value in zip(said.beacon, pulses, strict=True)
    ]
    embargo = None if said.embargo is None else read_secret(embargo_path(matter, called.vacancy))
    key = call_key(called.entry, pulses=randomness, embargo=embargo).key()
    before = [one for one in calls if one.entry.index < called.entry.index]
    made = redraw(key, matter.inputs(), standing_of(matter, before), called.vacancy)
    data = format_act(made) if embargo is None else seal_act(made, nonce_of(embargo))
    result = keep(desk, data, public=embargo is None)
    shown = key.hex() if embargo is None else None
    return desk.add(desk.head.make(Substitution, call=called.entry.ref, pulses=pulses, key=shown, result=result))
