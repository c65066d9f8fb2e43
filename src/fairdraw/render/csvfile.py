"""Tables for spreadsheets: CSV that no program takes for anything but text and numbers."""

import csv
import re
from collections.abc import Iterable, Sequence
from io import StringIO
from typing import Final

from fairdraw.messages import visible

Cell = str | int | None

BOM: Final = "\ufeff"  # without it the spreadsheets of most bureaus take UTF-8 for GB 18030
_FORMULA: Final = re.compile(r"(^|;)(?=[\s\"']*[=+\-@＝＋－＠])")
"""Where a spreadsheet would carry out what comes: at the beginning, or behind what many of them take for a comma."""


def csv_text(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """Return a table as CSV (RFC 4180), its header first."""
    out = StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows([_value(cell) for cell in row] for row in rows)
    return out.getvalue()


def _value(cell: Cell) -> str:
    """Return a cell's text that no spreadsheet takes for a formula (CWE-1236), its unseen characters written out."""
    text = "" if cell is None else visible(str(cell))
    return _FORMULA.sub(r"\1'", text) if isinstance(cell, str) else text
