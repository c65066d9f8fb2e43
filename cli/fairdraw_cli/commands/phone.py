"""`supervisor invite|enrol|take|desk`: the bureau's side of supervisors' phones (specs/phone.md)."""

import io
from pathlib import Path
from typing import Final

import click

from fairdraw.encoding import digest as hashed
from fairdraw.enrolment import Enrolment, Invitation, read_code
from fairdraw.errors import TrustError, WorkspaceError
from fairdraw.permalink import check_site
from fairdraw.render import fingerprint
from fairdraw.roles import KNOWN
from fairdraw.statement import read_entry
from fairdraw_cli import handed
from fairdraw_cli.desk import Desk, published, writing
from fairdraw_cli.files import check_folder, read, write
from fairdraw_cli.helping import command
from fairdraw_cli.history import sizes_with_quorum
from fairdraw_cli.session import CANNOT_TELL, Session
from fairdraw_cli.trustfile import add_supervisor, add_witness
from fairdraw_cli.workspace import Workspace
from transparency_log.note import Verifier

HANDED = click.argument("handed_in", metavar="CODE|FILE")
NO_ADDRESS: Final = "fairdraw:"
MAX_PATH: Final = 200  # characters: what is longer and no code was meant to be one


def invitation_of(place: Workspace, urls: tuple[str, ...]) -> Invitation:
    """Return the invitation to a workspace's log, with the digest of its trust file as it is now.

    Raises:
        WorkspaceError: `bad-site`.
        TrustError: `bad-invitation`: more than four addresses, or one twice.
    """
    bureau = place.trust.bureau_keys(place.bureau, place.origin)[-1].key
    told = Invitation(
        log=place.log_verifier,
        bureau=bureau,
        trust=hashed(read(place.root / "trust")),
        urls=tuple(map(check_site, urls)),
    )
    return Invitation.parse(told.format())


def link_of(told: Invitation, page: str | None = None) -> str:
    """Return what the QR code of an invitation holds: a link to a page that reads it."""
    where = page or (f"{told.urls[0]}/" if told.urls else NO_ADDRESS)
    return f"{where}#{told.code}"


@command(
    click.option("--url", "urls", multiple=True, metavar="URL"),
    click.option("--page", metavar="URL"),
    click.option("--out", metavar="FILE.svg", type=click.Path(path_type=Path)),
    json=True,
)
def invite(session: Session, urls: tuple[str, ...], page: str | None, out: Path | None) -> None:
    """Show the QR code that a supervisor's phone reads."""
    import segno

    place = Workspace.open(session.folder)
    told = invitation_of(place, urls)
    link = link_of(told, page and check_site(page))
    code = segno.make(link, error="l", micro=False)
    digits = fingerprint(told.digest)
    if out is not None:
        check_folder(out)
        drawn = io.BytesIO()
        code.save(drawn, kind="svg", scale=4, border=4)
        write(out, drawn.getvalue())
        session.say("phone.drawn", file=out)
    elif not session.json:
        shown = io.StringIO()
        code.terminal(shown, compact=True, border=2)
        session.line(shown.getvalue().rstrip("\n"))
    session.say("phone.invited", digits=digits)
    session.line(link)
    if not told.urls:
        session.note("phone.no-url")
    session.answer({"link": link, "text": told.format().decode(), "digits": digits, "trust": told.trust})


def _handed_in(text: str) -> tuple[str | None, bytes]:
    """Return the letter and the bytes of a code, or a file's bytes.

    Raises:
        TrustError: `bad-code`.
    """
    try:
        return read_code(text)
    except TrustError:
        if "#" in text or len(text) > MAX_PATH:
            raise
    data = read(Path(text))
    try:
        return read_code(data.decode("utf-8", "replace"))  # a scanner may have written the code into a file
    except TrustError:
        return None, data


@command(
    click.argument("handed_in", metavar="[CODE|FILE]", required=False),
    click.option("--heard", metavar="DIGITS"),
    click.option("--witness/--no-witness", default=None),
    json=True,
)
def enrol(session: Session, handed_in: str | None, heard: str | None, *, witness: bool | None) -> int:
    """Add a phone's keys to the trust file, once its owner has read the 20 digits aloud."""
    place = Workspace.open(session.folder)
    if handed_in is None:
        told = handed.waiting(place)
    else:
        letter, data = _handed_in(handed_in)
        if letter not in (None, "e"):
            raise TrustError("bad-code", reason="form")
        told = [handed.read_enrolment(place, data)]
    if heard is None:
        for one in told:
            _show(session, one)
        session.say("phone.hear" if told else "phone.nobody-waits")
        session.answer({"enrolled": False, "waiting": [_facts(one) for one in told]})
        return CANNOT_TELL
    found = handed.heard(told, heard)
    _show(session, found)
    _add(session, place, found, witness=witness)
    return 0


def _facts(one: Enrolment) -> dict[str, object]:
    witness = None if one.witness is None else one.witness.vkey
    return {
        "name": one.supervisor.name, "role": one.role, "digits": fingerprint(one.digest),
        "supervisor": one.supervisor.vkey, "witness": witness,
    }  # fmt: skip


def _show(session: Session, one: Enrolment) -> None:
    session.say("phone.enrolment", name=one.supervisor.name, role=session.role(one.role))
    session.line(f"  {fingerprint(one.digest)}")
    session.line(f"  {one.supervisor.vkey}")
    if one.witness is not None:
        session.line(f"  {one.witness.vkey}")


def _add(session: Session, place: Workspace, one: Enrolment, *, witness: bool | None) -> None:
    """Add the lines, all or none; with `witness` None the phone is a witness if no earlier quorum is lost by it."""
    path, name, before = place.root / "trust", one.supervisor.name, read(place.root / "trust")
    told: dict[str, object] = {"enrolled": True, **_facts(one)}
    lost = 0
    try:
        add_supervisor(path, name=name, role=one.role, vkey=one.supervisor.vkey)
        if one.witness is not None and witness is not False:
            lost = _add_witness(session, place, one.witness, sure=witness is True)
    except BaseException:
        write(path, before)
        raise
    handed.drop_enrolment(place, one)
    trust = Workspace.open(session.folder).trust
    if one.role not in KNOWN:
        session.note("supervisor.role-unknown", role=one.role, expected=list(KNOWN))
    session.say("supervisor.added", name=name, role=session.role(one.role), count=len(trust.supervisors))
    policy, known = trust.policy, {witness.verifier for witness in trust.policy.witnesses}
    told |= {"supervisors": len(trust.supervisors), "witnesses": one.witness in known, "lost": lost}
    if one.witness in known:
        needed = next((group.threshold for group in policy.groups if group.name == policy.quorum), 1)
        session.say("witness.added", name=name, needed=needed, witnesses=len(policy.witnesses))
    elif lost:
        session.note("phone.not-a-witness", name=name, count=lost)
    session.say("phone.invite-again")
    session.answer(told)


def _add_witness(session: Session, place: Workspace, key: Verifier, *, sure: bool) -> int:
    """Add the witness's line, unless checkpoints that had a quorum would have none: what was drawn would be unproven.

    Returns how many there are.
    """
    path = place.root / "trust"
    before = read(path)
    had = sizes_with_quorum(place.storage.read, place.trust.policy)
    add_witness(path, name=key.name, vkey=key.vkey, url=None)
    lost = len(had - sizes_with_quorum(place.storage.read, Workspace.open(session.folder).trust.policy))
    if lost and not sure:
        write(path, before)
    return lost


@command(HANDED, json=True, clock=True, wait=True)
def take(session: Session, handed_in: str) -> None:
    """Take in what a phone gave by hand: a cosigned checkpoint, or a statement."""
    letter, data = _handed_in(handed_in)
    kind = letter or ("s" if data.startswith(b"{") else "c")
    with writing(session) as desk:
        if kind == "c":
            _take_cosigned(session, desk, data)
        elif kind == "s":
            _take_statement(session, desk, data)
        else:
            raise WorkspaceError("not-for-taking", found=kind)


def _take_cosigned(session: Session, desk: Desk, data: bytes) -> None:
    cosigned = handed.read_cosigned(desk.workspace, desk.now, data)
    handed.publish(desk, cosigned)
    session.say("cosign.imported", names=cosigned.names, size=cosigned.size)
    newest = next(signed for signed in desk.sizes() if signed.size == cosigned.size)
    if newest.quorum_time is None:
        session.say("cosign.no-quorum")
    else:
        session.say("cosign.quorum", time=session.time(newest.quorum_time))
    session.answer({"size": cosigned.size, "witnesses": cosigned.names, "quorum_time": newest.quorum_time})


def _take_statement(session: Session, desk: Desk, data: bytes) -> None:
    told = desk.history.find(read_entry(data, 0).text_hash)
    if told is None:
        handed.check_alone(desk.workspace, handed.check_entry(desk.workspace, desk.history, desk.now, data))
        told = desk.append(data)
    kind = session.word(f"statement.{told.statement.type}")
    session.say("log.added", type=kind, name=told.statement.by, index=told.index)
    session.answer({"index": told.index, "type": told.statement.type, **published(session, desk, told.index)})


@command(click.option("--listen", metavar="HOST:PORT", default="127.0.0.1:8000"), json=True, clock=True)
def desk(session: Session, listen: str) -> None:
    """Serve the phones' page, the log and the desk's addresses until the program is stopped."""
    from fairdraw_cli.listening import answer_until_stopped
    from fairdraw_cli.supervision import MAX_BODY, SupervisionSite

    place = Workspace.open(session.folder)
    session.now(place)  # a clock outside a rehearsal is refused now, not with the first request
    app = SupervisionSite(place.root, clock=lambda: session.clock)
    session.say("phone.desk", file=place.root)
    answer_until_stopped(session, app, listen, max_body=2 * MAX_BODY)
