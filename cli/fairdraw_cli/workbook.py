"""Spreadsheets that we hand out: text is text, and the bytes depend on nothing but what is in them.

Numbers of objects and people, names and whatever else came from a file are written as text cells of the format "text",
so that neither opening a file nor editing a cell carries out what stands in it (CWE-1236), and codes keep their zeros.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import TYPE_CHECKING, Final

from fairdraw.errors import WorkspaceError
from fairdraw.messages import visible
from fairdraw.render.columns import cells as width_of

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

MAX_ROWS: Final = 1_048_575  # below the header; a spreadsheet has 2^20 lines
MAX_CELL: Final = 32_767  # characters; a longer text would be left out without a word
MAX_MARK: Final = 100  # characters of a header or footer, which hold 255 with their codes
WIDEST: Final = 40
NARROWEST: Final = 6
A4: Final = 9


@dataclass(frozen=True, slots=True)
class Struck:
    """A cell of several lines, of which those in `gone` no longer hold and are struck through."""

    lines: tuple[str, ...]
    gone: tuple[str, ...] = ()


Cell = str | int | Struck | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One sheet: its name, the titles of its columns, and its rows; `warn` says which rows are to be seen first."""

    name: str
    titles: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    warn: Callable[[Sequence[Cell]], bool] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cover:
    """What stands around the sheets: on every printed page and in the file's properties.

    Attributes:
        title: what the file is.
        mark: who may see it, such as 内部.
        author: the bureau.
        page: how pages are counted, with the codes `&P` and `&N` in it.
        made: the time that the file says it was made: never the clock's, or two files with the same content differ.
    """

    title: str
    mark: str
    author: str
    page: str
    made: datetime


def workbook(sheets: Sequence[Sheet], cover: Cover) -> bytes:
    """Return the bytes of a spreadsheet.

    It is made in memory: what is private never lies in a temporary file.

    Raises:
        WorkspaceError: `sheet-too-long` or `cell-too-long`.
    """
    from xlsxwriter import Workbook

    out = BytesIO()
    book = Workbook(
        out,
        {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False},
    )
    book.set_properties({
        "title": visible(cover.title), "category": visible(cover.mark), "status": visible(cover.mark),
        "author": visible(cover.author), "company": visible(cover.author), "created": cover.made,
    })  # fmt: skip
    formats = _Formats.of(book)
    for sheet in sheets:
        _write(book.add_worksheet(sheet.name), sheet, cover, formats)
    book.close()
    return out.getvalue()


@dataclass(frozen=True, slots=True)
class _Formats:
    header: "Format"
    text: "Format"
    number: "Format"
    warned: "Format"
    struck: "Format"
    plain: "Format"

    @classmethod
    def of(cls, book: "Workbook") -> "_Formats":
        text = {"num_format": "@", "text_wrap": True, "valign": "top", "border": 1}
        return cls(
            header=book.add_format({**text, "bold": True, "bg_color": "#E7E6E6", "valign": "vcenter"}),
            text=book.add_format(text),
            number=book.add_format({"valign": "top", "border": 1}),
            warned=book.add_format({**text, "bold": True, "font_color": "#C00000"}),
            struck=book.add_format({"font_strikeout": True, "font_color": "#7F7F7F"}),
            plain=book.add_format(),
        )


def _write(page: "Worksheet", sheet: Sheet, cover: Cover, formats: _Formats) -> None:
    if len(sheet.rows) > MAX_ROWS:
        raise WorkspaceError("sheet-too-long", expected=MAX_ROWS, found=len(sheet.rows))
    last = len(sheet.titles) - 1
    for column, title in enumerate(sheet.titles):
        widths = [width_of(line) for row in sheet.rows for line in _lines(row[column])]
        width = max([width_of(title) + 4, *widths])  # 4: the button of the filter
        page.set_column(column, column, min(max(width + 1, NARROWEST), WIDEST), formats.text)
        page.write_string(0, column, _checked(title), formats.header)
    for line, row in enumerate(sheet.rows, 1):
        text = formats.warned if sheet.warn is not None and sheet.warn(row) else formats.text
        for column, cell in enumerate(row):
            _write_cell(page, (line, column), cell, text, formats)
    page.freeze_panes(1, min(2, last))
    page.autofilter(0, 0, len(sheet.rows), last)
    page.set_landscape()
    page.set_paper(A4)
    page.repeat_rows(0)
    page.fit_to_pages(1, 0)
    page.set_header(f"&L{_plain(cover.title)}&R{_plain(cover.mark)}")
    page.set_footer(f"&L{_plain(cover.mark)}&R{cover.page}")


def _write_cell(page: "Worksheet", at: tuple[int, int], cell: Cell, text: "Format", formats: _Formats) -> None:
    line, column = at
    match cell:
        case None | "" | Struck(lines=(), gone=()):
            page.write_blank(line, column, None, text)
        case int():
            page.write_number(line, column, cell, formats.number)
        case str():
            page.write_string(line, column, _checked(cell), text)
        case Struck(lines=stands, gone=()):
            page.write_string(line, column, _checked("\n".join(map(visible, stands)), lines=True), text)
        case Struck(lines=stands, gone=gone):
            first = "".join(f"{visible(one)}\n" for one in stands) or "\n"
            second = "\n".join(visible(one) for one in gone)
            _checked(first + second, lines=True)
            page.write_rich_string(line, column, formats.plain, first, formats.struck, second, text)


def _lines(cell: Cell) -> Sequence[str]:
    if isinstance(cell, Struck):
        return (*cell.lines, *cell.gone)
    return ("" if cell is None else str(cell),)


def _checked(text: str, *, lines: bool = False) -> str:
    shown = text if lines else visible(text)
    if len(shown) > MAX_CELL:
        raise WorkspaceError("cell-too-long", expected=MAX_CELL, found=len(shown))
    return shown


def _plain(text: str) -> str:
    """Return a text for a header, where `&` would begin a code that prints the file's path or a picture."""
    return visible(text)[:MAX_MARK].replace("&", "＆")
