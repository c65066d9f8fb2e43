"""One sheet of a spreadsheet file, whatever kind of file it is (specs/map.md §2.2)."""

from itertools import pairwise
from typing import Final

from fairdraw.errors import RegistryError
from fairdraw.registry.workbook import biff, ooxml, opendocument
from fairdraw.registry.workbook.archive import unpack
from fairdraw.registry.workbook.sheet import SUFFIXES, Sheet, broken

EXPLANATIONS: Final = ("说明", "填表说明", "例子", "Notes", "Examples")  # in a template, and never the table

_ZIP: Final = b"PK\x03\x04"


def read_sheet(data: bytes, *, name: str, sheet: str | None) -> Sheet:
    """Return the sheet of that name, or the only one that holds anything.

    Raises:
        RegistryError: the file is no workbook or another one than its name says (`file-type-differs`), has a
        password, is too large, or has no such sheet (`sheet-missing`) or several (`sheets-many`).
    """
    found = _open(data, name=name)
    if not found:
        raise broken("no sheet")
    for first, second in pairwise(sorted(one.name for one in found)):
        if first == second:
            raise broken(first)
    return _choose(found, sheet)


def _open(data: bytes, *, name: str) -> list[Sheet]:
    asked = next(suffix for suffix in SUFFIXES if name.lower().endswith(suffix))
    if data.startswith(_ZIP):
        parts = unpack(data)
        if ooxml.is_workbook(parts):
            _agree(asked, ".xlsx")
            return ooxml.read_sheets(parts)
        if opendocument.is_workbook(parts):
            _agree(asked, ".ods")
            return opendocument.read_sheets(parts)
        raise broken("zip")
    if data.startswith(biff.COMPOUND):
        told = biff.read_sheets(data)
        _agree(asked, ".xls")
        return told
    # Many systems "export to Excel" a web page or a text file under the name of a spreadsheet.
    head = data[:512].lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").lower()
    if not head or b"\0" in head:
        raise broken(data[:4].hex())
    raise RegistryError("file-type-differs", expected=asked, found="HTML" if head.startswith(b"<") else "TXT")


def _agree(asked: str, found: str) -> None:
    if asked != found:
        raise RegistryError("file-type-differs", expected=asked, found=found)


def _choose(found: list[Sheet], sheet: str | None) -> Sheet:
    names = [one.name for one in found]
    if sheet is not None:
        if sheet not in names:
            raise RegistryError("sheet-missing", expected=sheet, found=names)
        return found[names.index(sheet)]
    filled = [one for one in found if one.last != (-1, -1) and one.name not in EXPLANATIONS]
    if len(filled) > 1:
        # Which one is frozen must not depend on the order in which somebody arranged the tabs.
        raise RegistryError("sheets-many", found=[one.name for one in filled])
    return filled[0] if filled else found[0]
