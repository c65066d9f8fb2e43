"""Freezing a registry in parts on the machines of a Dask cluster, to the bytes that one machine makes of it.

    parts → each sealed and sorted by a worker → cut where ranges begin → ranges, each joined by a worker → the roster
                └→ keys and problems → what recurs, found here

A range is aligned: it has 2^`level` rows, so that its root is a node of the tree. Workers hold the secret and see every
row; but of what they make nothing is believed that anybody can check: who reads the roster here for its digest hashes
its tree with it.
"""

import os
import re
from array import array
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from shutil import copyfile, rmtree
from types import TracebackType
from typing import Any, Final, Self

from fairdraw.bulk import tasks
from fairdraw.bulk.appended import Appended
from fairdraw.bulk.batch import KEY_LENGTH, Keys
from fairdraw.bulk.findings import Findings, from_lines
from fairdraw.bulk.freezing import Found, Frozen, Tell, fields_of, silent, space_for
from fairdraw.bulk.joining import LEVELS, PRIVATE, ROSTER, Schema, join
from fairdraw.bulk.making import hashes_of
from fairdraw.bulk.numbers import Numbers
from fairdraw.bulk.parts import Lines
from fairdraw.bulk.sources import CHUNK, JsonLines, open_source
from fairdraw.bulk.strings import from_words, to_words
from fairdraw.errors import Error, RegistryError, SnapshotError, WorkspaceError
from fairdraw.registry.layout import lay_out
from fairdraw.registry.mapping import Mapping, default_map
from fairdraw.registry.problems import Problem
from fairdraw.registry.tabular import Kind, make_table
from fairdraw.sealing import SECRET_LENGTH
from transparency_log import fast

LEVEL: Final = 20  # of a range: some seconds of work, tens of megabytes of hashes
_SHARED: Final = "shared"
_OURS: Final = re.compile(r"/.*/fairdraw-[0-9a-f]{16}")
_NEAR: Final = 8  # splitters a range: one row in so many is read for two ranges
_WORD: Final = 8
_COPIED: Final = 1 << 20  # bytes that are copied at a time
_KEYS: Final = 1 << 16  # keys that are read at a time
_TRIES: Final = 10
_WAIT: Final = 30  # seconds for the first worker
_SHOWN: Final = 200

Client = Any  # distributed.Client
_Range = tuple[Sequence[tasks.Slice], range]


@dataclass(frozen=True)
class InParts:
    """What is to be frozen: files of one kind in the order of their names, and their map, as in an `Input`."""

    parts: Sequence[Path]
    kind: Kind
    mapping: Mapping | None
    numbers: Path | None = None
    keep_private: bool = True

    def about(self) -> list[tuple[int, int, int]]:
        """Return what tells the parts from themselves after they were changed."""
        return [(told.st_size, told.st_mtime_ns, told.st_ino) for told in (path.stat() for path in self.parts)]


def connect(address: str) -> Client:
    """Return a client of the scheduler at an address; whether by TLS, Dask's own configuration says.

    Raises:
        WorkspaceError: `scheduler-unreachable`.
    """
    distributed: Any = import_module("distributed")  # an extra
    # What its constructor trips over it closes when it is deleted: in vain, for some seconds, and with a traceback.
    if address.startswith("tls:") and distributed.Security().get_connection_args("client")["ssl_context"] is None:
        raise WorkspaceError("scheduler-unreachable", found=address, reason="distributed.comm.tls: no certificate")
    try:
        distributed.comm.get_address_host_port(address, strict=True)
        return distributed.Client(address, timeout=_WAIT, set_as_default=False)
    except (OSError, ValueError) as error:  # a time-out is an OSError
        raise WorkspaceError("scheduler-unreachable", found=address, reason=str(error)[:_SHOWN]) from None


@contextmanager
def _anything() -> Iterator[None]:
    """Read what workers have written, whatever that is."""
    try:
        yield
    except (ArithmeticError, LookupError, MemoryError, TypeError, ValueError) as error:
        raise _failed(error) from None


class Spread:
    """One freeze on a cluster, with the steps of `Freezing`. After it was cut off it begins anew."""

    resumed: Final = False

    def __init__(  # noqa: PLR0913 - the last ones are for tests
        self,
        source: InParts,
        folder: Path,
        shared: Path,
        client: Client,
        secret: bytes,
        order: bytes | None = None,
        *,
        tell: Tell = silent,
        chunk: int = CHUNK,
        level: int = LEVEL,
        sample: int = tasks.SAMPLE,
    ) -> None:
        """Open the first part, and see that all workers can take part: they all see the folder `shared`.

        Raises:
            RegistryError: the first part or the map cannot be used.
            WorkspaceError: `workers-failed`, `worker-version` or `worker-blind`.
            SnapshotError: `bad-secret`.
        """
        if len(secret) != SECRET_LENGTH:
            raise SnapshotError("bad-secret", expected=SECRET_LENGTH, found=len(secret))
        self._source, self._client, self._tell, self._level = source, client, tell, level
        self.secret, self.folder, self.rows = secret, folder, 0
        self._about = source.about()
        with open_source(source.parts[0], source.kind, source.mapping, chunk) as first:
            columns, (rows, self._length) = first.columns, first.extent or (0.0, 0.0)
            names = first.names if isinstance(first, JsonLines) else None
        self._expected = rows * sum(size for size, _, _ in self._about) / self._about[0][0]
        mapping = source.mapping or default_map([column for column in columns if column])
        if mapping.encoding == "auto":  # where it was cut would decide what a part is taken for (specs/map.md §2.6)
            mapping = mapping.model_copy(update={"encoding": "utf-8"})
        self._mapping = mapping
        self._layout = lay_out(self._mapping, make_table(columns, iter(())))
        self._shared = self._begin(shared)
        self._job = tasks.Job(
            kind=source.kind,
            mapping=self._mapping,
            columns=frozenset(columns),
            names=names,
            secret=tasks.Secret(secret),
            shared=self._shared,
            keep_private=source.keep_private,
            compiled=hashes_of(self._expected) >= fast.PAYS_FROM,
            release=tasks.this_release(),
            chunk=chunk,
            sample=sample,
        )
        self._findings = Findings(folder, {})
        self._numbers = Numbers(folder / "numbers", secret=order)
        self._lines = Lines()
        self._sealed: list[tuple[tasks.Placed, int]] = []  # and how many rows
        self._sample: list[bytes] = []
        self._left_out: tuple[int, ...] = ()

    def _begin(self, shared: Path) -> Path:
        """Remove what an earlier call has left, here and where the workers see it, and begin."""
        note = self.folder / _SHARED
        # Of a note that a power cut has shortened, the rest names another folder: the shared one, or the current one.
        if note.is_file() and _OURS.fullmatch(told := note.read_text("utf-8", "replace")):
            _remove(Path(told))
        rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(mode=0o700, parents=True)
        folder = shared.resolve() / f"fairdraw-{os.urandom(8).hex()}"
        note.write_text(str(folder), "utf-8")
        folder.mkdir(mode=0o700)
        (folder / tasks.PROBE).touch()
        return folder

    def __enter__(self) -> Self:
        try:
            self._look()
        except BaseException:
            _remove(self._shared)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        _remove(self._shared)

    def _look(self) -> None:
        try:
            self._client.wait_for_workers(1, timeout=_WAIT)
            found = self._client.run(tasks.look, self._job.release, self._shared, self._source.parts[0])
        except Exception as error:  # noqa: BLE001 - whatever comes from another machine
            raise _failed(error) from None
        for worker, wrong in found.items():
            if wrong is not None:
                wrong.params["worker"] = worker
                raise wrong

    @property
    def folders(self) -> tuple[Path, ...]:
        """Where its files are, each on a disk that may be full."""
        return (self.folder, self._shared)

    @property
    def attrs(self) -> tuple[str, ...]:
        """The public fields."""
        return self._layout.attrs

    def space_needed(self) -> int:
        """Return about how many bytes of disk the files take, in the scratch folder and in the shared one each."""
        return space_for(self._expected, self._length, self._layout, keep_private=self._source.keep_private)

    def discard(self) -> None:
        """Remove the scratch folder, with the private values in it."""
        _remove(self._shared)
        rmtree(self.folder, ignore_errors=True)

    # -- reading ------------------------------------------------------------------------------------------------------

    def read(self) -> Found:
        """Have all rows read, and sealed unless numbers have to be assigned first; return all that is wrong with them.

        Each problem's `cell` says in which file it is, and on which of its lines.

        Raises:
            RegistryError: a part breaks off, has other columns or was changed meanwhile; all are empty; or
                `problems-too-many`.
            WorkspaceError: what is wrong with the workers.
        """
        if self._layout.number is not None:
            for part in self._of_parts(tasks.seal_part):
                self._keep(part, self._take(part))
        else:
            for part in self._of_parts(tasks.key_part):
                self._take_keys(part, self._take(part))
                rmtree(part.folder)
        if not self.rows:
            raise RegistryError("registry-empty", expected="rows", found=self._source.parts[0].parent.name)
        problems = self._findings.problems(self._layout)
        self._left_out = tuple(sorted({problem.line for problem in problems}))
        return Found(tuple(map(self._in_file, problems)), self._left_out)

    def _of_parts(self, task: Callable[..., tasks.Part | Error], numbers: Path | None = None) -> Iterator[tasks.Part]:
        calls: list[tuple[object, ...]] = [(self._job, path) for path in self._source.parts]
        if numbers is not None:
            calls = [(*call, (numbers, before)) for call, before in zip(calls, self._lines.moved, strict=True)]
        for done, part in enumerate(self._done(task, calls), 1):
            yield part
            self._tell("read", done, len(calls), self.rows)
        if self._source.about() != self._about:
            raise RegistryError("input-changed", found=self._source.parts[0].parent.name)

    @_anything()
    def _take(self, part: tasks.Part) -> int:
        """Take what was found in a part, and return how far its lines are moved."""
        before = self._lines.add(part.first, part.lines)
        self.rows += part.rows
        notes = Appended(part.folder / tasks.NOTES, part.notes)
        for constraint in range(len(self._layout.unique) + (self._layout.number is not None)):
            for keys in _keys_in(notes.path(f"{constraint}.hashes"), notes.path(f"{constraint}.at"), before):
                self._findings.take_keys(keys, constraint)
        problems = from_lines(notes.path(tasks.PROBLEMS))
        self._findings.take((), (replace(problem, line=problem.line + before) for problem in problems))
        return before

    @_anything()
    def _take_keys(self, part: tasks.Part, before: int) -> None:
        """Take the keys by which the rows of a part are to be given numbers."""
        notes = Appended(part.folder / tasks.NOTES, part.notes)
        names = ("given", "given.lengths", "given.at")
        with ExitStack() as opened:
            data, lengths, at = (opened.enter_context(notes.path(name).open("rb")) for name in names)
            while some := from_words(lengths.read(_WORD * _KEYS)):
                lines = from_words(at.read(_WORD * len(some)))
                self._numbers.add((data.read(length) for length in some), (line + before for line in lines))

    def _keep(self, part: tasks.Part, before: int) -> None:
        self._sealed.append((tasks.Placed(part.folder, before), part.count))
        self._sample += part.sample

    def _in_file(self, problem: Problem) -> Problem:
        found = problem.found
        if problem.code in {"number-repeated", "row-repeated"}:
            found = self._named(int(found.removeprefix("line ")))
        return replace(problem, cell=self._named(problem.line), found=found)

    def _named(self, line: int) -> str:
        at, own = self._lines.place(line)
        return f"{self._source.parts[at].name}:{own}"

    # -- sealing ------------------------------------------------------------------------------------------------------

    def seal(self) -> Frozen:
        """Return the snapshot of the rows without a problem, after `read`.

        Raises:
            SnapshotError: `empty-registry`; or `range-root`, `range-line`, `range-order`, `range-rows` or
                `number-twice`: a worker has made something else of its rows than it should.
            WorkspaceError, RegistryError: as `read`; `scratch-damaged`.
        """
        table = None
        if template := self._mapping.no.assign:
            given, table = self._numbers.assign(template=template, known=self._source.numbers, drop=self._left_out)
            copyfile(given.path, self._shared / tasks.ASSIGNED)
            for part, before in zip(
                self._of_parts(tasks.seal_part, self._shared / tasks.ASSIGNED), self._lines.moved, strict=True
            ):
                self._keep(part, before)
        (self._shared / tasks.DROPPED).write_bytes(to_words(array("Q", self._left_out)))
        self._tell("sort", 0, None, self.rows)
        ranges = self._ranges()
        if not ranges:
            raise SnapshotError("empty-registry")
        made = self._done(tasks.order_range, [(self._job, *one) for one in ranges])
        schema = Schema(*fields_of(self._mapping, self._layout))
        listing, groups = join(
            self.folder,
            zip(made, (wanted for _, wanted in ranges), strict=True),
            schema,
            level=self._level,
            rows=self.rows,
            keep_private=self._source.keep_private,
            tell=self._tell,
        )
        return Frozen(
            attrs=schema.attrs,
            private=schema.private,
            listing=listing,
            roster=self.folder / ROSTER,
            levels=self.folder / LEVELS,
            private_lines=self.folder / PRIVATE if self._source.keep_private else None,
            numbers=table,
            groups=groups,
        )

    def _ranges(self) -> list[_Range]:
        """Return of each range the rows that may belong to it, and which of them do when they are in order."""
        step = max(1, (1 << self._level) // (self._job.sample * _NEAR))
        splitters = sorted(self._sample)[step - 1 :: step]
        calls = [(self._job, rows, count, splitters) for rows, count in self._sealed]
        cuts: list[tasks.Cut] = list(self._done(tasks.cut_part, calls))
        # How many rows of the roster come up to each splitter, and at last how many there are.
        ranks = [sum(kept) for kept in zip(*(cut.kept for cut in cuts), strict=True)]
        if ranks[-1] != (expected := self.rows - len(self._left_out)):
            raise SnapshotError("range-rows", expected=expected, found=ranks[-1])
        ranges: list[_Range] = []
        for first in range(0, ranks[-1], 1 << self._level):
            count = min(1 << self._level, ranks[-1] - first)
            low, high = bisect_right(ranks, first) - 1, bisect_left(ranks, first + count)
            slices = [
                tasks.Slice(part, cut.rows[low] if low >= 0 else 0, cut.rows[high])
                for (part, _), cut in zip(self._sealed, cuts, strict=True)
            ]
            rows = [one for one in slices if one.start < one.stop]
            skip = first - (ranks[low] if low >= 0 else 0)
            ranges.append((rows, range(skip, skip + count)))
        return ranges

    # -- the cluster --------------------------------------------------------------------------------------------------

    def _done(self, task: Callable[..., Any], calls: Sequence[tuple[object, ...]]) -> Iterator[Any]:
        """Yield the answers to calls of a task, in order, while the workers go on with the next ones."""
        # Dask would make the name of a call out of its arguments, which hold the secret.
        name = f"{task.__name__}-{os.urandom(4).hex()}"
        futures = deque(
            self._client.submit(task, *call, key=f"{name}-{at}", pure=False) for at, call in enumerate(calls)
        )
        try:
            while futures:
                try:
                    answer = futures[0].result()
                except Exception as error:  # noqa: BLE001 - whatever a worker trips over, or its end
                    raise _failed(error) from None
                if isinstance(answer, Error):
                    raise answer
                yield answer
                futures.popleft()
        finally:
            self._client.cancel(list(futures), force=True)


def _keys_in(hashes: Path, at: Path, before: int) -> Iterator[Keys]:
    with hashes.open("rb") as values, at.open("rb") as lines:
        while some := from_words(lines.read(_WORD * _KEYS)):
            yield Keys(values.read(KEY_LENGTH * len(some)), array("Q", [line + before for line in some]))


def _remove(folder: Path) -> None:
    """Remove a folder with private values in it, in which workers may still be writing."""
    for _ in range(_TRIES):
        rmtree(folder, ignore_errors=True)
        if not folder.exists():
            break


def _failed(error: Exception) -> WorkspaceError:
    return WorkspaceError("workers-failed", kind=type(error).__name__, found=str(error)[:_SHOWN])
