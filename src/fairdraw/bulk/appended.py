"""Files that only grow, in a scratch folder that can be cut back to what a journal says was there.

There is no state but the files: who reopens a folder with the sizes of its journal has what was there when they were
written down, whatever was appended since, half or whole, before the program was killed.
"""

import os
from array import array
from bisect import bisect_left
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from fairdraw.errors import WorkspaceError

HELD: Final = 4 << 20  # bytes that wait in memory: hundreds of files are appended to, each a few bytes at a time
ENOUGH: Final = 256 << 10  # bytes that are worth a write of their own

NOTHING: Final[Mapping[str, int]] = MappingProxyType({})
"""The sizes of a folder in which nothing is kept."""


class Appended:
    """The growing files of one folder, by name."""

    def __init__(self, folder: Path, sizes: Mapping[str, int] = NOTHING) -> None:
        """Cut the folder back to these sizes in bytes; what has none is removed.

        Raises:
            WorkspaceError: `scratch-damaged`: a file is shorter than it was when its size was written down.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._sizes = dict(sizes)
        self._waiting: dict[str, bytearray] = {}
        self._held = 0
        self._unsynced: set[str] = set()
        for path in folder.iterdir():
            if path.is_file() and path.name not in sizes:
                path.unlink()
        for name, size in sizes.items():
            path = folder / name
            found = path.stat().st_size if path.is_file() else 0
            if found < size:
                raise WorkspaceError("scratch-damaged", path=str(path), expected=size, found=found)
            if found > size:
                os.truncate(path, size)

    def append(self, name: str, data: bytes | bytearray | memoryview) -> None:
        """Append bytes to a file; they may wait in memory until `sizes`, `sync` or `path` is asked for."""
        if len(data) >= ENOUGH:
            self._write()
            self._write_to(name, data)
            return
        self._waiting.setdefault(name, bytearray()).extend(data)
        self._held += len(data)
        if self._held >= HELD:
            self._write()

    def _write(self) -> None:
        for name, data in self._waiting.items():
            self._write_to(name, data)
        self._waiting.clear()
        self._held = 0

    def _write_to(self, name: str, data: bytes | bytearray | memoryview) -> None:
        with (self._folder / name).open("ab", buffering=0) as file:
            rest = memoryview(data)
            while rest:
                rest = rest[file.write(rest) :]
        self._sizes[name] = self._sizes.get(name, 0) + len(data)
        self._unsynced.add(name)

    def sizes(self) -> dict[str, int]:
        """Return the size of each file, for a journal. Nothing waits any more; `sync` before the journal is written."""
        self._write()
        return dict(self._sizes)

    def sync(self) -> None:
        """Make all that was appended durable."""
        self._write()
        for path in (*(self._folder / name for name in sorted(self._unsynced)), self._folder):
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        self._unsynced.clear()

    def path(self, name: str) -> Path:
        """Return the path of a file, with all that was appended to it."""
        self._write()
        path = self._folder / name
        path.touch()
        return path


def is_among(line: int, lines: "array[int]") -> bool:
    """Say whether a line is one of these, which ascend: eight bytes each, where a set takes sixty."""
    at = bisect_left(lines, line)
    return at < len(lines) and lines[at] == line
