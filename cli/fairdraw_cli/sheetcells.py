"""What the forms that a clerk fills in as a sheet have in common: which files are sheets, headings, and some cells.

The cells of registries are read in `fairdraw.registry.cells`; here a day and a list may also be spelt as people do.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from fairdraw.encoding import check_date
from fairdraw.errors import EncodingError, RegistryError, WorkspaceError
from fairdraw.registry.cells import read_text
from fairdraw.registry.workbook import sheet as workbook

SUFFIXES: Final = (".csv", *workbook.SUFFIXES)
_DAY: Final = re.compile(r"([0-9]{4})(?:-|/|年)([0-9]{1,2})(?:-|/|月)([0-9]{1,2})日?", re.ASCII)
_BETWEEN: Final = re.compile(r"[\s、，,；;]+")


def is_sheet(path: Path) -> bool:
    """Say whether a file is a spreadsheet by its name."""
    return path.suffix.lower() in SUFFIXES


def is_empty(cell: object) -> bool:
    """Say whether nobody has typed anything into a cell."""
    return cell is None or (isinstance(cell, str) and not cell.strip())


def codes_of(headings: Sequence[str], known: Mapping[str, str], *, file: str) -> list[str]:
    """Return the code of each column, "" for one without a heading; `known` has the Chinese heading of each code.

    Raises:
        WorkspaceError: `file-key-unknown`.
        RegistryError: `column-repeated`: a column stands there under both headings.
    """
    by_heading = {heading: code for code, heading in known.items()}
    told = [by_heading.get(heading, heading) for heading in headings]
    for heading, code in zip(headings, told, strict=True):
        if code and code not in known:
            # Most likely a known one misspelt: what stands below it would count for nothing.
            chinese = bool(set(headings) & set(by_heading)) or not heading.isascii()
            expected = list(by_heading if chinese else known)
            raise WorkspaceError("file-key-unknown", file=file, key=heading, expected=expected)
    for code in filter(None, told):
        if told.count(code) > 1:
            raise RegistryError("column-repeated", expected="unique", found=known[code])
    return told


def read_day(cell: object) -> str:
    """Return the day in a cell as `2026-09-30`, "" if it is empty.

    Spreadsheets make cells of dates, and write `2026/9/30` into a CSV file.

    Raises:
        RegistryError: `malformed`, or what `read_text` refuses.
    """
    if isinstance(cell, int | float):
        raise RegistryError("malformed", expected="date", found=repr(cell))
    text = read_text(cell)
    if not text:
        return ""
    found = _DAY.fullmatch(text)
    told = f"{found[1]}-{int(found[2]):02}-{int(found[3]):02}" if found else text
    try:
        return check_date(told)
    except EncodingError:
        raise RegistryError("malformed", expected="date", found=text) from None


def several(text: str) -> list[str]:
    """Return the codes of a cell that may hold several: apart by spaces, commas or semicolons of either script."""
    return [word for word in _BETWEEN.split(text) if word]
