"""What is wrong with the rows of a registry of any size: each by itself, and what it repeats of the others."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, Protocol

from fairdraw.bulk.appended import Appended
from fairdraw.bulk.batch import Keys
from fairdraw.bulk.journal import Sizes
from fairdraw.bulk.unique import Unique
from fairdraw.errors import RegistryError
from fairdraw.registry.layout import Layout
from fairdraw.registry.mapping import RESERVED
from fairdraw.registry.problems import Problem, as_problem

MAX_PROBLEMS: Final = 250_000  # that are told one by one: with more, not the rows are wrong but the map
_APART: Final = "number-is-private-field"


class Growing(Protocol):
    """Files that a journal tells the sizes of."""

    def sync(self) -> None:
        """Make durable what was added."""

    def sizes(self) -> dict[str, int]:
        """Return the sizes of the files."""


class Findings:
    """Bad rows, and the keys of all rows, in files of a scratch folder; `repeated` says whether a row repeats another.

    `parts` are what grows, by the name under which a journal has its sizes.
    """

    def __init__(self, folder: Path, sizes: Mapping[str, Sizes]) -> None:
        """Go on from these sizes of a journal.

        Raises:
            WorkspaceError: `scratch-damaged`.
        """
        self._unique = Unique(folder / "unique", sizes.get("unique", {}))
        self._told = Appended(folder / "told", sizes.get("told", {}))
        self.parts: Mapping[str, Growing] = {"unique": self._unique, "told": self._told}
        self._count = sum(1 for _ in self._bad_rows())
        self.repeated = False

    def take(self, keys: Iterable[Keys], problems: Iterable[Problem]) -> None:
        """Take the keys of some rows, of each constraint, and what is wrong with rows by themselves.

        Raises:
            RegistryError: `problems-too-many`.
        """
        for constraint, some in enumerate(keys):
            self.take_keys(some, constraint)
        for problem in problems:
            self._count += 1
            if self._count > MAX_PROBLEMS:
                raise _too_many(problem)
            self._told.append("problems", to_line(problem))

    def take_keys(self, keys: Keys, constraint: int) -> None:
        """Take the keys of some rows under one constraint."""
        self._unique.add(keys, constraint)

    def problems(self, layout: Layout) -> tuple[Problem, ...]:
        """Return all problems by line, those of one line in the order of specs/map.md §5.

        Raises:
            RegistryError: `problems-too-many`.
        """
        numbered = layout.number is not None
        repeats: list[Problem] = []
        twice: set[int] = set()
        labels = [(RESERVED, "number-repeated")] if numbered else []
        labels += [(label, "row-repeated") for label, _ in layout.unique]
        for constraint, line, first in self._unique.repeated(numbered=numbered):
            label, code = labels[constraint]
            error = RegistryError(code, expected="unique", found=f"line {first}")
            repeats.append(as_problem(error, line=line, field=label))
            if self._count + len(repeats) > MAX_PROBLEMS:
                raise _too_many(repeats[-1])
            if code == "number-repeated":
                twice.add(line)
        self.repeated = bool(repeats)
        # A number that is not its row's alone is not looked at any further.
        own = [problem for problem in self._bad_rows() if problem.code != _APART or problem.line not in twice]
        return tuple(sorted([*own, *repeats], key=lambda problem: problem.line))

    def _bad_rows(self) -> Iterator[Problem]:
        return from_lines(self._told.path("problems"))


def to_line(problem: Problem) -> bytes:
    """Return a problem of a file without cells as a line of JSON."""
    line = [problem.line, problem.field, problem.expected, problem.found, problem.code]
    return json.dumps(line).encode() + b"\n"


def from_lines(path: Path) -> Iterator[Problem]:
    """Yield the problems that stand in a file."""
    with path.open("rb") as file:
        for line in file:
            yield Problem(*json.loads(line))


def _too_many(last: Problem) -> RegistryError:
    return RegistryError("problems-too-many", expected=MAX_PROBLEMS, line=last.line, field=last.field, reason=last.code)
