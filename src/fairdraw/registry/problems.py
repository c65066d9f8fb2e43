"""Rows that cannot be frozen, as people and the snapshot's statement are told of them: specs/map.md §5."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from fairdraw.encoding import canonical, lines
from fairdraw.errors import RegistryError

Fault = tuple[str, int | None, RegistryError]
"""The field or column, its position in the file if it is one, and what is wrong with it."""

MAX_FOUND: Final = 80  # a cell may hold a novel; a message shows where it begins


@dataclass(frozen=True, slots=True)
class Problem:
    """One reason why a row cannot be frozen.

    `line` counts from 1 in the file; `field` is a field of the map, or a column that is none; `expected` and
    `code` are stable words. `cell` is a spreadsheet's cell, such as B17, empty where there is none. `found` may be
    private: it is for the bureau's own eyes.
    """

    line: int
    field: str
    expected: str
    found: str
    code: str
    cell: str = ""


def as_problem(error: RegistryError, *, line: int, field: str, cell: str = "") -> Problem:
    """Return the problem that a cell's reader raised."""
    expected, found = str(error.params["expected"]), str(error.params["found"])
    shown = found if len(found) <= MAX_FOUND else found[:MAX_FOUND] + "…"
    return Problem(line, field, expected, shown, error.code, cell)


def left_out_list(problems: Iterable[Problem]) -> bytes:
    """Return the artifact that lists the rows left out, without anything that was in them."""
    return lines(sorted({canonical({"code": p.code, "field": p.field, "line": p.line}) for p in problems}))
