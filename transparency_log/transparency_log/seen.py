"""The small trusted memory of a witness: what it has cosigned last of each log, and which times have passed.

A witness that forgets what it signed may cosign a fork. Its memory is therefore made once, with `create`, and on the
disk before a signature leaves the machine. Back it up together with its key, and never restore an older copy beside a
key that has signed since: no memory can tell that it is an old one.
"""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from transparency_log.database import Database


@dataclass(frozen=True, slots=True)
class Seen:
    """The newest tree of one log that a witness cosigned, and when, in POSIX seconds.

    `note` is its checkpoint with the log's own signatures and, once they are made, the witness's: what monitors get.
    """

    size: int
    root: bytes
    time: int
    note: bytes


def origin_hash(origin: str) -> str:
    """Return the name under which monitors ask for a log: SHA-256 in lower-case hex (C2SP tlog-witness)."""
    return hashlib.sha256(origin.encode()).hexdigest()


class WitnessState(Protocol):
    """What a witness has cosigned. Several threads may use it at once."""

    def read(self, origin: str) -> Seen | None:
        """Return the newest tree of the log, None if it never cosigned one."""

    def find(self, hashed: str) -> Seen | None:
        """Return the newest tree of the log whose `origin_hash` this is."""

    def replace(self, origin: str, old: Seen | None, new: Seen) -> bool:
        """Store `new` durably if the tree and time of `old` are still what is stored, and say whether that was so."""

    def last_time(self) -> int:
        """Return the largest time stored for any log, 0 if there is none."""

    def floor(self) -> int:
        """Return the largest time that has certainly passed, 0 if none was ever told."""

    def raise_floor(self, time: int) -> None:
        """Store durably that this time has passed; an earlier one changes nothing."""


class MemoryWitnessState:
    """A witness's state for tests and rehearsals: gone with the process."""

    def __init__(self) -> None:
        self._seen: dict[str, Seen] = {}
        self._floor = 0
        self._lock = threading.Lock()

    def read(self, origin: str) -> Seen | None:
        """Return the newest tree of the log."""
        return self._seen.get(origin)

    def find(self, hashed: str) -> Seen | None:
        """Return the newest tree of the log with this hash."""
        with self._lock:
            return next((seen for origin, seen in self._seen.items() if origin_hash(origin) == hashed), None)

    def replace(self, origin: str, old: Seen | None, new: Seen) -> bool:
        """Store `new` in place of `old`."""
        with self._lock:
            if _tree(self._seen.get(origin)) != _tree(old):
                return False
            self._seen[origin] = new
            return True

    def last_time(self) -> int:
        """Return the largest time stored."""
        with self._lock:
            return max((seen.time for seen in self._seen.values()), default=0)

    def floor(self) -> int:
        """Return the largest time told."""
        return self._floor

    def raise_floor(self, time: int) -> None:
        """Store a later time."""
        with self._lock:
            self._floor = max(self._floor, time)


class SqliteWitnessState(Database):
    """A witness's state in a SQLite file; several threads and processes may share it."""

    _SCHEMA = """
        CREATE TABLE IF NOT EXISTS seen
            (origin TEXT PRIMARY KEY, hash TEXT NOT NULL UNIQUE, size INTEGER NOT NULL, root BLOB NOT NULL,
             time INTEGER NOT NULL, note BLOB NOT NULL) STRICT;
        CREATE TABLE IF NOT EXISTS floor (id INTEGER PRIMARY KEY CHECK (id = 1), time INTEGER NOT NULL) STRICT;
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        super().__init__(path)

    def read(self, origin: str) -> Seen | None:
        """Return the newest tree of the log."""
        return _seen(self._fetch("SELECT size, root, time, note FROM seen WHERE origin = ?", origin))

    def find(self, hashed: str) -> Seen | None:
        """Return the newest tree of the log with this hash."""
        return _seen(self._fetch("SELECT size, root, time, note FROM seen WHERE hash = ?", hashed))

    def origins(self) -> tuple[str, ...]:
        """Return the logs of which it ever cosigned a checkpoint."""
        with self._wrapped():
            rows = self._connection.execute("SELECT origin FROM seen ORDER BY origin").fetchall()
        return tuple(origin for (origin,) in rows)

    def replace(self, origin: str, old: Seen | None, new: Seen) -> bool:
        """Store `new` in place of `old`."""
        if old is None:
            values = (origin, origin_hash(origin), new.size, new.root, new.time, new.note)
            return self._change("INSERT OR IGNORE INTO seen VALUES (?, ?, ?, ?, ?, ?)", *values)
        swap = "UPDATE seen SET size = ?, root = ?, time = ?, note = ? WHERE (origin, size, root, time) = (?, ?, ?, ?)"
        return self._change(swap, new.size, new.root, new.time, new.note, origin, old.size, old.root, old.time)

    def last_time(self) -> int:
        """Return the largest time stored."""
        return _time(self._fetch("SELECT max(time) FROM seen"))

    def floor(self) -> int:
        """Return the largest time told."""
        return _time(self._fetch("SELECT time FROM floor"))

    def raise_floor(self, time: int) -> None:
        """Store a later time."""
        self._change(
            "INSERT INTO floor VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET time = max(time, excluded.time)", time
        )

    @contextmanager
    def _wrapped(self) -> Iterator[None]:
        with self._lock, super()._wrapped():  # one connection, many threads
            yield


def _tree(seen: Seen | None) -> tuple[int, bytes, int] | None:
    return None if seen is None else (seen.size, seen.root, seen.time)


def _seen(row: tuple[object, ...] | None) -> Seen | None:
    match row:
        case (int(size), bytes(root), int(time), bytes(note)):
            return Seen(size, root, time, note)
    return None


def _time(row: tuple[object, ...] | None) -> int:
    match row:
        case (int(time),):
            return time
    return 0
