"""Signing and appending: the one place where a bureau's statements are made.

A statement is signed, stored in the outbox, synced, and only then appended. A crash between the two leaves the note in
the outbox, and the next command appends those very bytes: no two texts with one `seq` ever leave the machine.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fairdraw.bundle import Proofs
from fairdraw.encoding import format_time
from fairdraw.errors import WorkspaceError
from fairdraw.schema import Announcement, Draw, Former, Key, Statement
from fairdraw.statement import Entry, Head, check_signatures, read_entry, sign
from fairdraw_cli.files import PRIVATE, sweep, sync_folder, write
from fairdraw_cli.history import History
from fairdraw_cli.keys import unlock
from fairdraw_cli.rotation import RETIRED, follow, settle, sign_change
from fairdraw_cli.session import Session
from fairdraw_cli.workspace import Workspace
from transparency_log.checkpoint import Cosignature, cosignatures
from transparency_log.cosigned import SignedSize, lacking, signed_sizes
from transparency_log.errors import SequenceError
from transparency_log.log import Log
from transparency_log.note import Note, Signature, SigningKey, Verifier
from transparency_log.reader import MAX_COSIGNED
from transparency_log.state import SqliteState

if TYPE_CHECKING:
    from transparency_log.client import Answer

SEQ_DIGITS: Final = 12


@dataclass
class Desk:
    """A workspace opened for writing: the log is locked, the outbox is empty.

    `seen` is what its witnesses saw last, but for those whom the command has told of since.
    """

    workspace: Workspace
    log: Log
    history: History
    now: int
    seen: list["Answer"] = field(default_factory=list)
    _sizes: dict[bytes, SignedSize] = field(default_factory=dict)

    @property
    def head(self) -> Head:
        """Where the bureau's chain stands."""
        place = self.workspace
        return self.history.head(log=place.origin, bureau=place.bureau, by=place.bureau, now=self.now)

    def sizes(self, *, above: int = -1) -> list[SignedSize]:
        """Return the signed checkpoints above a size, by size; no cosignature is verified twice."""
        return signed_sizes(self.workspace.storage.read, self.workspace.trust.policy, self._sizes, above=above)

    def proofs(self) -> Proofs:
        """Return what bundles and slips prove from: the log's own tiles, of which few are read."""
        size = len(self.history.data)
        sizes = [one for one in self.sizes() if one.size <= size]
        return Proofs(read=self.workspace.reader().node(size), sizes=sizes)

    @property
    def newest(self) -> SignedSize:
        """The newest checkpoint."""
        return self.sizes(above=self.log.size - 1)[-1]

    def add(self, statement: Statement) -> Entry:
        """Sign the bureau's next statement and append it.

        Raises:
            SequenceError: `frozen`: what a log can no longer take is not signed for it.
        """
        if self.log.frozen:
            raise SequenceError("frozen", size=self.log.size)
        return self.add_signed(sign(statement, [self.workspace.key("bureau")]))

    def change_key(self, new: SigningKey, former: Former | None = None) -> Entry:
        """Log that another key of the bureau's follows the present one (`rotation`)."""
        return self.add_signed(sign_change(self.head, self.workspace.key("bureau"), new, former=former))

    def add_signed(self, data: bytes) -> Entry:
        """Append the bureau's next statement as it was signed, with its co-signers' lines.

        Raises:
            StatementError: a signature is missing, of an unknown key, or does not verify.
            SequenceError: `frozen`.
            WorkspaceError: `needs-second`.
        """
        if self.log.frozen:
            raise SequenceError("frozen", size=self.log.size)
        entry = read_entry(data, len(self.history.data))
        self._check_second(entry.statement)
        check_signatures(entry, {**self.supervisors_keys(), entry.statement.by: self.workspace.key("bureau").verifier})
        path = _outbox(self.workspace) / f"{entry.statement.seq:0{SEQ_DIGITS}}.note"
        write(path, data, mode=PRIVATE)
        entry = self.append(data)
        _drop(path)
        return entry

    def _check_second(self, said: Statement) -> None:
        """Refuse to log what one person alone announces or draws, where the trust file asks for four eyes."""
        if isinstance(said, Draw):
            announced = self.history.find(said.announcement.text)
            window = None if announced is None else announced.of(Announcement).window
        else:
            window = said.window if isinstance(said, Announcement) else None
        expected = () if window is None else self.workspace.trust.seconds_of(said.by, window)
        if expected and not set(expected) & set(said.with_):
            raise WorkspaceError("needs-second", expected=list(expected), found=list(said.with_))

    def bureau_keys(self) -> list[Verifier]:
        """Return the bureau's keys in force: those of the trust file, as its `key` statements have changed them."""
        place = self.workspace
        changes = [entry for entry, _ in self.history.all(Key, place.bureau)]
        lines = place.trust.bureau_keys(place.bureau, place.origin)
        return [follow(line.key, changes) for line in lines if line.covers(self.now)]

    def supervisors_keys(self) -> dict[str, Verifier]:
        """Return each supervisor's current key, as their `key` statements in the log have changed it."""
        return keys_in_force(self.workspace, self.history)

    def catch_up(self, kept: Sequence[Entry]) -> None:
        """Append what somebody had signed at this desk when a crash came before the log had it."""
        for entry in kept:
            head = self.history.by(entry.statement.by)
            follows = (head[-1].statement.seq + 1, head[-1].text_hash) if head else (0, None)
            if self.history.find(entry.text_hash) is None and (entry.statement.seq, entry.statement.prev) == follows:
                self.append(entry.data)

    def append(self, data: bytes) -> Entry:
        """Append an entry as it is and publish the checkpoint."""
        index = self.log.append(data)
        self.history = self.history.grown(data)
        return read_entry(data, index)

    def add_cosignatures(self, size: int, lines: Sequence[Signature]) -> tuple[Cosignature, ...]:
        """Publish what witnesses answered."""
        witnesses = [witness.verifier for witness in self.workspace.trust.policy.witnesses]
        return self.log.add_cosignatures(size, lines, witnesses)


@contextmanager
def writing(session: Session, workspace: Workspace | None = None, *, speaks: bool = True) -> Iterator[Desk]:
    """Open the session's workspace for writing, after finishing what a crash may have left undone.

    Where the command `speaks`, the keys of log and bureau are opened first: a wrong passphrase leaves nothing behind.

    Raises:
        WorkspaceError: `key-not-in-force`: the bureau's key file is not one by which its readers know it.
        WorkspaceError: `clock-goes-back`: the log knows a later time.
        SequenceError: the log is locked by another process, or must not go on: its witnesses may have seen more.
    """
    place = workspace or Workspace.open(session.folder)
    now, log_key = session.now(place), place.key("log")
    if speaks:
        unlock(log_key)
        place.key("bureau")
    with SqliteState(place.root / "state" / "log.sqlite") as state:
        # Who restored an old copy of the folder does not know it; its witnesses do.
        seen = _look(session, place)
        log = Log.open(place.storage, log_key, state=state, further=place.further_keys, seen=_notes(seen))
        sweep(place.root, locked=place.root / "log")
        desk = Desk(place, log, History.read(place.reader()), now, seen)
        if place.rehearsal:
            from fairdraw_cli.rehearsal import witness_keys

            witness_keys(place)  # one that cannot be read must be told before an entry is appended, not after
        _finish(desk)
        settle(place.key_path("bureau"), desk.bureau_keys(), place.root / "keys" / RETIRED)
        if speaks:
            _check_key(desk)
        _check_clock(desk)
        if seen:
            from fairdraw_cli.asking import archive

            archive(session, desk, seen)
        yield desk
        _tell_unseen(session, desk.seen)


def seen_by_witnesses(session: Session, place: Workspace) -> tuple[int, list[bytes]]:
    """Return how many witnesses were asked over HTTP what they saw last, and the checkpoints of this log they show."""
    answers = _look(session, place)
    _tell_unseen(session, answers)
    return len(answers), _notes(answers)


def _look(session: Session, place: Workspace) -> list["Answer"]:
    if place.rehearsal or session.wait == 0:
        return []
    from fairdraw_cli.asking import look

    return look(place)


def _tell_unseen(session: Session, answers: list["Answer"]) -> None:
    if answers:
        from fairdraw_cli.asking import tell_unseen

        tell_unseen(session, answers)


def _notes(answers: list["Answer"]) -> list[bytes]:
    return [answer.note for answer in answers if answer.note is not None]


def keys_in_force(place: Workspace, history: History) -> dict[str, Verifier]:
    """Return each supervisor's current key, as their `key` statements in a log have changed it."""
    changes = [entry for entry, _ in history.all(Key)]
    return {name: follow(supervisor.key, changes) for name, supervisor in place.trust.supervisors.items()}


def _outbox(place: Workspace) -> Path:
    return place.root / "state" / "outbox"


def _drop(path: Path) -> None:
    path.unlink()
    sync_folder(path.parent)


def _finish(desk: Desk) -> None:
    """Append what was signed and did not reach the log, with the bytes that were signed."""
    for path in sorted(_outbox(desk.workspace).glob("*.note")):
        entry = read_entry(path.read_bytes(), len(desk.history.data))
        if desk.history.find(entry.text_hash) is None:
            chain = desk.history.by(desk.workspace.bureau)
            head = (chain[-1].statement.seq + 1, chain[-1].text_hash) if chain else (0, None)
            if (entry.statement.seq, entry.statement.prev) != head:
                raise WorkspaceError("outbox-does-not-fit", expected=head[0], found=str(path))
            desk.append(entry.data)
        _drop(path)


def _check_key(desk: Desk) -> None:
    """Refuse a key file that somebody put in the place of the bureau's: what it signs would count for nothing."""
    found, known = desk.workspace.key("bureau").verifier, desk.bureau_keys()
    if found not in known:
        path = desk.workspace.key_path("bureau")
        raise WorkspaceError("key-not-in-force", file=str(path), expected=[key.vkey for key in known], found=found.vkey)


def _check_clock(desk: Desk) -> None:
    """Refuse a clock that is behind what was signed: order is all that the log proves."""
    _ = desk.head
    if not desk.workspace.rehearsal:
        return  # a witness whose clock runs ahead must not bring the bureau to a halt
    policy = desk.workspace.trust.policy
    newest = desk.newest.data
    known = [witness.verifier for witness in policy.witnesses]
    times = [c.timestamp for c in cosignatures(Note.parse(newest, max_signatures=MAX_COSIGNED), known)]
    if (latest := max(times, default=0)) > desk.now:
        raise WorkspaceError("clock-goes-back", expected=format_time(latest), found=format_time(desk.now))


def published(session: Session, desk: Desk, index: int | None = None) -> dict[str, object]:
    """Have the newest checkpoint cosigned, and tell where the log stands: how many witnesses have cosigned it.

    Returns what a program is told.

    Raises:
        SequenceError: `witness-ahead`: this is an old copy of the log; or `witness-differs`.
    """
    policy = desk.workspace.trust.policy
    if index is not None:
        session.say("log.appended", index=index, size=desk.log.size)
    asked = _have_cosigned(session, desk)
    newest = desk.newest
    absent = lacking(newest.data, policy)
    count = len(policy.witnesses)
    told: dict[str, object] = {
        "size": newest.size,
        "witnesses": count,
        "cosigned": count - len(absent),
        "quorum": newest.quorum_time is not None,
        **asked,
    }
    if index is not None:
        told["index"] = index
    if newest.quorum_time is not None:
        session.say(
            "log.witnessed", cosigned=count - len(absent), witnesses=count, time=session.time(newest.quorum_time)
        )
    else:
        session.say("log.not-witnessed", cosigned=count - len(absent), witnesses=count)
        session.say(("log.ask-again" if asked else "log.how-to-witness") if count else "log.no-witnesses")
    return told


def _have_cosigned(session: Session, desk: Desk) -> dict[str, object]:
    """Ask the witnesses that lack in the newest checkpoint, unless the quorum is there; what a program is told."""
    newest, place = desk.newest, desk.workspace
    if newest.quorum_time is not None:
        return {}
    if place.rehearsal:
        from fairdraw_cli.rehearsal import cosign_all

        cosign_all(desk)
        return {}
    from fairdraw_cli.asking import gather, reachable

    absent = lacking(newest.data, place.trust.policy)
    witnesses = [witness for witness in reachable(place) if witness.name in absent]
    return gather(session, desk, witnesses) if witnesses and session.wait else {}
