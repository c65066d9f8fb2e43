"""Sheets that a clerk fills in or mends, and hands back: every cell is text, so that codes keep their digits.

What stands in a cell comes back as it was, and no spreadsheet program computes it: `=1+1` in a name stays those four
characters (CWE-1236). Sheets that are only read are made in `workbook`.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from fairdraw.errors import WorkspaceError
from fairdraw.registry.workbook.sheet import cell_name
from fairdraw.render.columns import cells as width_of
from fairdraw_cli.workbook import MAX_CELL

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.format import Format

MAX_CHOICES: Final = 255  # characters of a drop-down's words together
_WIDEST: Final = 48
_LAST_ROW: Final = 1_048_575
_TEXT: Final = {"num_format": "@"}


@dataclass(frozen=True, kw_only=True)
class TextSheet:
    """A sheet: its titles and rows; `choices` are the words that a column offers, the first `locked` columns stay.

    `wrapped` sheets have cells of several lines.
    """

    name: str
    titles: Sequence[str]
    rows: Sequence[Sequence[str]] = ()
    choices: Mapping[int, Sequence[str]] = field(default_factory=dict)
    locked: int = 0
    wrapped: bool = False


def text_workbook(sheets: Sequence[TextSheet]) -> bytes:
    """Return the bytes of an .xlsx file; it is made in memory, for it may hold names.

    Raises:
        WorkspaceError: `cell-too-long`.
    """
    from xlsxwriter import Workbook

    out = io.BytesIO()
    book = Workbook(out, {"in_memory": True})
    for sheet in sheets:
        _write(book, sheet)
    book.close()
    return out.getvalue()


def _write(book: "Workbook", sheet: TextSheet) -> None:
    page = book.add_worksheet(sheet.name)
    text = book.add_format({**_TEXT, **({"text_wrap": True, "valign": "top"} if sheet.wrapped else {})})
    head = book.add_format({**_TEXT, "bold": True, "bg_color": "#DDEBF7", "border": 1})
    remark = book.add_format({**_TEXT, "bg_color": "#FFF2CC", "text_wrap": True, "valign": "top"})
    forms: list[Format] = []
    for at, title in enumerate(sheet.titles):
        column = [title, *(row[at] for row in sheet.rows if at < len(row))]
        width = max(width_of(line) for cell in column for line in cell.split("\n"))
        forms.append(remark if at < sheet.locked else text)
        page.set_column(at, at, min(max(width + 2, 8), _WIDEST), text)
    for row, cells in enumerate([sheet.titles, *sheet.rows]):
        for at, cell in enumerate(cells):
            if len(cell) > MAX_CELL:
                raise WorkspaceError("cell-too-long", expected=MAX_CELL, found=cell_name(row, at))
            form = head if row == 0 else forms[at] if at < len(forms) else text
            if cell:
                page.write_string(row, at, cell, form)  # `write` would make links and formulas of it
            else:
                page.write_blank(row, at, None, form)
    for at, words in sheet.choices.items():
        page.data_validation(1, at, _LAST_ROW, at, {"validate": "list", "source": list(words), "error_type": "warning"})
    page.freeze_panes(1, sheet.locked)
