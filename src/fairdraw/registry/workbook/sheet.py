"""One sheet as every format tells it: its cells, and what is hidden, merged, computed or in error (specs/map.md §2.2).

Rows and columns count from 0 here, as in every format's own description.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Final

from fairdraw.errors import RegistryError
from fairdraw.registry.cells import Marked

SUFFIXES: Final = (".xlsx", ".xls", ".ods")

# A cell in A1 and one in XFD1048576 are a file of a few kilobytes, and a table that no machine can hold.
MAX_CELLS: Final = 10_000_000
MAX_ROWS: Final = 1 << 20
MAX_COLUMNS: Final = 1 << 14
MAX_MARKS: Final = 1_000_000  # formulas, errors and merged ranges of one sheet

_NUMBER: Final = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([Ee][+-]?[0-9]{1,3})?")

_LEAP_DAY: Final = 60

Range = tuple[int, int, int, int]  # first row, first column, last row, last column


def broken(found: str) -> RegistryError:
    """Return the error of a file that is no workbook, or one that no office program would write."""
    return RegistryError("not-a-spreadsheet", expected=list(SUFFIXES), found=found)


def protected() -> RegistryError:
    """Return the error of a workbook that opens only with a password."""
    return RegistryError("password-protected")


@dataclass
class Sheet:
    """One sheet; `last` are its last filled row and column, -1 where nothing is filled."""

    name: str
    visible: bool = True
    last: tuple[int, int] = (-1, -1)
    lines: dict[int, list[object]] = field(default_factory=dict)
    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: set[int] = field(default_factory=set)
    formulas: set[tuple[int, int]] = field(default_factory=set)
    errors: set[tuple[int, int]] = field(default_factory=set)
    merged: list[Range] = field(default_factory=list)

    def fill(self, row: int, column: int) -> None:
        """Make room for a cell.

        Raises:
            RegistryError: `sheet-too-large`: the table would fill the memory.
        """
        last_row, last_column = self.last
        if row <= last_row and column <= last_column:
            return
        self.last = max(row, last_row), max(column, last_column)
        rows, columns = self.last[0] + 1, self.last[1] + 1
        if rows > MAX_ROWS or columns > MAX_COLUMNS or rows * columns > MAX_CELLS:
            raise RegistryError("sheet-too-large", sheet=self.name, expected=MAX_CELLS, found=f"{rows} × {columns}")

    def put(self, row: int, column: int, value: object) -> None:
        """Put a value into a cell, from left to right.

        Raises:
            RegistryError: `sheet-too-large`, or `not-a-spreadsheet` where the cell, or one right of it, is filled: of
            two values for one cell, programs show either.
        """
        self.fill(row, column)
        line = self.lines.setdefault(row, [])
        if column < len(line):
            raise broken(cell_name(row, column))
        line += [""] * (column - len(line))
        line.append(value)

    def rows(self) -> Iterator[Sequence[object]]:
        """Yield the cells of every row from the first one on, those that nobody typed as `Marked`."""
        marked: dict[int, list[int]] = {}
        for row, column in self.formulas | self.errors:
            marked.setdefault(row, []).append(column)
        rows, width = self.last[0] + 1, self.last[1] + 1
        for row in range(rows):
            told = self.lines.get(row, [])
            cells = [*told, *[""] * (width - len(told))]
            for column in marked.get(row, ()):
                if column < width:
                    cells[column] = Marked(error=(row, column) in self.errors, shown=cells[column])
            yield cells

    def compute(self, area: Range) -> None:
        """Note the cells that one formula fills."""
        self.formulas |= {(row, column) for row, column in _cells(area)}
        self._check()

    def fail(self, row: int, column: int) -> None:
        """Note a cell that shows an error, such as #N/A."""
        self.errors.add((row, column))
        self._check()

    def merge(self, area: Range) -> None:
        """Note a merged range."""
        self.merged.append(area)
        self._check()

    def _check(self) -> None:
        if len(self.formulas) + len(self.errors) + len(self.merged) > MAX_MARKS:
            raise RegistryError("sheet-too-large", sheet=self.name, expected=MAX_MARKS, found=cell_name(*self.last))


def _cells(area: Range) -> Iterable[tuple[int, int]]:
    first_row, first_column, last_row, last_column = area
    if (last_row - first_row + 1) * (last_column - first_column + 1) > MAX_MARKS:
        raise broken(range_name(area))
    return ((row, column) for row in range(first_row, last_row + 1) for column in range(first_column, last_column + 1))


def number(text: str) -> float:
    """Return the number that a cell's text is in XML.

    Raises:
        RegistryError: `not-a-spreadsheet`.
    """
    if not _NUMBER.fullmatch(text):
        raise broken(text)  # Python would also read 1_000 and nan
    return float(text)


def moment(serial: float, *, since_1904: bool) -> object:
    """Return what a cell shows that holds a day's number and is written as a date or a time of day.

    To Excel, 1900 is a leap year: from its 29 February on, days are counted from one day earlier.
    """
    start = date(1904, 1, 1) if since_1904 else date(1899, 12, 30 if serial >= _LEAP_DAY else 31)
    try:
        told = datetime.combine(start, time()) + timedelta(seconds=round(serial * 86_400))
    except OverflowError:
        return serial
    if serial < 0:
        return serial  # a program shows ##### for it
    if serial < 1:
        return told.time()
    return told if told.time() != time() else told.date()


def column_name(column: int) -> str:
    """Return the letters of a column: A, B, … Z, AA."""
    name = ""
    column += 1
    while column:
        column, letter = divmod(column - 1, 26)
        name = chr(ord("A") + letter) + name
    return name


def cell_name(row: int, column: int) -> str:
    """Return a cell as a clerk finds it, such as B17."""
    return f"{column_name(column)}{row + 1}"


def range_name(area: Range) -> str:
    """Return a range as a clerk finds it, such as B2:C5."""
    return f"{cell_name(area[0], area[1])}:{cell_name(area[2], area[3])}"


def runs(numbers: Iterable[int]) -> list[str]:
    """Return numbers as a person lists them: 3, 7-9."""
    told: list[str] = []
    first = last = -1
    for number in sorted(numbers):
        if number != last + 1 or first < 0:
            first = number
            told.append("")
        last = number
        told[-1] = str(first) if first == last else f"{first}-{last}"
    return told
