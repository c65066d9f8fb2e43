"""What a worker does of a freeze on several machines (`spread`): seal a part of the registry, bring a range into order.

Rows go from one worker to another through files in a folder that all of them see; answers are small. Each call writes
a folder of its own, and its files are read by nobody before the answer that names it has come: a task that is done
again, for its worker was killed, or twice at once, changes nothing.
"""

import os
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from shutil import rmtree
from typing import Final, NamedTuple

from fairdraw.bulk.appended import Appended, is_among
from fairdraw.bulk.batch import Keys
from fairdraw.bulk.findings import MAX_PROBLEMS, to_line
from fairdraw.bulk.making import Sealing
from fairdraw.bulk.numbers import Assigned
from fairdraw.bulk.runs import Reader, Rows, Runs
from fairdraw.bulk.sources import CHUNK, Place, Source, open_source
from fairdraw.bulk.strings import from_words, to_words
from fairdraw.errors import Error, RegistryError, WorkspaceError
from fairdraw.registry.layout import Layout, lay_out
from fairdraw.registry.mapping import Mapping as Map
from fairdraw.registry.problems import Problem
from fairdraw.registry.tabular import Kind, make_table
from transparency_log.levels import level_name
from transparency_log.merkle import Tree

PROBE: Final = "seen"
NOTES: Final = "notes"
DROPPED: Final = "dropped"
ASSIGNED: Final = "assigned"
PROBLEMS: Final = "problems"
SAMPLE: Final = 1 << 9  # rows of a part, of which one number is told: where ranges begin is chosen among these
ROOM: Final = 4 << 20  # bytes of rows that are read at a time
_LEAF: Final = 32
_BLOCK: Final = 1 << 16  # lines that are looked at at a time


class Secret:
    """A secret on its way to a worker: no log, traceback or dashboard that shows arguments shows it."""

    __slots__ = ("value",)

    def __init__(self, value: bytes) -> None:
        self.value = value

    def __repr__(self) -> str:
        return "Secret"


@dataclass(frozen=True)
class Job:
    """What all tasks of a freeze are told: what the parts are like, the secret, and the folder that all workers see.

    `names` are those of the first line of the first part, where the lines themselves name the columns; `compiled` says
    whether there are so many rows that compiled code pays, though each part may have few.
    """

    kind: Kind
    mapping: Map
    columns: frozenset[str]
    names: Sequence[str] | None
    secret: Secret
    shared: Path
    keep_private: bool
    compiled: bool
    release: str
    chunk: int = CHUNK
    sample: int = SAMPLE


class Placed(NamedTuple):
    """The rows of a part: their folder, and how many lines are before that part's in the registry."""

    folder: Path
    before: int


class Slice(NamedTuple):
    """Rows of a part that may belong to a range."""

    rows: Placed
    start: int
    stop: int


@dataclass(frozen=True)
class Part:
    """What was made of a part of the registry: `rows` of it were looked at, and `count` sealed.

    `lines` is how many lines of the registry it is, `first` the one on which its rows begin in the file; `notes` are
    the sizes of the files of its keys and problems; `sample` is every so manyth number, ascending.
    """

    folder: Path
    rows: int
    count: int
    first: int
    lines: int
    notes: Mapping[str, int]
    sample: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class Cut:
    """How many rows of a part have numbers up to each splitter: all of them, and those that are not dropped."""

    rows: tuple[int, ...]
    kept: tuple[int, ...]


@dataclass(frozen=True)
class Range:
    """The rows around an aligned range of the roster, in the folder `rows` of a folder, and the root of the range.

    Its level files are in the folder `levels`.
    """

    folder: Path
    root: bytes


def this_release() -> str:
    """Return the version of fairdraw that is installed here."""
    return version("fairdraw")


def look(release: str, shared: Path, part: Path | None = None) -> WorkspaceError | None:
    """Return why this worker cannot take part, None if it can: another version could make other bytes."""
    if (found := this_release()) != release:
        return WorkspaceError("worker-version", expected=release, found=found)
    if not (shared / PROBE).is_file() or not os.access(shared, os.W_OK):
        return WorkspaceError("worker-blind", path=str(shared))
    if part is not None and not os.access(part, os.R_OK):
        return WorkspaceError("worker-blind", path=str(part.parent))
    return None


def seal_part(job: Job, path: Path, numbers: tuple[Path, int] | None = None) -> Part | Error:
    """Seal the rows of a part; where numbers were assigned, `numbers` is their file and the lines before the part."""
    try:
        with _begun(job) as folder, _opened(job, path) as (source, layout):
            return _seal(job, path, folder, source, layout, numbers)
    except Error as error:
        return _of_part(error, path)


def key_part(job: Job, path: Path) -> Part | Error:
    """Write down the keys by which the rows of a part are to be given numbers."""
    try:
        with _begun(job) as folder, _opened(job, path) as (source, layout):
            notes, rows, after = _Notes(folder), 0, source.start
            for chunk, keyed in _sealing(job, source, layout).keyed(source.start):
                notes.take(keyed.keys, keyed.problems)
                notes.files.append("given", keyed.given.data)
                notes.files.append("given.lengths", to_words(array("Q", map(len, keyed.given))))
                notes.files.append("given.at", to_words(keyed.at))
                rows, after = rows + keyed.rows, chunk.after
            return Part(folder, rows, 0, *_lines(job, path, source.start, after), notes.files.sizes())
    except Error as error:
        return _of_part(error, path)


def cut_part(job: Job, part: Placed, count: int, splitters: Sequence[bytes]) -> Cut | Error:
    """Say where the splitters are among the `count` rows of a part."""
    try:
        _check(job)
        with Reader(part.folder / "rows") as reader:
            at = [bisect_right(range(count), splitter, key=reader.number) for splitter in splitters]
            gone = _gone(job, reader, part.before, count)
        return Cut((*at, count), tuple(row - bisect_left(gone, row) for row in (*at, count)))
    except Error as error:
        return error


def order_range(job: Job, slices: Sequence[Slice], wanted: range) -> Range | Error:
    """Bring the rows of all parts into order that may be in a range, which is the `wanted` ones of them."""
    try:
        with _begun(job) as folder:
            runs = Runs(folder / "runs")
            for part, start, stop in slices:
                for rows in _moved(part, range(start, stop)):
                    runs.add_rows(rows)
            _settled(runs, folder, _dropped(job))
            with (folder / "rows" / "leaves").open("rb") as file:
                file.seek(_LEAF * wanted.start)
                tree = Tree.of(file.read(_LEAF * len(wanted)))
            (folder / "levels").mkdir()
            for level, nodes in enumerate(tree.levels):
                (folder / "levels" / level_name(level)).write_bytes(nodes)
            return Range(folder, tree.root())
    except Error as error:
        return error


class _Notes:
    """Keys and problems of a part, as files that the coordinator reads."""

    def __init__(self, folder: Path) -> None:
        self.files = Appended(folder / NOTES)
        self._problems = 0

    def take(self, keys: Sequence[Keys], problems: Sequence[Problem]) -> None:
        for constraint, some in enumerate(keys):
            self.files.append(f"{constraint}.hashes", some.hashes)
            self.files.append(f"{constraint}.at", to_words(some.at))
        # One more than anybody wants to see says that there are too many.
        for problem in problems[: MAX_PROBLEMS + 1 - self._problems]:
            self.files.append(PROBLEMS, to_line(problem))
        self._problems += len(problems)


def _seal(job: Job, path: Path, folder: Path, source: Source, layout: Layout, numbers: tuple[Path, int] | None) -> Part:
    assigned, before = (None, 0) if numbers is None else (Assigned(numbers[0]), numbers[1])
    notes, runs = _Notes(folder), Runs(folder / "runs")
    rows, after = 0, source.start
    for chunk, batch in _sealing(job, source, layout).batches(source.start, assigned, before):
        runs.add(batch)
        if assigned is None:  # else all this was taken when the numbers were not known yet
            notes.take(batch.keys, batch.problems)
        rows, after = rows + batch.rows, chunk.after
    count = _settled(runs, folder)
    with Reader(folder / "rows") as reader:
        sample = tuple(map(reader.number, range(job.sample - 1, count, job.sample)))
    lines = _lines(job, path, source.start, after)
    return Part(folder, rows, count, *lines, notes.files.sizes(), sample)


def _settled(runs: Runs, folder: Path, drop: Collection[int] = ()) -> int:
    """Bring rows into order, in the folder `rows`, and return how many they are."""
    run = runs.merge(drop)
    run.roster.parent.rename(folder / "rows")
    rmtree(folder / "runs", ignore_errors=True)  # the rows as they were before
    return run.count


@contextmanager
def _begun(job: Job) -> Iterator[Path]:
    _check(job)
    folder = job.shared / os.urandom(8).hex()
    folder.mkdir(mode=0o700)
    yield folder


def _check(job: Job) -> None:
    # Workers may join while the work goes on, after all that were there had been looked at.
    if (error := look(job.release, job.shared)) is not None:
        raise error


@contextmanager
def _opened(job: Job, path: Path) -> Iterator[tuple[Source, Layout]]:
    with open_source(path, job.kind, job.mapping, job.chunk, job.names) as source:
        if frozenset(source.columns) != job.columns:
            raise RegistryError("part-columns", expected=sorted(job.columns), found=list(source.columns))
        yield source, lay_out(job.mapping, make_table(source.columns, iter(())))


def _of_part(error: Error, path: Path) -> Error:
    error.params.setdefault("part", path.name)
    return error


def _sealing(job: Job, source: Source, layout: Layout) -> Sealing:
    return Sealing(source, layout, job.secret.value, keep_private=job.keep_private, workers=int(job.compiled))


def _lines(job: Job, path: Path, start: Place, after: Place) -> tuple[int, int]:
    """Return the line on which the rows of a part begin, and how many lines they are.

    If the last line has no end, what follows begins on another line all the same.
    """
    unended = 0
    if job.kind != "parquet":
        with path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            unended = int(file.read(1) not in b"\r\n")
    if start.offset == after.offset:
        return start.line + unended, 0
    return start.line, after.line + unended - start.line


def _dropped(job: Job) -> "array[int]":
    return from_words((job.shared / DROPPED).read_bytes())


def _gone(job: Job, reader: Reader, before: int, count: int) -> list[int]:
    """Return the rows of a part that are dropped."""
    dropped = _dropped(job)
    if not dropped:
        return []
    gone = []
    for start in range(0, count, _BLOCK):
        lines = reader.lines(range(start, min(start + _BLOCK, count)))
        gone += [start + at for at, line in enumerate(lines) if is_among(line + before, dropped)]
    return gone


def _moved(part: Placed, rows: range) -> Iterator[Rows]:
    """Yield rows of a part, with their lines as they are in the registry."""
    with Reader(part.folder / "rows") as reader:
        while rows:
            some = reader.read(rows, ROOM)
            at = array("Q", [line + part.before for line in some.at])
            yield Rows(some.numbers, at, some.roster, some.private, some.leaves)
            rows = rows[len(at) :]
