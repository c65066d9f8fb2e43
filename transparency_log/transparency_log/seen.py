"""The small trusted memory of a witness: what it has cosigned last of each log.

A witness that forgets what it signed may cosign a fork. Back it up together with its key, and never restore an older
copy beside a key that has signed since.
"""

from dataclasses import dataclass
from typing import Protocol

from transparency_log.database import Database


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


class SqliteWitnessState(Database):
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
