"""Asking witnesses over HTTP: the client's side of C2SP tlog-witness (5ba5ee8).

    POST <url>/add-checkpoint                          cosign this tree, which grew from the one you saw
    GET  <url>/<hex SHA-256 of the origin>/checkpoint  what have you cosigned last?

All witnesses are asked at once and each answer is handed on as it comes: one that is slow, dead or lying delays and
spoils no other. What is handed on has been verified with the witness's own key; of what has not, nothing is.

Which witnesses are enough is for `policy` to say, where their cosignatures are published for `log`. `sign-subtree` is
not used.
"""

import logging
import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC
from email.utils import parsedate_to_datetime
from hashlib import sha256
from typing import Final

from transparency_log.checkpoint import (
    Checkpoint,
    Cosignature,
    SignedCheckpoint,
    open_checkpoint,
    verified_cosignatures,
)
from transparency_log.encoding import decode_decimal
from transparency_log.errors import LogError, RemoteError
from transparency_log.log import Log
from transparency_log.note import Note, Signature, Verifier
from transparency_log.policy import Policy, Witness, order_time
from transparency_log.remote import GONE, OK, SERVER_ERROR, TOO_MANY, Deadline, Reply, Site
from transparency_log.witness import CONFLICT, add_checkpoint_request, parse_cosignatures

COSIGNED: Final = "cosigned"
NOTHING: Final = "nothing"  # it has never cosigned this log, or shows nobody what it has
AHEAD: Final = "ahead"  # it says that it has cosigned a larger tree than ours
REFUSED: Final = "refused"
BUSY: Final = "busy"
UNREACHABLE: Final = "unreachable"
TOO_SLOW: Final = "too-slow"
LYING: Final = "lying"  # what it said is not so, or is not what it signed
UNCHECKABLE: Final = "uncheckable"  # its kind of key cannot be used here
OUTCOMES: Final = (COSIGNED, NOTHING, AHEAD, REFUSED, BUSY, UNREACHABLE, TOO_SLOW, LYING, UNCHECKABLE)

TIMEOUT: Final = 30.0
TOLERANCE: Final = 300  # seconds that a witness's clock may be ahead of ours; a time further ahead is not one
SIZE: Final = "text/x.tlog.size"

_log = logging.getLogger(__name__)

_MAX_ANSWER = 1 << 18  # bytes: 64 lines with ML-DSA-44 signatures
_MAX_CONFLICTS = 3  # a witness that names a fourth size is playing
_OUTCOMES = {"remote-too-slow": TOO_SLOW, "remote-too-large": LYING, "remote-encoding": LYING}
_FIRST_PAUSE = 0.5  # seconds before a busy witness is asked again, doubled each time


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of asking one witness.

    `signatures` are its own lines, verified, with which it `COSIGNED` a tree of `size` leaves. For `AHEAD`, `size` is
    what it claims. `note` is the checkpoint that its monitoring endpoint showed: with the log's line, verified, and
    `signatures`. `reason` is a code where the outcome alone does not say why.
    """

    witness: Witness
    outcome: str
    signatures: tuple[Signature, ...] = ()
    size: int | None = None
    reason: str = ""
    note: bytes | None = None


def askable(witnesses: Iterable[Witness]) -> list[Witness]:
    """Return the witnesses that can be asked over HTTP."""
    return [witness for witness in witnesses if (witness.url or "").startswith(("http://", "https://"))]


def ask(
    witnesses: Iterable[Witness],
    signed: SignedCheckpoint,
    prove: Callable[[int, int], Sequence[bytes]],
    *,
    now: Callable[[], float],
    sizes: Mapping[str, int] | None = None,
    deadline: Deadline | None = None,
) -> Iterator[Answer]:
    """Ask every witness that has a web address to cosign a checkpoint; yield each one's answer as it comes.

    `prove(old, new)` is the log's consistency proof; it is called by one thread at a time. `sizes` are those that the
    witnesses saw last, by their names in the policy: only a guess, which a witness corrects. `now` is the time in POSIX
    seconds. Whoever takes the answers may shorten the deadline meanwhile; when it is over the others are `TOO_SLOW`,
    and whoever takes no more of them ends it.

    Raises:
        LogError: what `prove` raises: that is our fault and no witness's.
    """
    guesses = sizes or {}
    lock = threading.Lock()

    def prove_alone(old: int, new: int) -> Sequence[bytes]:
        with lock:
            return prove(old, new)

    def submit(call: "_Call") -> Answer:
        return _submit(call, signed, prove_alone, old=min(guesses.get(call.witness.name, 0), signed.checkpoint.size))

    return _each(witnesses, submit, now, deadline or Deadline(TIMEOUT))


def latest(
    witnesses: Iterable[Witness],
    log_verifier: Verifier,
    *,
    now: Callable[[], float],
    origin: str | None = None,
    deadline: Deadline | None = None,
) -> Iterator[Answer]:
    """Ask every witness that has a web address which checkpoint of a log it cosigned last; yield answers as they come.

    A witness remembers what a restored backup has forgotten, and what somebody else kept secret.
    """
    name = log_verifier.name if origin is None else origin
    path = f"{sha256(name.encode()).hexdigest()}/checkpoint"
    return _each(witnesses, lambda call: _monitored(call, path, log_verifier, name), now, deadline or Deadline(TIMEOUT))


def gather(
    log: Log,
    prove: Callable[[int, int], Sequence[bytes]],
    policy: Policy,
    *,
    now: Callable[[], float],
    deadline: Deadline | None = None,
) -> int | None:
    """Ask a policy's witnesses to cosign a log's newest checkpoint, and publish each answer as it comes.

    `prove` and `now` are those of `ask`. Returns the time by which a quorum had seen it, None where none has yet:
    asking again later loses nothing that was published.

    Raises:
        LogError: what `prove` and `Log.add_cosignatures` raise.
    """
    signed, witnesses = log.checkpoint, [witness.verifier for witness in policy.witnesses]
    have: list[Cosignature] = []
    for answer in ask(policy.witnesses, signed, prove, now=now, deadline=deadline):
        have += log.add_cosignatures(signed.checkpoint.size, answer.signatures, witnesses)
        _log.info("witness %s: %s", answer.witness.name, answer.outcome)
        if (time := order_time(policy, have)) is not None:
            return time  # who has not answered yet is not waited for
    return None


@dataclass(frozen=True, slots=True)
class _Call:
    """One witness being asked: by whom it is, how it is reached, and until when."""

    witness: Witness
    site: Site
    now: Callable[[], float]
    deadline: Deadline
    over: threading.Event

    def send(self, method: str, path: str, body: bytes | None = None) -> Reply | Answer:
        """Return the first reply that is not a plea for time, or why there is none."""
        pause = _FIRST_PAUSE
        while True:
            reply = self.site.ask(method, path, body=body, deadline=self.deadline, limit=_MAX_ANSWER)
            if reply.status != TOO_MANY and reply.status < SERVER_ERROR:
                return reply
            wait = _retry_after(reply, self.now(), pause)
            if wait >= self.deadline.left or self.over.wait(wait):
                return Answer(self.witness, BUSY, reason=f"status-{reply.status}")
            pause *= 2

    def cosigned(self, text: str, lines: Sequence[Signature]) -> Answer:
        """Return what the lines under a checkpoint's text are worth."""
        verifier = self.witness.verifier
        if not verifier.supported:
            return Answer(self.witness, UNCHECKABLE)
        try:
            verified = verified_cosignatures(Note(text, tuple(lines)), [verifier])
        except LogError as error:
            return Answer(self.witness, LYING, reason=error.code)
        if not verified:
            return Answer(self.witness, LYING, reason="no-known-signature")
        limit = self.now() + TOLERANCE
        if any(not 0 < cosignature.timestamp <= limit for _, cosignature in verified):
            # Ahead of time it would make a tree look fresh that was not, and 0 says nothing about when.
            return Answer(self.witness, LYING, reason="timestamp-out-of-range")
        return Answer(self.witness, COSIGNED, tuple(line for line, _ in verified), Checkpoint.parse(text).size)


def _each(
    witnesses: Iterable[Witness], work: Callable[[_Call], Answer], now: Callable[[], float], deadline: Deadline
) -> Iterator[Answer]:
    answers: queue.SimpleQueue[Answer | Exception] = queue.SimpleQueue()
    over = threading.Event()
    waiting = {witness.name: witness for witness in askable(witnesses)}
    sites: list[Site] = []
    try:
        for witness in waiting.values():
            try:
                site = Site(witness.url or "")
            except RemoteError as error:
                answers.put(Answer(witness, UNREACHABLE, reason=error.code))
                continue
            sites.append(site)
            call = _Call(witness, site, now, deadline, over)
            # Daemons: looking up a name knows no deadline, and must not keep the program from ending.
            threading.Thread(target=_work, args=(call, work, answers), daemon=True, name=witness.name).start()
        while waiting:
            try:
                answer = answers.get(timeout=deadline.left)
            except queue.Empty:
                break
            if isinstance(answer, Exception):
                raise answer
            del waiting[answer.witness.name]
            yield answer
        for witness in waiting.values():
            yield Answer(witness, TOO_SLOW, reason="remote-too-slow")
    finally:
        over.set()
        deadline.shorten(0)
        for site in sites:
            site.close()


def _work(call: _Call, work: Callable[[_Call], Answer], answers: "queue.SimpleQueue[Answer | Exception]") -> None:
    try:
        answers.put(work(call))
    except RemoteError as error:
        answers.put(Answer(call.witness, _OUTCOMES.get(error.code, UNREACHABLE), reason=error.code))
    except Exception as error:  # noqa: BLE001 - whoever asked must hear of it, and not wait for an answer
        answers.put(error)
    finally:
        call.site.close()


def _submit(call: _Call, signed: SignedCheckpoint, prove: Callable[[int, int], Sequence[bytes]], *, old: int) -> Answer:
    checkpoint = signed.checkpoint
    # The log's own lines only: some witnesses read no more than 10 KiB.
    own = tuple(line for line in signed.note.signatures if line.name == checkpoint.origin)
    note = Note(signed.note.text, own or signed.note.signatures[:1])
    for _ in range(1 + _MAX_CONFLICTS):
        reply = call.send("POST", "add-checkpoint", add_checkpoint_request(old, prove(old, checkpoint.size), note))
        if isinstance(reply, Answer):
            return reply
        if reply.status == OK:
            return _answered(call, note.text, reply.body)
        if reply.status != CONFLICT:
            return Answer(call.witness, REFUSED, reason=f"status-{reply.status}")
        size = _conflicting(reply)
        if size is None:
            # Older witnesses say no more than this also where they have seen another tree of this size.
            return Answer(call.witness, REFUSED, reason="conflict")
        if size > checkpoint.size:
            return Answer(call.witness, AHEAD, size=size)
        old = size
    return Answer(call.witness, REFUSED, reason="conflicts")


def _answered(call: _Call, text: str, body: bytes) -> Answer:
    try:
        lines = parse_cosignatures(body)
    except LogError as error:
        return Answer(call.witness, LYING, reason=error.code)
    return call.cosigned(text, lines)


def _conflicting(reply: Reply) -> int | None:
    if reply.headers.get("content-type", "").partition(";")[0].strip().lower() != SIZE:
        return None
    line = reply.body.decode("utf-8", "replace")
    return decode_decimal(line.removesuffix("\n"))


def _monitored(call: _Call, path: str, log_verifier: Verifier, origin: str) -> Answer:
    reply = call.send("GET", path)
    if isinstance(reply, Answer):
        return reply
    if reply.status in GONE:
        return Answer(call.witness, NOTHING)
    if reply.status != OK:
        return Answer(call.witness, REFUSED, reason=f"status-{reply.status}")
    try:
        note = open_checkpoint(reply.body, log_verifier, origin=origin).note
    except LogError as error:
        return Answer(call.witness, LYING, reason=error.code)
    answer = call.cosigned(note.text, note.signatures)
    own = tuple(
        line for line in note.signatures if (line.name, line.key_id) == (log_verifier.name, log_verifier.key_id)
    )
    # The log's own line convicts a log that is behind it, whatever the witness's is worth.
    return replace(answer, note=Note(note.text, own + answer.signatures).format())


def _retry_after(reply: Reply, now: float, pause: float) -> float:
    """Return how many seconds a busy witness is left alone: `pause`, or more if it says so (RFC 9110 §10.2.3)."""
    told = reply.headers.get("retry-after", "")
    if (seconds := decode_decimal(told)) is not None:
        return max(pause, float(seconds))
    try:
        return max(pause, parsedate_to_datetime(told).replace(tzinfo=UTC).timestamp() - now)
    except (TypeError, ValueError):
        return pause
