"""The cells of one worksheet of an .xlsx file, and its table of strings (ISO/IEC 29500-1 §18.3.1 and §18.4).

A cell's value and its marks are read in one walk. What is not where the standard puts it is refused: an element of
another namespace, a row told twice or a value beside another shows one table in one program and another in the next.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final, Literal

from fairdraw.registry.workbook.archive import Attributes, walk
from fairdraw.registry.workbook.sheet import MAX_COLUMNS, Range, Sheet, broken, moment, number

Format = Literal["number", "date", "duration"]

MAIN: Final = (
    "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    "http://purl.oclc.org/ooxml/spreadsheetml/main",
)
TRUE: Final = ("1", "true", "on")

_TEXT: Final = frozenset({"t", "r", "rPh", "phoneticPr"})
_CHILDREN: Final[Mapping[str, frozenset[str]]] = {
    "sheetData": frozenset({"row"}),
    "row": frozenset({"c", "extLst"}),
    "c": frozenset({"v", "f", "is", "extLst"}),
    "is": _TEXT,
    "sst": frozenset({"si", "extLst"}),
    "si": _TEXT,
    "r": frozenset({"rPr", "t"}),
    **dict.fromkeys(("v", "f", "t", "col", "mergeCell"), frozenset[str]()),
    "cols": frozenset({"col"}),
    "mergeCells": frozenset({"mergeCell"}),
}
_OPAQUE: Final = frozenset({"extLst", "rPr", "rPh", "phoneticPr"})  # how it looks, and how it is pronounced
_PLACES: Final = frozenset({"sheetData", "cols", "mergeCells"})
_ROOTS: Final = frozenset({"worksheet", "sst"})
_SHEET: Final = ["worksheet"]
_HOLD_TEXT: Final = frozenset({"v", "t"})
_NOT_ELSEWHERE: Final = _PLACES | {"row", "c", "col", "mergeCell"}

_CELL: Final = re.compile(r"\$?([A-Z]{1,3})\$?([1-9][0-9]{0,6})")
_ESCAPED: Final = re.compile(r"_x(?![Dd][89A-Fa-f])([0-9A-Fa-f]{4})_")  # §22.9.2.19; half a character stays as it is
_SPREADING: Final = ("array", "dataTable")  # one formula that fills a range


@dataclass(frozen=True)
class Shown:
    """What cells refer to: the strings, the format of each style, and the year from which days count."""

    strings: Sequence[str]
    formats: Sequence[Format]
    since_1904: bool


def read_worksheet(part: bytes, sheet: Sheet, shown: Shown) -> Sheet:
    """Return the sheet with what stands in its part.

    Raises:
        RegistryError: `not-a-spreadsheet` or `sheet-too-large`.
    """
    reading = _Worksheet(sheet, shown)
    walk(part, reading.start, end=reading.end, text=reading.text)
    return sheet


def read_strings(part: bytes) -> list[str]:
    """Return the table of strings.

    Raises:
        RegistryError: `not-a-spreadsheet`.
    """
    reading = _Strings()
    walk(part, reading.start, end=reading.end, text=reading.text)
    return reading.strings


class _Strict(ABC):
    """Elements where the standard puts them, and the text of those that hold one."""

    def __init__(self) -> None:
        self.path: list[str] = []
        self.opaque = 0  # how deep in an element that is not read
        self.seen: set[str] = set()
        self.collecting = False
        self.collected: list[str] = []

    def start(self, tag: str, attributes: Attributes) -> None:
        space, _, name = tag.rpartition(" ")
        if self.opaque or (self.path == _SHEET and (space not in MAIN or name not in _PLACES)):
            if space in MAIN and name in _NOT_ELSEWHERE:
                raise broken(name)  # a program that knows what is around it would read it
            self.opaque += 1
            return
        self._check(space, name)
        if name in _OPAQUE:
            self.opaque = 1
            return
        self.path.append(name)
        self.collecting = name in _HOLD_TEXT
        self.open(name, attributes)

    def _check(self, space: str, name: str) -> None:
        allowed = _CHILDREN.get(self.path[-1], _PLACES) if self.path else _ROOTS
        if space not in MAIN or name not in allowed:
            raise broken(name)
        if name in _PLACES:
            if name in self.seen:
                raise broken(name)
            self.seen.add(name)

    def end(self, _: str) -> None:
        if self.opaque:
            self.opaque -= 1
            return
        self.collecting = False
        self.close(self.path.pop())

    def text(self, text: str) -> None:
        if self.collecting:
            self.collected.append(text)

    def taken(self) -> str:
        """Return the text that was collected, and begin anew."""
        told = "".join(self.collected)
        self.collected.clear()
        return told

    @abstractmethod
    def open(self, name: str, attributes: Attributes) -> None: ...

    @abstractmethod
    def close(self, name: str) -> None: ...


class _Strings(_Strict):
    def __init__(self) -> None:
        super().__init__()
        self.strings: list[str] = []

    def open(self, name: str, attributes: Attributes) -> None:
        pass

    def close(self, name: str) -> None:
        if name == "si":
            self.strings.append(_unescaped(self.taken()))


class _Worksheet(_Strict):
    def __init__(self, sheet: Sheet, shown: Shown) -> None:
        super().__init__()
        self.sheet = sheet
        self.shown = shown
        self.row, self.column = -1, -1
        self.hidden = False
        self.kind, self.style = "n", 0  # of the cell at hand
        self.valued, self.computed = False, False

    def open(self, name: str, attributes: Attributes) -> None:
        if name == "c":
            self._open_cell(attributes)
        elif name in {"v", "is"}:
            if self.valued or (name == "is") != (self.kind == "inlineStr"):
                raise broken(name)
            self.valued = True
        elif name == "f":
            spread = attributes.get("ref") if attributes.get("t") in _SPREADING else None
            self.sheet.compute(_range(spread) if spread else (self.row, self.column, self.row, self.column))
            self.computed = True
        elif name == "row":
            row = int(attributes["r"]) - 1 if "r" in attributes else self.row + 1
            if row <= self.row:
                raise broken(f"row {row + 1}")  # of a row told twice, which is the one that a person saw?
            self.row, self.column = row, -1
            # A row of no height is as invisible as a hidden one.
            self.hidden = attributes.get("hidden") in TRUE or float(attributes.get("ht", "15")) < 1
        elif name == "col":
            if attributes.get("hidden") in TRUE or float(attributes.get("width", "9")) == 0:
                first, last = max(int(attributes["min"]), 1), min(int(attributes["max"]), MAX_COLUMNS)
                self.sheet.hidden_columns |= set(range(first - 1, last))
        elif name == "mergeCell":
            self.sheet.merge(_range(attributes["ref"]))

    def _open_cell(self, attributes: Attributes) -> None:
        if (name := attributes.get("r")) is None:
            self.column += 1
        else:
            row, self.column = position(name)
            if row != self.row:
                raise broken(name)  # a cell in a row that is not its own hides in a visible one
        self.kind = attributes.get("t", "n")
        self.style = int(attributes.get("s", "0"))
        self.valued = self.computed = False

    def close(self, name: str) -> None:
        if name != "c":
            return
        value = self._value(self.taken())
        if value == "" and not self.computed:
            return
        self.sheet.put(self.row, self.column, value)
        if self.kind == "e":
            self.sheet.fail(self.row, self.column)
        if self.hidden:
            self.sheet.hidden_rows.add(self.row)

    def _value(self, text: str) -> object:
        if not text:
            return ""
        match self.kind:
            case "s":
                return self.shown.strings[int(text)]
            case "inlineStr" | "str":
                return _unescaped(text)
            case "n":
                return self._number(number(text.strip()))
            case "b":
                return text.strip() in TRUE
            case "d":
                told = datetime.fromisoformat(text.strip())
                return told if told.time() != time() else told.date()
            case "e":
                return text
        raise broken(self.kind)

    def _number(self, told: float) -> object:
        form = self.shown.formats[self.style] if self.style < len(self.shown.formats) else "number"
        if form == "date":
            return moment(told, since_1904=self.shown.since_1904)
        return timedelta(days=told) if form == "duration" else told


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


def position(name: str) -> tuple[int, int]:
    """Return the row and column of a cell's name."""
    found = _CELL.fullmatch(name)
    if not found:
        raise broken(name)
    column = 0
    for letter in found[1]:
        column = column * 26 + ord(letter) - ord("A") + 1
    return int(found[2]) - 1, column - 1


def _range(text: str) -> Range:
    first, _, last = text.partition(":")
    return (*position(first), *position(last or first))
