"""Sorting more lines than memory holds: sorted pieces on disk, merged."""

import heapq
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from shutil import rmtree
from typing import Final

ROOM: Final = 8 << 20  # bytes of lines in memory; as Python objects they take up to three times as much
FAN_IN: Final = 128  # pieces that are merged at a time
BUFFER: Final = 64 << 10  # bytes read from a piece at a time


class Sorted:
    """Lines of ASCII, each with LF at its end, that come out in the order of their bytes.

    The folder is this sorter's own: it is emptied at first, and gone when the last line has come out.
    """

    def __init__(self, folder: Path, *, room: int = ROOM, fan_in: int = FAN_IN) -> None:
        rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self._folder, self._room, self._fan_in = folder, room, fan_in
        self._lines: list[bytes] = []
        self._held = 0
        self._pieces: list[Path] = []
        self._names = count()

    def add(self, line: bytes) -> None:
        """Take a line."""
        self._lines.append(line)
        self._held += len(line)
        if self._held >= self._room:
            self._lines.sort()
            self._pieces.append(self._write(self._lines))
            self._lines, self._held = [], 0

    def _write(self, lines: Iterable[bytes]) -> Path:
        path = self._folder / f"{next(self._names):06d}"
        with path.open("wb", BUFFER) as file:
            file.writelines(lines)
        return path

    def __iter__(self) -> Iterator[bytes]:
        self._lines.sort()
        pieces = self._pieces
        while len(pieces) > self._fan_in:
            some, rest = pieces[: self._fan_in], pieces[self._fan_in :]
            pieces = [*rest, self._write(_merged(some))]
            for path in some:
                path.unlink()
        yield from _merged(pieces, self._lines)
        rmtree(self._folder)


def _merged(pieces: list[Path], lines: Iterable[bytes] = ()) -> Iterator[bytes]:
    with ExitStack() as stack:
        files = [stack.enter_context(path.open("rb", BUFFER)) for path in pieces]
        yield from heapq.merge(*files, lines)
