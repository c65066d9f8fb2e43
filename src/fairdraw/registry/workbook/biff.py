"""The sheets of an Excel 97-2003 workbook (.xls; [MS-XLS] §2.4, in a compound file of [MS-CFB]).

Values are read by xlrd, which tells nothing of what is hidden or computed; marks are read from the same records. A cell
of which the two do not agree is refused.
"""

import io
import struct
from collections.abc import Iterator, Set
from contextlib import contextmanager
from typing import Final

import xlrd
from xlrd.compdoc import CompDoc

from fairdraw.errors import RegistryError
from fairdraw.registry.workbook.sheet import Sheet, broken, cell_name, moment, protected

COMPOUND: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

_BOF, _EOF, _FILEPASS, _BOUNDSHEET = 0x809, 0x0A, 0x2F, 0x85
_ROW, _COLINFO, _MERGECELLS = 0x208, 0x7D, 0xE5
_FORMULA, _BOOLERR, _MULRK = 0x06, 0x205, 0xBD
_SINGLE: Final = frozenset(
    {0xFD, 0x204, 0xD6, 0x203, 0x27E, _BOOLERR, _FORMULA}
)  # LabelSst, Label, RString, Number, RK
_WORKSHEET: Final = 0
_HIDDEN_ROW: Final = 0x20  # fDyZero
_HIDDEN_COLUMN: Final = 0x01
_WIDE: Final = 0x01  # the characters of a string are of two bytes
_ERROR: Final = 2  # in a formula's value whose last two bytes are FF FF

_BLANK: Final = (xlrd.XL_CELL_EMPTY, xlrd.XL_CELL_BLANK)

Record = tuple[int, bytes]


def read_sheets(data: bytes) -> list[Sheet]:
    """Return every worksheet, in the order of the workbook.

    Raises:
        RegistryError: `not-a-spreadsheet`, `password-protected` or `sheet-too-large`.
    """
    with _damage():
        stream = _workbook(data)
        told = [(Sheet(name), at) for name, at in _sheets(stream)]
        book = xlrd.open_workbook(file_contents=data, on_demand=True, logfile=io.StringIO())
        for sheet, at in told:
            _fill(sheet, book.sheet_by_name(sheet.name), filled=_mark(sheet, stream, at), datemode=book.datemode)
            book.unload_sheet(sheet.name)
        return [sheet for sheet, _ in told]


def _fill(sheet: Sheet, page: xlrd.sheet.Sheet, *, filled: Set[tuple[int, int]], datemode: int) -> None:
    sheet.visible = page.visibility == 0
    for row in range(page.nrows):
        for column, cell in enumerate(page.row(row)):
            if cell.ctype in _BLANK:
                continue
            if (row, column) not in filled:
                raise broken(cell_name(row, column))  # a record that Excel does not know
            sheet.put(row, column, _value(cell, datemode))
    for row, column in sheet.formulas | sheet.errors:
        sheet.fill(row, column)


@contextmanager
def _damage() -> Iterator[None]:
    try:
        yield
    except (RegistryError, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001 - xlrd promises none, and a damaged file raises nearly all
        raise broken(str(error)) from None


def _value(cell: xlrd.sheet.Cell, datemode: int) -> object:
    match cell.ctype:
        case xlrd.XL_CELL_DATE:
            return moment(cell.value, since_1904=bool(datemode))
        case xlrd.XL_CELL_BOOLEAN:
            return bool(cell.value)
        case xlrd.XL_CELL_ERROR:
            return xlrd.error_text_from_code.get(cell.value, "#?")
    return cell.value  # text, a number, or "" for an empty cell


def _workbook(data: bytes) -> bytes:
    compound = CompDoc(data, logfile=io.StringIO())
    names = {entry.name for entry in compound.dirlist}
    if "EncryptedPackage" in names:
        raise protected()  # an .xlsx file with a password
    if "Workbook" not in names:
        raise broken("Excel 95" if "Book" in names else "no Workbook stream")
    return bytes(compound.get_named_stream("Workbook"))


def _records(stream: bytes, at: int) -> Iterator[Record]:
    """Yield the records of one substream: what is drawn into a sheet has a substream within."""
    depth = 0
    while at + 4 <= len(stream):
        kind, length = struct.unpack_from("<HH", stream, at)
        if kind == _BOF:
            depth += 1
        elif kind == _EOF:
            depth -= 1
            if depth <= 0:
                return
        elif depth == 1:
            yield kind, stream[at + 4 : at + 4 + length]
        at += 4 + length
    raise broken("a sheet without its end")


def _sheets(stream: bytes) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    for kind, body in _records(stream, 0):
        if kind == _FILEPASS:
            raise protected()
        if kind == _BOUNDSHEET and body[5] == _WORKSHEET:
            (at,), length, flags = struct.unpack_from("<I", body), body[6], body[7]
            name = body[8:].decode("utf-16-le") if flags & _WIDE else body[8 : 8 + length].decode("latin-1")
            found.append((name[:length], at))
    return found


def _mark(sheet: Sheet, stream: bytes, at: int) -> set[tuple[int, int]]:
    """Mark a sheet, and return its filled cells."""
    hidden: set[int] = set()
    filled: set[tuple[int, int]] = set()
    for kind, body in _records(stream, at):
        if kind in _SINGLE or kind == _MULRK:
            cells = _cells(kind, body)
            if twice := filled & cells:
                raise broken(cell_name(*min(twice)))  # of two values for one cell, programs show either
            filled |= cells
            _mark_cell(sheet, kind, body)
        elif kind == _ROW:
            row, height, flags = struct.unpack_from("<H4xH4xH", body)
            if height == 0 or flags & _HIDDEN_ROW:
                hidden.add(row)
        elif kind == _COLINFO:
            first, last, width, _, flags = struct.unpack_from("<5H", body)
            if flags & _HIDDEN_COLUMN or not width:
                sheet.hidden_columns |= set(range(first, min(last, 255) + 1))
        elif kind == _MERGECELLS:
            _merge(sheet, body)
    sheet.hidden_rows = hidden & {row for row, _ in filled}
    return filled


def _merge(sheet: Sheet, body: bytes) -> None:
    for at in range(struct.unpack_from("<H", body)[0]):
        top, bottom, left, right = struct.unpack_from("<4H", body, 2 + 8 * at)
        sheet.merge((top, left, bottom, right))


def _cells(kind: int, body: bytes) -> set[tuple[int, int]]:
    row, first = struct.unpack_from("<HH", body)
    last = struct.unpack_from("<H", body, len(body) - 2)[0] if kind == _MULRK else first
    return {(row, column) for column in range(first, last + 1)}


def _mark_cell(sheet: Sheet, kind: int, body: bytes) -> None:
    row, column = struct.unpack_from("<HH", body)
    if kind == _FORMULA:
        sheet.compute((row, column, row, column))
        if body[12:14] == b"\xff\xff" and body[6] == _ERROR:
            sheet.fail(row, column)
    elif kind == _BOOLERR and body[7]:
        sheet.fail(row, column)
