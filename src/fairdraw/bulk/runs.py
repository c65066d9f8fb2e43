"""Sealed rows on disk, brought into the order of their numbers: runs that ascend, merged where there is more than one.

A file that is in order already is one run, and nothing is moved. Of any other, memory holds some batches at a time,
which become a run together, and blocks of the runs when they are merged: as much for 10^8 rows as for 10^6.
"""

import os
from array import array
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import file_digest, sha256
from itertools import chain, pairwise
from pathlib import Path
from shutil import rmtree
from typing import Final

from fairdraw.bulk.appended import NOTHING, Appended
from fairdraw.bulk.batch import Batch
from fairdraw.bulk.moves import moves
from fairdraw.bulk.strings import Strings, from_words, to_words
from fairdraw.errors import WorkspaceError

ROOM: Final = 4 << 20  # bytes of rows that are sorted in memory, to be one run
FAN_IN: Final = 128  # runs that are merged at a time: two rounds for sixty gigabytes
BLOCKS: Final = 8 << 20  # bytes in memory of all runs that are merged, together

_WORD: Final = 8
_LEAF: Final = 32

_Key = tuple[bytes, int]  # number and line: a number that is there twice has the first line first


@dataclass(frozen=True, slots=True)
class Run:
    """All rows in the order of their numbers, as files.

    roster, private (None where it is not kept)   their lines
    ends     where each line of the roster ends, 8 bytes little-endian each
    leaves   the leaf hashes, 32 bytes each
    at       the line of each row in the input, 8 bytes little-endian
    count    how many there are
    digest   SHA-256 of the roster
    """

    roster: Path
    ends: Path
    private: Path | None
    leaves: Path
    at: Path
    count: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Rows:
    """Some rows in memory, as in a `Batch`, by number, then line."""

    numbers: Strings
    at: "array[int]"
    roster: Strings
    private: Strings | None
    leaves: bytes

    def key(self, row: int) -> _Key:
        """Return what a row is sorted by."""
        return self.numbers[row], self.at[row]

    def size(self) -> int:
        """Return about how many bytes they take."""
        strings = (self.numbers, self.roster, self.private)
        return sum(len(one.data) + _WORD * len(one) for one in strings if one) + (_LEAF + _WORD) * len(self.at)


_Part = tuple[Rows, int, int]  # from one row to another


class Runs:
    """The rows of batches in a folder, as runs."""

    def __init__(
        self,
        folder: Path,
        sizes: Mapping[str, int] = NOTHING,
        *,
        room: int = ROOM,
        fan_in: int = FAN_IN,
        blocks: int = BLOCKS,
    ) -> None:
        """Go on from these sizes of a journal, or anew.

        Raises:
            WorkspaceError: `scratch-damaged`.
        """
        self._folder, self._room, self._fan_in, self._blocks = folder, room, fan_in, blocks
        self._table = _Table(folder, sizes)
        self._last = self._table.last_key()
        self._waiting: list[Rows] = []
        self._held = 0

    def add(self, batch: Batch) -> None:
        """Add the rows of a batch, which ascend by number, then line."""
        self.add_rows(Rows(batch.numbers, batch.at, batch.roster, batch.private, batch.leaves))

    def add_rows(self, rows: Rows) -> None:
        """Add rows, of this or another folder."""
        if rows.at:
            self._waiting.append(rows)
            self._held += rows.size()
        if self._held >= self._room:
            self._settle()

    def _settle(self) -> None:
        """Write the batches that wait: as they are if they ascend, else sorted together, lest each be a run."""
        waiting, self._waiting, self._held = self._waiting, [], 0
        if not all(one.key(-1) < two.key(0) for one, two in pairwise(waiting)):
            parts = [(rows, 0, len(rows.at)) for rows in waiting]
            waiting = [_together(parts, array("Q"), self._table.count)]
        for rows in waiting:
            self._table.append(rows, begins=self._last is None or rows.key(0) < self._last)
            self._last = rows.key(-1)

    def sizes(self) -> dict[str, int]:
        """Return the sizes of the files, for a journal; what waits becomes a run, so ask once in a `ROOM` of rows."""
        self._settle()
        return self._table.files.sizes()

    def sync(self) -> None:
        """Make durable what was added."""
        self._settle()
        self._table.files.sync()

    def merge(self, drop: Collection[int] = ()) -> Run:
        """Return one run, durable, of all rows but those of the lines `drop`.

        The files of a single run with nothing to drop are the result; else they stay as they are until the folder
        is removed, so that a merge that was killed is made again.
        """
        self._settle()
        table, dropped = self._table, array("Q", sorted(drop))
        runs = table.runs()
        if len(runs) < 2 and not dropped:
            table.files.sync()
            with table.files.path("roster").open("rb") as roster:
                return table.as_run(file_digest(roster, "sha256").digest())
        digest, last = sha256(), False
        while not last:
            last = len(runs) <= self._fan_in
            merged = _Table(self._folder / f"merged-{len(runs)}")
            for at in range(0, len(runs), self._fan_in):
                begins = True
                for rows in _merged(table, runs[at : at + self._fan_in], dropped, self._blocks):
                    merged.append(rows, begins=begins)
                    begins = False
                    if last:
                        digest.update(rows.roster.data)
                    del rows  # else they stay while the next ones are made
            if table is not self._table:
                rmtree(table.folder)
            table, runs = merged, merged.runs()
        table.files.sync()
        return table.as_run(digest.digest())


class _Table:
    """Rows in files, one file a column; `runs` holds the first row of each run."""

    def __init__(self, folder: Path, sizes: Mapping[str, int] = NOTHING) -> None:
        self.folder = folder
        self.files = Appended(folder, sizes)
        self.count = sizes.get("at", 0) // _WORD
        self._ends = {name: sizes.get(name, 0) for name in ("numbers", "roster", "private")}

    def append(self, rows: Rows, *, begins: bool) -> None:
        if begins:
            self.files.append("runs", self.count.to_bytes(_WORD, "little"))
        for name, strings in (("numbers", rows.numbers), ("roster", rows.roster), ("private", rows.private)):
            if strings is not None:
                before = self._ends[name]
                self.files.append(name, strings.data)
                self.files.append(f"{name}.ends", to_words(array("Q", [before + end for end in strings.ends])))
                self._ends[name] += len(strings.data)
        self.files.append("leaves", rows.leaves)
        self.files.append("at", to_words(rows.at))
        self.count += len(rows.at)

    def runs(self) -> list[range]:
        """Return the rows of each run."""
        starts = from_words(self.files.path("runs").read_bytes())
        return [range(start, end) for start, end in pairwise([*starts, self.count])]

    def last_key(self) -> _Key | None:
        if not self.count:
            return None
        with Reader(self.folder) as reader:
            return reader.read(range(self.count - 1, self.count), 0).key(0)

    def as_run(self, digest: bytes) -> Run:
        private = self.files.path("private") if self.files.sizes().get("private.ends") else None
        roster, ends, leaves, at = map(self.files.path, ("roster", "roster.ends", "leaves", "at"))
        return Run(roster, ends, private, leaves, at, self.count, digest)


class Reader(ExitStack):
    """Reads rows in a folder from anywhere: nothing is mapped, for pages that were mapped count as memory."""

    def __init__(self, folder: Path) -> None:
        """Open the files.

        Reading raises WorkspaceError `scratch-damaged` where one of them is too short.
        """
        super().__init__()
        self._folder, self._files = folder, dict[str, int]()
        for path in folder.iterdir():
            if path.is_file():
                self._files[path.name] = descriptor = os.open(path, os.O_RDONLY)
                self.callback(os.close, descriptor)
        self._private = "private" in self._files

    def read(self, rows: range, room: int) -> Rows:
        """Return the first of these rows: as many as have room, and at least one."""
        names = ("numbers", "roster", "private") if self._private else ("numbers", "roster")
        # A row takes 40 bytes of fixed width and the ends of its strings; each column has a third of the room.
        rows = rows[: max(1, room // 3 // (_LEAF + _WORD * (1 + len(names))))]
        ends = {name: self._ends(name, rows) for name in names}
        count = max(1, min(bisect_right(of, of[0] + room // 3) - 1 for of in ends.values()))
        rows = rows[:count]
        strings = {name: self._strings(name, ends[name][: count + 1]) for name in names}
        return Rows(
            strings["numbers"],
            self.lines(rows),
            strings["roster"],
            strings.get("private"),
            self._fixed("leaves", _LEAF, rows),
        )

    def number(self, row: int) -> bytes:
        """Return the number of a row."""
        return self._strings("numbers", self._ends("numbers", range(row, row + 1))).data

    def text(self, name: str, rows: range) -> bytes:
        """Return the lines of rows in a column, end to end."""
        ends = self._ends(name, rows)
        return self._read(name, ends[-1] - ends[0], ends[0])

    def lines(self, rows: range) -> "array[int]":
        """Return the lines of rows."""
        return from_words(self._fixed("at", _WORD, rows))

    def _fixed(self, name: str, width: int, rows: range) -> bytes:
        return self._read(name, width * len(rows), width * rows.start)

    def _ends(self, name: str, rows: range) -> "array[int]":
        """Return where the first of these rows begins, and where each ends."""
        if rows.start:
            return from_words(self._fixed(f"{name}.ends", _WORD, range(rows.start - 1, rows.stop)))
        return array("Q", [0]) + from_words(self._fixed(f"{name}.ends", _WORD, rows))

    def _strings(self, name: str, ends: "array[int]") -> Strings:
        start = ends[0]
        data = self._read(name, ends[-1] - start, start)
        return Strings(data, array("Q", [end - start for end in ends[1:]]))

    def _read(self, name: str, length: int, offset: int) -> bytes:
        file = self._files.get(name)
        # Of ends that the disk has changed, no memory would have the room.
        size = 0 if file is None else os.fstat(file).st_size
        data = os.pread(file, length, offset) if file is not None and 0 <= length <= size - offset else b""
        if len(data) != length:
            path = str(self._folder / name)
            raise WorkspaceError("scratch-damaged", path=path, expected=offset + length, found=offset + len(data))
        return data


class _Cursor:
    """One run as it is merged: what of it is to come (`rest`), and a block of that, of which `_used` rows are out."""

    def __init__(self, reader: Reader, run: range, room: int) -> None:
        self.rest = run
        self._reader, self._room = reader, room
        self._load()

    def _load(self) -> None:
        self._block, self._used = self._reader.read(self.rest, self._room), 0
        # A run whose last rows are in memory bounds nothing.
        self.last = self._block.key(-1) if len(self._block.at) < len(self.rest) else None

    def fill(self) -> None:
        """Have half a block in memory at least, so that each round moves half a block at least."""
        if self.last is not None and 2 * self._used >= len(self._block.at):
            self._load()

    def take(self, bound: _Key | None) -> _Part | None:
        """Return the rows up to the bound as a part of a block."""
        block, start, stop = self._block, self._used, len(self._block.at)
        if bound is not None:
            stop = bisect_right(range(stop), bound, lo=start, key=block.key)
        self.rest = self.rest[stop - start :]
        self._used = stop
        return (block, start, stop) if start < stop else None


def _merged(table: _Table, runs: Sequence[range], dropped: "array[int]", blocks: int) -> Iterator[Rows]:
    """Yield the rows of some runs in order, some at a time: all up to the smallest key at which a block ends."""
    with Reader(table.folder) as reader:
        cursors = [_Cursor(reader, run, blocks // len(runs)) for run in runs]
        while cursors:
            for cursor in cursors:
                cursor.fill()
            bound = min((cursor.last for cursor in cursors if cursor.last is not None), default=None)
            parts = [part for part in [cursor.take(bound) for cursor in cursors] if part]
            cursors = [cursor for cursor in cursors if cursor.rest]
            rows = _together(parts, dropped, table.count)
            del parts  # whose blocks are read anew
            if rows.at:
                yield rows
            del rows


def _together(parts: Sequence[_Part], dropped: "array[int]", total: int) -> Rows:
    """Return the rows of all parts in order, without those dropped; `total` rows tell whether compiling pays."""
    at = array("Q", chain.from_iterable(part.at[start:stop] for part, start, stop in parts))
    numbers = _joined((part.numbers, start, stop) for part, start, stop in parts)
    private = [(part.private, start, stop) for part, start, stop in parts if part.private is not None]
    leaves = b"".join([memoryview(part.leaves)[_LEAF * start : _LEAF * stop] for part, start, stop in parts])
    roster = ((part.roster, start, stop) for part, start, stop in parts)
    if len(parts) == 1 and not dropped:
        return Rows(numbers, at, _joined(roster), _joined(private) if private else None, leaves)
    by = moves(total)
    rows = by.order(numbers, at, dropped)
    # One column after the other, so that memory holds a second copy of one at a time.
    return Rows(
        by.take(numbers, rows),
        array("Q", by.take_fixed(at.tobytes(), _WORD, rows)),
        by.take(_joined(roster), rows),
        by.take(_joined(private), rows) if private else None,
        by.take_fixed(leaves, _LEAF, rows),
    )


def _joined(parts: Iterable[tuple[Strings, int, int]]) -> Strings:
    data, ends, length = [], array("Q"), 0
    for strings, start, stop in parts:
        first, last = strings.ends[start - 1] if start else 0, strings.ends[stop - 1]
        data.append(memoryview(strings.data)[first:last])
        ends.extend([end - first + length for end in strings.ends[start:stop]])
        length += last - first
    return Strings(b"".join(data), ends)
