"""Ranges of a roster, which others have made, laid end to end; nothing is believed of them that can be checked.

What is laid down is what every verifier accepts: else a faulty worker could have a snapshot logged that nobody can draw
from, and a log forgets nothing.
"""

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from hashlib import sha256
from itertools import islice
from pathlib import Path
from shutil import rmtree
from typing import Final, NamedTuple

from fairdraw.bulk.batch import KEY_LENGTH, Keys
from fairdraw.bulk.freezing import ROWS, Tell
from fairdraw.bulk.rosters import roster_rows
from fairdraw.bulk.runs import Reader
from fairdraw.bulk.strings import to_words
from fairdraw.bulk.tasks import Range
from fairdraw.bulk.unique import Unique
from fairdraw.errors import SnapshotError, WorkspaceError
from fairdraw.roster import Passing
from fairdraw.values import Listing
from transparency_log import fast
from transparency_log.levels import PIECE_LEVEL, LevelWriter, level_name
from transparency_log.merkle import HASH_SIZE, CompactRange, Tree
from transparency_log.storage import sync
from transparency_log.tree import read_ahead

ROSTER: Final = "roster"
PRIVATE: Final = "private"
LEVELS: Final = "levels"
_NUMBERS: Final = 1 << 16  # that are hashed at a time


class Schema(NamedTuple):
    """The fields of the rows, as a `snapshot` statement has them."""

    attrs: tuple[tuple[str, str], ...]
    private: tuple[tuple[str, bool], ...]


def join(
    folder: Path,
    ranges: Iterable[tuple[Range, range]],
    schema: Schema,
    *,
    level: int,
    rows: int,
    keep_private: bool,
    tell: Tell,
) -> tuple[Listing, Counter[bytes] | None]:
    """Lay ranges of 2^`level` rows down in a folder, as roster, private lines and level files.

    Of the rows of each the `wanted` ones are it. Lines are read as a verifier reads them, and hashed anew: the level
    files and the root that were told have to be those. `rows` is how many there are, about. Return what a statement
    says of the roster, and how many rows each tuple of attributes has, None if they are too many.

    Raises:
        SnapshotError: `range-root`, `range-line`, `range-order`, `range-rows` or `number-twice`.
        WorkspaceError: `scratch-damaged`: a file of a range is too short.
    """
    (folder / LEVELS).mkdir()
    roster, whole = _Roster(folder, schema, rows, keep_private=keep_private), CompactRange()
    piece = min(level, PIECE_LEVEL)
    with roster, LevelWriter(folder / LEVELS, level=piece) as writer:
        for made, wanted in ranges:
            tell("tree", whole.size, None, rows)
            found = CompactRange()
            leaves = roster.take(made.folder, wanted, 1 << piece)
            for tree in read_ahead(Tree.of, leaves, fast.workers(rows)):
                _check_levels(made.folder / "levels", found.size, tree)
                found.join(CompactRange.read(tree.node, tree.size))
                writer.append(tree)
            if found.root() != made.root:
                raise SnapshotError("range-root", path=str(made.folder))
            whole.join(found)
            rmtree(made.folder)
        writer.finish()
        roster.finish()
    if roster.lines.both_cases:
        _check_cases(folder)
    digest, length = roster.digest.hexdigest(), roster.length
    return Listing(root=whole.root().hex(), count=whole.size, digest=digest, length=length), roster.lines.groups


class _Roster(ExitStack):
    """The roster as it is laid down: `digest` and `length` of what is there; durable after `finish`."""

    def __init__(self, folder: Path, schema: Schema, rows: int, *, keep_private: bool) -> None:
        super().__init__()
        self.lines, self.digest, self.length = Passing(schema, rows), sha256(), 0
        self._keep_private = keep_private
        names = (ROSTER, PRIVATE, f"{LEVELS}/{ROWS}")
        self._files = [self.enter_context((folder / name).open("wb")) for name in names]
        self._roster, self._private, self._ends = self._files

    def take(self, folder: Path, wanted: range, size: int) -> Iterator[bytes]:
        """Lay rows of a folder down, so many at a time, and yield their leaf hashes."""
        with Reader(folder / "rows") as reader:
            while wanted:
                some, wanted = wanted[:size], wanted[size:]
                data = reader.text(ROSTER, some)
                try:
                    leaves, ends = self.lines.take(data)
                except SnapshotError as error:
                    code = "range-order" if error.code == "roster-not-sorted" else "range-line"
                    raise SnapshotError(code, path=str(folder), reason=error.code) from None
                _check_rows(some, len(ends))
                self._roster.write(data)
                self._ends.write(to_words(ends))
                self.digest.update(data)
                self.length += len(data)
                if self._keep_private:
                    data = reader.text(PRIVATE, some)
                    _check_rows(some, data.count(b"\n"))
                    self._private.write(data)
                yield leaves

    def finish(self) -> None:
        for file in self._files:
            file.flush()
            sync(file.fileno())


def _check_rows(expected: range, found: int) -> None:
    if found != len(expected):
        raise SnapshotError("range-rows", expected=len(expected), found=found)


def _check_levels(folder: Path, first: int, tree: Tree) -> None:
    """Check what level files have of the tree over leaves from the `first` on."""
    for level, nodes in enumerate(tree.levels):
        path, start = folder / level_name(level), HASH_SIZE * (first >> level)
        end = start + len(nodes)
        with path.open("rb") as file:
            file.seek(start)
            told = file.read(len(nodes))
        if (found := start + len(told)) != end:
            raise WorkspaceError("scratch-damaged", path=str(path), expected=end, found=found)
        if told != nodes:
            raise SnapshotError("range-root", path=str(path))


def _check_cases(folder: Path) -> None:
    """Refuse numbers that differ in nothing but the case of letters; workers have told the keys that were compared."""
    unique, numbers, first = Unique(folder / "cases"), (no for no, _, _ in roster_rows(folder / ROSTER)), 0
    while some := list(islice(numbers, _NUMBERS)):
        hashes = b"".join(sha256(no.lower()).digest()[:KEY_LENGTH] for no in some)
        unique.add(Keys(hashes, array("Q", range(first, first + len(some)))), 0)
        first += len(some)
    for _, row, _ in unique.repeated(numbered=False):
        found = next(islice(roster_rows(folder / ROSTER), row, None))[0]
        raise SnapshotError("number-twice", found=found.decode().lower())
