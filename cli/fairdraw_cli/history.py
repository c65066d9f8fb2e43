"""What a log says: its entries, its statements, and the checkpoints that witnesses have cosigned.

Read from the same static files that everybody reads, in a folder or over HTTP.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final, TypeVar

from fairdraw.bundle import statements
from fairdraw.encoding import format_time, parse_time
from fairdraw.errors import WorkspaceError
from fairdraw.logged import Statements
from fairdraw.schema import Statement
from fairdraw.statement import Entry, Head
from fairdraw.trust import Trust
from transparency_log.checkpoint import Checkpoint
from transparency_log.cosigned import signed_sizes
from transparency_log.errors import CheckpointError, NoteError
from transparency_log.note import Note
from transparency_log.policy import Policy
from transparency_log.reader import CHECKPOINT, MAX_COSIGNED, LogReader

S = TypeVar("S", bound=Statement)
Read = Callable[[str], bytes | None]
WEB_WORKERS: Final = 8


@dataclass(frozen=True)
class History:
    """A log up to its newest checkpoint: the bytes of its entries, and the statements among them."""

    data: tuple[bytes, ...]
    entries: tuple[Entry, ...]

    @classmethod
    def read(cls, reader: LogReader) -> "History":
        """Read a log whole, every entry traced to the signed root."""
        size = reader.checkpoint().checkpoint.size
        data = tuple(reader.entries(0, size, size))
        return cls(data, tuple(statements(data)))

    def grown(self, data: bytes) -> "History":
        """Return the history with one more entry."""
        told = statements([data], start=len(self.data))
        return History((*self.data, data), (*self.entries, *told))

    @cached_property
    def statements(self) -> Statements:
        """The statements, found by what they are about."""
        return Statements(self.entries)

    @cached_property
    def _texts(self) -> Mapping[str, Entry]:
        return {entry.text_hash: entry for entry in reversed(self.entries)}

    @cached_property
    def _signers(self) -> Mapping[str, list[Entry]]:
        told: dict[str, list[Entry]] = {}
        for entry in self.entries:
            told.setdefault(entry.statement.by, []).append(entry)
        return told

    def find(self, text: str) -> Entry | None:
        """Return the first statement with this text hash."""
        return self._texts.get(text)

    def named(self, text: str) -> Entry:
        """Return the statement that another one names.

        Raises:
            WorkspaceError: `statement-missing`.
        """
        if (entry := self.find(text)) is None:
            raise WorkspaceError("statement-missing", found=text)
        return entry

    def by(self, name: str) -> list[Entry]:
        """Return the chain of a signer."""
        return list(self._signers.get(name, ()))

    def all(self, kind: type[S], by: str | None = None) -> Iterator[tuple[Entry, S]]:
        """Yield the statements of a type, of one signer or of all, in log order."""
        for entry in self.entries if by is None else self._signers.get(by, ()):
            if isinstance(entry.statement, kind):
                yield entry, entry.statement

    def head(self, *, log: str, bureau: str, by: str, now: int) -> Head:
        """Return where a signer's chain stands.

        Raises:
            WorkspaceError: `clock-goes-back`: the chain's newest statement is later than `now`.
        """
        chain = self.by(by)
        last = chain[-1] if chain else None
        if last is not None and now < parse_time(last.statement.time):
            raise WorkspaceError("clock-goes-back", expected=last.statement.time, found=format_time(now))
        seq, prev = (last.statement.seq + 1, last.text_hash) if last else (0, None)
        return Head(log=log, bureau=bureau, by=by, seq=seq, prev=prev, time=now)


def known_reader(read: Read, trust: Trust, *, where: str) -> tuple[LogReader, str]:
    """Return the log at `where` as a reader of a trust file sees it, and its origin.

    Raises:
        WorkspaceError: `log-not-found`, or `log-not-trusted`.
    """
    newest = read(CHECKPOINT)
    if newest is None:
        raise WorkspaceError("log-not-found", found=where)
    # The origin says only which of the reader's own keys must have signed.
    try:
        origin = _checkpoint(newest)[1].origin
    except (NoteError, CheckpointError) as error:
        raise error.at(CHECKPOINT) from None
    key = trust.log_key(origin)
    if key is None:
        raise WorkspaceError("log-not-trusted", expected=[log.verifier.name for log in trust.policy.logs], found=origin)
    return LogReader(read, key, workers=workers_of(read)), origin


def workers_of(read: Read) -> int:
    """Return how many files to ask for at once: over the web most of the time is waiting, on a disk none of it."""
    return WEB_WORKERS if hasattr(read, "close") else 1


def sizes_with_quorum(read: Read, policy: Policy) -> set[int]:
    """Return the sizes of the log that a quorum has cosigned; whoever adds a witness compares before and after."""
    return {signed.size for signed in signed_sizes(read, policy) if signed.quorum_time is not None}


def _checkpoint(data: bytes) -> tuple[Note, Checkpoint]:
    note = Note.parse(data, max_signatures=MAX_COSIGNED)
    return note, Checkpoint.parse(note.text)


def fingerprint_of(checkpoint: Checkpoint) -> str:
    """Return what people compare of a checkpoint: the bureau that exports it, and the witness that is asked to sign."""
    from hashlib import sha256

    from fairdraw.render import fingerprint

    return fingerprint(sha256(checkpoint.format().encode()).hexdigest())
