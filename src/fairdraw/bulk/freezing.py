"""Freezing a registry of any size: it is read once, in chunks, and memory does not grow with it.

    source → chunks → batches → runs on disk → one run → levels of its tree
                             └→ keys on disk → what recurs

The result is that of `registry.read_registry` and `snapshot.freeze`, byte for byte. Sealing comes before sorting, for a
row's seal and line do not depend on the others; what recurs is found at the end, and left out of the merge. Where
numbers are assigned, the file is read twice: they depend on which rows there are.
"""

import os
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from hashlib import file_digest, sha256
from pathlib import Path
from shutil import copyfile, rmtree
from types import TracebackType
from typing import BinaryIO, Final, Self

from fairdraw.bulk.findings import Findings, Growing
from fairdraw.bulk.journal import Journal, Stand
from fairdraw.bulk.making import Sealing, pays
from fairdraw.bulk.numbers import Assigned, Numbers
from fairdraw.bulk.rosters import roster_rows
from fairdraw.bulk.runs import Runs
from fairdraw.bulk.sources import CHUNK, Place, open_source
from fairdraw.errors import RegistryError, SnapshotError, WorkspaceError
from fairdraw.registry.layout import Layout, lay_out
from fairdraw.registry.mapping import Mapping, default_map
from fairdraw.registry.problems import Problem
from fairdraw.registry.tabular import Kind, make_table
from fairdraw.sealing import SECRET_LENGTH
from fairdraw.values import Listing
from transparency_log.levels import write_levels
from transparency_log.storage import sync, sync_folder

EVERY: Final = 128 << 20  # bytes of input between two entries of the journal: some seconds of work
MAX_GROUPS: Final = 100_000  # tuples of attributes that are counted

WORKERS: Final = 2  # threads of the compiled path; a third would wait for the one that reads and writes
ROWS: Final = "rows"
NUMBERS: Final = "numbers.csv"

# Bytes that a row takes: what a roster's line has beside the values of the file; its leaf, in all levels and before and
# after sorting, with ends and lines; and a key.
_LINE: Final = 110
_FIXED: Final = 200
_KEY: Final = 24

Tell = Callable[[str, int, int | None, int], None]
"""Is told what is being done, how much of how much is done (bytes or rows; None: unknown), and rows so far."""


@dataclass(frozen=True)
class Input:
    """What is to be frozen: a file, or a pipe, of which kind, and its map, None if it names its own fields.

    `numbers` is the file of the numbers that were assigned before; `keep_private` is false where no private values are
    to be written.
    """

    where: Path | BinaryIO
    kind: Kind
    mapping: Mapping | None
    name: str
    numbers: Path | None = None
    keep_private: bool = True

    def about(self) -> dict[str, object] | None:
        """Return what tells this input from another, and from itself after it was changed; None of a pipe."""
        if not isinstance(self.where, Path):
            return None
        found = self.where.stat()
        told = "" if self.mapping is None else self.mapping.model_dump_json()
        return {
            "path": str(self.where.resolve()), "kind": self.kind, "size": found.st_size, "file": found.st_ino,
            "times": [found.st_mtime_ns, found.st_ctime_ns],  # the second is nobody's to set
            "map": sha256(told.encode()).hexdigest(), "private": self.keep_private,
        }  # fmt: skip


@dataclass(frozen=True)
class Found:
    """All that is wrong with some rows; `left_out` are their lines, ascending."""

    problems: tuple[Problem, ...]
    left_out: tuple[int, ...]


@dataclass(frozen=True)
class Frozen:
    """A frozen registry, as files in the scratch folder, all of them durable.

    `levels` is a folder of level files (`transparency_log.levels`) and of the file `rows`: where each line of the
    roster ends, 8 bytes little-endian each. `groups` are canonical attributes and how many rows have them, None if they
    are too many to be counted.
    """

    attrs: tuple[tuple[str, str], ...]
    private: tuple[tuple[str, bool], ...]
    listing: Listing
    roster: Path
    levels: Path
    private_lines: Path | None
    numbers: Path | None
    groups: Counter[bytes] | None


def silent(what: str, done: int, total: int | None, rows: int) -> None:
    """Tell nobody."""


class Freezing:
    """One freeze, from the opened file to the files of a snapshot: `read`, `seal`, `discard`. Use it in a `with`.

    `secret` is used unless an earlier call with the same input was cut off, whose secret goes on: `self.secret` is the
    one that opens the rows, and `rows` tells how many of them that call had done.
    """

    def __init__(
        self,
        source: Input,
        folder: Path,
        secret: bytes,
        order: bytes | None = None,
        *,
        tell: Tell = silent,
        chunk: int = CHUNK,
        every: int = EVERY,
    ) -> None:
        """Open the input, and what an earlier call has left in the scratch folder.

        New numbers are given in an order that only who has the secret `order` could compute (specs/map.md §4.2).

        Raises:
            RegistryError: the file, its header or the map cannot be used at all.
            SnapshotError: `bad-secret`.
            WorkspaceError: `scratch-damaged`, or `scratch-foreign`.
        """
        if len(secret) != SECRET_LENGTH:
            raise SnapshotError("bad-secret", expected=SECRET_LENGTH, found=len(secret))
        self._input, self._tell, self._every = source, tell, every
        self._about = about = source.about()
        with ExitStack() as opened:
            self._source = opened.enter_context(open_source(source.where, source.kind, source.mapping, chunk))
            self._mapping = source.mapping or default_map([column for column in self._source.columns if column])
            if self._about is None and self._mapping.no.assign:
                raise RegistryError("assigned-on-pipe", found=self._mapping.no.assign)  # it has to be read twice
            self._layout = lay_out(self._mapping, make_table(self._source.columns, iter(())))
            self._opened = opened.pop_all()
        known = None if about is None else _known_before(source, folder)
        self._journal = Journal(folder, None if about is None else {**about, "numbers": known})
        kept, stand = self._journal.begin(secret + (order or b""))
        self.secret, order = kept[:SECRET_LENGTH], kept[SECRET_LENGTH:] or None
        self.folder, self.resumed = folder, stand is not None
        self._stand = stand or Stand(self._source.start)
        sizes = self._stand.sizes
        try:
            self._runs = Runs(folder / "runs", sizes.get("runs", {}))
            self._findings = Findings(folder, sizes)
            self._keys = Numbers(folder / "numbers", sizes.get("numbers", {}), secret=order)
        except WorkspaceError:  # `scratch-damaged`: the next call begins anew
            self._opened.close()
            self.discard()
            raise
        if source.numbers and stand is None:
            _copy(source.numbers, folder / NUMBERS)
        self._numbers = folder / NUMBERS if (folder / NUMBERS).exists() else None
        self._noted = self._stand.place.offset
        self._left_out: tuple[int, ...] = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._opened.close()

    @property
    def folders(self) -> tuple[Path, ...]:
        """Where its files are, each on a disk that may be full."""
        return (self.folder,)

    @property
    def attrs(self) -> tuple[str, ...]:
        """The public fields."""
        return self._layout.attrs

    def space_needed(self) -> int | None:
        """Return about how many bytes of disk all files take until the scratch folder is gone; None for a pipe."""
        if (extent := self._source.extent) is None:
            return None
        return space_for(*extent, self._layout, keep_private=self._input.keep_private)

    @property
    def rows(self) -> int:
        """How many rows were looked at so far."""
        return self._stand.rows

    def read(self) -> Found:
        """Read all rows, and seal them unless numbers have to be assigned first; return all that is wrong with them.

        Raises:
            RegistryError: the file breaks off, was changed meanwhile, or is empty; or `problems-too-many`.
        """
        try:
            if self._layout.number is not None:
                self._seal_rows()
            elif not self._stand.numbered:
                self._key_rows()
        except (RegistryError, UnicodeDecodeError):
            self._check_unchanged()  # else the rows of one moment are blamed for those of another
            raise
        if not self._stand.rows and not self._stand.numbered:
            raise RegistryError("registry-empty", expected="rows", found=self._input.name)
        problems = self._findings.problems(self._layout)
        self._left_out = tuple(sorted({problem.line for problem in problems}))
        return Found(problems, self._left_out)

    def seal(self) -> Frozen:
        """Return the snapshot of the rows without a problem, after `read`.

        Raises:
            SnapshotError: `empty-registry`: there is none.
            RegistryError: as `read`.
        """
        table = None
        if template := self._mapping.no.assign:
            numbers, table = self._keys.assign(template=template, known=self._numbers, drop=self._left_out)
            if not self._stand.numbered:
                self._stand = Stand(self._source.start, numbered=True)
                self._note()
            self._seal_rows(numbers)
        self._tell("sort", 0, None, self.rows)
        run = self._runs.merge(self._left_out)
        if not run.count:
            raise SnapshotError("empty-registry")
        self._tell("tree", 0, None, self.rows)
        levels = self.folder / "levels"
        rmtree(levels, ignore_errors=True)
        levels.mkdir()
        link(run.ends, levels / ROWS)
        link(run.leaves, levels / ".leaves")  # which `write_levels` takes away
        tree = write_levels(levels, levels / ".leaves")
        attrs, private = fields_of(self._mapping, self._layout)
        length = run.roster.stat().st_size
        return Frozen(
            attrs=attrs,
            private=private,
            listing=Listing(root=tree.root().hex(), count=run.count, digest=run.digest.hex(), length=length),
            roster=run.roster,
            levels=levels,
            private_lines=run.private,
            numbers=table,
            groups=self._groups(run.roster),
        )

    def discard(self) -> None:
        """Remove the scratch folder, with the secret and the private values in it."""
        self._journal.forget()
        rmtree(self.folder, ignore_errors=True)

    # -- reading ------------------------------------------------------------------------------------------------------

    def _seal_rows(self, numbers: Assigned | None = None) -> None:
        for chunk, batch in self._sealing().batches(self._stand.place, numbers):
            self._runs.add(batch)
            if numbers is None:  # else all this was taken when the numbers were not known yet
                self._findings.take(batch.keys, batch.problems)
            self._go_on(chunk.after, batch.rows, batch.groups)
        self._check_unchanged()

    def _key_rows(self) -> None:
        for chunk, keyed in self._sealing().keyed(self._stand.place):
            self._findings.take(keyed.keys, keyed.problems)
            self._keys.add(keyed.given, keyed.at)
            self._go_on(chunk.after, keyed.rows, Counter())
        self._check_unchanged()

    def _sealing(self) -> Sealing:
        workers, keep = WORKERS if self._pays() else 0, self._input.keep_private
        return Sealing(self._source, self._layout, self.secret, keep_private=keep, workers=workers)

    def _pays(self) -> bool:
        return pays(self._source)

    def _go_on(self, place: Place, rows: int, groups: Counter[bytes]) -> None:
        stand = self._stand
        counted = stand.groups
        if counted is not None:
            counted.update(groups)
        if counted is not None and len(counted) > MAX_GROUPS:
            counted = None
        self._stand = replace(stand, place=place, rows=stand.rows + rows, groups=counted)
        self._tell("read", place.offset, self._source.size, self._stand.rows)
        if place.offset - self._noted >= self._every:
            self._note()

    def _note(self) -> None:
        parts: dict[str, Growing] = {
            "runs": self._runs, **self._findings.parts, "numbers": self._keys,
        }  # fmt: skip
        if self._journal.kept:
            for part in parts.values():
                part.sync()
            self._stand = replace(self._stand, sizes={name: part.sizes() for name, part in parts.items()})
            self._journal.note(self._stand)
        self._noted = self._stand.place.offset

    def _check_unchanged(self) -> None:
        """Refuse a file that somebody wrote to while it was read: no single moment had what would be frozen."""
        if self._input.about() != self._about:
            raise RegistryError("input-changed", found=self._input.name)

    def _groups(self, roster: Path) -> Counter[bytes] | None:
        # Rows that repeat others were counted, too.
        return groups_in(roster) if self._findings.repeated else self._stand.groups


def space_for(rows: float, length: float, layout: Layout, *, keep_private: bool) -> int:
    """Return about how many bytes of disk so many rows of this length take."""
    lines = length + _LINE + (length if keep_private else 0)
    fixed = _FIXED + _KEY * (1 + len(layout.unique))
    return int(rows * (2 * lines + fixed))  # rows that are not in order are written once more when they are sorted


def fields_of(mapping: Mapping, layout: Layout) -> tuple[tuple[tuple[str, str], ...], tuple[tuple[str, bool], ...]]:
    """Return the schema of a snapshot: attributes and their types, private fields and whether they can be opened."""
    attrs = tuple((field, mapping.attrs[field].kind) for field in layout.attrs)
    return attrs, (*((field, True) for field in mapping.private), *((field, False) for field in mapping.closed))


def groups_in(roster: Path) -> Counter[bytes] | None:
    """Return the tuples of attributes in a roster and how many rows have them, None if they are too many."""
    counted: Counter[bytes] = Counter()
    for _, attrs, _ in roster_rows(roster):
        counted[attrs] += 1
        if len(counted) > MAX_GROUPS:
            return None
    return counted


def _digest(path: Path | None) -> str | None:
    if path is None or not path.exists():
        return None
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _known_before(source: Input, folder: Path) -> str | None:
    """Return the digest of the numbers with which a freeze began: by now they may be those that it has given."""
    current = _digest(source.numbers)
    given = _digest(folder / "numbers" / "results" / NUMBERS)
    return _digest(folder / NUMBERS) if current is not None and current == given else current


def link(source: Path, target: Path) -> None:
    """Give a file a second name, or where the file system has no such thing copy it, durably."""
    try:
        os.link(source, target)
    except OSError:
        _copy(source, target)
    sync_folder(target.parent)


def _copy(source: Path, target: Path) -> None:
    copyfile(source, target)
    with target.open("rb") as file:
        sync(file.fileno())
