"""The bytes of a CSV file or a spreadsheet as a header and rows of cells: specs/map.md §2.

Which encoding it is, which sheet and which line holds the header is settled here; what the cells mean is not.
"""

import csv
import difflib
import io
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal, Protocol

from fairdraw.errors import RegistryError
from fairdraw.registry.cells import Marked, as_typed, normal
from fairdraw.registry.jsonlines import json_names, json_rows
from fairdraw.registry.workbook.sheet import SUFFIXES, Sheet, cell_name, column_name, range_name, runs

Encoding = Literal["auto", "utf-8", "gb18030"]
Hidden = Literal["refuse", "read"]
Kind = Literal["csv", "jsonl", "parquet", "sheet"]

KINDS: Final[Mapping[Kind, tuple[str, ...]]] = {
    "csv": (".csv",), "jsonl": (".jsonl", ".ndjson"), "parquet": (".parquet",), "sheet": SUFFIXES,
}  # fmt: skip

BOM: Final = b"\xef\xbb\xbf"
_SEPARATORS: Final = {"\t": "Tab", ";": ";"}
_MAX_NAMED: Final = 20  # hidden rows and merged ranges that an error names


@dataclass(frozen=True)
class Lines:
    """All lines of a file, before it is known which one is the header; `page` is None in a file that is no spreadsheet.

    Where the file itself names its columns, they are `columns`, and no line is the header.
    """

    rows: Iterator[tuple[int, Sequence[object]]]
    page: Sheet | None = None
    columns: tuple[str, ...] | None = None

    @property
    def sheet(self) -> str:
        """The name of the sheet, empty in a CSV file."""
        return self.page.name if self.page else ""


class Elsewhere(Protocol):
    """Rows that stand in another file."""

    @property
    def rows(self) -> Mapping[int, object]:
        """The rows by their lines."""

    def cell(self, line: int, at: int) -> str:
        """Return what a clerk calls a cell of them."""


@dataclass(frozen=True)
class Table:
    """A header in normal text and the rows below it, each with its line number in the file, counted from 1.

    `rows` can be walked once, and raises RegistryError `csv-malformed` where the file breaks off. Rows
    without any content are left out. `sheet` is empty in a CSV file; `mended` are rows that came from another file.
    """

    columns: tuple[str, ...]
    rows: Iterator[tuple[int, Sequence[object]]]
    sheet: str = ""
    mended: "Elsewhere | None" = None

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

    def cell(self, line: int, at: int) -> str:
        """Return what a clerk calls a cell, such as B17; in a CSV file it has no name."""
        if self.mended and line in self.mended.rows:
            return self.mended.cell(line, at)
        return cell_name(line - 1, at) if self.sheet else ""


def read_table(
    data: bytes,
    *,
    name: str,
    encoding: Encoding = "auto",
    sheet: str | None = None,
    header: int = 1,
    hidden: Hidden = "refuse",
    wanted: Collection[str] | None = None,
) -> Table:
    """Return the table in a file: `name` tells what file it is, `header` is the line of the column names.

    `wanted` are the columns that will be read, None for all of them: only these must not be hidden.

    Raises:
        RegistryError: the file is of another type, empty, in another encoding, or its header is unusable; something
        in it is hidden, or merged cells reach into the table.
    """
    lines = read_lines(data, name=name, encoding=encoding, sheet=sheet)
    if lines.page:
        _check_seen(lines.page, header=header, hidden=hidden)
    if lines.columns is not None:
        check_headless(header)
        return make_table(lines.columns, with_content(lines.rows))
    filled = with_content((line, cells) for line, cells in lines.rows if line >= header)
    columns = read_header(next(filled, None), header=header, sheet=lines.sheet, text=lines.page is None)
    table = make_table(columns, filled, lines.sheet)
    if lines.page and hidden == "refuse":
        asked = {at for at, column in enumerate(columns) if column and (wanted is None or column in wanted)}
        if unseen := [column_name(at) for at in sorted(asked & lines.page.hidden_columns)]:
            raise RegistryError("columns-hidden", sheet=lines.sheet, found=unseen)
    return table


def with_content(rows: Iterable[tuple[int, Sequence[object]]]) -> Iterator[tuple[int, Sequence[object]]]:
    """Yield the rows of which a cell is not empty."""
    return ((line, cells) for line, cells in rows if cells.count("") < len(cells))


def check_headless(header: int) -> None:
    """Refuse a map that looks for a header in a file that names its columns by itself.

    Raises:
        RegistryError: `header-missing`.
    """
    if header != 1:
        raise RegistryError("header-missing", expected=f"line {header}", found="nothing")


def read_header(
    first: tuple[int, Sequence[object]] | None, *, header: int, sheet: str = "", text: bool = True
) -> tuple[str, ...]:
    """Return the names of the columns in the first line with content at or after `header`, None where there is none.

    Raises:
        RegistryError: `header-missing`, `header-computed` or, of a text, `csv-separator`.
    """
    line, cells = first or (0, ())
    if line != header:
        raise RegistryError("header-missing", expected=f"line {header}", found=f"line {line}" if line else "nothing")
    for at, cell in enumerate(cells):
        if isinstance(cell, Marked):
            raise RegistryError("header-computed", sheet=sheet, found=cell_name(line - 1, at))
    columns = tuple(normal(as_typed(cell)) for cell in cells)
    if text and len(columns) == 1 and (separator := next((s for s in _SEPARATORS if s in columns[0]), "")):
        raise RegistryError("csv-separator", found=_SEPARATORS[separator])
    return columns


def make_table(columns: Iterable[str], rows: Iterator[tuple[int, Sequence[object]]], sheet: str = "") -> Table:
    """Return the table of a header and numbered rows.

    Raises:
        RegistryError: `column-repeated`.
    """
    names = tuple(map(normal, columns))
    for first, second in pairwise(sorted(name for name in names if name)):
        if first == second:
            # Else the reader would choose one of the two columns, and nobody could see which.
            raise RegistryError("column-repeated", expected="unique", found=first)
    return Table(names, rows, sheet)


def read_lines(data: bytes, *, name: str, encoding: Encoding = "auto", sheet: str | None = None) -> Lines:
    """Return all lines of a CSV, JSON Lines or Parquet file, or of a spreadsheet's sheet.

    Raises:
        RegistryError: the file cannot be read.
    """
    kind = kind_of(name)
    if kind == "csv":
        return Lines(csv_rows(io.TextIOWrapper(io.BytesIO(data), detect(data, encoding=encoding), newline="")))
    if kind == "jsonl":
        text = data.decode(detect(data, encoding=encoding))
        return Lines(json_rows(text, names := json_names(text)), columns=names)
    # A verifier reads no spreadsheet: what reads them is loaded when there is one.
    if kind == "parquet":
        from fairdraw.registry import parquet  # noqa: PLC0415

        file = parquet.open_file(data)
        cells = (row for _, batch in parquet.batches(file) for row in parquet.cells_of(batch))
        return Lines(enumerate(cells, 2), columns=parquet.columns_of(file))
    from fairdraw.registry.workbook.reading import read_sheet  # noqa: PLC0415

    page = read_sheet(data, name=name, sheet=sheet)
    return Lines(enumerate(page.rows(), 1), page)


def _check_seen(page: Sheet, *, header: int, hidden: Hidden) -> None:
    """Refuse what a person who looks at the sheet cannot see, and cells of which it is not clear whose they are."""
    if hidden == "refuse":
        # Hidden rows are read by a program and by no person: somebody would be in the draw, or out of it, unseen.
        if not page.visible:
            raise RegistryError("sheet-hidden", found=page.name)
        if rows := runs(row + 1 for row in page.hidden_rows if row + 1 >= header):
            raise RegistryError("rows-hidden", sheet=page.name, found=_first(rows))
    if ranges := [range_name(area) for area in page.merged if area[2] + 1 >= header]:
        raise RegistryError("cells-merged", sheet=page.name, found=_first(ranges))


def _first(names: list[str]) -> list[str]:
    return names if len(names) <= _MAX_NAMED else [*names[:_MAX_NAMED], "…"]


def kind_of(name: str) -> Kind:
    """Return what kind of file has such a name.

    Raises:
        RegistryError: `file-type`.
    """
    for kind, suffixes in KINDS.items():
        if name.lower().endswith(suffixes):
            return kind
    raise RegistryError("file-type", expected=[suffix for several in KINDS.values() for suffix in several], found=name)


def detect(data: bytes, *, encoding: Encoding = "auto") -> str:
    """Return the encoding of bytes: UTF-8 after its byte order mark or if they are valid as such, else GB18030.

    Raises:
        RegistryError: `encoding`, with the byte offset at which the last candidate failed.
    """
    candidates = ["utf-8", "gb18030"] if encoding == "auto" else [str(encoding)]
    marked = data.startswith(BOM)
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


def csv_rows(text: Iterable[str], *, line: int = 1) -> Iterator[tuple[int, Sequence[object]]]:
    """Yield the rows of a CSV file's lines, which keep their ends, each with the line on which it begins.

    Raises:
        RegistryError: `csv-malformed`.
    """
    reader = csv.reader(text, strict=True)
    before = line - 1
    try:
        for cells in reader:
            yield line, cells
            line = before + reader.line_num + 1
    except csv.Error as error:
        found = before + reader.line_num
        raise RegistryError("csv-malformed", line=found, expected="RFC 4180", found=str(error)) from None
