"""The small trusted memory of a log: what it has signed last.

Tiles can be lost and fetched again. This cannot: a log that forgets what it signed may sign a fork. It is therefore
kept apart from the tiles, changes only by compare-and-swap, and is on the disk before a signature leaves the machine.
Back it up together with its key, and never restore an older copy beside a key that has signed since.
"""

import fcntl
import os
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from transparency_log.database import Database
from transparency_log.errors import LogError, SequenceError, StorageError
from transparency_log.tiles import decode_bundle, encode_bundle


@dataclass(frozen=True, slots=True)
class Committed:
    """The newest signed checkpoint of a log, as a note, and the entries that it added to the one before.

    The entries are kept until the next commit, so that a crash before they reach the tiles loses nothing. `frozen` is
    the note that says that this checkpoint is the last (`frozen`).
    """

    checkpoint: bytes
    entries: tuple[bytes, ...] = ()
    frozen: bytes | None = None


class LogState(Protocol):
    """What a log has committed to."""

    def read(self) -> Committed | None:
        """Return what was committed last, None if nothing ever was."""

    def begin(self, first: Committed) -> None:
        """Commit the first checkpoint.

        Raises:
            SequenceError: `state-exists`.
        """

    def replace(self, old: Committed, new: Committed) -> None:
        """Commit `new` if `old` is still what is committed, durably.

        Raises:
            SequenceError: `state-moved` if another writer was faster.
        """

    def freeze(self, note: bytes) -> None:
        """Commit, for ever, that nothing follows what is committed."""


class MemoryState:
    """A log's state for tests and rehearsals: gone with the process."""

    def __init__(self) -> None:
        self._committed: Committed | None = None

    def read(self) -> Committed | None:
        """Return what was committed last."""
        return self._committed

    def begin(self, first: Committed) -> None:
        """Commit the first checkpoint."""
        if self._committed is not None:
            raise SequenceError("state-exists")
        self._committed = first

    def replace(self, old: Committed, new: Committed) -> None:
        """Commit `new` in place of `old`."""
        if self._committed != old:
            raise SequenceError("state-moved")
        self._committed = new

    def freeze(self, note: bytes) -> None:
        """Commit that nothing follows."""
        self._committed = self._committed and replace(self._committed, frozen=note)


class SqliteState(Database):
    """A log's state in a SQLite file, held by one process at a time.

    Raises:
        SequenceError: `locked` if another process writes this log.
    """

    _SCHEMA = """
        CREATE TABLE IF NOT EXISTS log
            (id INTEGER PRIMARY KEY CHECK (id = 1), checkpoint BLOB NOT NULL, entries BLOB NOT NULL) STRICT;
        CREATE TABLE IF NOT EXISTS frozen
            (id INTEGER PRIMARY KEY CHECK (id = 1), note BLOB NOT NULL) STRICT;
        """

    def __init__(self, path: Path) -> None:
        self._lock = _lock(path.with_name(path.name + ".lock"))
        try:
            super().__init__(path)
        except LogError:
            os.close(self._lock)
            raise

    def close(self) -> None:
        """Close the file and let another process write."""
        super().close()
        with suppress(OSError):  # nothing was written to it, so nothing is lost
            os.close(self._lock)

    def read(self) -> Committed | None:
        """Return what was committed last."""
        match self._fetch("SELECT checkpoint, entries, note FROM log LEFT JOIN frozen USING (id)"):
            case (bytes(checkpoint), bytes(entries), bytes() | None as note):
                return Committed(checkpoint, decode_bundle(entries), note)
        return None

    def begin(self, first: Committed) -> None:
        """Commit the first checkpoint."""
        values = (first.checkpoint, encode_bundle(first.entries))
        if not self._change("INSERT OR IGNORE INTO log VALUES (1, ?, ?)", *values):
            raise SequenceError("state-exists", path=str(self._path))

    def replace(self, old: Committed, new: Committed) -> None:
        """Commit `new` in place of `old`."""
        values = (new.checkpoint, encode_bundle(new.entries), old.checkpoint)
        if not self._change("UPDATE log SET checkpoint = ?, entries = ? WHERE checkpoint = ?", *values):
            raise SequenceError("state-moved", path=str(self._path))

    def freeze(self, note: bytes) -> None:
        """Commit that nothing follows."""
        self._change("INSERT OR IGNORE INTO frozen VALUES (1, ?)", note)


def _lock(path: Path) -> int:
    """Take the lock that the kernel drops when the process ends, however it ends."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StorageError("state-database", path=str(path), reason=str(error)) from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        # Two writers would sign two trees of one size.
        raise SequenceError("locked", path=str(path)) from None
    except OSError as error:  # a file system without locks, say: without one nobody may write
        os.close(descriptor)
        raise StorageError("state-database", path=str(path), reason=str(error)) from None
    return descriptor
