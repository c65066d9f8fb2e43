"""A registry in many files, as Spark, Hive and Dask write them: which they are, and which row is where.

In their order, by name, they are one registry: its lines are those of the first file, then the rows of the next ones,
without what is above them. So what depends on lines does not depend on how the registry was cut.
"""

from bisect import bisect_right
from glob import glob
from pathlib import Path
from typing import Final

from fairdraw.errors import RegistryError
from fairdraw.registry.tabular import Kind, kind_of

_NO_DATA: Final = ("_", ".")  # _SUCCESS, and the hidden files of checksums and of jobs that were cut off


def part_files(where: Path, kind: Kind | None) -> tuple[Kind, list[Path]]:
    """Return of what kind the parts in a folder are, or those that a pattern finds, and which they are, by name.

    `kind` is what they are if their names do not tell it. Empty files are no parts.

    Raises:
        RegistryError: `parts-missing`, `parts-nested`, `parts-mixed` or `parts-alike`; or `file-type`.
    """
    where = where.absolute()  # for workers, which stand elsewhere
    found = list(where.iterdir()) if where.is_dir() else [Path(path) for path in glob(str(where))]  # noqa: PTH207 - from anywhere
    found = [path for path in found if not path.name.startswith(_NO_DATA)]
    if folders := sorted(path.name for path in found if path.is_dir()):
        # `year=2026/`: a column that stands in the names of folders, and in none of the files.
        raise RegistryError("parts-nested", found=folders[0], part=str(where))
    parts = sorted((path for path in found if path.stat().st_size), key=lambda path: path.name.encode())
    if not parts:
        raise RegistryError("parts-missing", found=str(where))
    kinds: dict[Kind, str] = {kind: ""} if kind else {kind_of(path.name): path.name for path in parts}
    if len(kinds) > 1:
        raise RegistryError("parts-mixed", found=sorted(kinds.values()))
    names = [path.name for path in parts]
    if len(set(names)) < len(names):
        raise RegistryError("parts-alike", found=next(name for name in names if names.count(name) > 1))
    return next(iter(kinds)), parts


class Lines:
    """Where the lines of a registry in parts are, whose parts are added in their order.

    `moved` is how much larger the number of a line is in the registry than in each part.
    """

    def __init__(self) -> None:
        self.moved: list[int] = []
        self._begins: list[int] = []
        self._next = 0

    def add(self, first: int, count: int) -> int:
        """Add a part of so many lines, from its line `first` on; return how far they are moved."""
        begin = self._next or first
        self._begins.append(begin)
        self.moved.append(begin - first)
        self._next = begin + count
        return begin - first

    def place(self, line: int) -> tuple[int, int]:
        """Return which part a line of the registry is in, and which line of it."""
        at = bisect_right(self._begins, line) - 1
        return at, line - self.moved[at]
