"""A small SQLite file whose commits are on the disk when they return."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from transparency_log.errors import StorageError


class Database:
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
