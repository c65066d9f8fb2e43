"""The small trusted memory of a log and of a witness: what each has signed last.

Tiles can be lost and fetched again. This cannot: a log or a witness that forgets what it signed may sign a
fork. It is therefore kept apart from the tiles, changes only by compare-and-swap, and is on the disk before a
signature leaves the machine. Back it up together with its key, and never restore an older copy beside a key
that has signed since.
"""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from transparency_log.errors import SequenceError, StorageError
from transparency_log.tiles import decode_bundle, encode_bundle


@dataclass(frozen=True, slots=True)
class Committed:
    """The newest signed checkpoint of a log, as a note, and the entries that it added to the one before.

    The entries are kept until the next commit, so that a crash before they reach the tiles loses nothing.
    """

    checkpoint: bytes
    entries: tuple[bytes, ...] = ()


class LogState(Protocol):
    """What a log has committed to."""

    def read(self) -> Committed | None:
        """Return what was committed last, None if nothing ever was."""

    def create(self, first: Committed) -> None:
        """Commit the first checkpoint.

        Raises:
            SequenceError: `state-exists`.
        """

    def replace(self, old: Committed, new: Committed) -> None:
        """Commit `new` if `old` is still what is committed, durably.

        Raises:
            SequenceError: `state-moved` if another writer was faster.
        """


@dataclass(frozen=True, slots=True)
class Seen:
    """The newest tree of one log that a witness cosigned, and when, in POSIX seconds."""

    size: int
    root: bytes
    time: int


class WitnessState(Protocol):
    """What a witness has cosigned."""

    def read(self, origin: str) -> Seen | None:
        """Return the newest tree of the log, None if it never cosigned one."""

    def replace(self, origin: str, old: Seen | None, new: Seen) -> bool:
        """Store `new` durably if `old` is still what is stored, and say whether that was so."""

    def last_time(self) -> int:
        """Return the largest time stored for any log, 0 if there is none."""


class MemoryState:
    """A log's state for tests and rehearsals: gone with the process."""

    def __init__(self) -> None:
        self._committed: Committed | None = None

    def read(self) -> Committed | None:
        """Return what was committed last."""
        return self._committed

    def create(self, first: Committed) -> None:
        """Commit the first checkpoint."""
        if self._committed is not None:
            raise SequenceError("state-exists")
        self._committed = first

    def replace(self, old: Committed, new: Committed) -> None:
        """Commit `new` in place of `old`."""
        if self._committed != old:
            raise SequenceError("state-moved")
        self._committed = new


class MemoryWitnessState:
    """A witness's state for tests and rehearsals: gone with the process."""

    def __init__(self) -> None:
        self._seen: dict[str, Seen] = {}

    def read(self, origin: str) -> Seen | None:
        """Return the newest tree of the log."""
        return self._seen.get(origin)

    def replace(self, origin: str, old: Seen | None, new: Seen) -> bool:
        """Store `new` in place of `old`."""
        if self._seen.get(origin) != old:
            return False
        self._seen[origin] = new
        return True

    def last_time(self) -> int:
        """Return the largest time stored."""
        return max((seen.time for seen in self._seen.values()), default=0)


class _Database:
    """One SQLite file whose commits are on the disk when they return. Close it, or use it in a `with`."""

    _SCHEMA = ""

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._wrapped():
            self._connection = sqlite3.connect(path, isolation_level=None)
            # EXTRA is FULL and also syncs the folder when the journal is deleted: without that a power cut
            # right after a commit could bring the journal back and undo what was already signed.
            self._connection.execute("PRAGMA synchronous = EXTRA")
            self._connection.execute("PRAGMA fullfsync = ON")
            self._connection.execute(self._SCHEMA)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _fetch(self, query: str, *values: object) -> tuple[object, ...] | None:
        with self._wrapped():
            row: tuple[object, ...] | None = self._connection.execute(query, values).fetchone()
            return row

    def _change(self, statement: str, *values: object) -> bool:
        with self._wrapped():
            return self._connection.execute(statement, values).rowcount == 1

    @contextmanager
    def _wrapped(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OverflowError) as error:
            raise StorageError("state-database", path=str(self._path), reason=str(error)) from None


class SqliteState(_Database):
    """A log's state in a SQLite file, held by one process at a time.

    Raises:
        SequenceError: `locked` if another process writes this log.
    """

    _SCHEMA = """CREATE TABLE IF NOT EXISTS log
        (id INTEGER PRIMARY KEY CHECK (id = 1), checkpoint BLOB NOT NULL, entries BLOB NOT NULL) STRICT"""

    def __init__(self, path: Path) -> None:
        self._lock = _lock(path.with_name(path.name + ".lock"))
        try:
            super().__init__(path)
        except StorageError:
            os.close(self._lock)
            raise

    def close(self) -> None:
        """Close the file and let another process write."""
        super().close()
        os.close(self._lock)

    def read(self) -> Committed | None:
        """Return what was committed last."""
        match self._fetch("SELECT checkpoint, entries FROM log"):
            case (bytes(checkpoint), bytes(entries)):
                return Committed(checkpoint, decode_bundle(entries))
        return None

    def create(self, first: Committed) -> None:
        """Commit the first checkpoint."""
        values = (first.checkpoint, encode_bundle(first.entries))
        if not self._change("INSERT OR IGNORE INTO log VALUES (1, ?, ?)", *values):
            raise SequenceError("state-exists", path=str(self._path))

    def replace(self, old: Committed, new: Committed) -> None:
        """Commit `new` in place of `old`."""
        values = (new.checkpoint, encode_bundle(new.entries), old.checkpoint)
        if not self._change("UPDATE log SET checkpoint = ?, entries = ? WHERE checkpoint = ?", *values):
            raise SequenceError("state-moved", path=str(self._path))


class SqliteWitnessState(_Database):
    """A witness's state in a SQLite file; several processes may share it."""

    _SCHEMA = """CREATE TABLE IF NOT EXISTS seen
        (origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL, time INTEGER NOT NULL) STRICT"""

    def read(self, origin: str) -> Seen | None:
        """Return the newest tree of the log."""
        match self._fetch("SELECT size, root, time FROM seen WHERE origin = ?", origin):
            case (int(size), bytes(root), int(time)):
                return Seen(size, root, time)
        return None

    def replace(self, origin: str, old: Seen | None, new: Seen) -> bool:
        """Store `new` in place of `old`."""
        if old is None:
            values = (origin, new.size, new.root, new.time)
            return self._change("INSERT OR IGNORE INTO seen VALUES (?, ?, ?, ?)", *values)
        swap = "UPDATE seen SET size = ?, root = ?, time = ? WHERE (origin, size, root, time) = (?, ?, ?, ?)"
        return self._change(swap, new.size, new.root, new.time, origin, old.size, old.root, old.time)

    def last_time(self) -> int:
        """Return the largest time stored."""
        match self._fetch("SELECT max(time) FROM seen"):
            case (int(time),):
                return time
        return 0


def _lock(path: Path) -> int:
    """Take the lock that the kernel drops when the process ends, however it ends."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StorageError("state-database", path=str(path), reason=str(error)) from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        # Two writers would sign two trees of one size.
        raise SequenceError("locked", path=str(path)) from None
    return descriptor
