"""What supervisors hand in at the bureau's desk: entries, cosigned checkpoints, enrolments (specs/phone.md §4).

Nobody proves who is handing in, by mail, on a stick or over HTTP: everything proves itself by its signatures, and what
is handed in again changes nothing.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fairdraw.encoding import format_time, parse_time
from fairdraw.enrolment import Enrolment
from fairdraw.errors import WorkspaceError
from fairdraw.render import fingerprint
from fairdraw.roles import check_role
from fairdraw.schema import SnapshotStatement, VerifierRelease
from fairdraw.statement import Entry, check_signatures, read_entry
from fairdraw_cli.desk import Desk, keys_in_force
from fairdraw_cli.files import PRIVATE, read, write
from fairdraw_cli.history import History
from fairdraw_cli.workspace import Workspace
from transparency_log.checkpoint import Cosignature, cosignatures, open_checkpoint
from transparency_log.note import Note
from transparency_log.reader import MAX_COSIGNED, cosigned_path

AHEAD: Final = 300  # seconds that a supervisor's clock may be ahead of the desk's
MAX_WAITING: Final = 64  # enrolments that nobody has heard the digits of
_DIGEST: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)


# --- entries -------------------------------------------------------------------------------------------------------


def check_entry(place: Workspace, history: History, now: int, data: bytes) -> Entry:
    """Return an entry that is a supervisor's next statement in this log.

    Raises:
        WorkspaceError: `not-a-supervisor`, `another-log`, `statement-ahead` or `chain-does-not-fit`.
        StatementError: it is not a statement, or not signed by that supervisor.
        ActError: `wrong-role`: nobody in this role makes such a statement.
    """
    told = read_entry(data, len(history.data))
    statement = told.statement
    if statement.by not in place.trust.supervisors:
        raise WorkspaceError("not-a-supervisor", expected=sorted(place.trust.supervisors), found=statement.by)
    if (statement.log, statement.bureau) != (place.origin, place.bureau):
        raise WorkspaceError("another-log", expected=place.origin, found=statement.log)
    check_signatures(told, keys_in_force(place, history))
    if parse_time(statement.time) > now:
        # Logged, it could not be told from a statement that was dated ahead, and no witness would cosign the log.
        raise WorkspaceError("statement-ahead", expected=format_time(now), found=statement.time)
    head = history.head(log=place.origin, bureau=place.bureau, by=statement.by, now=now)
    if (statement.seq, statement.prev) != (head.seq, head.prev):
        raise WorkspaceError("chain-does-not-fit", name=statement.by, expected=head.seq, found=statement.seq)
    return told


def check_alone(place: Workspace, told: Entry) -> None:
    """Check what a person at the desk would look at, of an entry that came without one and without files.

    Raises:
        ActError: `wrong-role`.
        WorkspaceError: `artifact-missing`: of a roster or a page that nobody has nothing can be checked.
    """
    check_role(told.statement, place.trust, None)
    match told.statement:
        case SnapshotStatement(roster=named) | VerifierRelease(page=named) if not place.holds(named.digest):
            raise WorkspaceError("artifact-missing", found=named.digest)


# --- cosigned checkpoints ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cosigned:
    """A checkpoint of this log with the lines of witnesses whom the desk knows, all verified."""

    note: Note
    size: int
    lines: tuple[Cosignature, ...]

    @property
    def names(self) -> list[str]:
        """Who cosigned."""
        return [line.verifier.name for line in self.lines]


def read_cosigned(place: Workspace, now: int, data: bytes) -> Cosigned:
    """Return a cosigned checkpoint of this log.

    Raises:
        NoteError, CheckpointError: it is none, or a signature does not hold.
        WorkspaceError: `another-log`, `unknown-witness` or `cosignature-ahead`.
        SequenceError: `witness-ahead` or `witness-differs`: the log's key has signed what is not this log.
    """
    from fairdraw_cli.asking import compare

    key = place.log_verifier
    note = Note.parse(data)
    if (origin := note.text.partition("\n")[0]) != place.origin:
        raise WorkspaceError("another-log", expected=place.origin, found=origin[:200])
    signed = open_checkpoint(data, key).checkpoint
    witnesses = [witness.verifier for witness in place.trust.policy.witnesses]
    lines = tuple(line for line in cosignatures(note, witnesses) if line.timestamp > 0)
    if not lines:
        found = [line.name for line in note.signatures if line.name != place.origin]
        raise WorkspaceError("unknown-witness", expected=sorted(one.name for one in witnesses), found=found)
    compare(place, signed, place.reader().checkpoint().checkpoint)
    if (latest := max(line.timestamp for line in lines)) > now + AHEAD:
        # The order of a draw rests on these times, and a witness could not go back behind one that it has signed.
        raise WorkspaceError("cosignature-ahead", expected=format_time(now), found=format_time(latest))
    return Cosigned(note, signed.size, lines)


def is_published(place: Workspace, cosigned: Cosigned) -> bool:
    """Say whether all the lines are in the log already."""
    data = place.storage.read(cosigned_path(cosigned.size))
    if data is None:
        return False
    have = set(Note.parse(data, max_signatures=MAX_COSIGNED).signatures)
    known = {(line.verifier.name, line.verifier.key_id) for line in cosigned.lines}
    return all(line in have for line in cosigned.note.signatures if (line.name, line.key_id) in known)


def publish(desk: Desk, cosigned: Cosigned) -> None:
    """Publish the lines."""
    desk.add_cosignatures(cosigned.size, cosigned.note.signatures)


# --- enrolments ----------------------------------------------------------------------------------------------------


def _waiting(place: Workspace) -> Path:
    return place.root / "state" / "enrolments"


def _files(place: Workspace) -> list[Path]:
    return sorted(path for path in _waiting(place).glob("*") if _DIGEST.fullmatch(path.name))


def read_enrolment(place: Workspace, data: bytes) -> Enrolment:
    """Return an enrolment for this log.

    Raises:
        TrustError: `bad-enrolment`.
        WorkspaceError: `another-log`.
    """
    told = Enrolment.parse(data)
    if told.log != place.origin:
        raise WorkspaceError("another-log", expected=place.origin, found=told.log)
    return told


def keep_enrolment(place: Workspace, data: bytes) -> Enrolment:
    """Keep an enrolment until somebody has heard its digits.

    Whoever floods the desk pushes others out: they hand in again, or show their code, which needs no room here.
    """
    told = read_enrolment(place, data)
    path = _waiting(place) / told.digest
    if not path.is_file():
        write(path, data, mode=PRIVATE)
        kept = sorted(_files(place), key=lambda one: one.stat().st_mtime_ns)
        for oldest in kept[:-MAX_WAITING]:
            oldest.unlink(missing_ok=True)
    return told


def waiting(place: Workspace) -> list[Enrolment]:
    """Return the enrolments that were handed in and that nobody has taken or pushed out."""
    return [read_enrolment(place, read(path)) for path in _files(place)]


def drop_enrolment(place: Workspace, told: Enrolment) -> None:
    """Forget an enrolment that was taken."""
    (_waiting(place) / told.digest).unlink(missing_ok=True)


def heard(told: Sequence[Enrolment], digits: str) -> Enrolment:
    """Return the one enrolment whose 20 digits were read aloud.

    Raises:
        WorkspaceError: `digits-differ`.
    """
    spoken = "".join(digits.split())
    found = [one for one in told if fingerprint(one.digest).replace(" ", "") == spoken]
    if len(found) != 1:
        raise WorkspaceError("digits-differ", found=digits, expected=[fingerprint(one.digest) for one in told])
    return found[0]
