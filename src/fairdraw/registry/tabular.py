"""The bytes of a CSV file or a spreadsheet as a header and rows of cells: specs/map.md §2.

Which encoding it is, which sheet and which line holds the header is settled here; what the cells mean is not.
"""

import csv
import difflib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

from python_calamine import CalamineError, CalamineWorkbook

from fairdraw.errors import RegistryError
from fairdraw.registry.cells import normal

Encoding = Literal["auto", "utf-8", "gb18030"]

_BOM: Final = b"\xef\xbb\xbf"
_ZIP: Final = b"PK\x03\x04"  # without it the reader of spreadsheets would guess other formats, older and riskier


@dataclass(frozen=True)
class Table:
    """A header in normal text and the rows below it, each with its line number in the file, counted from 1.

    `rows` can be walked once, and raises RegistryError `csv-malformed` where the file breaks off. Rows
    without any content are left out.
    """

    columns: tuple[str, ...]
    rows: Iterator[tuple[int, Sequence[object]]]

    def index(self, column: str) -> int:
        """Return the position of a column.

        Raises:
            RegistryError: `column-missing`, with the columns whose names are nearest.
        """
        try:
            return self.columns.index(column)
        except ValueError:
            nearest = difflib.get_close_matches(column, [name for name in self.columns if name], n=3, cutoff=0.4)
            raise RegistryError("column-missing", expected=column, found=nearest or list(self.columns)) from None


def read_table(
    data: bytes, *, name: str, encoding: Encoding = "auto", sheet: str | None = None, header: int = 1
) -> Table:
    """Return the table in a file: `name` tells `.csv` from `.xlsx`, `header` is the line of the column names.

    Raises:
        RegistryError: the file is of another type, empty, in another encoding, or its header is unusable.
    """
    if name.lower().endswith(".csv"):
        rows = _csv_rows(data, detect(data, encoding=encoding))
    elif name.lower().endswith(".xlsx"):
        rows = _sheet_rows(data, sheet=sheet)
    else:
        raise RegistryError("file-type", expected=[".csv", ".xlsx"], found=name)
    filled = ((line, cells) for line, cells in rows if line >= header and cells.count("") < len(cells))
    line, cells = next(filled, (0, ()))
    if line != header:
        raise RegistryError("header-missing", expected=f"line {header}", found=f"line {line}" if line else "nothing")
    columns = tuple(normal(str(cell)) for cell in cells)
    for first, second in pairwise(sorted(column for column in columns if column)):
        if first == second:
            # Else the reader would choose one of the two columns, and nobody could see which.
            raise RegistryError("column-repeated", expected="unique", found=first)
    return Table(columns, filled)


def detect(data: bytes, *, encoding: Encoding = "auto") -> str:
    """Return the encoding of bytes: UTF-8 after its byte order mark or if they are valid as such, else GB18030.

    Raises:
        RegistryError: `encoding`, with the byte offset at which the last candidate failed.
    """
    candidates = ["utf-8", "gb18030"] if encoding == "auto" else [str(encoding)]
    marked = data.startswith(_BOM)
    if marked:
        candidates = ["utf-8"]
    failed = 0
    for candidate in candidates:
        try:
            data.decode(candidate)
        except UnicodeDecodeError as error:
            failed = error.start
        else:
            return "utf-8-sig" if marked else candidate
    raise RegistryError("encoding", expected=candidates, at=failed, found=data[failed : failed + 4].hex())


def _csv_rows(data: bytes, encoding: str) -> Iterator[tuple[int, Sequence[object]]]:
    try:
        reader = csv.reader(io.TextIOWrapper(io.BytesIO(data), encoding, newline=""), strict=True)
        line = 1
        for cells in reader:
            yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise RegistryError("csv-malformed", line=reader.line_num, expected="RFC 4180", found=str(error)) from None


def _sheet_rows(data: bytes, *, sheet: str | None) -> Iterator[tuple[int, Sequence[object]]]:
    if not data.startswith(_ZIP):
        raise RegistryError("not-a-spreadsheet", expected=".xlsx", found=data[:4].hex())
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        if not book.sheet_names:
            raise RegistryError("not-a-spreadsheet", expected=".xlsx", found="no sheet")
        chosen = sheet if sheet is not None else book.sheet_names[0]
        if chosen not in book.sheet_names:
            raise RegistryError("sheet-missing", expected=chosen, found=book.sheet_names)
        page = book.get_sheet_by_name(chosen)
        rows = page.iter_rows() if page.start else iter(())
    except CalamineError as error:
        raise RegistryError("not-a-spreadsheet", expected=".xlsx", found=str(error)) from None
    return enumerate(rows, start=1)
