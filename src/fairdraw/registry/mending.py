"""The rows that were refused, mended by hand in a sheet of their own, take their places again: specs/map.md §5.1.

Beside each row the sheet says what is wrong with it; here it is read back. Making it is left to the command, which
knows the language of the person.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from fairdraw.errors import RegistryError
from fairdraw.registry.cells import normal, read_text
from fairdraw.registry.tabular import Table, read_table
from fairdraw.registry.workbook.sheet import runs

REMARKS: Final = 6  # columns before the row's own: the line, the cell, the field, expected, found, what to do
_BINDING: Final = re.compile(r"※.* \[([0-9a-f]{16})\]")
_LINE: Final = re.compile(r"[1-9][0-9]{0,9}")


def binding(original: bytes) -> str:
    """Return what the head of a sheet of refused rows ends with: which file the rows are of."""
    return f" [{sha256(original).hexdigest()[:16]}]"


@dataclass(frozen=True)
class Mended:
    """A sheet of mended rows: its name, and the cells of each by the line of the original, with its own line."""

    name: str
    table: Table
    rows: Mapping[int, tuple[int, Sequence[object]]]

    def cell(self, line: int, at: int) -> str:
        """Return what a clerk calls a cell of a mended row: it stands in the other file."""
        return f"{self.name}!{self.table.cell(self.rows[line][0], at + REMARKS)}"


def read_mended(data: bytes, *, name: str, original: bytes, columns: Sequence[str]) -> Mended:
    """Return the rows of a sheet of refused rows, after somebody has mended them.

    Raises:
        RegistryError: what `read_table` raises; `mended-malformed`, `mended-of-another`, `mended-line` or
        `mended-empty`.
    """
    table = read_table(data, name=name)
    bound = _BINDING.fullmatch(table.columns[0])
    if not bound or _named(table.columns[REMARKS:]) != _named(columns):
        raise RegistryError("mended-malformed", file=name)
    if not binding(original).endswith(f"[{bound[1]}]"):
        # Its lines are those of another file: the rows of one would replace those of the other.
        raise RegistryError("mended-of-another", file=name)
    rows: dict[int, tuple[int, Sequence[object]]] = {}
    for line, cells in table.rows:
        text = read_text(cells[0])
        if not _LINE.fullmatch(text) or int(text) in rows:
            raise RegistryError("mended-line", file=name, line=line, found=text)
        if not any(not isinstance(cell, str) or normal(cell) for cell in cells[REMARKS:]):
            # A row that is emptied would be gone, and counted nowhere.
            raise RegistryError("mended-empty", file=name, line=line, found=text)
        whole = len(cells) >= len(table.columns)  # a CSV row that is too short is told as such
        rows[int(text)] = line, [*cells[REMARKS:], *[""] * (len(columns) + REMARKS - len(cells) if whole else 0)]
    return Mended(name, table, rows)


def _named(columns: Sequence[str]) -> list[str]:
    """Return columns without those at the end that have no name: a spreadsheet has as many of them as it likes."""
    last = max((at for at, column in enumerate(columns, 1) if column), default=0)
    return list(columns[:last])


def put_back(table: Table, mended: Mended, *, refused: Collection[int]) -> Table:
    """Return a table with the mended rows in their places.

    Raises:
        RegistryError: `mended-lines`: they are not exactly the rows that were refused.
    """
    if set(mended.rows) != set(refused):
        # Else a row that nobody complained of could be exchanged under the name of a correction.
        missing, strange = set(refused) - set(mended.rows), set(mended.rows) - set(refused)
        raise RegistryError("mended-lines", file=mended.name, missing=runs(missing), found=runs(strange))

    def rows() -> Iterator[tuple[int, Sequence[object]]]:
        for line, cells in table.rows:
            yield line, mended.rows[line][1] if line in mended.rows else cells

    return Table(table.columns, rows(), table.sheet, mended)
