"""Asking a workspace's witnesses over HTTP: what they saw last, before anything is written, and to cosign what was.

Only outside rehearsals, whose witnesses live in the workspace itself. Each answer is told in a line when it comes, and
each cosignature is published when it comes: whoever breaks off the wait loses nothing.
"""

import time
from collections.abc import Iterable, Sequence
from typing import Final

from fairdraw_cli.desk import Desk
from fairdraw_cli.session import Session
from fairdraw_cli.workspace import Workspace
from transparency_log.checkpoint import Checkpoint, cosignatures, open_checkpoint
from transparency_log.client import AHEAD, COSIGNED, NOTHING, Answer, ask, askable, latest
from transparency_log.errors import CheckpointError, SequenceError
from transparency_log.note import Note
from transparency_log.policy import Witness, order_time
from transparency_log.reader import MAX_COSIGNED, cosigned_path
from transparency_log.remote import Deadline

LOOK: Final = 3.0  # seconds for what witnesses saw last: a command must not hang on one that is away
GRACE: Final = 2.0  # seconds for the other witnesses once the quorum is there
_STATUS: Final = "status-"


def reachable(place: Workspace) -> list[Witness]:
    """Return the witnesses of the trust file that are asked over HTTP."""
    return [] if place.rehearsal else askable(place.trust.policy.witnesses)


def look(place: Workspace) -> list[Answer]:
    """Return what each witness says that it cosigned last."""
    return list(latest(reachable(place), place.log_verifier, now=time.time, deadline=Deadline(LOOK)))


def tell_unseen(session: Session, answers: Iterable[Answer]) -> None:
    """Tell on standard error who says nothing usable about what it cosigned last."""
    for answer in answers:
        if answer.outcome not in (COSIGNED, NOTHING):
            reason = _reason(session, answer) or _told(session, answer)
            session.note("ask.not-seen", name=answer.witness.name, reason=reason)


def archive(session: Session, desk: Desk, answers: Iterable[Answer]) -> None:
    """Publish cosignatures that witnesses show and this log does not: somebody may have kept them secret (attack 4)."""
    for answer in answers:
        if answer.outcome != COSIGNED or answer.size is None:
            continue
        known = desk.workspace.storage.read(cosigned_path(answer.size)) or b""
        lines = [line for line in answer.signatures if line.format().encode() not in known]
        try:
            if lines and desk.add_cosignatures(answer.size, lines):
                session.note("ask.archived", name=answer.witness.name, size=answer.size)
        except CheckpointError as error:  # the file may be full, which must not bring the bureau to a halt
            session.note("ask.not-archived", name=answer.witness.name, reason=session.words.error(error))


def gather(session: Session, desk: Desk, witnesses: Sequence[Witness], *, patient: bool = False) -> dict[str, object]:
    """Ask witnesses to cosign the newest checkpoint, until the quorum is there or `session.wait` seconds are over.

    With `patient` all are waited for, also when the quorum is there. Returns what a program is told.

    Raises:
        SequenceError: `witness-ahead`: this is an old copy of the log; or `witness-differs`.
    """
    policy, signed = desk.workspace.trust.policy, desk.log.checkpoint
    newest = Note.parse(desk.newest.data, max_signatures=MAX_COSIGNED)
    have = list(cosignatures(newest, [witness.verifier for witness in policy.witnesses]))
    deadline, until = Deadline(session.wait), int(time.time()) + session.wait
    session.say("ask.asking", names=[witness.name for witness in witnesses], time=session.time(until))
    sizes = {a.witness.name: a.size for a in desk.seen if a.outcome == COSIGNED and a.size is not None}
    prove = desk.workspace.reader().consistency_proof
    answers: list[Answer] = []
    try:
        for answer in ask(witnesses, signed, prove, now=time.time, sizes=sizes, deadline=deadline):
            answers.append(answer)
            if answer.outcome == COSIGNED:
                have += desk.add_cosignatures(signed.checkpoint.size, answer.signatures)
            if answer.outcome != AHEAD:
                session.say("ask.answer", name=answer.witness.name, told=_told(session, answer))
            if not patient and order_time(policy, have) is not None:
                deadline.shorten(GRACE)
    except KeyboardInterrupt:
        session.note("ask.broken-off")
    _examine(session, desk, [answer for answer in answers if answer.outcome == AHEAD])
    told = {answer.witness.name for answer in answers if answer.outcome != COSIGNED}
    desk.seen = [answer for answer in desk.seen if answer.witness.name not in told]
    return {"asked": [_facts(answer) for answer in answers], "asked_until": until}


def _examine(session: Session, desk: Desk, claims: Sequence[Answer]) -> None:
    """Stop where a witness shows that it has cosigned more than this log has; tell who only claims it.

    A claim costs nothing: if it were enough, one lying witness could keep a bureau from ever writing again.
    """
    ours, key = desk.log.checkpoint.checkpoint, desk.workspace.log_verifier
    claimed = {claim.witness.name: claim for claim in claims}
    for answer in latest([claim.witness for claim in claims], key, now=time.time, deadline=Deadline(LOOK)):
        if answer.note is not None:
            compare(desk.workspace, open_checkpoint(answer.note, key).checkpoint, ours)
        name = answer.witness.name
        session.say("ask.answer", name=name, told=_told(session, claimed[name]))


def compare(place: Workspace, shown: Checkpoint, ours: Checkpoint) -> None:
    """Stop where the log's key has signed what this log is not: it is an old copy, or another one has the key.

    Raises:
        SequenceError: `witness-ahead`, or `witness-differs`.
    """
    if shown.size > ours.size:
        raise SequenceError("witness-ahead", expected=ours.size, found=shown.size)
    if shown.root != place.reader().root(shown.size):
        raise SequenceError("witness-differs", size=shown.size, found=shown.root.hex())


def _facts(answer: Answer) -> dict[str, object]:
    return {"name": answer.witness.name, "outcome": answer.outcome, "reason": answer.reason, "size": answer.size}


def _told(session: Session, answer: Answer) -> str:
    """Return in words what came of asking a witness."""
    return session.word(f"ask.{answer.outcome}", size=answer.size, reason=_reason(session, answer))


def _reason(session: Session, answer: Answer) -> str:
    if answer.reason.startswith(_STATUS):
        return session.word("ask-reason.status", found=answer.reason.removeprefix(_STATUS))
    if session.words.has("ask-reason", answer.reason):
        return session.word(f"ask-reason.{answer.reason}")
    return session.word(f"error.{answer.reason}", name=answer.witness.verifier.name)
