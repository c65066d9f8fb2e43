"""A small SQLite file whose commits are on the disk when they return."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from transparency_log.errors import SequenceError, StorageError

_BUSY = 5.0  # seconds that one process waits for another's commit
_SHARED_MEMORY = 32 << 10  # bytes: what SQLite lays beside an open write-ahead log


class Database:
    """One SQLite file. Close it, or use it in a `with`. To open is not to make: `create` does that, once.

    Raises:
        SequenceError: `state-missing`. What remembers signatures must not begin again from nothing.
        StorageError: `state-database`, `disk-full`, `read-only` or `fsync-failed`.
    """

    _SCHEMA = ""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise SequenceError("state-missing", path=str(path))
        self._path = path
        with self._wrapped():
            # Several threads may use it, one at a time: its owner takes care of that.
            self._connection = sqlite3.connect(path, timeout=_BUSY, isolation_level=None, check_same_thread=False)
            # With a write-ahead log FULL is one sync a commit. With a rollback journal it would be several, and a
            # power cut right after could bring the journal back and undo what was already signed.
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.execute("PRAGMA fullfsync = ON")
            self._connection.executescript(self._SCHEMA)
        _settle(path)

    @classmethod
    def create(cls, path: Path) -> Self:
        """Make a new, empty database and open it.

        Raises:
            SequenceError: `state-exists`.
        """
        try:
            path.touch(mode=0o600, exist_ok=False)
        except FileExistsError:
            raise SequenceError("state-exists", path=str(path)) from None
        except OSError as error:
            raise StorageError("state-database", path=str(path), reason=str(error)) from None
        return cls(path)

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
            raise StorageError(_code(error, self._path), path=str(self._path), reason=str(error)) from None


def _settle(path: Path) -> None:
    """Sync what a killed process may have left in memory only: a commit that is read here will be shown to others.

    And the name of the write-ahead log, for which SQLite lets an error pass.
    """
    for part in (path.with_name(path.name + "-wal"), path.parent):
        try:
            descriptor = os.open(part, os.O_RDONLY)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise StorageError("state-database", path=str(path), reason=str(error)) from None
        try:
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise StorageError("fsync-failed", path=str(path), reason=str(error)) from None


def _code(error: Exception, path: Path) -> str:
    match getattr(error, "sqlite_errorname", ""):
        case "SQLITE_FULL":
            return "disk-full"
        case "SQLITE_IOERR_SHMSIZE" if _room(path) < _SHARED_MEMORY:  # SQLite does not say what was wrong with it
            return "disk-full"
        case "SQLITE_IOERR_FSYNC" | "SQLITE_IOERR_DIR_FSYNC":
            return "fsync-failed"
        case str(name) if name.startswith("SQLITE_READONLY"):
            return "read-only"
    return "state-database"


def _room(path: Path) -> int:
    try:
        disk = os.statvfs(path)
    except OSError:
        return _SHARED_MEMORY
    return disk.f_bavail * disk.f_frsize
