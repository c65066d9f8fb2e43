"""Spreadsheets as other programs write them: .xlsx by xlsxwriter, .xls by xlwt, .ods by odfpy."""

import datetime
import io
import zipfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

KINDS = (".xlsx", ".xls", ".ods")


@dataclass(frozen=True)
class Formula:
    """A cell that is computed; `value` is what the program that saved the file had computed."""

    text: str
    value: str | float = ""


@dataclass(frozen=True)
class Failure:
    """A cell that shows #N/A."""


@dataclass(frozen=True)
class Page:
    """A sheet; rows and columns count from 0, ranges are (first row, first column, last row, last column)."""

    rows: Sequence[Sequence[object]]
    name: str = "名录"
    hidden_rows: Collection[int] = ()
    hidden_columns: Collection[int] = ()
    merged: Collection[tuple[int, int, int, int]] = ()
    hidden: bool = False
    filtered: bool = field(default=False)  # hidden by a filter where the format tells the two apart


def book(kind: str, *pages: Page) -> bytes:
    """Return a file of that kind."""
    return {".xlsx": _xlsx, ".xls": _xls, ".ods": _ods}[kind](pages)


def parts(data: bytes) -> list[str]:
    """Return the names of the parts of an .xlsx or .ods file that are not empty."""
    with zipfile.ZipFile(io.BytesIO(data)) as made:
        return [info.filename for info in made.infolist() if info.file_size]


def repacked(data: bytes, changes: Mapping[str, Callable[[bytes], bytes]]) -> bytes:
    """Return the file with other parts: by the end of their names, without `.xml`."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            part = old.read(name)
            for ending, change in changes.items():
                if name.removesuffix(".xml").endswith(ending.removesuffix(".xml")):
                    part = change(part)
            new.writestr(name, part)
    return buffer.getvalue()


def _cells(page: Page) -> Iterator[tuple[int, int, object]]:
    for row, cells in enumerate(page.rows):
        yield from ((row, column, cell) for column, cell in enumerate(cells) if cell is not None)


def _xlsx(pages: Sequence[Page]) -> bytes:
    import xlsxwriter

    buffer = io.BytesIO()
    made = xlsxwriter.Workbook(buffer, {"in_memory": True, "default_date_format": "yyyy-mm-dd"})
    for page in pages:
        sheet = made.add_worksheet(page.name)
        if page.hidden:
            sheet.hide()
        for row, column, cell in _cells(page):
            match cell:
                case Formula(text, value):
                    sheet.write_formula(row, column, f"={text}", None, value)
                case Failure():
                    sheet.write_formula(row, column, "=NA()", None, "#N/A")
                case str():
                    sheet.write_string(row, column, cell)
                case _:
                    sheet.write(row, column, cell)
        for row in page.hidden_rows:
            sheet.set_row(row, None, None, {"hidden": True})
        for column in page.hidden_columns:
            sheet.set_column(column, column, None, None, {"hidden": True})
        for first_row, first_column, last_row, last_column in page.merged:
            sheet.merge_range(first_row, first_column, last_row, last_column, page.rows[first_row][first_column])
    made.close()
    return buffer.getvalue()


def _xls(pages: Sequence[Page]) -> bytes:
    import xlwt

    made = xlwt.Workbook()
    day = xlwt.easyxf(num_format_str="yyyy-mm-dd")
    for page in pages:
        sheet = made.add_sheet(page.name, cell_overwrite_ok=True)
        sheet.visibility = 1 if page.hidden else 0
        for row, column, cell in _cells(page):
            match cell:
                case Formula(text, _):
                    sheet.write(row, column, xlwt.Formula(text))  # it computes nothing
                case Failure():
                    sheet.row(row).set_cell_error(column, 0x2A)
                case datetime.date():
                    sheet.write(row, column, cell, day)
                case _:
                    sheet.write(row, column, cell)
        for row in page.hidden_rows:
            sheet.row(row).hidden = True
        for column in page.hidden_columns:
            sheet.col(column).hidden = True
        for first_row, first_column, last_row, last_column in page.merged:
            text = page.rows[first_row][first_column]
            sheet.write_merge(first_row, last_row, first_column, last_column, text)
    buffer = io.BytesIO()
    made.save(buffer)
    return buffer.getvalue()


def _ods(pages: Sequence[Page]) -> bytes:
    from odf.opendocument import OpenDocumentSpreadsheet
    from odf.style import Style, TableProperties
    from odf.table import Table, TableColumn, TableRow

    made = OpenDocumentSpreadsheet()
    unseen = Style(name="unseen", family="table")
    unseen.addElement(TableProperties(display="false"))
    made.automaticstyles.addElement(unseen)
    for page in pages:
        sheet = Table(name=page.name, **({"stylename": unseen} if page.hidden else {}))
        made.spreadsheet.addElement(sheet)
        for column in range(max(map(len, page.rows), default=0)):
            sheet.addElement(TableColumn(**({"visibility": "collapse"} if column in page.hidden_columns else {})))
        merged = {(area[0], area[1]): area for area in page.merged}
        for number, cells in enumerate(page.rows):
            away = "filter" if page.filtered else "collapse"
            row = TableRow(**({"visibility": away} if number in page.hidden_rows else {}))
            sheet.addElement(row)
            for column, cell in enumerate(cells):
                row.addElement(_ods_cell(cell, merged.get((number, column))))
    buffer = io.BytesIO()
    made.write(buffer)
    return buffer.getvalue()


def _ods_cell(cell: object, area: tuple[int, int, int, int] | None) -> object:
    from odf.table import TableCell
    from odf.text import P

    told: dict[str, object] = {}
    if area:
        told |= {"numberrowsspanned": area[2] - area[0] + 1, "numbercolumnsspanned": area[3] - area[1] + 1}
    shown = cell
    match cell:
        case None:
            return TableCell(**told)
        case Formula(text, value):
            shown = value
            told |= {"formula": f"of:={text}", "valuetype": "string", "stringvalue": str(value)}
        case Failure():
            shown = "#N/A"
            told |= {"formula": "of:=NA()", "valuetype": "string", "stringvalue": ""}
        case bool():
            told |= {"valuetype": "boolean", "booleanvalue": str(cell).lower()}
        case int() | float():
            told |= {"valuetype": "float", "value": repr(cell)}
        case datetime.date():
            told |= {"valuetype": "date", "datevalue": cell.isoformat()}
        case _:
            told |= {"valuetype": "string"}
    made = TableCell(**told)
    made.addElement(P(text=str(shown)))
    return made
