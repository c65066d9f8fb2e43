"""At which index an entry stands, found by its leaf hash: for logs that take no entry twice.

A cache beside the log, which can always be made again from its entries: it may lag behind after a crash and then
catches up, and where it is missing it begins anew.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path

from transparency_log.database import Database
from transparency_log.merkle import leaf_hash

_SOME = 10_000  # entries in one transaction while catching up


class Index(Database):
    """The index in a SQLite file, for the one process that writes the log."""

    _SCHEMA = """
        CREATE TABLE IF NOT EXISTS entry (leaf BLOB PRIMARY KEY, position INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS covered (id INTEGER PRIMARY KEY CHECK (id = 1), size INTEGER NOT NULL) STRICT;
        INSERT OR IGNORE INTO covered VALUES (1, 0);
        """

    def __init__(self, path: Path) -> None:
        path.touch(mode=0o600)
        super().__init__(path)
        with self._wrapped():
            # A cache may lose its last commits in a power cut, but never be half right.
            self._connection.execute("PRAGMA synchronous = NORMAL")

    @property
    def size(self) -> int:
        """How many entries of the log the index covers."""
        match self._fetch("SELECT size FROM covered"):
            case (int(size),):
                return size
        return 0

    def find(self, leaf: bytes) -> int | None:
        """Return where the entry with this leaf hash stands first, None if it is not in the log."""
        match self._fetch("SELECT position FROM entry WHERE leaf = ?", leaf):
            case (int(position),):
                return position
        return None

    def add(self, first: int, leaves: Iterable[bytes]) -> None:
        """Add the leaf hashes of the entries that stand at `first`, which is the index's size, and after."""
        rows = [(leaf, position) for position, leaf in enumerate(leaves, first)]
        with self._wrapped(), self._connection:
            self._connection.execute("BEGIN")
            self._connection.executemany("INSERT OR IGNORE INTO entry VALUES (?, ?)", rows)
            self._connection.execute("UPDATE covered SET size = ?", (first + len(rows),))

    def catch_up(self, entries: Callable[[int, int], Iterator[bytes]], size: int) -> None:
        """Cover a log of this size, whose `entries(start, end)` are read as far as they are not known yet."""
        if self.size > size:  # the log was restored from before: what came after may come back elsewhere
            with self._wrapped(), self._connection:
                self._connection.execute("BEGIN")
                self._connection.execute("DELETE FROM entry WHERE position >= ?", (size,))
                self._connection.execute("UPDATE covered SET size = ?", (size,))
        missing = entries(self.size, size)
        while some := list(islice(missing, _SOME)):
            self.add(self.size, map(leaf_hash, some))
